"""Diagonal of a matrix, or of a function of it, from products with random vectors."""

import math
from typing import NamedTuple

import numpy as np

from .._utils.arrays import as_type, like, namespace
from .._utils.checks import check_count
from ..optics import GaussianMedium
from ..optics.opu import resolve_opu
from ._lanczos import MatrixFunction, check_products, checked_truncation
from ._leave_one_out import lost_directions
from ._operators import check_operator
from ._random_vectors import probes
from ._symmetry import asymmetry
from ._tall_blocks import forms, qr
from ._unit_vectors import diagonal_entries

_MOST_WIDENING = 1.5  # by the covariance of values: up to 1.5 was seen
_HALF = 4 / 3  # of the widening at half the vectors, that at all of them


class DiagonalEstimate(NamedTuple):
    """A random estimate of a diagonal.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Attributes
    ----------
    value : ndarray of shape (n,)
        The estimate.
    standard_error : ndarray of shape (n,)
        Standard deviation of the error of each entry, estimated from the same products.
    n_matvecs : int
        Number of products of the matrix with a vector that were made.

    See Also
    --------
    skopu.opu_diagonal : Returns it.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.linalg import opu_diagonal
    >>> A = np.ones((100, 100)) + np.diag(np.arange(100.0))
    >>> found = opu_diagonal(A, 50, method="hutchinson", random_state=0)
    >>> bool(np.mean(abs(found.value - np.diag(A)) < 2 * found.standard_error) > 0.9)
    True
    """

    value: np.ndarray
    standard_error: np.ndarray
    n_matvecs: int


def opu_diagonal(
    A,
    n_matvecs=100,
    *,
    method="xdiag",
    function=None,
    lanczos_steps=20,
    opu=None,
    random_state=None,
):
    """Diagonal of A, or of a function of A, from a few products with random signs.

    For example the variances of a Gaussian process or of regression coefficients, which are the
    diagonal of an inverse, leverage scores, or the subgraph centralities of a network.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Parameters
    ----------
    A : {ndarray, memmap, CSR or CSC matrix, LinearOperator, Dask array} of shape (n, n)
        Real matrix, which must be symmetric if ``function`` is given. A LinearOperator that is not
        symmetric needs transposed products for "xdiag".
    n_matvecs : int, default=100
        Maximum number of products of A with a vector. If they allow n products with A, or with its
        function, it is multiplied by n unit vectors, which is exact.
    method : {"xdiag", "hutchinson"}, default="xdiag"
        How the products are used. With m products and vectors x of random signs:

        - "hutchinson" [1]_: mean of x * (A x). The variance of an entry is the sum of the squares
          of the others in its row, over m.
        - "xdiag" [2]_: the exact diagonal in a space of m / 2 leading directions, and "hutchinson"
          on the rest, with each vector left out of the space in turn. Far more accurate if the
          spectrum falls; less so if it is flat, as near the identity.
    function : {"log", "exp", "sqrt", "inv"} or callable, default=None
        Estimate the diagonal of f(A) instead. A callable maps an array of eigenvalues to a
        real array of the same shape.
    lanczos_steps : int, default=20
        Maximum number of products with A for one product with f(A), as in `opu_trace`.
    opu : Device, default=None
        The device. None uses a `GaussianMedium` and an ideal camera.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None.

    Returns
    -------
    value : ndarray of shape (n,)
        Estimate of the diagonal; float32 if A is, else float64.
    standard_error : ndarray of shape (n,)
        Estimated standard deviation of each entry's error. For a function, it includes the
        truncation error of the trace, shared equally among the entries; infinite if the Lanczos
        process has not converged.
    n_matvecs : int
        Number of products made, at most ``n_matvecs``.

    Raises
    ------
    ValueError
        If A is not square, complex or contains NaN; is not symmetric, or has eigenvalues
        where the function is not defined; or n_matvecs is too small for the method.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If the trace of a function still changes with the number of Lanczos steps.

    See Also
    --------
    opu_trace : The sum of the diagonal, in fewer products.
    sklearn.gaussian_process.GaussianProcessRegressor : Variances by a Cholesky factorisation.

    Notes
    -----
    Values from different vectors share their space. How much wider that makes the error is
    found by comparing two independent estimates, each from half of the vectors, which takes no
    further products. If more than half of the vectors are needed to reach a step in the spectrum,
    intervals of 95 % cover about 90 %. If m / 2 - 1 is below 20, take intervals from
    Student's t distribution with that many degrees of freedom.

    References
    ----------
    .. [1] C. Bekas, E. Kokiopoulou and Y. Saad, "An estimator for the diagonal of a matrix",
       Appl. Numer. Math. 57, 2007.
    .. [2] E. N. Epperly, J. A. Tropp and R. J. Webber, "XTrace: making the most of every
       sample in stochastic trace estimation", SIAM J. Matrix Anal. Appl. 45, 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.linalg import opu_diagonal
    >>> rng = np.random.default_rng(0)
    >>> Q, _ = np.linalg.qr(rng.normal(size=(200, 200)))
    >>> A = (Q * 0.5 ** np.arange(200)) @ Q.T
    >>> found = opu_diagonal(A, n_matvecs=100, random_state=0)
    >>> bool(abs(found.value - np.diag(A)).max() < 1e-9)
    True
    >>> B = A + np.eye(200)
    >>> inverse = opu_diagonal(B, 4000, function="inv", random_state=0)
    >>> bool(np.allclose(inverse.value, np.diag(np.linalg.inv(B)), rtol=1e-4))
    True
    """
    operator = check_operator(A, square=True)
    opu = resolve_opu(opu, random_state, medium=GaussianMedium)
    n_matvecs = check_count(n_matvecs, "n_matvecs")
    if method not in _METHODS:
        raise ValueError(f"method must be one of {sorted(_METHODS)}, got {method!r}.")
    multiplied = operator
    if function is not None:
        multiplied = MatrixFunction(operator, function, lanczos_steps)
    n = operator.shape[0]
    if n_matvecs // multiplied.cost >= n:
        value = multiplied.asarray(diagonal_entries(multiplied))
        error = multiplied.asarray(np.zeros(n))
    else:
        estimate, least = _METHODS[method]
        n_products = check_products(multiplied, n_matvecs, least, method)
        with operator.threads():
            value, error = estimate(multiplied, n_products, opu)
    xp = namespace(value)
    rounding = 4 * np.finfo(operator.dtype).eps * float(xp.max(abs(value)))
    least = math.hypot(checked_truncation(multiplied, 2) / n, rounding)
    if math.isfinite(least):
        unit = max(float(xp.max(error)), least) or 1.0  # of errors whose squares no float may hold
        error = unit * xp.sqrt((error / unit) ** 2 + (least / unit) ** 2)
    else:
        error = error + least
    value, error = (as_type(each, operator.dtype) for each in (value, error))
    return DiagonalEstimate(value, error, operator.n_matvecs)


