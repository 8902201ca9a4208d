"""Trace of a matrix, or of a function of it, from products with random vectors."""

import math
import warnings
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._utils.arrays import as_type, like, numpy_dtype
from .._utils.checks import check_count
from ..optics import GaussianMedium
from ..optics.opu import resolve_opu
from ._lanczos import MatrixFunction
from ._operator import Operator
from ._operators import check_operator
from ._random_vectors import next_exposure, probes, random_matrix, scaled_to, sketch_rows
from ._tall_blocks import forms, inner, qr


class Estimate(NamedTuple):
    """A random estimate.

    Attributes
    ----------
    value : float
        The estimate.
    standard_error : float
        Standard deviation of its error, estimated from the same products.
    n_matvecs : int
        Number of products of the matrix with a vector that were made.
    """

    value: float
    standard_error: float
    n_matvecs: int


def opu_trace(
    A,
    n_matvecs=100,
    *,
    method="xtrace",
    function=None,
    lanczos_steps=20,
    opu=None,
    random_state=None,
):
    """Trace of A, or of a function of A, from a few products with random vectors.

    Parameters
    ----------
    A : {ndarray, memmap, CSR or CSC matrix, LinearOperator} of shape (n, n)
        Real matrix; symmetric where ``function`` is given, any otherwise.
    n_matvecs : int, default=100
        Most products of A with a vector.
    method : {"xtrace", "hutch++", "hutchinson", "sketch"}, default="xtrace"
        How they are spent. With m products, each error is for a symmetric A:

        - "hutchinson" [1]_: mean of m quadratic forms x'Ax. Error about sqrt(2 / m) times
          the Frobenius norm of A less its mean eigenvalue.
        - "hutch++" [2]_: a third of the products find the leading eigenspace, whose trace
          is exact, another third; the last one is "hutchinson" on the rest. Error O(1 / m).
        - "xtrace" [3]_: "hutch++" with all vectors used for both, each left out of the
          space in its turn. The most accurate of all as soon as the spectrum falls.
        - "sketch" [4]_: tr(R'AR) / m from the rows of A sent through the device, as the
          optical machine makes it; R is read from it as well. About as accurate as
          "hutchinson", and the same where A has no rows to show: for an operator or a
          function.
    function : {"log", "exp", "sqrt", "inv"} or callable, default=None
        Estimate tr f(A) instead; "log" is the log-determinant. A callable takes an array
        of eigenvalues to a real array of the same shape. All methods take all functions.
    lanczos_steps : int, default=20
        Products with A that a product with f(A) costs at most, where a function is given:
        m above is then n_matvecs // lanczos_steps; at least 4. More steps suit
        ill-conditioned A; the standard error includes an estimate of what further steps
        would change, and is infinite where they are too few for one.
    opu : OPU, default=None
        The device. None is an ideal one with a `GaussianMedium`. Of a layered medium one
        mode per block is used: modes of a block are not independent.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None.

    Returns
    -------
    value : float
        Estimate of the trace.
    standard_error : float
        Standard deviation of its error, estimated; infinite where the Lanczos process has not
        converged.
    n_matvecs : int
        Number of products that were made, at most the number asked for.

    Raises
    ------
    ValueError
        If A is not square, complex or contains NaN; is not symmetric, or has eigenvalues
        where the function is not defined; or n_matvecs is too small for the method.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If the trace of a function still changes with the number of Lanczos steps, or, for
        "inv", the smallest eigenvalue that they find does, and matters. The standard error is
        then infinite.

    Notes
    -----
    The error is itself estimated, from m values, for "xtrace" m / 2 and for "hutch++" m / 3
    of them. If these are fewer than 20, take intervals from Student's t distribution. Values
    of "xtrace" share their space, and the error is widened for it; still it is up to half too
    small where n_matvecs / 2 comes close to the rank of A without reaching it.

    "xtrace" and "hutch++" take probes as rotation invariant, which those read by a camera of
    two bits or less are not: their bias is then a few per cent of the part of the trace
    outside the space.

    Noise of variance s^2 in the camera's reading of a random vector would multiply a
    quadratic form by 1 + s^2. It does so through the vector's length alone, and lengths are
    known: each vector is scaled to sqrt(n), which removes the bias, and the random
    lengths' part of the variance with it. In a "sketch", A's rows and R are read in different
    frames, whose noise is independent and leaves no bias.

    Lanczos vectors are reorthogonalised in full. x'f(A)x by the Lanczos process is
    stochastic Lanczos quadrature [5]_.

    References
    ----------
    .. [1] M. F. Hutchinson, "A stochastic estimator of the trace of the influence matrix
       for Laplacian smoothing splines", Commun. Stat. Simul. Comput. 18, 1989.
    .. [2] R. A. Meyer et al., "Hutch++: optimal stochastic trace estimation",
        SOSA 2021.
    .. [3] E. N. Epperly, J. A. Tropp and R. J. Webber, "XTrace: making the most of every
       sample in stochastic trace estimation", SIAM J. Matrix Anal. Appl. 45, 2024.
    .. [4] D. Hesslow et al., "Photonic co-processors in HPC: using LightOn OPUs for
       Randomized Numerical Linear Algebra", Hot Chips 33, 2021.
    .. [5] S. Ubaru, J. Chen and Y. Saad, "Fast estimation of tr(f(A)) via stochastic
       Lanczos quadrature", SIAM J. Matrix Anal. Appl. 38, 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.linalg import opu_trace
    >>> A = np.diag(0.5 ** np.arange(200.0))
    >>> value, standard_error, n_matvecs = opu_trace(A, n_matvecs=100, random_state=0)
    >>> round(value, 6), n_matvecs
    (2.0, 100)
    >>> B = np.diag(np.linspace(1, 2, 200))
    >>> logdet = opu_trace(B, 400, method="hutchinson", function="log", random_state=0)
    >>> bool(abs(logdet.value - np.linalg.slogdet(B)[1]) < 3 * logdet.standard_error)
    True
    """
    operator = check_operator(A, square=True)
    opu = resolve_opu(opu, random_state, medium=GaussianMedium)
    n_matvecs = check_count(n_matvecs, "n_matvecs")
    if method not in _METHODS:
        raise ValueError(f"method must be one of {sorted(_METHODS)}, got {method!r}.")
    estimate, least = _METHODS[method]
    multiplied, n_products, cost = operator, n_matvecs, 1
    if function is not None:
        multiplied = MatrixFunction(operator, function, lanczos_steps)
        cost = multiplied.n_steps
        n_products //= cost
    if n_products < least:
        raise ValueError(
            f'method="{method}" takes at least {least} products'
            + (f" with f(A), of {cost} products with A each" if function is not None else "")
            + f", so n_matvecs must be at least {least * cost}, got {n_matvecs}."
        )
    value, standard_error = estimate(multiplied, opu, n_products)
    if function is not None:
        truncation, converges = multiplied.truncation()
        standard_error = math.hypot(standard_error, truncation)
        if not converges:
            warnings.warn(
                f"{cost} Lanczos steps are too few for this function of A: its trace still "
                "changes, and nothing tells by how much: the standard error is infinite. Raise "
                "lanczos_steps, and n_matvecs with it, or add a multiple of the identity to A.",
                ConvergenceWarning,
                stacklevel=2,
            )
    return Estimate(float(value), float(standard_error), operator.n_matvecs)


