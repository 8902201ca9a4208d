"""Checked and counted products with a matrix, whatever it is."""

import contextlib

import numpy as np

from .._utils.arrays import numpy_dtype, to_numpy
from .._utils.checks import check_finite
from .._utils.threads import pieces

_PIECE_BYTES = 2**26  # of a dense matrix that is read at once
_SUMS = 2**20  # entries of sums of rows that are added up at once


class Operator:
    """Checked products with a real matrix A, counted.

    ``matmat`` and ``rmatmat`` take and return 2-d arrays of ``dtype``, which is float32 or
    float64. ``n_matvecs`` counts their columns, ``n_passes`` how often A was read, ``n_probes`` the
    random vectors that a trace method has taken. ``stored`` tells whether the entries of A are at
    hand, ``has_rows`` whether they can be read at all.
    """

    stored = has_rows = True
    # Products with A that one with this takes, at most, and were made before; and what its trace
    # lacks. Functions of A have others.
    cost, spent, offset = 1, 0, 0.0
    known_symmetric = False  # so that no product need show it

    def __init__(self, A, name):
        self.A = A
        self.name = name
        self.shape = A.shape
        self.dtype = np.dtype(np.float32 if numpy_dtype(A) == np.float32 else np.float64)
        self.n_matvecs = self.n_passes = self.n_probes = 0
        self.done = lambda: None

    def asarray(self, values):
        """NumPy's values as an array of the kind that products are."""
        return values

    @property
    def sample(self):
        """An empty array of that kind."""
        return self.asarray(np.empty(0))

    def threads(self):
        """What runs pieces of work, like `map`, while there are products with A: a context."""
        return contextlib.nullcontext(map)  # one by one: the BLAS has its own threads

    def map_chunks(self, function, *arguments):
        """List of function(chunk, *arguments) for all chunks of rows, here one of all rows."""
        return [function(self.A, *arguments)]

    def matmat(self, X):
        """A @ X."""
        return self._checked(self._matmat, X, self.shape[0], "product")

    def rmatmat(self, X):
        """A.T @ X."""
        return self._checked(self._rmatmat, X, self.shape[1], "transposed product")

    def transposed(self):
        """`Operator` of A.T, which is not formed."""
        return type(self)(self.A.T, self.name)

    def columns_in_memory(self):
        """Slices of columns, in order, and these: pieces of A."""
        for part in pieces_in_memory(self.shape[1], 8 * self.shape[0]):
            yield part, self.A[:, part]

    def sums_of_rows(self, weights):
        """weights.columns(slice) @ A[slice], added up, in float64; A is read once, in pieces."""
        total = self._no_sums(weights)
        for rows in pieces_in_memory(self.shape[0], 8 * self.shape[1]):
            add_sums(total, weights.columns(rows), to_numpy(self.A[rows, :]))
        return self.asarray(total)

    def _no_sums(self, weights):
        """Zeros of the shape of weights @ A, in the order of columns, which are what is shown."""
        return np.zeros((weights.shape[0], self.shape[1]), order="F")

    def truncation(self):
        """What a function's products lack, see `MatrixFunction`: nothing."""
        return 0.0, True

    def count(self, n_matvecs):
        """Note that A is read once, for that many products with a vector, and say so to done."""
        self.n_matvecs += n_matvecs
        self.n_passes += 1
        self.done()

    def _checked(self, multiply, X, n_rows, which):
        if X.ndim != 2:
            raise ValueError(f"Products take 2-d arrays of columns, got shape {X.shape}.")
        if X.shape[1] == 0:
            return np.empty((n_rows, 0), self.dtype)
        self.count(X.shape[1])
        with np.errstate(over="ignore", invalid="ignore"):
            Y = multiply(X)
        if not isinstance(Y, np.ndarray) or Y.shape != (n_rows, X.shape[1]):
            raise ValueError(
                f"A {which} of {self.name}, of shape {self.shape}, with an array of shape "
                f"{X.shape} must be an array of shape {(n_rows, X.shape[1])}, got "
                f"{type(Y).__name__} of shape {np.shape(Y)}. Fix its matvec, matmat, rmatvec "
                "or rmatmat."
            )
        if np.iscomplexobj(Y):
            raise ValueError(f"{self.name} must be real, but a {which} with it is complex.")
        check_finite(Y, f"A {which} with {self.name}")
        return Y.astype(self.dtype, copy=False)


class Turned:
    """A.T for an iteration that needs products alone; they are counted by the operator of A."""

    def __init__(self, operator):
        self.shape, self.dtype = operator.shape[::-1], operator.dtype
        self.matmat, self.rmatmat = operator.rmatmat, operator.matmat


def add_sums(total, weights, rows):
    """Total += sparse weights @ rows, dense, some sums at a time."""
    weights = weights.tocsr()
    for sums in pieces(len(total), max(1, _SUMS // total.shape[1])):
        total[sums] += weights[sums] @ rows


def pieces_in_memory(length, line_bytes):
    """Slices that cover range(length), of as many lines of a matrix as are read at once."""
    return pieces(length, max(1, _PIECE_BYTES // line_bytes))


def in_row_order(A):
    """Whether neighbours in a row of an array lie closer in memory than in a column."""
    return abs(A.strides[0]) >= abs(A.strides[1])
