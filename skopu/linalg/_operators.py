"""One way to multiply by anything: arrays, memory maps, sparse matrices and operators."""

import contextlib
import mmap
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import LinearOperator

from .._arrays import as_type, is_foreign, like, memory_explained, numpy_dtype
from .._dask import check_dask, is_dask
from ..optics._rows import (
    all_finite,
    as_array,
    own_threads,
    pieces,
    real_dtype,
    run_pieces,
    widen_sparse,
)

_PIECE_BYTES = 2**26  # of a dense matrix that is read at once
_PANEL = 16  # columns that a thread scatters a sparse product into: a cache line of them


def check_operator(A, name="A", square=False):
    """Return A, real and not empty, as an `Operator`; matrices are not copied."""
    if is_dask(A):
        A = check_dask(A, name, known_rows=True)
    elif not isinstance(A, LinearOperator) and not scipy.sparse.issparse(A):
        A = as_array(A, name)
    real_dtype(A, name, "Treat the real and the imaginary part of a complex matrix separately.")
    if len(A.shape) != 2 or 0 in A.shape:
        raise ValueError(
            f"{name} must be 2-d, with at least one row and one column, got shape {A.shape}."
        )
    if square and A.shape[0] != A.shape[1]:
        raise ValueError(f"{name} must be square, got shape {A.shape}.")
    if isinstance(A, LinearOperator):
        return _Linear(A, name)
    if is_dask(A):
        from ._dask import DaskOperator  # an extra

        return DaskOperator(A, name)
    if scipy.sparse.issparse(A):
        A = widen_sparse(A)
        A = A if A.format in ("csr", "csc") else A.tocsr()
        if not A.has_canonical_format:
            A = A.copy()
            A.sum_duplicates()
        return _Sparse(A, name)
    return _Array(A, name) if is_foreign(A) else _Dense(A, name)


class Operator:
    """Checked products with a real matrix A, counted.

    ``matmat`` and ``rmatmat`` take and return 2-d arrays of ``dtype``, which is float32 or
    float64. ``n_matvecs`` counts their columns, ``n_passes`` how often A was read. ``stored``
    tells whether the entries of A are at hand, ``has_rows`` whether they can be read at all.
    """

    stored = has_rows = True

    def __init__(self, A, name):
        self.A = A
        self.name = name
        self.shape = A.shape
        self.dtype = np.dtype(np.float32 if numpy_dtype(A) == np.float32 else np.float64)
        self.n_matvecs = self.n_passes = 0
        self.done = lambda: None

    def asarray(self, values):
        """NumPy's values as an array of the kind that products are."""
        return values

    @property
    def sample(self):
        """An empty array of that kind."""
        return self.asarray(np.empty(0))

    @contextlib.contextmanager
    def threads(self):
        """What runs pieces of work, like `map`, while there are products with A."""
        yield map  # one by one: the BLAS has its own threads

    def map_chunks(self, function, *arguments):
        """List of function(chunk, *arguments) for all chunks of rows, here one of all rows."""
        return [function(self.A, *arguments)]

    def matmat(self, X):
        """A @ X."""
        return self._checked(self._matmat, X, self.shape[0], "product")

    def rmatmat(self, X):
        """A.T @ X."""
        return self._checked(self._rmatmat, X, self.shape[1], "transposed product")

    def count(self, n_matvecs):
        """Note that A is read once, for that many products with a vector, and say so to done."""
        self.n_matvecs += n_matvecs
        self.n_passes += 1
        self.done()

    def _checked(self, multiply, X, n_rows, which):
        if X.shape[1] == 0:
            return np.empty((n_rows, 0), self.dtype)
        self.count(X.shape[1])
        with np.errstate(over="ignore", invalid="ignore"):
            Y = multiply(X)
        if not isinstance(Y, np.ndarray) or Y.shape != (n_rows, X.shape[1]):
            raise ValueError(
                f"A {which} of {self.name}, of shape {self.shape}, with an array of shape "
                f"{X.shape} must be an array of shape {(n_rows, X.shape[1])}, got "
                f"{type(Y).__name__} of shape {np.shape(Y)}. Mend its matvec, matmat, rmatvec "
                "or rmatmat."
            )
        if np.iscomplexobj(Y):
            raise ValueError(f"{self.name} must be real, but a {which} with it is complex.")
        check_finite(Y, f"A {which} with {self.name}")
        return Y.astype(self.dtype, copy=False)


