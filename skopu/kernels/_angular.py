"""Kernels of the angle between two samples, and of their norms."""

import numpy as np
import scipy.sparse
from sklearn.metrics.pairwise import check_pairwise_arrays
from sklearn.utils.extmath import safe_sparse_dot

from .._utils.arrays import (
    as_type,
    backend_of,
    check_same_place,
    dispatched,
    like,
    namespace,
    numpy_dtype,
)
from .._utils.checks import check_finite, numbers_alone


def angular_kernel(X, Y, degree, angular):
    """Kernel ``(|x| |y|)^degree angular(cos, degree)`` of all pairs of samples.

    Here cos is the cosine of the angle between x and y.

    Read more in the :doc:`user guide </user_guide/kernel_machines>`.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
        Samples, or one sample of shape (n_features,) if Y is one too.
    Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features) or None
        Other samples. None means X.
    degree : float
        How the kernel grows with the norms.
    angular : callable
        Maps (cosines, degree), an array and a number, to an array.

    Returns
    -------
    kernel : ndarray of shape (n_samples_X, n_samples_Y), or float for single samples
        float32 if X and Y are, else float64.

    See Also
    --------
    skopu.optical_kernel : The kernel of intensities.
    skopu.arc_cosine_kernel : The kernel of a wide layer of rectified linear units.
    sklearn.metrics.pairwise.cosine_similarity : The cosines alone.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.kernels import angular_kernel
    >>> angular_kernel(np.array([[3.0, 4.0]]), None, 1, lambda cosines, degree: cosines)
    array([[25.]])
    """
    with numbers_alone(X=X, Y=Y):
        X, Y, single = _pair(X, Y)
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
    with np.errstate(over="ignore", invalid="ignore"):
        kernel *= (X_norms[:, None] * Y_norms) ** degree
        kernel = as_type(kernel, dtype)
    check_finite(kernel, f"A kernel of degree {degree} of X and Y")
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
    backend = backend_of(X)
    return backend.namespace.sqrt(backend.row_squares(X))


def _pair(X, Y):
    """X and Y as scikit-learn checks them, and whether they are single samples."""
    single = Y is not None and not scipy.sparse.issparse(X) and np.ndim(X) == np.ndim(Y) == 1
    if Y is not None and (dispatched(X) or dispatched(Y)):
        X, Y = (Z if dispatched(Z) else np.asarray(Z) for Z in (X, Y))
        check_same_place(X, Y, ("X", "Y"))
    if single:
        X, Y = (Z[None, :] if dispatched(Z) else np.reshape(Z, (1, -1)) for Z in (X, Y))
    X, Y = (_floating(Z) if dispatched(Z) else Z for Z in (X, Y))
    return *check_pairwise_arrays(X, Y), single


def _floating(X):
    """An array of another library as float32 or float64, as scikit-learn makes NumPy's."""
    xp = namespace(X)
    return X if X.dtype in (xp.float32, xp.float64) else as_type(X, np.float64)
