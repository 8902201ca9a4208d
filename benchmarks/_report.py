"""Tables, printed and written as CSV."""

import contextlib
import csv
import importlib.util
import math
import os
import pathlib
import platform
import re

import numpy
import scipy
import sklearn
import threadpoolctl

MODULES = {"NumPy": numpy, "SciPy": scipy, "scikit-learn": sklearn}


def machine():
    """One line about what the figures were measured on."""
    versions = ", ".join(f"{name} {module.__version__}" for name, module in MODULES.items())
    python = platform.python_version()
    return f"{processor()}, {os.cpu_count()} cores, Python {python}, {versions}, engine {engine()}"


def processor():
    """The processor's name, the widest vectors that NumPy uses, and what OpenBLAS takes it for."""
    name = platform.processor() or platform.machine()
    information = pathlib.Path("/proc/cpuinfo")
    if information.exists():
        names = re.search(r"^model name\s*: (.*)$", information.read_text(), re.MULTILINE)
        name = names.group(1) if names else name
    core = getattr(numpy, "_core", None) or numpy.core
    has = core._multiarray_umath.__cpu_features__.get
    bits = 512 if has("AVX512F") or has("AVX512_SKX") else 256 if has("AVX2") else 128
    kinds = {pool.get("architecture") for pool in threadpoolctl.threadpool_info()} - {None}
    return f"{name} ({bits} bits, OpenBLAS for {' and '.join(sorted(kinds)) or 'what it finds'})"


def engine():
    """The engine that layered media use here."""
    numba = importlib.util.find_spec("numba") and os.environ.get("SKOPU_ENGINE") != "scipy"
    return "numba" if numba else "scipy"


def write_csv(rows, path):
    """Write rows, dicts with the same keys, to path."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def read_csv(path):
    """Rows that write_csv wrote, with numbers as numbers."""
    with open(path, newline="", encoding="utf-8") as file:
        return [{name: _number(cell) for name, cell in row.items()} for row in csv.DictReader(file)]


def _number(cell):
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(cell)
    return cell


def joined(mean, spread, n, more):
    """Mean and standard deviation of n values, of which only these two are known, and more."""
    n_all = n + len(more)
    total = float(n * mean + sum(more)) / n_all
    squares = (n - 1) * spread**2 + n * (mean - total) ** 2 if n else 0.0
    squares += sum((value - total) ** 2 for value in more)
    return round(total, 3), round(math.sqrt(squares / (n_all - 1)), 3) if n_all > 1 else 0.0


def write_table(rows, path):
    """Print rows, dicts with the same keys, and write them to path as CSV."""
    names = list(rows[0])
    write_csv(rows, path)
    table = [names, *([_format(row[name]) for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))
    print(f"({machine()}; written to {path})")


def _format(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)