def _hutchinson(A, n_products, opu):
    X = _signs(A, n_products, opu)
    return _mean(as_type(X * A.matmat(X), np.float64))


def _xdiag(A, n_products, opu):
    X = _signs(A, n_products // 2, opu)
    images = A.matmat(X)
    Q, R = qr(as_type(images, np.float64))
    directions = as_type(Q, A.dtype)
    # So that a symmetric operator needs no transposed products.
    transposed = A.matmat if asymmetry(X, images) == 0 else A.rmatmat
    rows = as_type(transposed(directions), np.float64)
    return _widened(as_type(X, np.float64), Q, R, rows, np.finfo(A.dtype).eps)


def _widened(X, Q, R, rows, eps):
    """Estimate and error from all vectors, the error as much wider as halves show."""
    value, error = _in_space_and_outside(X, Q, R, rows, eps)
    half = R.shape[1] // 2
    if half < 2:
        return value, error * _MOST_WIDENING
    parts = []
    for some in (slice(half), slice(half, 2 * half)):
        basis, R_some = np.linalg.qr(R[:, some])
        basis = like(basis, Q)
        parts.append(_in_space_and_outside(X[:, some], Q @ basis, R_some, rows @ basis, eps))
    (first, first_error), (second, second_error) = parts
    xp = namespace(value)
    unit = max(float(xp.max(each)) for each in (first_error, second_error)) or 1.0
    said = float(xp.sum((first_error / unit) ** 2 + (second_error / unit) ** 2))
    seen = float(xp.sum(((first - second) / unit) ** 2))
    widening = 1 + _HALF * (math.sqrt(seen / said) - 1) if said > 0 else 1
    return value, error * min(max(widening, 1), _MOST_WIDENING)


def _in_space_and_outside(X, Q, R, rows, eps):
    """XDiag and its standard error, values taken as independent.

    Q @ R = A @ X, and rows = A.T @ Q.
    """
    S = lost_directions(R, eps)
    outside = like(forms(S, R), X)  # what each direction alone holds of its column's image
    S = like(S, X)
    inside = namespace(X).sum(Q * rows, axis=1)
    value, error = _mean((X * outside - rows @ S) * (Q @ S))
    return inside + value, error


def _signs(A, n, opu):
    """Random signs, by the device: in the diagonal, no length of a vector does any harm then."""
    start = A.n_probes
    A.n_probes += n
    return A.asarray(np.copysign(1, probes(opu, A.shape[0], n, A.dtype, start)))


def _mean(values):
    """Mean of columns, and its standard error."""
    xp, m = namespace(values), values.shape[1]
    if m == 1:
        return values[:, 0], xp.zeros_like(values[:, 0])
    mean = xp.mean(values, axis=1)
    unit = float(xp.max(abs(values))) or 1.0
    squares = xp.sum(((values - mean[:, None]) / unit) ** 2, axis=1)
    return mean, unit * xp.sqrt(squares / (m * (m - 1)))


_METHODS = {"xdiag": (_xdiag, 4), "hutchinson": (_hutchinson, 2)}  # and fewest products
