"""Principal components: skopu against scikit-learn.

    python benchmarks/pca.py --rounds 5

Contestants take turns; times are medians, "as fast" is the time of the case's first contestant over
that of this one. The loss is the variance that is missed over the least possible, less one: what
components explain is computed from the data, whatever a contestant says. Peak memory is that of
a fresh process beyond the data.

The dense case has 20,000 rows of 2000 features, float32, whose spectrum falls like j^-1/2; the
sparse one 100,000 rows of 5000 features, of which 7 % are not zero, with five hundred directions
that are stronger than noise. Batches have 1000 rows.

fbpca and torch take part where they are installed.
"""

import argparse
import time
import types

import numpy as np
import scipy.sparse
from _memory import peak_memory
from _report import write_table
from scipy.sparse.linalg import LinearOperator, svds
from sklearn.decomposition import PCA, IncrementalPCA
from sklearn.preprocessing import StandardScaler

from skopu import OPUPCA

try:
    import fbpca
except ImportError:
    fbpca = None
try:
    import torch
except ImportError:
    torch = None

K = 50


def dense():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((20_000, 2000), np.float32)
    mixing = np.linalg.qr(rng.standard_normal((2000, 2000), np.float32))[0]
    return (rows * np.arange(1, 2001, dtype=np.float32) ** -0.5) @ mixing + 3


def sparse(n_rows=100_000, n_features=5000):
    """Counts of words of documents, each about a few of 500 subjects."""
    rng = np.random.default_rng(0)
    blocks = []
    weights = rng.gamma(0.2, size=(500, n_features)).astype(np.float32)
    weights /= weights.sum(axis=1, keepdims=True)
    shares = np.arange(1, 501) ** -0.7
    for _ in range(0, n_rows, 1000):
        subjects = rng.choice(500, size=(1000, 3), p=shares / shares.sum())
        chances = weights[subjects].mean(axis=1)
        blocks.append(scipy.sparse.csr_matrix(rng.poisson(380 * chances).astype(np.float32)))
    return scipy.sparse.vstack(blocks).tocsr()


def in_batches(estimator, X):
    for start in range(0, X.shape[0], 1000):
        estimator.partial_fit(X[start : start + 1000])
    return estimator


def _found(components):
    """What is found, as an estimator holds it."""
    return types.SimpleNamespace(components_=components)


def _fbpca(X):
    np.random.seed(0)  # noqa: NPY002, the only way to seed it
    return _found(fbpca.pca(X, K, raw=False)[2])


def _pca_lowrank(X):
    torch.manual_seed(0)
    # It asks for a rank somewhat too large: as much as scikit-learn's and our own.
    V = torch.pca_lowrank(torch.from_numpy(X), q=K + 10)[2]
    return _found(V[:, :K].numpy().T)


def _centred_svds(X):
    """By PROPACK, since ARPACK on a centred operator is what scikit-learn's solver is."""
    mean = np.asarray(X.mean(axis=0)).ravel()
    operator = LinearOperator(
        X.shape,
        matvec=lambda v: X @ v.ravel() - mean @ v.ravel(),
        rmatvec=lambda u: X.T @ u.ravel() - mean * u.sum(),
        dtype=X.dtype,
    )
    return _found(svds(operator, K, solver="propack", random_state=0)[2])


# torch.pca_lowrank makes a dense array of a sparse matrix's means, as large as a dense copy.
FBPCA = {} if fbpca is None else {"fbpca": _fbpca}
TORCH = {} if torch is None else {"torch.pca_lowrank": _pca_lowrank}
CASES = {
    "dense 20000 x 2000": (
        dense,
        {
            "PCA, randomized": lambda X: PCA(K, svd_solver="randomized", random_state=0).fit(X),
            "PCA, covariance_eigh": lambda X: PCA(K, svd_solver="covariance_eigh").fit(X),
            "OPUPCA": lambda X: OPUPCA(K, random_state=0).fit(X),
            "OPUPCA, tol=1e-3": lambda X: OPUPCA(K, tol=1e-3, random_state=0).fit(X),
            **FBPCA,
            **TORCH,
        },
    ),
    "dense 20000 x 2000, batches": (
        dense,
        {
            "IncrementalPCA": lambda X: in_batches(IncrementalPCA(K), X),
            "OPUPCA": lambda X: in_batches(OPUPCA(K, random_state=0), X),
        },
    ),
    "sparse 100000 x 5000": (
        sparse,
        {
            "PCA, arpack": lambda X: PCA(K, svd_solver="arpack", random_state=0).fit(X),
            "OPUPCA": lambda X: OPUPCA(K, random_state=0).fit(X),
            "OPUPCA, tol=1e-3": lambda X: OPUPCA(K, tol=1e-3, random_state=0).fit(X),
            "svds, propack, centred": _centred_svds,
            **FBPCA,
        },
    ),
}


def _data(case, _):
    return case, CASES[case][0]()


class _Run:
    def __init__(self, name):
        self.name = name

    def __call__(self, prepared):
        case, X = prepared
        return CASES[case][1][self.name](X)


def explained(pca, X):
    """Variance along the components, from the data themselves."""
    components = np.asarray(pca.components_, np.float32)
    along = X @ components.T
    return float(along.var(axis=0, dtype=np.float64, ddof=1).sum())


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--output", default="pca.csv")
    args = parser.parse_args()
    rows = []
    for case in args.cases:
        make, contestants = CASES[case]
        X = make()
        scaler = StandardScaler(with_mean=not scipy.sparse.issparse(X)).fit(X)
        total = float(scaler.var_.sum()) * X.shape[0] / (X.shape[0] - 1)
        times = {name: [] for name in contestants}
        found = {}
        for _ in range(args.rounds):
            for name, fit in contestants.items():
                start = time.perf_counter()
                found[name] = fit(X)
                times[name].append(time.perf_counter() - start)
        missed = {name: total - explained(pca, X) for name, pca in found.items()}
        least = min(missed.values())
        first = np.median(next(iter(times.values())))
        for name in contestants:
            rows.append(
                {
                    "case": case,
                    "contestant": name,
                    "seconds": round(float(np.median(times[name])), 2),
                    "as fast": round(float(first / np.median(times[name])), 2),
                    "loss": f"{missed[name] / least - 1:.1e}",
                    "peak MiB": round(peak_memory(_data, _Run(name), case, None)),
                    "data MiB": round(getattr(X, "nbytes", 0) / 2**20) or round(12 * X.nnz / 2**20),
                }
            )
            print(rows[-1], flush=True)
    write_table(rows, args.output)


if __name__ == "__main__":
    main()