class _Dense(Operator):
    """An array or a memory map, read piece by piece along its contiguous axis.

    So a memory map is read once in a product, not several times, and a matrix of integers
    is never converted as a whole.
    """

    def _matmat(self, X):
        return self._product(self.A, X)

    def _rmatmat(self, X):
        return self._product(self.A.T, X)

    def _product(self, A, X):
        result = np.zeros((A.shape[0], X.shape[1]), self.dtype)
        by_rows = in_row_order(A)
        length, across = A.shape if by_rows else A.shape[::-1]
        for part in pieces_in_memory(length, across * self.dtype.itemsize):
            if by_rows:
                np.matmul(A[part].astype(self.dtype, copy=False), X, out=result[part])
            else:
                result += A[:, part].astype(self.dtype, copy=False) @ X[part]
        return result


class _Array(Operator):
    """An array of another library than NumPy, on its device."""

    def __init__(self, A, name):
        super().__init__(A, name)
        self.A = as_type(A, self.dtype)

    def asarray(self, values):
        return like(values, self.A)

    def _checked(self, multiply, X, n_rows, which):
        self.count(X.shape[1])
        with memory_explained():
            Y = multiply(as_type(X, self.dtype))
        check_finite(Y, f"A {which} with {self.name}")
        return Y

    def _matmat(self, X):
        return self.A @ X

    def _rmatmat(self, X):
        return self.A.T @ X


class _Sparse(Operator):
    """A CSR or CSC matrix, multiplied by several threads without a copy of it."""

    _run, _n_pieces = None, 4

    @contextlib.contextmanager
    def threads(self):
        with own_threads() as n_threads, ThreadPoolExecutor(n_threads) as pool:
            self._run, self._n_pieces = pool.map, 4 * n_threads
            try:
                yield self._run
            finally:
                del self._run, self._n_pieces

    def _matmat(self, X):
        return self._product(self.A, X)

    def _rmatmat(self, X):
        return self._product(self.A.T, X)

    def _product(self, A, X):
        result = np.empty((A.shape[0], X.shape[1]), np.result_type(A.dtype, X.dtype))
        if A.format == "csr":  # threads share rows
            X = np.ascontiguousarray(X)

            def work(rows):
                start, stop = A.indptr[rows.start], A.indptr[rows.stop]
                indptr = A.indptr[rows.start : rows.stop + 1] - start
                part = A.data[start:stop], A.indices[start:stop], indptr
                shape = rows.stop - rows.start, A.shape[1]
                result[rows] = scipy.sparse.csr_matrix(part, shape, copy=False) @ X

            size = -(-len(result) // self._n_pieces)
            run_pieces(work, pieces(len(result), size), self._run)
        else:  # and columns of the result

            def work(columns):
                result[:, columns] = A @ np.ascontiguousarray(X[:, columns])

            run_pieces(work, pieces(X.shape[1], _PANEL), self._run)
        return result


class _Linear(Operator):
    """A SciPy LinearOperator."""

    stored = has_rows = False

    def _matmat(self, X):
        return _own(self.A.matmat(X))

    def _rmatmat(self, X):
        try:
            return _own(self.A.rmatmat(X))
        except (NotImplementedError, TypeError) as error:  # SciPy raises either
            raise ValueError(
                f"{self.name} gives no transposed products: {error!r}. Give the LinearOperator "
                "an rmatvec or rmatmat."
            ) from error


def _own(Y):
    """A copy: an operator may return its argument, a view of it or a buffer of its own."""
    return Y.copy() if isinstance(Y, np.ndarray) else Y


def pieces_in_memory(length, line_bytes):
    """Slices that cover range(length), of as many lines of a matrix as are read at once."""
    return pieces(length, max(1, _PIECE_BYTES // line_bytes))


def in_row_order(A):
    """Whether neighbours in a row of an array lie closer in memory than in a column."""
    return abs(A.strides[0]) >= abs(A.strides[1])


def is_memory_map(A):
    """Whether an array's values lie in a file."""
    while isinstance(A, np.ndarray):
        A = A.base
    return isinstance(A, mmap.mmap)


def check_finite(values, name):
    """Raise ValueError where values hold NaN or infinity."""
    if not all_finite(values):
        raise ValueError(
            f"{name} contains NaN or infinity, or overflows {values.dtype}. Impute, drop or "
            "scale entries first."
        )
