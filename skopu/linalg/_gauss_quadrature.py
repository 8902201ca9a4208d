"""Gauss quadrature by tridiagonal matrices, and distributions that have the same moments.

A measure on the eigenvalues of a symmetric matrix, as a vector sees them, is known by the
tridiagonal matrix that the Lanczos process makes of it: its ``diagonal`` of k entries and its
``coupling`` of k - 1 beside them.
"""

import numpy as np

_CERTAIN = 1e-30  # weight of a point that is as good as none


def gauss_quadrature(diagonal, coupling):
    """Ascending nodes and weights, both (n_vectors, k), of stacks (n_vectors, k or k - 1)."""
    k = diagonal.shape[1]
    T = np.zeros((len(diagonal), k, k))
    T[:, range(k), range(k)] = diagonal
    T[:, range(1, k), range(k - 1)] = coupling  # of which eigh reads the lower triangle
    nodes, vectors = np.linalg.eigh(T)
    return nodes, vectors[:, 0, :] ** 2


def christoffel_function(diagonal, coupling, x):
    """Largest weight (len(x),) that a point x can have in a measure with the same moments.

    One over the sum of the squares of the orthonormal polynomials of degree below k.
    """
    previous, last = np.zeros_like(x), np.ones_like(x)
    total, below = np.ones_like(x), 0.0
    for centre, above in zip(diagonal[:-1], coupling, strict=True):
        with np.errstate(over="ignore", invalid="ignore"):  # where x is far, or infinite
            following = ((x - centre) * last - below * previous) / above
            following = np.where(total < 1 / _CERTAIN, following, 0.0)
            total += following**2
        previous, last, below = last, following, above
    return 1 / total


def share_up_to(nodes, weights, uncertain, x):
    """Share (len(x),) of a measure that lies up to x, from its quadrature.

    Moments leave open how a node's weight is spread. Of all measures that have them, the share up
    to a node is at least the weights of the nodes before, and at most its own weight more, and
    the middle of both is taken. Between nodes, what is ``uncertain`` is the weight that a point
    can have there: half of it is taken off past a node, and put on before the next one.
    """
    n_before = np.searchsorted(nodes, x, side="right")
    position = np.interp(x, nodes, np.arange(len(nodes)))
    before = np.concatenate([[0.0], np.cumsum(weights)])[n_before]
    return before + uncertain * (position - n_before + 0.5)
