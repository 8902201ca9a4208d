import numpy as np
import scipy.sparse

from skopu import OPUTruncatedSVD, count_triangles, opu_lstsq, opu_matmul, opu_trace


def _matrix(rows, columns, values, seed=0):
    rng = np.random.default_rng(seed)
    U, _ = np.linalg.qr(rng.standard_normal((rows, len(values))))
    V, _ = np.linalg.qr(rng.standard_normal((columns, len(values))))
    return (U * values) @ V.T


class SVD:
    """Rank 20 of a dense and of a sparse matrix."""

    params = [["dense", "sparse"]]
    param_names = ["matrix"]

    def setup(self, matrix):
        if matrix == "dense":
            self.A = _matrix(4000, 1000, np.arange(1, 1001.0) ** -0.5).astype(np.float32)
        else:
            rng = np.random.default_rng(0)  # scipy.sparse.random permutes all places: 3 GB
            places, values = rng.integers(20_000, size=(2, 200_000)), rng.random(200_000, "f4")
            self.A = scipy.sparse.coo_matrix((values, places), (20_000, 20_000)).tocsr()
        self.model = OPUTruncatedSVD(20, random_state=0)

    def time_fit(self, matrix):
        self.model.fit(self.A)

    def peakmem_fit(self, matrix):
        self.model.fit(self.A)

    def track_energy(self, matrix):
        found = self.model.fit(self.A).singular_values_
        best = scipy.sparse.linalg.svds(self.A, 20, return_singular_vectors=False)
        return float(np.sum(found**2) / np.sum(best**2))

    track_energy.unit = "captured energy / best"


class Trace:
    """One hundred products with a matrix of falling spectrum."""

    params = [["hutchinson", "hutch++", "xtrace"]]
    param_names = ["method"]

    def setup(self, method):
        self.values = np.arange(1, 1001.0) ** -2
        Q, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((1000, 1000)))
        self.A = (Q * self.values) @ Q.T

    def time_trace(self, method):
        opu_trace(self.A, 100, method=method, random_state=0)

    def track_error(self, method):
        errors = [
            opu_trace(self.A, 100, method=method, random_state=seed).value - self.values.sum()
            for seed in range(10)
        ]
        return float(np.sqrt(np.mean(np.square(errors))) / self.values.sum())

    track_error.unit = "relative rms error"


class Graph:
    """Triangles of a graph with communities."""

    def setup(self):
        rng = np.random.default_rng(0)
        community = np.arange(2000) // 50
        odds = np.where(community[:, None] == community, 0.5, 0.002)
        A = np.triu(rng.random(odds.shape) < odds, 1).astype(float)
        self.A = scipy.sparse.csr_matrix(A + A.T)
        self.exact = (self.A @ self.A).multiply(self.A).sum() / 6

    def time_triangles(self):
        count_triangles(self.A, 100, method="estimate", random_state=0)

    def time_exact(self):
        count_triangles(self.A, method="exact")

    def track_error(self):
        counts = [
            count_triangles(self.A, 100, method="estimate", random_state=seed).value
            for seed in range(10)
        ]
        return float(np.sqrt(np.mean((np.array(counts) / self.exact - 1) ** 2)))

    track_error.unit = "relative rms error"


class Sketches:
    """Least squares and a sketched product."""

    def setup(self):
        self.A = _matrix(20_000, 200, np.logspace(0, -6, 200))
        self.b = self.A @ np.ones(200) + np.random.default_rng(1).standard_normal(20_000)

    def time_lstsq(self):
        opu_lstsq(self.A, self.b, random_state=0)

    def peakmem_lstsq(self):
        opu_lstsq(self.A, self.b, random_state=0)

    def time_matmul(self):
        opu_matmul(self.A, self.A, 500, random_state=0)
