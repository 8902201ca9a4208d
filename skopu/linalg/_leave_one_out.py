"""The trace in a space and outside of it, each random vector left out of the space in turn."""

import math

import numpy as np

from .._utils.arrays import as_type, like, numpy_dtype
from ._tall_blocks import forms, inner, qr

# Found by benchmarks/trace_errors.py.
_IN_SPACE = 0.3  # of the spread, that it is too small by where all of the trace is in the space
_FALLING, _FLAT = 0.2, 0.5  # directions left over those that equal eigenvalues would make


def leave_one_out(X, span, factors, multiply):
    """XTrace of one or more matrices B = C'D from products with independent vectors.

    Each column of ``span`` must come from the same column of X alone; together they
    should lie in the leading eigenspace of B. ``factors`` are pairs C @ X, D @ X, and
    ``multiply(Q)`` gives the pairs C @ Q, D @ Q. For B = A itself, C = 1 and D = A.

    Returns
    -------
    values : ndarray of shape (n_factors, m)
        Unbiased estimates of each trace, one for each column of X: the trace in the space
        of the other columns of span, and a quadratic form of what is left of x outside.
    widening : float
        What the standard error of a mean over values of the first trace, taken as if they
        were independent, must be multiplied by.
    """
    n, m = X.shape
    dtype = numpy_dtype(X)
    Q, R = qr(as_type(span, np.float64))
    in_space = multiply(as_type(Q, dtype))
    S = lost_directions(R, np.finfo(dtype).eps)
    # What is left of each x outside the space that it had no part in.
    X = as_type(X, np.float64)
    W = inner(Q, X, map)
    along = forms(S, W)
    M = like(W - S * along, X)
    left = X - Q @ M
    gram = inner(left, left, map)
    squares = gram.diagonal()
    weights = np.divide(n - m + 1, squares, out=np.zeros(m), where=squares > 0)
    cosines = (S.T @ S) ** 2
    geometry = _widening_by_geometry(n, cosines, along, gram, weights)
    S = like(S, X)
    values = np.empty((len(factors), m))
    for i, products in enumerate(zip(factors, in_space, strict=True)):
        (CX, DX), (CQ, DQ) = ([as_type(Y, np.float64) for Y in pair] for pair in products)
        outside = weights * forms(CX - CQ @ M, DX - DQ @ M)
        inside = forms(CQ, DQ).sum() - forms(CQ @ S, DQ @ S)
        values[i] = inside + outside
        if i == 0:
            parts = abs(forms(CQ, DQ)).sum(), abs(outside).mean()
            near_rank = _widening_near_the_rank(inner(CQ, DQ, map), cosines, parts[1])
    shared = parts[0] / sum(parts) if any(parts) else 0.0
    # The space follows the matrix as well, which geometry does not know. (The jackknife, the other
    # way to tell, is two to three times too large.)
    return values, max(geometry * (1 + _IN_SPACE * shared), near_rank)


def lost_directions(R, eps):
    """Directions that the span of Q @ R loses without each column of it, as columns of Q.

    They are columns of R^-T, scaled. If R is singular to rounding, any direction that R does not
    see will do.
    """
    U, sizes, Vt = np.linalg.svd(R)
    sizes = np.maximum(sizes / sizes[0], eps) if sizes[0] > 0 else sizes + 1
    S = U @ (Vt / sizes[:, None])
    return S / np.linalg.norm(S, axis=0)


def _widening_near_the_rank(restricted, cosines, outside):
    """The same where the eigenvalues end abruptly, or nearly, soon after those in the space.

    Value i then holds the squared length of image i outside of the others' span, which
    `_widening_by_cosines` is for. A spectrum that falls leaves out small eigenvalues in much the
    same direction each time, and its values are less correlated; the trace outside is then many
    times the smallest eigenvalue inside.
    """
    unit = abs(restricted).max() or 1.0  # of numbers whose sums may be too large
    eigenvalues = np.linalg.eigvalsh(restricted / unit + restricted.T / unit) / 2
    if not (eigenvalues[0] > 0 or eigenvalues[-1] < 0) or outside <= 0:
        return 1.0
    flatness = abs(eigenvalues).min() * _n_left_out(cosines) / (outside / unit)
    return _widening_by_cosines(cosines, min(max((flatness - _FALLING) / (_FLAT - _FALLING), 0), 1))


def _widening_by_cosines(cosines, share):
    """Standard error of the mean over the one from the spread, of values 1 / (G^-1)_ii.

    cosines are (G^-1)_ij^2 / ((G^-1)_ii (G^-1)_jj). Of a Wishart matrix G with q + m - 1 degrees of
    freedom, they are 1 / (q + 1) on average, and the correlation of two values is 1 / (q + 3); of
    other random Gram matrices it is about that, or a share of it. With q found from the cosines
    themselves, 1 / (q + 2) comes nearer to what was measured.
    """
    return widening_by_correlation(len(cosines), share / (_n_left_out(cosines) + 2))


def widening_by_correlation(m, correlation):
    """Standard error of the mean over the one from the spread, of m values of equal correlation."""
    return math.sqrt((1 + (m - 1) * correlation) / (1 - correlation))


def mean_cosine(cosines):
    """Mean of the squared cosines of different vectors, of a square array of all."""
    m = len(cosines)
    mean = (cosines.sum() - cosines.trace()) / max(m * (m - 1), 1)
    return min(max(mean, np.finfo(float).eps), 1)


def _n_left_out(cosines):
    """Effective number of directions that are left to each vector by the others."""
    return 1 / mean_cosine(cosines) - 1


def _widening_by_geometry(n, cosines, along, gram, weights):
    """Standard error of the mean of XTrace's values over the one from their spread.

    Value i is <A, C_i>, where C_i is the projector on the space without direction s_i, plus
    w_i l_i l_i'; s_i' l_i is ``along``, and l_i' l_j is ``gram``. If A looks the same from all
    sides, the covariance of the values is in proportion to <C_i - 1, C_j - 1>. For a mean of
    independent values this gives 1, but values from a space that is a good part of all n
    dimensions share it.
    """
    m = len(weights)
    inside = weights * along**2
    K = m - 2 - n + cosines + np.add.outer(inside, inside) * (1 - cosines)
    K += np.multiply.outer(weights, weights) * gram**2
    common = K.sum()
    spread = m * K.trace() - common
    return math.sqrt((m - 1) * common / spread) if n > m > 1 and common > 0 < spread else 1.0


def with_rounding(standard_error, value, dtype):
    """Standard error that is never below what rounding does."""
    return math.hypot(standard_error, 4 * np.finfo(dtype).eps * abs(value))
