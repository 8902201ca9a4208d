"""Trace of a matrix, or of a function of it, from products with random vectors."""

import math
from typing import NamedTuple

import numpy as np

from .._utils.checks import check_choice, check_count, check_positive
from ..optics import GaussianMedium
from ..optics.opu import resolve_opu
from ._lanczos import check_products, checked_truncation
from ._leave_one_out import with_rounding
from ._operators import check_operator
from ._preconditioned import preconditioned_function
from ._rounds import in_rounds, warn_of_large_error
from ._trace_methods import TRACE_METHODS
from ._unit_vectors import diagonal_entries
from .trace_method import TraceMethod

_FIRST = 60  # products of the first round: of fewer, the standard error is too uncertain


class TraceEstimate(NamedTuple):
    """Estimate of a trace, or of a number of triangles.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Attributes
    ----------
    value : float
        The estimate.
    standard_error : float
        Standard deviation of its error, estimated from the same products.
    n_matvecs : int
        Number of products of the matrix with a vector that were made.

    See Also
    --------
    skopu.opu_trace : Returns one.
    skopu.count_triangles : Returns one, too.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu import opu_trace
    >>> found = opu_trace(np.diag(np.arange(9.0)), n_matvecs=9, random_state=0)
    >>> round(found.value), found.n_matvecs
    (36, 9)
    """

    value: float
    standard_error: float
    n_matvecs: int


