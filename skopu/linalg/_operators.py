"""One way to multiply by anything: arrays, memory maps, sparse matrices and operators."""

import contextlib

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import LinearOperator

from .._utils.arrays import backend_of, numpy_dtype
from .._utils.checks import check_finite, check_matrix
from .._utils.dask_collections import is_dask
from .._utils.threads import SharedContext, pieces, product_threads, run_pieces
from ._operator import Operator, add_sums, in_row_order, pieces_in_memory

_ROWS_OF_SUMS = 2**20  # that are added up at once
_PANEL = 16  # columns that a thread scatters a sparse product into: a cache line of them


def check_operator(A, name="A", square=False):
    """Return A, real and not empty, as an `Operator`; matrices are not copied."""
    return operator_of(check_matrix(A, name, square), name)


def operator_of(A, name):
    """`Operator` of what `check_matrix` or `validate_matrix` has returned."""
    if isinstance(A, LinearOperator):
        return FunctionOperator(A, name)
    if is_dask(A):
        from ._dask_operator import DaskOperator  # an extra

        return DaskOperator(A, name)
    if scipy.sparse.issparse(A):
        return SparseOperator(A, name)
    return DenseOperator(A, name) if backend_of(A).is_numpy else ArrayOperator(A, name)


class DenseOperator(Operator):
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


class ArrayOperator(Operator):
    """An array of another library than NumPy, on its device."""

    def __init__(self, A, name):
        super().__init__(A, name)
        self.backend = backend_of(A)
        self.A = self.backend.as_type(A, self.dtype)

    def asarray(self, values):
        return self.backend.asarray(values)

    def _checked(self, multiply, X, n_rows, which):
        self.count(X.shape[1])
        with self.backend.memory_explained():
            Y = multiply(self.backend.as_type(X, self.dtype))
        check_finite(Y, f"A {which} with {self.name}")
        return Y

    def _matmat(self, X):
        if numpy_dtype(self.A) == self.dtype:
            return self.A @ X
        return self.backend.namespace.concat([part @ X for _, part in self._widened()], axis=0)

    def _rmatmat(self, X):
        if numpy_dtype(self.A) == self.dtype:
            return self.A.T @ X
        return sum(part.T @ X[rows, :] for rows, part in self._widened())

    def _widened(self):
        """Slices of rows, and these in ``dtype``, where that was changed: never all at once."""
        for rows in pieces_in_memory(self.shape[0], self.shape[1] * self.dtype.itemsize):
            yield rows, self.backend.as_type(self.A[rows, :], self.dtype)


class SparseOperator(Operator):
    """A CSR or CSC matrix, multiplied by several threads without a copy of it."""

    _run, _n_pieces = None, 4

    def __init__(self, A, name):
        super().__init__(A, name)
        self.threads = SharedContext(self._pool)

    @contextlib.contextmanager
    def _pool(self):
        with product_threads() as (self._run, n_threads):
            self._n_pieces = 4 * n_threads
            try:
                yield self._run
            finally:
                del self._run, self._n_pieces

    def sums_of_rows(self, weights):
        total = self._no_sums(weights)
        for rows in pieces(self.shape[0], _ROWS_OF_SUMS):
            total += (weights.columns(rows) @ self.A[rows]).toarray()
        return total

    def columns_in_memory(self):
        by_columns = self.A.tocsc()
        for part in pieces_in_memory(self.shape[1], 1 + 12 * self.A.nnz // self.shape[1]):
            yield part, by_columns[:, part]

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


class FunctionOperator(Operator):
    """A SciPy LinearOperator, which gets copies: it may write to its argument."""

    stored = has_rows = False

    def transposed(self):
        return _TransposedFunction(self.A, self.name)

    def columns_in_memory(self):
        for part in pieces_in_memory(self.shape[1], 8 * self.shape[0]):
            units = np.eye(self.shape[1], part.stop - part.start, -part.start, self.dtype)
            yield part, self.matmat(units)

    def sums_of_rows(self, weights):
        total = self._no_sums(weights)
        for columns, product in self.columns_in_memory():
            for rows in pieces_in_memory(self.shape[0], 8 * (columns.stop - columns.start)):
                add_sums(total[:, columns], weights.columns(rows), product[rows])
        return total

    def _matmat(self, X):
        return _own(self.A.matmat(X.copy()))

    def _rmatmat(self, X):
        try:
            return _own(self.A.rmatmat(X.copy()))
        except (NotImplementedError, TypeError) as error:  # SciPy raises either
            raise ValueError(
                f"{self.name} gives no transposed products: {error!r}. Give the LinearOperator "
                "an rmatvec or rmatmat."
            ) from error


class _TransposedFunction(FunctionOperator):
    """The transpose of a LinearOperator A."""

    def __init__(self, A, name):
        super().__init__(A, name)
        self.shape = A.shape[::-1]

    def _matmat(self, X):
        return super()._rmatmat(X)

    def _rmatmat(self, X):
        return super()._matmat(X)


def _own(Y):
    """A copy: an operator may return its argument, a view of it or a buffer of its own."""
    return Y.copy() if isinstance(Y, np.ndarray) else Y
