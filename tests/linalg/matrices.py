"""Matrices of known spectrum, in every form that linear algebra takes."""

import functools

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from skopu import OPU, Camera, GaussianMedium, LayeredMedium


def orthogonal(n, k, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(n, k)))[0]


def with_singular_values(m, n, values, dtype=np.float64):
    """Dense (m, n) with these singular values, the rest 0."""
    U, V = orthogonal(m, len(values), 1), orthogonal(n, len(values), 2)
    return ((U * values) @ V.T).astype(dtype)


def symmetric(values, dtype=np.float64):
    Q = orthogonal(len(values), len(values))
    A = (Q * values) @ Q.T
    return ((A + A.T) / 2).astype(dtype)


_J = np.arange(1, 1001.0)
# The spectra that E. N. Epperly, J. A. Tropp and R. J. Webber compare estimators on, in "XTrace:
# making the most of every sample in stochastic trace estimation", 2024.
PUBLISHED = {
    "flat": 3 - 2 * (_J - 1) / 999,
    "poly": _J**-2,
    "exp": 0.7**_J,
    "step": np.where(_J <= 50, 1, 1e-3),
}


@functools.cache
def published(name):
    return symmetric(PUBLISHED[name])


def memory_map(A, path, order="C"):
    on_disk = np.memmap(path, A.dtype, "w+", shape=A.shape, order=order)
    on_disk[:] = A
    return on_disk


class Counting(LinearOperator):
    """An operator that counts its products, so that none is hidden."""

    def __init__(self, A):
        super().__init__(A.dtype, A.shape)
        self.A, self.calls = A, []

    def _matmat(self, X):
        self.calls.append(("A", X.shape[1]))
        return self.A @ X

    def _rmatmat(self, X):
        self.calls.append(("A.T", X.shape[1]))
        return self.A.T @ X

    @property
    def n_matvecs(self):
        return sum(columns for _, columns in self.calls)


FORMS = {
    "array": lambda A, path: A,
    "column order": lambda A, path: np.asfortranarray(A),
    "strided": lambda A, path: np.repeat(np.repeat(A, 2, 0), 3, 1)[::2, ::3],
    "csr": lambda A, path: scipy.sparse.csr_matrix(A),
    "csc": lambda A, path: scipy.sparse.csc_array(A),
    "coo": lambda A, path: scipy.sparse.coo_matrix(A),
    "operator": lambda A, path: aslinearoperator(A),
    "map": lambda A, path: memory_map(A, path / "map"),
    "map in column order": lambda A, path: memory_map(A, path / "map", "F"),
}


def noisy(medium=None, seed=0, **camera):
    camera = {"photons": 100, "read_noise": 0.1, **camera}
    return OPU(GaussianMedium() if medium is None else medium, Camera(**camera), random_state=seed)


def layered(seed=0, n_layers=3):
    return OPU(LayeredMedium(n_layers), random_state=seed)