def opu_trace(
    A,
    n_matvecs=100,
    *,
    rtol=None,
    method="xtrace",
    function=None,
    lanczos_steps=20,
    preconditioner=None,
    opu=None,
    random_state=None,
):
    """Trace of A, or of a function of A, from a few products with random vectors.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Parameters
    ----------
    A : {ndarray, memmap, CSR or CSC matrix, LinearOperator, Dask array} of shape (n, n)
        Real matrix, which must be symmetric if ``function`` is given.
    n_matvecs : int, default=100
        Maximum number of products of A with a vector. If they allow n products with A itself, it is
        multiplied by n unit vectors, which is exact; not for "sketch" or a method of your own.
    rtol : float, default=None
        Standard error, relative to the trace, at which to stop. Products are made in rounds, each
        larger than the last and with new vectors. The last round is the estimate; the others, about
        half of all products, find how many it takes. A round of n or more products uses unit
        vectors. A "sketch" reads the same vectors again. None makes all products at once.
    method : {"xtrace", "xnystrace", "hutch++", "hutchinson", "sketch"} or TraceMethod, \
            default="xtrace"
        How the products are used. With m products, and errors for a symmetric A:

        - "hutchinson" [1]_: mean of m quadratic forms x'Ax. Error about sqrt(2 / m) times
          the Frobenius norm of A less its mean eigenvalue.
        - "hutch++" [2]_: a third of the products find the leading eigenspace, another third its
          exact trace, and the last third are "hutchinson" on the rest. Error O(1 / m).
        - "xtrace" [3]_: "hutch++" with all vectors used for both, each left out of the space in
          turn. The most accurate method for a general A as soon as the spectrum falls.
        - "xnystrace" [3]_: the same with a Nyström approximation, which takes one product per
          vector, not two, for a positive semi-definite A or f(A): more accurate still.
        - "sketch" [4]_: tr(R'AR) / m from the rows of A sent through the device, as on real
          hardware; R is read from the device as well. About as accurate as "hutchinson", and
          identical to it if A has no rows to show: for an operator or a function.
    function : {"log", "exp", "sqrt", "inv"} or callable, default=None
        Estimate tr f(A) instead; "log" is the log-determinant. A callable maps an array
        of eigenvalues to a real array of the same shape. Every method takes any function.
    lanczos_steps : int, default=20
        Maximum number of products with A for one product with f(A), at least 4; m above is then
        n_matvecs // lanczos_steps. An ill-conditioned A needs more steps. The standard error
        includes an estimate of what further steps would change, and is infinite if there are too
        few steps for this estimate.
    preconditioner : {"diagonal", "nystrom"}, default=None
        How to improve the condition of A for "log" and "inv", so that the Lanczos process takes
        far fewer steps. "diagonal" scales rows and columns to a diagonal of ones, which suits
        stiffness matrices and others of uneven scale; A must be a matrix. "nystrom" makes the
        leading eigenvalues equal [6]_, which suits kernel matrices; it takes a tenth of
        n_matvecs.
    opu : Device, default=None
        The device. None uses a `GaussianMedium` and an ideal camera. In a layered
        medium, one mode per block is used, since modes of a block are not independent.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None.

    Returns
    -------
    value : float
        Estimate of the trace.
    standard_error : float
        Estimated standard deviation of its error. With unit vectors it is the rounding error; it is
        infinite if the Lanczos process has not converged.
    n_matvecs : int
        Number of products made, at most ``n_matvecs``.

    Raises
    ------
    ValueError
        If A is not square, complex or contains NaN; if it must be symmetric or
        positive semi-definite and is not, or has eigenvalues where the function is not defined; if
        n_matvecs is too small for the method, or rtol is not positive.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If n_matvecs products are too few for ``rtol``.
        If the trace of a function still changes with the number of Lanczos steps; or, for "inv",
        if the smallest eigenvalue found does so and matters. The standard error is then infinite.

    See Also
    --------
    OPUTraceEstimator : The same as an estimator.
    opu_diagonal : The diagonal, entry by entry.
    opu_spectral_density : The eigenvalues that the trace sums.
    count_triangles : The trace of the cube of an adjacency matrix.
    TraceConvergenceDisplay : How the error falls with the number of products.

    Notes
    -----
    The error is itself estimated, from m values, or m / 2 for "xtrace" and m / 3 for "hutch++".
    With fewer than 20 values, take intervals from Student's t distribution. Values of "xtrace" and
    "xnystrace" share their space, and the error is widened to account for it. If all non-zero
    eigenvalues are equal and the number of vectors is the rank of A, or one less, intervals of 95 %
    cover 79 to 89 % with "xtrace" and 91 to 95 % with "xnystrace"; with fewer vectors, or one more,
    they cover 95 %. With "xtrace", they cover 78 to 87 % where equal eigenvalues, slightly more
    than the vectors, end in others of 0.01 to 0.1 times their size.

    "xtrace" and "hutch++" assume that probes are rotation invariant, which those read by a camera
    of two bits or fewer are not: their bias is then a few per cent of the part of the trace outside
    the space.

    Noise of variance s^2 in the camera's reading of a random vector would multiply a
    quadratic form by 1 + s^2. It does so only through the vector's length, which is
    known: each vector is scaled to length sqrt(n). This removes the bias, and the variance due to
    random lengths with it. In a "sketch", the rows of A and R are read in different frames, whose
    independent noise leaves no bias.

    With a preconditioner P = inv(M M'), the logarithm's trace is that of log(M'AM) plus the
    log-determinant of P, and the inverse is M inv(M'AM) M'. If nothing is known about A, try both
    and keep the smaller standard error.

    Lanczos vectors are reorthogonalised in full. Finding x'f(A)x by the Lanczos process
    is called stochastic Lanczos quadrature [5]_.

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
    .. [6] Z. Frangella, J. A. Tropp and M. Udell, "Randomized Nyström preconditioning", SIAM J.
       Matrix Anal. Appl. 44, 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.linalg import opu_trace
    >>> A = np.diag(0.5 ** np.arange(200.0))
    >>> value, standard_error, n_matvecs = opu_trace(A, n_matvecs=100, random_state=0)
    >>> round(value, 6), n_matvecs
    (2.0, 100)
    >>> found = opu_trace(A + np.eye(200), 10_000, rtol=1e-3, random_state=0)
    >>> found.standard_error < 1e-3 * found.value, found.n_matvecs < 10_000
    (True, True)
    >>> B = np.diag(np.linspace(1, 2, 200))
    >>> logdet = opu_trace(B, 400, method="hutchinson", function="log", random_state=0)
    >>> bool(abs(logdet.value - np.linalg.slogdet(B)[1]) < 3 * logdet.standard_error)
    True
    """
    operator = check_operator(A, square=True)
    opu = resolve_opu(opu, random_state, medium=GaussianMedium)
    n_matvecs = check_count(n_matvecs, "n_matvecs")
    method = check_choice(method, "method", TRACE_METHODS, TraceMethod)
    multiplied = operator
    if function is not None:
        options = function, lanczos_steps, preconditioner, n_matvecs, opu
        multiplied = preconditioned_function(operator, *options)
    elif preconditioner is not None:
        raise ValueError("preconditioner needs a function of A, but function is None.")
    # The Lanczos process is not exact for unit vectors either.
    by_unit_vectors = method.unit_vectors and function is None
    exact_from = operator.shape[0] if by_unit_vectors else math.inf
    least = min(method.least, exact_from)
    n_products = check_products(multiplied, n_matvecs, least, method.name)
    rounding = 0.0

    def estimate(size):
        nonlocal rounding
        if size < exact_from:
            found = method.estimate(multiplied, size, opu)
        else:
            found, rounding = _exact(operator)
        value, error = _checked(method, found)
        return value + multiplied.offset, error

    if rtol is None:
        value, standard_error = estimate(n_products)
    else:
        rtol = check_positive(rtol, "rtol", instead=", or None")
        first = max(method.least, _FIRST)
        value, standard_error = in_rounds(estimate, n_products, first, rtol)
    if operator.n_matvecs > n_matvecs:
        raise ValueError(
            f"{type(method).__name__}.estimate has made {operator.n_matvecs} products, and "
            f"n_matvecs={n_matvecs} were allowed. Multiply n_products={n_products} columns at most."
        )
    standard_error = math.hypot(standard_error, checked_truncation(multiplied, 2))
    if rtol is not None:
        made = f"{operator.n_matvecs} products with A"
        advice = "Raise n_matvecs" + (", or lanczos_steps." if function is not None else ".")
        warn_of_large_error(value, standard_error, rtol, "the trace", made, advice)
    return TraceEstimate(value, math.hypot(standard_error, rounding), operator.n_matvecs)


def _exact(A):
    """The trace and its standard error, 0; and what rounding may do to it."""
    entries = diagonal_entries(A)
    with np.errstate(over="ignore"):
        return (entries.sum(), 0.0), with_rounding(0.0, abs(entries).sum(), A.dtype)


def _checked(method, found):
    """Value and standard error that a method has returned, as two numbers."""
    try:
        value, standard_error = map(float, found)
    except (TypeError, ValueError):
        value = math.nan
    if not (math.isfinite(value) and standard_error >= 0):
        raise ValueError(
            f"{type(method).__name__}.estimate must return a finite value and its standard error, "
            f"which is not negative, got {found!r}. If A is huge or tiny, scale it."
        )
    return value, standard_error
