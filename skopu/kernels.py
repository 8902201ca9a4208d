"""Exact kernels that optical random features converge to.

Each takes two matrices of samples, or two single samples as 1-d arrays, so that it can
be the ``kernel`` of `KernelRidge`, `SVC`, `Nystroem` and
`sklearn.metrics.pairwise.pairwise_kernels`. All of these but SVC call a kernel once for
every pair of dense samples: ``kernel="precomputed"`` with a matrix made here is much
faster, and the way for sparse samples. Where scikit-learn dispatches by the array API, arrays
of PyTorch and CuPy are taken and returned, on their device.
"""

import math
import numbers

import numpy as np
import scipy.sparse
from scipy.special import gammaln, hyp2f1
from sklearn.metrics.pairwise import check_pairwise_arrays
from sklearn.utils.extmath import row_norms, safe_sparse_dot

from ._arrays import (
    as_type,
    check_same_place,
    dispatched,
    is_foreign,
    like,
    namespace,
    numpy_dtype,
    to_numpy,
)


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
    .. [1] Y. Cho and L. K. Saul, "Kernel methods for deep learning",
        NIPS 2009.

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
    if Y is not None and (dispatched(X) or dispatched(Y)):
        X, Y = (Z if dispatched(Z) else np.asarray(Z) for Z in (X, Y))
        check_same_place(X, Y, ("X", "Y"))
    if single:
        X, Y = (Z[None, :] if dispatched(Z) else np.reshape(Z, (1, -1)) for Z in (X, Y))
    X, Y = check_pairwise_arrays(X, Y)
    same = X is Y
    dtype = numpy_dtype(X)
    if dtype == np.float32:  # angles near 0 need the digits
        X = as_type(X, np.float64)
        Y = X if same else as_type(Y, np.float64)
    X, X_norms = _normalize(X)
    Y, Y_norms = (X, X_norms) if same else _normalize(Y)
    cosines = safe_sparse_dot(X, Y.T, dense_output=True)
    xp = namespace(cosines)
    cosines = xp.clip(cosines, -1, 1)
    if same:  # exactly 1, where rounding would be magnified by the arc cosine
        diagonal = like(np.eye(cosines.shape[0], dtype=bool), cosines)
        cosines = xp.where(diagonal, as_type(X_norms > 0, np.float64), cosines)
    kernel = angular(cosines, degree)
    kernel *= (X_norms[:, None] * Y_norms) ** degree
    kernel = as_type(kernel, dtype)
    return float(kernel[0, 0]) if single else kernel


def _normalize(X):
    """Unit rows, zero rows left as they are, and the norms."""
    sparse = scipy.sparse.issparse(X)
    norms = 1.0
    # By the largest entry first, whose square may be too large or too small for a float.
    for measure in (_largest, _norms):
        sizes = measure(X)
        norms = norms * sizes
        sizes = namespace(sizes).where(sizes > 0, sizes, 1.0)
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
    return namespace(X).max(abs(X), axis=1)


def _norms(X):
    return namespace(X).sqrt(namespace(X).sum(X * X, axis=1)) if is_foreign(X) else row_norms(X)


def _speckle_angular(cosines, degree):
    squares = cosines**2
    if degree == 2:
        return 1 + squares
    # SciPy's function is NumPy's alone.
    series = hyp2f1(-degree / 2, -degree / 2, 1, to_numpy(squares))
    return like(np.exp(2 * gammaln(1 + degree / 2)) * series, cosines)


def _arc_cosine_angular(cosines, degree):
    xp = namespace(cosines)
    angles = xp.acos(cosines) if is_foreign(cosines) else np.arccos(cosines)
    if degree == 0:
        return 1 - angles / math.pi
    sines = xp.sqrt((1 - cosines) * (1 + cosines))
    if degree == 1:
        return (sines + (math.pi - angles) * cosines) / math.pi
    return (3 * sines * cosines + (math.pi - angles) * (1 + 2 * cosines**2)) / math.pi
