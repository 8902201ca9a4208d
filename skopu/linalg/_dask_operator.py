"""Products with a Dask array, one pass over its chunks each."""

import itertools

import dask
import numpy as np
import scipy.sparse

from .._utils.dask_collections import as_rows, in_task, results_of_chunks
from ._operator import Operator, pieces_in_memory

_FAN_IN = 8  # results that are added up at once


class DaskOperator(Operator):
    """A Dask array whose chunks hold whole rows, computed wherever Dask computes."""

    stored = False

    def __init__(self, A, name):
        super().__init__(A, name)
        edges = np.cumsum([0, *A.chunks[0]]).tolist()
        chunks = zip(itertools.pairwise(edges), A.to_delayed().ravel(), strict=True)
        chunks = [(slice(*edge), chunk) for edge, chunk in chunks if edge[0] < edge[1]]
        if not chunks:
            raise ValueError(f"{name} of shape {A.shape} has no rows. Give some.")
        self._rows, self._chunks = zip(*chunks, strict=True)

    def map_chunks(self, function, *arguments):
        return results_of_chunks(function, self._chunks, *arguments)

    def sums_of_rows(self, weights):
        self.count(0)
        weights = dask.delayed(weights)  # which may be large: once for all chunks
        return self.sum_over_chunks(_weighted_sum, [(weights, rows) for rows in self._rows])

    def sum_over_chunks(self, function, parts):
        """Sum of function(chunk, part), with as many parts as chunks, in a fixed order."""
        delayed = dask.delayed(in_task)
        terms = [delayed(function, *pair) for pair in zip(self._chunks, parts, strict=True)]
        while len(terms) > 1:
            groups = [terms[i : i + _FAN_IN] for i in range(0, len(terms), _FAN_IN)]
            terms = [dask.delayed(sum)(group) for group in groups]
        return dask.compute(terms[0])[0]

    def transposed(self):
        return _TransposedDask(self.A, self.name)

    def columns_in_memory(self):
        A = self._computed()
        for part in pieces_in_memory(A.shape[1], 8 * A.shape[0]):
            yield part, A[:, part]

    def _computed(self):
        return as_rows(self.A.compute())

    def split(self, X):
        """Pieces of X, of as many rows as the chunks have."""
        return [X[rows] for rows in self._rows]

    def _matmat(self, X):
        return np.concatenate(self.map_chunks(_product, X))

    def _rmatmat(self, X):
        return self.sum_over_chunks(_transposed_product, self.split(X))


class _TransposedDask(DaskOperator):
    """The transpose of a Dask array A whose chunks hold whole rows."""

    def __init__(self, A, name):
        super().__init__(A, name)
        self.shape = A.shape[::-1]

    def sums_of_rows(self, weights):
        self.count(0)
        return np.concatenate(self.map_chunks(_sums_of_columns, weights), axis=1)

    def _computed(self):
        return super()._computed().T

    def _matmat(self, X):
        return super()._rmatmat(X)

    def _rmatmat(self, X):
        return super()._matmat(X)


def _product(chunk, X):
    return np.asarray(chunk.astype(X.dtype, copy=False) @ X)


def _transposed_product(chunk, X):
    return np.asarray(chunk.T.astype(X.dtype, copy=False) @ X)


def _weighted_sum(chunk, weights_and_rows):
    weights, rows = weights_and_rows
    sums = weights.columns(rows) @ chunk.astype(np.float64, copy=False)
    return sums.toarray() if scipy.sparse.issparse(sums) else sums


def _sums_of_columns(chunk, weights):
    sums = weights @ chunk.astype(np.float64, copy=False).T
    return sums.toarray() if scipy.sparse.issparse(sums) else sums
