"""Imports point one way: optics, then kernels, then estimators."""

import ast
import pathlib
import subprocess
import sys

import pytest

import skopu

ROOT = pathlib.Path(skopu.__file__).parent
# What each part may import of skopu, from the bottom up.
MAY_IMPORT = {
    "_version": set(),
    "_sklearn": set(),
    "_dask": set(),
    "_arrays": set(),
    "optics": {"optics", "_arrays"},
    "kernels": {"_arrays"},
    "linalg": {"optics", "linalg", "_arrays", "_dask"},
    "_validation": {"optics", "linalg", "_arrays", "_dask"},
    "decomposition": {
        "optics",
        "linalg",
        "_arrays",
        "_dask",
        "_progress",
        "_sklearn",
        "_validation",
    },
    "trace": {"optics", "linalg", "_sklearn", "_validation"},
    "_progress": set(),
    "_features": {"optics", "kernels", "_arrays", "_progress"},
    "_ridge": {"optics", "linalg", "_progress"},
    "linear_model": {"optics", "_features", "_ridge", "_sklearn", "_validation"},
    "kernel_approximation": {
        "optics",
        "_arrays",
        "_dask",
        "_features",
        "_sklearn",
        "_validation",
    },
    "neural_network": {
        "optics",
        "linalg",
        "neural_network",
        "_progress",
        "_sklearn",
        "_validation",
    },
    "inspection": {"optics", "linalg", "kernels"},
    "__init__": {
        "_version",
        "optics",
        "kernels",
        "kernel_approximation",
        "linalg",
        "decomposition",
        "inspection",
        "linear_model",
        "trace",
        "neural_network",
    },
}


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


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_direction(path):
    part = path.relative_to(ROOT).parts[0].removesuffix(".py")
    own = {name.split(".")[1] for name in imports(path) if name.startswith("skopu.")}
    assert own <= MAY_IMPORT[part]
    if part == "optics":
        foreign = {name for name in imports(path) if name.startswith("sklearn")}
        assert foreign <= {"sklearn.base.BaseEstimator"}
    if part != "_sklearn":
        private = [n for n in imports(path) if n.startswith("sklearn") and "._" in n]
        assert not private


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
