"""Do intervals of traces and diagonals hold what they say?

    python benchmarks/trace_errors.py --seeds 400 --figure trace_errors.png

Traces and diagonals of matrices of known spectrum are estimated from the same number of random
vectors by each method. An interval of 95 % is the standard error times the quantile of Student's t
distribution for the number of values that it was estimated from. Coverage is the share of seeds,
and of diagonal entries, whose interval holds the true value; "needed" is the standard deviation of
the estimates over the root mean square of what is said.
"""

import argparse

import numpy as np
import scipy.stats
from _calibration import draw_coverage
from _report import write_table

from skopu import opu_diagonal, opu_trace

N, N_VECTORS = 300, 25
J = np.arange(1, N + 1.0)
SPECTRA = {
    "identity + slope": 2 - J / N,
    "1 / sqrt(i)": J**-0.5,
    "1 / i": 1 / J,
    "1 / i^2": J**-2,
    "1 / i^4": J**-4,
    "0.7^i": 0.7**J,
    "0.9^i": 0.9**J,
    "0.97^i": 0.97**J,
    "line to 0 at 35": np.maximum(0, 1 - J / 35),
    "40 ones, then 0.003": np.where(J <= 40, 1, 0.003),
    "steps of 50": 0.5 ** ((J - 1) // 50),
    "rank 25": np.where(J <= 25, 1.0, 0),
    "rank 26": np.where(J <= 26, 1.0, 0),
    "rank 28": np.where(J <= 28, 1.0, 0),
    "rank 30": np.where(J <= 30, 1.0, 0),
    "rank 60": np.where(J <= 60, 1.0, 0),
}
# Products for each vector, and values that are averaged.
METHODS = {
    "hutchinson": (1, N_VECTORS),
    "hutch++": (3, N_VECTORS),
    "xtrace": (2, N_VECTORS),
    "xnystrace": (1, N_VECTORS),
}


def coverage(estimate, exact, seeds, n_vectors=N_VECTORS):
    """Coverage, and spread over what is said, of estimates by seed."""
    found = [estimate(seed) for seed in range(seeds)]
    values = np.array([each.value for each in found])
    errors = np.array([each.standard_error for each in found])
    wide = scipy.stats.t.ppf(0.975, n_vectors - 1)
    covered = np.mean(abs(values - exact) <= wide * errors)
    needed = np.sqrt(values.var(axis=0).mean() / np.mean(errors**2))
    return round(100 * float(covered), 1), round(float(needed), 2)


def draw(rows, seeds, path):
    """Covered shares of the traces. Entries of a diagonal are no seeds, and have no such bars."""
    covered = {method: [float(row[f"{method} %"]) for row in rows] for method in METHODS}
    draw_coverage([row["eigenvalues"] for row in rows], covered, seeds, path)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=400)
    parser.add_argument("--output", default="trace_errors.csv", help="CSV file")
    parser.add_argument("--figure", help="PNG file")
    args = parser.parse_args()
    rows = []
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(N, N)))[0]
    for name, spectrum in SPECTRA.items():
        A = (Q * spectrum) @ Q.T
        A = (A + A.T) / 2
        row = {"eigenvalues": name}
        for method, (each, n_vectors) in METHODS.items():
            covered, needed = coverage(
                lambda seed, A=A, method=method, n=each * n_vectors: opu_trace(
                    A, n, method=method, random_state=seed
                ),
                spectrum.sum(),
                args.seeds,
            )
            row[f"{method} %"], row[f"{method} needed"] = covered, needed
        row["xdiag %"], row["xdiag needed"] = coverage(
            lambda seed, A=A: opu_diagonal(A, 2 * N_VECTORS, random_state=seed),
            A.diagonal(),
            max(args.seeds // 4, 2),
        )
        rows.append(row)
        print(row, flush=True)
    write_table(rows, args.output)
    if args.figure:
        draw(rows, args.seeds, args.figure)


if __name__ == "__main__":
    main()
