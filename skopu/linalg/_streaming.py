"""What a single pass over the rows of a matrix keeps of it."""

import functools
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.sparsefuncs import mean_variance_axis

from .._utils.arrays import as_type, backend_of, namespace, to_numpy
from ._nystrom import nystrom
from ._random_vectors import random_matrix
from ._tall_blocks import chunks, largest_length


class Moments(NamedTuple):
    """Number and mean of rows, and the sum of their squared distances from it."""

    count: int
    mean: np.ndarray
    spread: float

    def merge(self, other):
        """Moments of both (T. F. Chan, G. H. Golub and R. J. LeVeque, 1982)."""
        count = self.count + other.count
        shift = other.mean - self.mean
        between = self.count * other.count / count * (shift @ shift)
        mean = self.mean + shift * (other.count / count)
        return Moments(count, mean, self.spread + other.spread + between)


def moments(operator):
    """Moments of the rows of an `Operator` with entries, which are read once."""
    operator.count(0)
    return functools.reduce(Moments.merge, operator.map_chunks(_moments))


def _moments(X):
    if issparse(X):
        mean, variance = mean_variance_axis(X, axis=0)
        return Moments(X.shape[0], mean.astype(np.float64), variance.sum() * X.shape[0])
    if not backend_of(X).is_numpy:
        xp = namespace(X)
        X = as_type(X, np.float64)
        mean = xp.mean(X, axis=0)
        return Moments(X.shape[0], to_numpy(mean), float(xp.sum((X - mean) ** 2)))
    total = Moments(0, np.zeros(X.shape[1]), 0.0)
    for rows in chunks(*X.shape):
        part = X[rows]
        spread = part.var(axis=0).sum(dtype=np.float64) * len(part)
        total = total.merge(Moments(len(part), part.mean(axis=0, dtype=np.float64), spread))
    return total


def check_squares(size, n_rows, dtype):
    """Raise ValueError where no float of dtype holds the variance of n_rows of that length."""
    square, limits = float(size) * float(size), np.finfo(dtype)
    if size > 0 and not float(limits.tiny) * n_rows <= square <= float(limits.max):
        raise ValueError(
            f"Entries of X are so {'large' if size > 1 else 'small'} that {dtype} does not hold "
            "their squares. Scale X first, for example by its largest entry."
        )


class Stream(NamedTuple):
    """Sketch A.T @ (A @ test) of all rows so far, how long A @ test is, and their moments."""

    test: np.ndarray
    sketch: np.ndarray
    size: float
    moments: Moments
    dtype: np.dtype  # the coarsest of all rows

    @classmethod
    def empty(cls, opu, n_features, width):
        test = np.linalg.qr(random_matrix(opu, n_features, width, np.float64))[0]
        return cls(
            test, np.zeros_like(test), 0.0, Moments(0, np.zeros(n_features), 0.0), np.dtype(float)
        )

    def add(self, operator):
        """The stream with the rows of an `Operator` added; this one stays as it is."""
        with operator.threads():
            image = operator.matmat(operator.asarray(self.test.astype(operator.dtype)))
            size = max(self.size, largest_length(image))
            check_squares(size, self.moments.count + operator.shape[0], operator.dtype)
            sketch = self.sketch + to_numpy(operator.rmatmat(image))
        dtype = min(self.dtype, operator.dtype, key=lambda dtype: dtype.itemsize)
        return Stream(self.test, sketch, size, self.moments.merge(moments(operator)), dtype)

    def decompose(self, n_components):
        """Largest singular values, and right singular vectors as rows."""
        values, vectors = nystrom(self.sketch, self.test, self.dtype)
        return np.sqrt(values[:n_components]), vectors[:, :n_components].T
