"""Imports point one way: ground floor, optics, what is built on it, estimators, displays."""

import ast
import pathlib
import subprocess
import sys

import pytest

import skopu

ROOT = pathlib.Path(skopu.__file__).parent
# The floors, from the bottom up; a part may import of those below it, and of itself.
FLOORS = [
    {"_version", "_utils"},
    {"optics"},
    {"bench", "kernels", "linalg"},
    {"_feature_map", "_device_mixin"},
    {"kernel_approximation", "linear_model", "decomposition", "trace", "neural_network"},
    {"inspection", "torch"},
    {"__init__"},
]
FLOOR = {part: floor for floor, parts in enumerate(FLOORS) for part in parts}


def imports(path):
    """Modules that a file imports, relative ones as absolute names."""
    package = ["skopu", *path.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            yield from (
                ".".join([*base, *([node.module] if node.module else []), alias.name])
                for alias in node.names
            )


FILES = sorted(ROOT.rglob("*.py"))


def skopu_modules(path):
    """Files of skopu that a file imports, also those inside functions."""
    for name in imports(path):
        if name.startswith("skopu."):
            parts = name.split(".")[1:]
            for tried in filter(None, (parts, parts[:-1])):
                module = ROOT.joinpath(*tried)
                files = module.with_suffix(".py"), module / "__init__.py"
                yield from (file for file in files if file.exists())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_direction(path):
    part = path.relative_to(ROOT).parts[0].removesuffix(".py")
    own = {name.split(".")[1] for name in imports(path) if name.startswith("skopu.")}
    assert all(other == part or FLOOR[other] < FLOOR[part] for other in own)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_private_scikit_learn_is_in_one_file(path):
    if path.stem != "private_sklearn":
        assert not [n for n in imports(path) if n.startswith("sklearn") and "._" in n]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pytorch_is_imported_by_its_own_part_alone(path):
    if path.relative_to(ROOT).parts[0] != "torch":
        assert "torch" not in {name.partition(".")[0] for name in imports(path)}


def test_missing_pytorch_is_told_in_a_line():
    code = (
        "import sys\nclass Missing:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'torch': raise ImportError\n"
        "sys.meta_path.insert(0, Missing())\nimport skopu.torch"
    )
    failed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    last = failed.stderr.strip().splitlines()[-1]
    assert last == "ImportError: skopu.torch needs PyTorch: python -m pip install 'skopu[torch]'."


def test_no_circle():
    graph = {path: {file for file in skopu_modules(path) if file != path} for path in FILES}
    while leaves := {path for path, others in graph.items() if not others & graph.keys()}:
        for leaf in leaves:
            del graph[leaf]
    assert not graph, "these import each other"


def test_import_is_light():
    """Nothing heavy is loaded that ``sklearn.base`` does not load."""
    code = (
        "import sys, sklearn.base\n"
        "before = set(sys.modules)\nimport skopu\n"
        "print([name for name in set(sys.modules) - before if not name.startswith('skopu')])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    heavy = {"matplotlib", "pandas", "polars", "dask", "torch", "tqdm"}
    assert not heavy & {name.strip(" '[]\n") for name in loaded.stdout.split(",")}
