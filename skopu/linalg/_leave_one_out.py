"""The trace in a space and outside of it, each random vector left out of the space in turn."""

import math

import numpy as np

from .._utils.arrays import as_type, like, numpy_dtype
from ._tall_blocks import forms, inner, qr


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
    # Without column i of span, the space loses one direction: column i of R^-T, scaled. If
    # R is singular to rounding, any direction that R does not see will do.
    U, sizes, Vt = np.linalg.svd(R)
    sizes = np.maximum(sizes / sizes[0], np.finfo(dtype).eps) if sizes[0] > 0 else sizes + 1
    S = U @ (Vt / sizes[:, None])
    S /= np.linalg.norm(S, axis=0)
    # What is left of each x outside the space that it had no part in.
    X = as_type(X, np.float64)
    W = inner(Q, X, map)
    along = forms(S, W)
    M = like(W - S * along, X)
    left = X - Q @ M
    gram = inner(left, left, map)
    squares = gram.diagonal()
    weights = np.divide(n - m + 1, squares, out=np.zeros(m), where=squares > 0)
    geometry = _widening_by_geometry(n, S, along, gram, weights)
    S = like(S, X)
    values = np.empty((len(factors), m))
    for i, products in enumerate(zip(factors, in_space, strict=True)):
        (CX, DX), (CQ, DQ) = ([as_type(Y, np.float64) for Y in pair] for pair in products)
        outside = weights * forms(CX - CQ @ M, DX - DQ @ M)
        inside = forms(CQ, DQ).sum() - forms(CQ @ S, DQ @ S)
        values[i] = inside + outside
        if i == 0:
            parts = abs(forms(CQ, DQ)).sum(), abs(outside).mean()
    shared = parts[0] / sum(parts) if any(parts) else 0.0
    # The space follows the matrix as well, which geometry does not know: measured over
    # spectra that decay like j^-1/2 to j^-4 and 0.7^j, the spread is too small by 30 % where
    # nearly all of the trace is in the space, and in proportion where less is. (The
    # jackknife, the other way to tell, is two to three times too large.)
    return values, geometry * (1 + 0.3 * shared)


def _widening_by_geometry(n, S, along, gram, weights):
    """Standard error of the mean of XTrace's values over the one from their spread.

    Value i is <A, C_i>, where C_i is the projector on the space without direction s_i, plus
    w_i l_i l_i'; s_i' l_i is ``along``, and l_i' l_j is ``gram``. If A looks the same from all
    sides, the covariance of the values is in proportion to <C_i - 1, C_j - 1>. For a mean of
    independent values this gives 1, but values from a space that is a good part of all n
    dimensions share it.
    """
    m = len(weights)
    cosines = (S.T @ S) ** 2
    inside = weights * along**2
    K = m - 2 - n + cosines + np.add.outer(inside, inside) * (1 - cosines)
    K += np.multiply.outer(weights, weights) * gram**2
    common = K.sum()
    spread = m * K.trace() - common
    return math.sqrt((m - 1) * common / spread) if n > m > 1 and common > 0 < spread else 1.0


def with_rounding(standard_error, value, dtype):
    """Standard error that is never below what rounding does."""
    return math.hypot(standard_error, 4 * np.finfo(dtype).eps * abs(value))
