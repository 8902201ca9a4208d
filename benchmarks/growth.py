"""How time grows with size, beside what else a user could pick: a table and a figure.

    python benchmarks/growth.py --output doc/performance

writes ``growth.csv`` and ``growth.png``. Contestants take turns on the same standard normal float32
data; a time is the median over rounds, each with data and seeds of its own, and bars go from the
fastest to the slowest round. Features: n inputs to n features, a row. Singular values: rank 50 of
an n x n / 2 matrix whose singular values fall like 1 / sqrt(j), each contestant with its defaults.
Least squares: n rows of 500 columns. Log-determinant: a kernel matrix of n samples.
"""

import argparse
import pathlib
import time

import matplotlib.pyplot as plt
import numpy as np
import scipy.linalg
from _report import machine, write_table
from matplotlib.ticker import NullFormatter
from sklearn.decomposition import TruncatedSVD
from sklearn.kernel_approximation import RBFSampler
from sklearn.metrics.pairwise import rbf_kernel

from skopu import OpticalRandomFeatures, OPUTruncatedSVD, opu_lstsq, opu_trace


def features(n, seed):
    X = _normal(seed, max(64, min(1000, 2**22 // n)), n)
    per_row = 1 / len(X)
    for name, made in (
        ("skopu, rbf", OpticalRandomFeatures(n, kernel="rbf", gamma=1 / n, random_state=seed)),
        ("RBFSampler", RBFSampler(gamma=1 / n, n_components=n, random_state=seed)),
    ):
        if name == "RBFSampler" and n > 2**14:
            continue  # its matrix would take gigabytes
        yield name, made.fit(X).transform, (X,), per_row


def singular_values(n, seed):
    left, right = (
        np.linalg.qr(_normal([seed, k], rows, n // 2))[0] for k, rows in ((0, n), (1, n // 2))
    )
    A = (left * np.arange(1, n // 2 + 1, dtype=np.float32) ** -0.5) @ right
    yield "skopu", OPUTruncatedSVD(50, random_state=seed).fit, (A,), 1
    yield "TruncatedSVD", TruncatedSVD(50, random_state=seed).fit, (A,), 1


def least_squares(n, seed):
    A, b = _normal([seed, 0], n, 500).astype(float), _normal([seed, 1], n, 1)[:, 0].astype(float)
    yield "skopu", lambda A, b: opu_lstsq(A, b, random_state=seed), (A, b), 1
    yield "scipy.linalg.lstsq", scipy.linalg.lstsq, (A, b), 1


def log_determinant(n, seed):
    K = rbf_kernel(_normal(seed, n, 20).astype(float), gamma=0.05) + np.eye(n)
    options = {"method": "hutchinson", "function": "log", "random_state": seed}
    yield "skopu, 1000 products", lambda K: opu_trace(K, 1000, **options), (K,), 1
    yield "numpy.linalg.slogdet", np.linalg.slogdet, (K,), 1


TASKS = {
    "features": (features, [2**k for k in range(5, 17)], "inputs and features", "seconds a row"),
    "singular values": (singular_values, [500, 1000, 2000, 4000, 8000], "rows", "seconds"),
    "least squares": (least_squares, [2000, 8000, 32_000, 128_000], "rows", "seconds"),
    "log-determinant": (log_determinant, [250, 500, 1000, 2000, 4000, 8000], "rows", "seconds"),
}


def _normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def _timed(function, arguments):
    """Seconds of a call; of the middle one of five, if calls are short."""
    time.sleep(0.2)  # OpenBLAS's threads go on spinning for a while
    calls = []
    while len(calls) < 5 and sum(calls) < 0.2:
        start = time.perf_counter()
        function(*arguments)
        calls.append(time.perf_counter() - start)
    return float(np.median(calls))


def race(task, rounds):
    make, sizes, _, _ = TASKS[task]
    for n in sizes:
        seconds = {}
        for seed in range(rounds):
            for name, function, arguments, scale in make(n, seed):
                if seed == 0:
                    function(*arguments)  # compiled, and pages touched
                seconds.setdefault(name, []).append(scale * _timed(function, arguments))
        for name, taken in seconds.items():
            row = {"task": task, "size": n, "what": name, "seconds": float(np.median(taken))}
            yield row | {"fastest": min(taken), "slowest": max(taken), "rounds": rounds}


def draw(rows, path):
    figure, axes = plt.subplots(2, 2, figsize=(9, 7), layout="constrained")
    for (task, (_, _, what, unit)), ax in zip(TASKS.items(), axes.flat, strict=True):
        names = dict.fromkeys(row["what"] for row in rows if row["task"] == task)
        for name, style in zip(names, ("o-", "s--"), strict=True):
            mine = [row for row in rows if row["task"] == task and row["what"] == name]
            sizes, middle, low, high = (
                np.array([row[key] for row in mine])
                for key in ("size", "seconds", "fastest", "slowest")
            )
            ax.errorbar(sizes, middle, (middle - low, high - middle), fmt=style, label=name, ms=4)
        ax.set(title=task.capitalize(), xlabel=what, ylabel=unit, xscale="log", yscale="log")
        for axis in (ax.xaxis, ax.yaxis):
            low, high = axis.get_view_interval()
            axis.get_major_locator().set_params(numticks=20)
            axis.set_minor_formatter(NullFormatter())
            axis.set_view_interval(10 ** np.floor(np.log10(low)), 10 ** np.ceil(np.log10(high)))
        ax.grid(alpha=0.3)
        ax.legend(loc="upper left")
    figure.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path())
    arguments = parser.parse_args()
    print(machine())
    rows = [row for task in arguments.tasks for row in race(task, arguments.rounds)]
    write_table(rows, arguments.output / "growth.csv")
    if set(arguments.tasks) == set(TASKS):
        draw(rows, arguments.output / "growth.png")


if __name__ == "__main__":
    main()
