"""Exact numbers of triangles: tr(S^3) / 6 of a symmetric S that is held, with zero diagonal."""

import numpy as np
import scipy.sparse

from .._utils.arrays import as_type, namespace
from .._utils.threads import n_threads, run_pieces
from ._operator import pieces_in_memory

# What a count costs beside products of S with a vector in the estimate, all that these entail
# included. Measured on two cores, with estimates of 200 products: one multiplication of entries
# took as long as 5 to 11 of the estimate's on five sparse graphs of 4000 to 100,000 nodes (7.9 for
# the collaborations ca-GrQc, 7.4 for a Facebook graph), and dense products of n vectors as long as
# 0.16 n to 0.39 n of its, for n from 300 to 3000.
_SPARSE, _DENSE = 8, 0.3
_PIECES = 2**21  # entries of products of sparse matrices that all threads hold, about 32 MiB


def exact_count(S):
    """What counts S, a sparse matrix or an array, with the `cost` of it."""
    return SparseCount(S) if scipy.sparse.issparse(S) else DenseCount(S)


class DenseCount:
    """By the product of an array with itself, some rows at a time."""

    def __init__(self, S):
        self._S = S
        self.cost = _DENSE * S.shape[0]  # in products of S with a vector

    def count(self):
        """The number, exact up to 2**50 where entries are small integers."""
        S, xp, total = as_type(self._S, np.float64), namespace(self._S), 0.0
        for rows in pieces_in_memory(S.shape[0], 8 * S.shape[0]):
            total += float(xp.sum((S[rows, :] @ S) * S[rows, :]))
        return total / 6


class SparseCount:
    """By products of a triangle of S, nodes in the order of their degrees.

    Row i of U leads to the nodes of larger degree, which few nodes have many of. Each triangle is
    found once, by U @ U at its node of least degree or by U.T @ U at that in the middle.
    """

    def __init__(self, S):
        self._U = U = _upper_by_degree(S)
        n_out = np.diff(U.indptr).astype(np.float64)
        n_in = np.bincount(U.indices, minlength=U.shape[0])
        self.transposed = bool(n_out @ n_out < n_in @ n_out)
        n_multiplications = n_out @ n_out if self.transposed else n_in @ n_out
        self.cost = _SPARSE * n_multiplications / max(2 * U.nnz, 1)  # in products with a vector

    def count(self):
        """The number, exact up to 2**53 where entries are integers."""
        U = self._U
        left = U.T.tocsr() if self.transposed else U
        slices = rows_in_pieces(left, U)
        parts = np.zeros(len(slices))

        def work(i):
            rows = slices[i]
            parts[i] = (left[rows] @ U).multiply(U[rows]).sum()

        run_pieces(work, range(len(slices)))
        return float(parts.sum())


def _upper_by_degree(S):
    """Entries of S between nodes in the order of their degrees, above the diagonal, as CSR."""
    S = S.tocoo()
    stored = S.data != 0
    rows, columns, data = S.row[stored], S.col[stored], S.data[stored].astype(np.float64)
    rank = np.empty(S.shape[0], S.col.dtype)
    rank[np.argsort(np.bincount(rows, minlength=len(rank)), kind="stable")] = range(len(rank))
    rows, columns = rank[rows], rank[columns]
    above = rows < columns
    return scipy.sparse.csr_matrix((data[above], (rows[above], columns[above])), S.shape)


def rows_in_pieces(left, right):
    """Slices of rows of left @ right, each with few entries beside those of one row."""
    n, n_right = left.shape[0], np.diff(right.indptr)
    before = np.r_[0, np.cumsum(n_right[left.indices])]  # each entry of left
    sizes = np.minimum(np.diff(before[left.indptr]), n)
    ends = np.cumsum(sizes)
    size = max(1, _PIECES // n_threads())
    cuts = np.searchsorted(ends, np.arange(size, ends[-1], size), side="right")
    edges = np.unique(np.r_[0, cuts, n])
    return [slice(*edge) for edge in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)]
