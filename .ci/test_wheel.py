"""Install the wheel in ``dist/`` into a fresh environment and run the tests against it.

``python -m build && python .ci/test_wheel.py``, on any system. Words that follow go to pytest.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import venv

root = pathlib.Path(__file__).parents[1]
[wheel] = (root / "dist").glob("*.whl")
with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
    home = pathlib.Path(folder)
    venv.create(home / "env", with_pip=True)
    python = home / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    # Away from the checkout, so that what is imported is what is installed.
    shutil.copytree(root / "tests", home / "tests")
    shutil.copy(root / "setup.cfg", home)
    subprocess.run([python, "-m", "pip", "install", "--quiet", f"{wheel}[test]"], check=True)
    tests = subprocess.run([python, "-m", "pytest", *sys.argv[1:]], cwd=home)
sys.exit(tests.returncode)
