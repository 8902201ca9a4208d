"""The symmetric matrix S whose tr(S^3) / 6 is what is counted of a graph."""

import numpy as np
import scipy.sparse

from .._utils.arrays import as_type, diagonal_of, namespace
from .._utils.checks import all_finite, stored_values
from ._operators import operator_of


def symmetric_adjacency(operator, weighted, directed):
    """Operator of S; ValueError where the graph is another than it is said to be.

    Entries are those of the adjacency matrix, their cube roots where they are weights, so that a
    product of three is a geometric mean; of a directed graph those of the transpose are added.
    """
    if not operator.stored:
        if weighted:
            raise ValueError(
                "weighted=True takes cube roots of the entries of adjacency, which products do not "
                "show. Give a NumPy array or a sparse matrix."
            )
        if operator.has_rows:  # chunks of a Dask array
            rows = operator.split(np.arange(operator.shape[0]))
            _check_faults(*operator.sum_over_chunks(_faults, rows))
        return _BothWays(operator) if directed else operator
    A = operator.A
    if weighted:
        _check_weights(stored_values(A))
    _check_faults(not weighted and _has_weights(A), _has_loops(A))
    if not directed:
        _check_symmetric(A)
    if not (weighted or directed):
        return operator
    S = as_type(A, operator.dtype)
    if weighted:
        S = S.power(1 / 3) if scipy.sparse.issparse(S) else S ** (1 / 3)
    return operator_of(S + S.T if directed else S, operator.name)


class _BothWays:
    """A + A' by products and transposed ones, of an operator A: two for each vector."""

    stored = False

    def __init__(self, operator):
        self._operator = operator
        self.name = "The sum of adjacency and what it gives as its transpose"
        self.shape, self.dtype, self.n_probes = operator.shape, operator.dtype, 0
        self.asarray, self.threads = operator.asarray, operator.threads

    @property
    def n_matvecs(self):
        return self._operator.n_matvecs

    def matmat(self, X):
        """(A + A') @ X."""
        return self._operator.matmat(X) + self._operator.rmatmat(X)


def _faults(chunk, rows):
    """Of rows of these numbers: 1 if there are entries that are neither 0 nor 1, and if loops."""
    return np.array([_has_weights(chunk), _has_loops(chunk[:, rows])], int)


def _has_weights(A):
    values = stored_values(A)
    return bool(namespace(values).any((values != 0) & (values != 1)))


def _has_loops(A):
    return bool(namespace(A).any(diagonal_of(A)))


def _check_faults(has_weights, has_loops):
    if has_weights:
        raise ValueError(
            "adjacency must hold zeros and ones, unless weighted=True, which takes geometric means "
            "of weights. Take (adjacency != 0) to count the triangles of the unweighted graph."
        )
    if has_loops:
        raise ValueError(
            "adjacency has self-loops (entries on its diagonal), which belong to no triangle. "
            "Set them to zero first: subtract numpy.diag or scipy.sparse.diags of its diagonal."
        )


def _check_weights(values):
    if not all_finite(values):
        raise ValueError("adjacency contains NaN or infinity, which are not weights. Remove them.")
    if namespace(values).any(values < 0):
        raise ValueError(
            "adjacency has negative weights, which have no geometric mean. Take their absolute "
            "values, or leave their edges out."
        )


def _check_symmetric(A):
    if not (abs(A - A.T).max() == 0 if scipy.sparse.issparse(A) else namespace(A).all(A == A.T)):
        raise ValueError(
            "adjacency must be symmetric, unless directed=True. Take the maximum of it and its "
            "transpose to ignore the direction of edges."
        )
