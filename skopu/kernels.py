"""Exact kernels that optical random features converge to.

Each takes two matrices of samples, or two single samples as 1-d arrays, so that it can
be the ``kernel`` of `KernelRidge`, `SVC`, `Nystroem` and
`sklearn.metrics.pairwise.pairwise_kernels`. All of these but SVC call a kernel once for
every pair of dense samples: ``kernel="precomputed"`` with a matrix made here is much
faster, and the way for sparse samples.
"""

import numbers

import numpy as np
import scipy.sparse
from scipy.special import gammaln, hyp2f1
from sklearn.metrics.pairwise import check_pairwise_arrays
from sklearn.utils.extmath import row_norms, safe_sparse_dot


def optical_kernel(X, Y=None, degree=2):
    """Kernel of speckle features ``|r.x|^degree`` for circular Gaussian r, E|r_i|^2 = 1.

    ``(|x| |y|)^p Gamma(1 + p/2)^2 2F1(-p/2, -p/2; 1; cos^2)``, with p the degree and cos
    that of the angle between x and y [1]_. Degree 2, intensity, is
    ``|x|^2 |y|^2 + (x.y)^2``; degree 1, modulus, is an elliptic integral.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
        Samples, or one sample of shape (n_features,) if Y is one too.
    Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features), default=None
        Other samples. None is X.
    degree : float, default=2
        Positive power.

    Returns
    -------
    kernel : ndarray of shape (n_samples_X, n_samples_Y), or float for single samples
        float32 if X and Y are, else float64. 0 where x or y is the zero vector.

    Raises
    ------
    ValueError
        If degree is not a positive number, or X and Y do not fit each other.

    References
    ----------
    .. [1] A. Saade et al., "Random projections through multiple optical scattering:
       approximating kernels at the speed of light", ICASSP 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.kernels import optical_kernel
    >>> X = np.array([[1.0, 0.0], [1.0, 1.0]])
    >>> optical_kernel(X)
    array([[2., 3.],
           [3., 8.]])
    >>> optical_kernel(X, degree=1).round(2)
    array([[1.  , 1.25],
           [1.25, 2.  ]])
    """
    check_degree(degree)
    return _from_angles(X, Y, degree, _speckle_angular)


def arc_cosine_kernel(X, Y=None, degree=1):
    """Arc-cosine kernel of order 0, 1 or 2 [1]_.

    ``(|x| |y|)^degree J(theta) / pi``, the kernel of an infinitely wide layer of units
    ``sqrt(2) max(0, w.x)^degree`` (of steps, for order 0) with standard normal w.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
        Samples, or one sample of shape (n_features,) if Y is one too.
    Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features), default=None
        Other samples. None is X.
    degree : {0, 1, 2}, default=1
        Order.

    Returns
    -------
    kernel : ndarray of shape (n_samples_X, n_samples_Y), or float for single samples
        float32 if X and Y are, else float64. The zero vector counts as orthogonal to all
        vectors and to itself: a step is 1/2 at 0.

    Raises
    ------
    ValueError
        If degree is none of these orders, or X and Y do not fit each other.

    References
    ----------
    .. [1] Y. Cho and L. K. Saul, "Kernel methods for deep learning", NIPS 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.kernels import arc_cosine_kernel
    >>> X = np.array([[1.0, 0.0], [0.0, 2.0]])
    >>> arc_cosine_kernel(X, degree=0)
    array([[1. , 0.5],
           [0.5, 1. ]])
    >>> arc_cosine_kernel(X).round(3)
    array([[1.   , 0.637],
           [0.637, 4.   ]])
    """
    check_order(degree)
    return _from_angles(X, Y, degree, _arc_cosine_angular)


def check_degree(degree):
    """Raise ValueError unless degree is a power that speckle can be raised to."""
    real = isinstance(degree, numbers.Real) and not isinstance(degree, bool | np.bool_)
    if not (real and 0 < degree < np.inf):
        raise ValueError(f"degree of the speckle kernel must be a positive number, got {degree!r}.")


def check_order(degree):
    """Raise ValueError unless degree is an order of the arc-cosine kernel."""
    integer = isinstance(degree, numbers.Integral) and not isinstance(degree, bool | np.bool_)
    if not (integer and degree in (0, 1, 2)):
        raise ValueError(f"degree of the arc_cosine kernel must be 0, 1 or 2, got {degree!r}.")


def _from_angles(X, Y, degree, angular):
    """``(|x| |y|)^degree angular(cos, degree)`` over all pairs."""
    single = Y is not None and not scipy.sparse.issparse(X) and np.ndim(X) == np.ndim(Y) == 1
    if single:
        X, Y = np.reshape(X, (1, -1)), np.reshape(Y, (1, -1))
    X, Y = check_pairwise_arrays(X, Y)
    same = X is Y
    dtype = X.dtype
    if dtype == np.float32:  # angles near 0 need the digits
        X = X.astype(np.float64)
        Y = X if same else Y.astype(np.float64)
    X, X_norms = _normalize(X)
    Y, Y_norms = (X, X_norms) if same else _normalize(Y)
    cosines = np.clip(safe_sparse_dot(X, Y.T, dense_output=True), -1, 1)
    if same:  # exactly 1, where rounding would be magnified by the arc cosine
        np.fill_diagonal(cosines, X_norms > 0)
    kernel = angular(cosines, degree)
    kernel *= np.outer(X_norms, Y_norms) ** degree
    kernel = kernel.astype(dtype, copy=False)
    return float(kernel[0, 0]) if single else kernel


def _normalize(X):
    """Unit rows, zero rows left as they are, and the norms."""
    sparse = scipy.sparse.issparse(X)
    norms = 1.0
    # By the largest entry first, whose square may be too large or too small for a float.
    for measure in (_largest, row_norms):
        sizes = measure(X)
        norms = norms * sizes
        sizes = np.where(sizes > 0, sizes, 1)
        if sparse:
            X = scipy.sparse.csr_matrix(
                (X.data / np.repeat(sizes, np.diff(X.indptr)), X.indices, X.indptr), X.shape
            )
        else:
            X = X / sizes[:, None]
    return X, norms


def _largest(X):
    if scipy.sparse.issparse(X):
        return abs(X).max(axis=1).toarray().ravel()
    return np.abs(X).max(axis=1)


def _speckle_angular(cosines, degree):
    squares = cosines**2
    if degree == 2:
        return 1 + squares
    return np.exp(2 * gammaln(1 + degree / 2)) * hyp2f1(-degree / 2, -degree / 2, 1, squares)


def _arc_cosine_angular(cosines, degree):
    angles = np.arccos(cosines)
    if degree == 0:
        return 1 - angles / np.pi
    sines = np.sqrt((1 - cosines) * (1 + cosines))
    if degree == 1:
        return (sines + (np.pi - angles) * cosines) / np.pi
    return (3 * sines * cosines + (np.pi - angles) * (1 + 2 * cosines**2)) / np.pi
