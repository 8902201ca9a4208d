"""Tables, printed and written as CSV."""

import csv
import os
import platform

import numpy
import scipy
import sklearn


def machine():
    """One line about what the figures were measured on."""
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"NumPy {numpy.__version__}, SciPy {scipy.__version__}, scikit-learn {sklearn.__version__}"
    )


def write_csv(rows, path):
    """Write rows, dicts with the same keys, to path."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


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