def _mean(samples):
    """Mean and its standard error, also of samples whose squares no float holds."""
    unit = abs(samples).max() or 1.0
    return samples.mean(), (samples / unit).std(ddof=1) / math.sqrt(len(samples)) * unit


def _hutchinson(A, opu, m):
    X = A.asarray(probes(opu, A.shape[0], m, A.dtype))
    with A.threads():
        return _mean(forms(X, A.matmat(X)))


def _sketch(A, opu, m):
    if not isinstance(A, Operator) or not A.has_rows:
        return _hutchinson(A, opu, m)
    n = A.shape[0]
    opu = opu.with_independent_modes(n, m)
    # Not by sending A R through the glass again: column i would put n times the mean light
    # on mode i, more than a camera can read.
    test = A.asarray(random_matrix(opu, n, m, A.dtype))
    return _mean(forms(test, sketch_rows(opu, A, m, next_exposure(opu))))


def _hutch_plus_plus(A, opu, m):
    n = A.shape[0]
    rank = min(m // 3, n)
    n_probes = 0 if rank == n else m - 2 * rank
    X = A.asarray(probes(opu, n, rank + n_probes, A.dtype))
    with A.threads():
        Q, _ = qr(A.matmat(X[:, :rank]))
        exact = forms(Q, A.matmat(Q)).sum()
        if rank == n:
            return exact, np.finfo(A.dtype).eps * abs(exact)
        X = X[:, rank:]
        X = scaled_to(X - Q @ (Q.T @ X), n - rank)
        rest, standard_error = _mean(forms(X, A.matmat(X)))
    return exact + rest, standard_error


def _xtrace(A, opu, m):
    n = A.shape[0]
    X = A.asarray(probes(opu, n, min(m // 2, n), A.dtype))
    with A.threads():
        images = A.matmat(X)
        values, widening = leave_one_out(X, images, [(X, images)], lambda Q: [(Q, A.matmat(Q))])
    value, spread = _mean(values[0]) if len(values[0]) > 1 else (values[0][0], 0.0)
    return value, with_rounding(spread * widening, value, A.dtype)


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


# The estimator and the least number of products that it takes.
_METHODS = {
    "hutchinson": (_hutchinson, 2),
    "sketch": (_sketch, 2),
    "hutch++": (_hutch_plus_plus, 4),
    "xtrace": (_xtrace, 4),
}
