"""Truncated SVD: skopu against what else a user could pick.

    python benchmarks/svd.py [--newsgroups newsgroups.npz]

Contestants take turns, with a short rest in between; times are medians, "as fast" is the
time of the case's reference, scikit-learn's function or estimator with its defaults, over
the contestant's. The loss is that of the residual in the Frobenius norm, relative, over the
best possible one where the singular values are known, else over the smallest of all
contestants; captured is the sum of squared singular values over the reference's.
Orthogonality is the largest entry of U'U - 1 and V V' - 1. Peak memory is that of a fresh
process beyond the matrix. "passes" counts products with the matrix or its transpose, through
a LinearOperator where the contestant takes one.

newsgroups.npz holds data, indices, indptr and shape of the CSR matrix of word counts, rows
being documents: ``CountVectorizer().fit_transform`` of
``sklearn.datasets.fetch_20newsgroups(subset="all").data``.

fbpca, primme and torch take part where they are installed.
"""

import argparse
import math
import tempfile
import time
import warnings

import numpy as np
import scipy.sparse
from _memory import peak_memory
from _report import write_table
from scipy.sparse.linalg import aslinearoperator, svds
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.utils.extmath import randomized_svd

from skopu import OPUTruncatedSVD, opu_svd

try:
    import fbpca
except ImportError:
    fbpca = None
try:
    import primme
except ImportError:
    primme = None
try:
    import torch
except ImportError:
    torch = None


def _with_singular_values(m, n, values):
    rng = np.random.default_rng(0)
    k = len(values)
    U, _ = np.linalg.qr(rng.standard_normal((m, k), np.float32))
    V, _ = np.linalg.qr(rng.standard_normal((n, k), np.float32))
    return (U * values.astype(np.float32)) @ V.T


def _sparse(n, nnz):
    rng = np.random.default_rng(0)
    entries = rng.random(nnz, np.float32), rng.integers(n, size=(2, nnz), dtype=np.int32)
    return scipy.sparse.coo_matrix(entries, (n, n)).tocsr()


def _newsgroups(path):
    with np.load(path, allow_pickle=False) as file:
        counts = scipy.sparse.csr_matrix(
            (
                file["data"].astype(np.float32),
                file["indices"].astype(np.int32),
                file["indptr"].astype(np.int32),
            ),
            tuple(file["shape"]),
        )
    return TfidfTransformer().fit_transform(counts).astype(np.float32)


def _powers(count, exponent):
    return np.arange(1, count + 1.0) ** exponent


# Matrix, its singular values where they are known, and the rank asked for.
def case(name, path=None):
    if name == "newsgroups, rank 100":
        return _newsgroups(path), None, 100
    if name == "sparse 50000 x 50000, rank 20":
        return _sparse(50_000, 1_000_000), None, 20
    m, n, values, rank = {
        "8000 x 4000, j^-1/2, rank 100": (8000, 4000, _powers(4000, -0.5), 100),
        "2000 x 2000, 0.7^j, rank 10": (2000, 2000, 0.7 ** np.arange(2000), 10),
        "2000 x 2000, j^-1, rank 10": (2000, 2000, _powers(2000, -1), 10),
        "20000 x 500, j^-1, rank 50": (20_000, 500, _powers(500, -1), 50),
        "500 x 20000, j^-1/2, rank 50": (500, 20_000, _powers(500, -0.5), 50),
    }[name]
    return _with_singular_values(m, n, values), values, rank


CASES = [
    "8000 x 4000, j^-1/2, rank 100",
    "2000 x 2000, 0.7^j, rank 10",
    "2000 x 2000, j^-1, rank 10",
    "20000 x 500, j^-1, rank 50",
    "500 x 20000, j^-1/2, rank 50",
    "sparse 50000 x 50000, rank 20",
    "newsgroups, rank 100",
]


def _estimator(estimator):
    def decompose(A, k):
        svd = estimator(k).fit(A)
        return None, svd.singular_values_, svd.components_

    return decompose


def _svd_lowrank(A, k):
    torch.manual_seed(0)
    if scipy.sparse.issparse(A):
        parts = (torch.from_numpy(part) for part in (A.indptr, A.indices, A.data))
        tensor = torch.sparse_csr_tensor(*parts, A.shape)
    else:
        tensor = torch.from_numpy(A)
    # It asks for a rank somewhat too large: as much as scikit-learn's and our own.
    U, s, V = torch.svd_lowrank(tensor, k + 10)
    return U[:, :k].numpy(), s[:k].numpy(), V[:, :k].numpy().T


CONTESTANTS = {
    "randomized_svd": lambda A, k: randomized_svd(A, k, random_state=0),
    "TruncatedSVD": _estimator(lambda k: TruncatedSVD(k, random_state=0)),
    "TruncatedSVD, arpack": _estimator(lambda k: TruncatedSVD(k, algorithm="arpack")),
    "opu_svd": lambda A, k: opu_svd(A, k, random_state=0),
    "opu_svd, n_iter=0": lambda A, k: opu_svd(A, k, n_iter=0, random_state=0),
    "opu_svd, n_iter=2": lambda A, k: opu_svd(A, k, n_iter=2, random_state=0),
    "OPUTruncatedSVD": _estimator(lambda k: OPUTruncatedSVD(k, random_state=0)),
    "svds, arpack": lambda A, k: svds(A, k),
    "svds, propack": lambda A, k: svds(A, k, solver="propack"),
    "svds, lobpcg": lambda A, k: svds(A, k, solver="lobpcg", random_state=0),
}
if fbpca is not None:
    CONTESTANTS["fbpca"] = lambda A, k: fbpca.pca(A, k, raw=True)
