"""Orthonormal bases of tall blocks of columns, and their small triangular factors."""

import contextlib
import math

import numpy as np
import scipy.linalg

from .._utils.arrays import numpy_dtype
from ._tall_blocks import inner, multiply, qr, subtract, transform


def orthonormalize(Y, basis, recent, size, run, passes=1):
    """Directions that Y, which is overwritten, adds to an orthonormal basis.

    basis is a list of blocks; Y is known to have components along the last ``recent`` of
    them alone, to rounding; two passes make it orthogonal to rounding. What is below the rounding
    error of size is no direction.

    Returns
    -------
    Q : ndarray of shape (n, r)
        Orthonormal, and orthogonal to the basis, r <= Y.shape[1].
    R : ndarray of shape (r, Y.shape[1])
        ``Y = basis @ (basis.T @ Y) + Q @ R`` to rounding.
    """
    eps = np.finfo(numpy_dtype(Y)).eps
    for _ in range(passes):
        _project(Y, basis[len(basis) - recent :], run)
    Q, R, sizes = _factor(Y, eps * size, run)
    # Division by R makes rounding errors larger. Overlaps with the basis of up to the square
    # root of rounding, here of float32, leave the singular values as they are (H. D. Simon,
    # "The Lanczos algorithm with partial reorthogonalization", Math. Comp. 42, 1984).
    smallest, largest = sizes.min(initial=math.inf), sizes.max(initial=0)
    drifts = size > 3000 * smallest
    if drifts:
        _project(Q, basis, run)
    if drifts or largest > 30 * smallest:
        Q, again, _ = _factor(Q, 0.1, run)
        R = again @ R
    return Q, R


def _project(Y, basis, run):
    for block in basis:
        subtract(Y, block, inner(block, Y, run), run)


def _factor(Y, tol, run):
    """Q in place of Y, R and R's singular values, by Cholesky QR if that is accurate.

    Cholesky QR is two matrix products; its error grows with the square of the condition
    number (Y. Yamamoto et al., "Roundoff error analysis of the CholeskyQR2 algorithm",
    ETNA 44, 2015). Householder QR has none of that, and shows the rank.
    """
    dtype = numpy_dtype(Y)
    if Y.shape[1] == 0:
        return Y, np.empty((0, 0), dtype), np.empty(0, dtype)
    limits = np.finfo(dtype)
    gram = inner(Y, Y, run)
    squares = np.diag(gram)
    if np.isfinite(gram).all() and squares.min() > limits.tiny / limits.eps:
        with contextlib.suppress(np.linalg.LinAlgError):
            L = np.linalg.cholesky(gram)
            sizes = np.linalg.svd(L, compute_uv=False)
            if sizes[-1] > tol and limits.eps * (sizes[0] / sizes[-1]) ** 2 < 0.01:
                return transform(Y, np.linalg.inv(L).T, run), L.T, sizes
    Q, R = qr(Y)
    left, sizes, right = small_svd(R)
    kept = sizes > tol
    return multiply([Q], left[:, kept], run), sizes[kept, None] * right[kept], sizes[kept]


def small_svd(A):
    """Thin singular value decomposition of a small array of NumPy's.

    NumPy's way does not converge for some matrices with many equal singular values; then LAPACK's
    older way, which does.
    """
    try:
        return np.linalg.svd(A, full_matrices=False)
    except np.linalg.LinAlgError:
        return scipy.linalg.svd(A, full_matrices=False, lapack_driver="gesvd")


def small_singular_values(A):
    """Those of `small_svd`, without vectors."""
    try:
        return np.linalg.svd(A, compute_uv=False)
    except np.linalg.LinAlgError:
        return small_svd(A)[1]


def polish(Q, run):
    """Nearly orthonormal columns, overwritten, to rounding error (one Newton-Schulz step)."""
    gram = inner(Q, Q, run)
    if abs(gram - np.eye(len(gram))).max(initial=0) < 16 * np.finfo(gram.dtype).eps:
        return Q
    return transform(Q, 1.5 * np.eye(len(gram), dtype=gram.dtype) - 0.5 * gram, run)
