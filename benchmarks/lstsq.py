"""Tall least squares: opu_lstsq against SciPy's LAPACK drivers.

    python benchmarks/lstsq.py [--rows 200000] [--columns 500]

Float64; contestants take turns, and times are medians. "residual" is that of the solution
over the smallest of all contestants, less one. Peak memory is that of a fresh process beyond
the matrix.
"""

import argparse
import time

import numpy as np
import scipy.linalg
from _memory import peak_memory
from _report import write_table

from skopu import opu_lstsq

CONTESTANTS = {
    "gelsd": lambda A, b: scipy.linalg.lstsq(A, b, lapack_driver="gelsd")[0],
    "gelsy": lambda A, b: scipy.linalg.lstsq(A, b, lapack_driver="gelsy")[0],
    "opu_lstsq": lambda A, b: opu_lstsq(A, b, random_state=0).x,
}


def _problem(m, n, condition):
    """Columns of sizes from 1 down to 1 / condition, mixed, and a right-hand side with noise."""
    rng = np.random.default_rng(0)
    mix, _ = np.linalg.qr(rng.standard_normal((n, n)))
    A = rng.standard_normal((m, n)) * np.logspace(0, -np.log10(condition), n) @ mix.T
    return A, A @ np.ones(n) + 0.01 * rng.standard_normal(m)


def _prepare(name, m, n, condition):
    return CONTESTANTS[name], *_problem(m, n, condition)


def _solve(prepared):
    solve, A, b = prepared
    return solve(A, b)


def race(condition, arguments):
    size = arguments.rows, arguments.columns
    A, b = _problem(*size, condition)
    seconds, residuals = {name: [] for name in CONTESTANTS}, {}
    for _ in range(arguments.rounds):
        for name, solve in CONTESTANTS.items():
            time.sleep(0.3)
            start = time.perf_counter()
            x = solve(A, b)
            seconds[name].append(time.perf_counter() - start)
            residuals[name] = np.linalg.norm(A @ x - b)
    del A, b
    for name, times in seconds.items():
        row = {
            "condition": condition,
            "contestant": name,
            "s": float(np.median(times)),
            "as fast as gelsd": float(np.median(seconds["gelsd"]) / np.median(times)),
            "residual": float(residuals[name] / min(residuals.values()) - 1),
            "peak MiB": peak_memory(_prepare, _solve, name, *size, condition),
        }
        print(row, flush=True)
        yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--columns", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", default="lstsq.csv")
    arguments = parser.parse_args()
    rows = [row for condition in (1e1, 1e10) for row in race(condition, arguments)]
    write_table(rows, arguments.output)


if __name__ == "__main__":
    main()