if primme is not None:
    CONTESTANTS["primme"] = lambda A, k: primme.svds(A, k)
if torch is not None:
    CONTESTANTS["torch.svd_lowrank"] = _svd_lowrank
TAKE_OPERATORS = {"opu_svd", "opu_svd, n_iter=0", "opu_svd, n_iter=2", "OPUTruncatedSVD"}
TAKE_OPERATORS |= {"svds, arpack", "svds, propack", "svds, lobpcg", "primme"}


class _Counting(type(aslinearoperator(np.eye(1)))):
    """An operator that counts how often its matrix is read."""

    n_passes = 0

    def _matmat(self, X):
        self.n_passes += 1
        return self.A @ X

    def _rmatmat(self, X):
        self.n_passes += 1
        return self.A.T @ X

    _matvec, _rmatvec = _matmat, _rmatmat


def _save(A, folder):
    """A in a file, which fresh processes load faster than they make A."""
    path = f"{folder}/matrix.{'npz' if scipy.sparse.issparse(A) else 'npy'}"
    (scipy.sparse.save_npz if scipy.sparse.issparse(A) else np.save)(path, A)
    return path


def _prepare(path, rank, contestant):
    A = scipy.sparse.load_npz(path) if path.endswith("npz") else np.load(path)
    return CONTESTANTS[contestant], A, rank


def _decompose(prepared):
    contestant, A, rank = prepared
    return contestant(A, rank)


def _orthogonality(*bases):
    return max(
        float(abs(Q @ Q.T - np.eye(len(Q))).max()) for Q in bases if Q is not None and len(Q)
    )


def race(name, arguments):
    A, values, rank = case(name, arguments.newsgroups)
    reference = "randomized_svd" if values is not None else "TruncatedSVD"
    field = {
        contestant: decompose
        for contestant, decompose in CONTESTANTS.items()
        if not arguments.only or contestant in arguments.only or contestant == reference
    }
    seconds, results = {contestant: [] for contestant in field}, {}
    for _ in range(arguments.rounds):
        for contestant, decompose in field.items():
            if seconds[contestant] and max(seconds[contestant]) > arguments.patience:
                continue
            time.sleep(0.3)
            start = time.perf_counter()
            try:
                results[contestant] = decompose(A, rank)
            except np.linalg.LinAlgError as error:
                print(f"{name}: {contestant} fails: {error}", flush=True)
                seconds[contestant].append(math.inf)
                continue
            seconds[contestant].append(time.perf_counter() - start)
    energy = np.square(A.data if scipy.sparse.issparse(A) else A, dtype=np.float64).sum()
    captured = {
        contestant: float(np.square(s, dtype=np.float64).sum())
        for contestant, (_, s, _) in results.items()
    }
    residuals = {
        contestant: np.sqrt(max(energy - value, 0)) for contestant, value in captured.items()
    }
    best = min(residuals.values())
    if values is not None:
        best = np.linalg.norm(values[rank:])
        for contestant, (U, s, Vt) in results.items():
            # Where there are no left vectors, U s is the projection on the right ones.
            left = A @ Vt.T if U is None else U * s
            residuals[contestant] = np.linalg.norm(A - left @ Vt)
    medians = {contestant: float(np.median(times)) for contestant, times in seconds.items()}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = _save(A, folder)
        for contestant, (U, _, Vt) in results.items():
            passes = "-"
            if contestant in TAKE_OPERATORS:
                counting = _Counting(A)
                field[contestant](counting, rank)
                passes = counting.n_passes
            rows.append(
                {
                    "case": name,
                    "contestant": contestant,
                    "s": medians[contestant],
                    "as fast": medians[reference] / medians[contestant],
                    "loss": residuals[contestant] / best - 1,
                    "captured": captured[contestant] / captured[reference],
                    "orthogonality": _orthogonality(None if U is None else U.T, Vt),
                    "peak MiB": peak_memory(_prepare, _decompose, path, rank, contestant),
                    "passes": passes,
                }
            )
            print(rows[-1], flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--newsgroups", help="word counts, see above")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--patience", type=float, default=5, help="seconds for several rounds")
    parser.add_argument("--cases", nargs="+", help="parts of names of cases, all by default")
    parser.add_argument("--only", nargs="+", help="names of contestants, all by default")
    parser.add_argument("--output", default="svd.csv")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    names = [name for name in CASES if arguments.newsgroups or "newsgroups" not in name]
    if arguments.cases:
        names = [name for name in names if any(part in name for part in arguments.cases)]
    write_table([row for name in names for row in race(name, arguments)], arguments.output)


if __name__ == "__main__":
    main()
