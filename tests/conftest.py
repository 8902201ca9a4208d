"""Settings of the whole suite."""

import importlib.metadata
import os

# Else scikit-learn skips its array API checks, which it cannot do with older versions of
# SciPy. SciPy reads it when it is first imported.
if tuple(map(int, importlib.metadata.version("scipy").split(".")[:2])) >= (1, 14):
    os.environ["SCIPY_ARRAY_API"] = "1"
os.environ.setdefault("MPLBACKEND", "agg")  # no windows
