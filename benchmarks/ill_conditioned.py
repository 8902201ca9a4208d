"""Log-determinants and traces of inverses of ill-conditioned matrices.

    python benchmarks/ill_conditioned.py

A kernel matrix, a stiffness matrix of uneven coefficients (sparse), and one whose eigenvalues lie
over ten decades in random directions, for which nothing helps. Beside `skopu.opu_trace` with each
preconditioner stand NumPy's slogdet and inv, SciPy's sparse LU decomposition, and, where it is
installed, imate's stochastic Lanczos quadrature with as many products.
"""

import argparse
import time
import warnings

import numpy as np
import scipy.sparse
from _report import write_table
from scipy.sparse.linalg import splu
from sklearn.datasets import load_digits
from sklearn.metrics.pairwise import rbf_kernel

from skopu import opu_trace

try:
    import imate
except ImportError:
    imate = None

STEPS = 50


def stiffness(side, rng):
    """Five-point Laplacian with coefficients over eight decades, CSR."""
    c = 10 ** rng.uniform(-4, 4, side * side)
    index = np.arange(side * side).reshape(side, side)
    pairs = (index[:-1], index[1:]), (index[:, :-1], index[:, 1:])
    A = scipy.sparse.csr_array((side * side, side * side))
    for a, b in ((a.ravel(), b.ravel()) for a, b in pairs):
        w = np.sqrt(c[a] * c[b])
        rows, columns = np.r_[a, b, a, b], np.r_[b, a, a, b]
        A = A + scipy.sparse.csr_array((np.r_[-w, -w, w, w], (rows, columns)), A.shape)
    return scipy.sparse.csr_array(A + scipy.sparse.diags(0.01 * c))


def matrices():
    rng = np.random.default_rng(0)
    X = load_digits().data / 16
    Q = np.linalg.qr(rng.normal(size=(1500, 1500)))[0]
    logarithmic = (Q * np.logspace(0, 10, 1500)) @ Q.T
    return {
        "kernel + 1e-4": rbf_kernel(X, gamma=0.1) + 1e-4 * np.eye(len(X)),
        "stiffness": stiffness(45, rng),
        "ten decades": (logarithmic + logarithmic.T) / 2,
    }


def dense(A):
    return A.toarray() if scipy.sparse.issparse(A) else A


def decomposition(A, function):
    if function == "inv":
        return np.trace(np.linalg.inv(dense(A)))
    if scipy.sparse.issparse(A):
        factors = splu(scipy.sparse.csc_matrix(A))
        return sum(np.log(abs(part.diagonal())).sum() for part in (factors.L, factors.U))
    return np.linalg.slogdet(A)[1]


def peer(A, function, n_matvecs, seed):
    """imate's value and error; its counts of samples are those of vectors."""
    options = {
        "method": "slq",
        "lanczos_degree": STEPS,
        "min_num_samples": n_matvecs // STEPS,
        "max_num_samples": n_matvecs // STEPS,
        "return_info": True,
        "error_rtol": 1e-16,
        "verbose": False,
        "seed": seed,
    }
    if function == "log":
        value, info = imate.logdet(A, **options)
    else:
        value, info = imate.traceinv(A, **options)
    return value, info["error"]["absolute_error"] / 1.96


def row(name, function, way, exact, estimate, seeds):
    values, errors, seconds = [], [], []
    for seed in range(seeds):
        start = time.perf_counter()
        value, error = estimate(seed)
        seconds.append(time.perf_counter() - start)
        values.append(value), errors.append(error)
    off = abs(np.array(values) - exact)
    return {
        "matrix": name,
        "trace of": function,
        "by": way,
        "rms error": float(np.sqrt(np.mean(off**2)) / abs(exact)),
        "standard error": float(np.mean(errors) / abs(exact)),
        "within two %": round(
            100 * float(np.mean(off <= 2 * np.array(errors) + 1e-8 * abs(exact)))
        ),
        "seconds": float(np.median(seconds)),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--n-matvecs", type=int, default=2000)
    parser.add_argument("--output", default="ill_conditioned.csv", help="CSV file")
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # that an error is infinite stands in the table
    rows = []
    for name, A in matrices().items():
        eigenvalues = np.linalg.eigvalsh(dense(A))
        title = f"{name}, {len(eigenvalues)} rows, condition {eigenvalues[-1] / eigenvalues[0]:.0e}"
        for function, exact in (
            ("log", np.log(eigenvalues).sum()),
            ("inv", (1 / eigenvalues).sum()),
        ):
            ways = {"decomposition": lambda seed, A=A, f=function: (decomposition(A, f), 0.0)}
            for kind in (None, "diagonal", "nystrom"):
                options = {"function": function, "preconditioner": kind, "lanczos_steps": STEPS}
                ways[f"skopu, {kind}"] = lambda seed, A=A, options=options: opu_trace(
                    A, args.n_matvecs, random_state=seed, **options
                )[:2]
            if imate:
                ways["imate"] = lambda seed, A=A, f=function: peer(A, f, args.n_matvecs, seed)
            for way, estimate in ways.items():
                seeds = 1 if way == "decomposition" else args.seeds
                rows.append(row(title, function, way, exact, estimate, seeds))
                print(rows[-1], flush=True)
    write_table(rows, args.output)


if __name__ == "__main__":
    main()
