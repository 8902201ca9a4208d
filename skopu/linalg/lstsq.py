"""Least squares by a sketched preconditioner."""

import math
import warnings
from typing import NamedTuple

import numpy as np
import scipy.linalg
from scipy.sparse.linalg import LinearOperator, lsqr
from sklearn.exceptions import ConvergenceWarning

from .._utils.arrays import as_type, check_same_place, to_numpy
from .._utils.checks import (
    as_array,
    check_count,
    check_finite,
    check_not_negative,
    check_some_weight,
    real_dtype,
)
from ..optics import LayeredMedium
from ..optics.device import project_rows
from ..optics.opu import resolve_opu
from ._operators import check_operator
from ._orthonormal import small_svd
from ._sign_embedding import SignEmbedding
from ._weighted import WeightedOperator

_SUPERROWS = 16  # times the smaller side, how many sums the device is shown at most
_MOST_ITERATIONS = 1000
_OUT_OF_ITERATIONS = 7  # as LSQR tells
_EPS = np.finfo(np.float64).eps


class LstsqResult(NamedTuple):
    """Solution of a least-squares problem.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Attributes
    ----------
    x : ndarray of shape (n,) or (n, n_targets)
        The solution; the shortest one if there are several.
    residues : float or ndarray of shape (n_targets,)
        Squared norms of the residuals b - A x, weighted if there are weights.
    rank : int
        Numerical rank of A, found from the sketch.
    n_iter : int
        Iterations of LSQR, each for all columns of b at once.

    See Also
    --------
    skopu.opu_lstsq : Returns one.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu import opu_lstsq
    >>> A = np.vander(np.linspace(0, 1, 100), 3)
    >>> found = opu_lstsq(A, A @ [1, 2, 3], random_state=0)
    >>> found.x.round(6), int(found.rank)
    (array([1., 2., 3.]), 3)
    """

    x: np.ndarray
    residues: float
    rank: int
    n_iter: int


def opu_lstsq(
    A,
    b,
    *,
    damp=0.0,
    sample_weight=None,
    cond=None,
    n_projections=None,
    opu=None,
    random_state=None,
):
    """Least-squares solution of A x = b for a matrix with many more rows than columns, or fewer.

    Random projections of A's columns have nearly the geometry of the columns themselves, so their
    QR and singular value decompositions give a preconditioner for A; LSQR then converges in a few
    dozen iterations, whatever the condition of A [1]_ [2]_. If A has fewer rows than columns, its
    rows are projected, and the solution is the shortest one [3]_. Projections only steer the
    iteration, so the solution has full accuracy. A noisy camera costs extra iterations, many if the
    noise exceeds the smallest singular values of A.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Parameters
    ----------
    A : {ndarray, memmap, CSR or CSC matrix, LinearOperator, Dask array} of shape (m, n)
        Real matrix. An operator needs transposed products.
    b : array-like of shape (m,) or (m, n_targets)
        Right-hand sides. Several take no more passes over A than one.
    damp : float, default=0.0
        Ridge penalty, as in :func:`scipy.sparse.linalg.lsqr`: the solution minimises
        ``|b - A x|^2 + damp^2 |x|^2``. `sklearn.linear_model.Ridge` has ``alpha = damp**2``.
    sample_weight : array-like of shape (m,), default=None
        Non-negative weights w of the rows: the solution minimises the sum of
        w_i (b_i - A_i x)^2, plus the penalty. None means 1 for each row. A is not copied.
    cond : float, default=None
        Singular values of at most cond times the largest count as zero, 0 <= cond < 1. None means
        the rounding error of A's dtype, see Notes.
    n_projections : int, default=None
        Number of projections of each column, or of each row if m < n; at least min(m, n).
        None means 16 min(m, n), but at most the larger of max(m, n) and 4 min(m, n).
    opu : Device, default=None
        The device. None uses a `LayeredMedium` and an ideal camera, which projects long
        vectors fast.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None.

    Returns
    -------
    x : ndarray of shape (n,) or (n, n_targets)
        The solution, of float64; the shortest one if there are several.
    residues : float or ndarray of shape (n_targets,)
        Squared norms of b - A x, or sums of w_i (b_i - A_i x)^2 if there are weights, both
        without the penalty; infinite or zero if they are outside the range of a float.
    rank : int
        Numerical rank of A with its rows weighted, regardless of ``damp``.
    n_iter : int
        Iterations of LSQR, each of which multiplies by A and its transpose once, for all columns of
        b.

    Raises
    ------
    ValueError
        If b or the weights do not match the shape of A, one of them is complex, empty or contains
        NaN, weights are negative or all zero, or an option is out of range.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If LSQR has not converged in 1000 iterations.

    See Also
    --------
    scipy.linalg.lstsq : A decomposition of A itself; the choice for small problems.
    scipy.sparse.linalg.lsqr : No preconditioner; the choice if A is well-conditioned.
    OpticalRidge : Ridge regression on random features.
    sklearn.linear_model.Ridge : Ridge regression as an estimator.

    Notes
    -----
    The device is shown at most 16 min(m, n) values of a column, or of a row if m < n. If there are
    more, a sparse sign embedding [4]_ comes first: each is added, with random signs, to 4 of that
    many sums.

    The rank is that of the projections: singular values below the rounding error of A's dtype,
    relative to the largest, count as zero. Products are in double precision, even for a float32
    A. Camera noise gives the projections full rank, which hides a lower rank of A: the solution
    then fits as well, but is not the shortest.

    ``cond`` too is compared with the singular values of the projections, which match those of A to
    about ten per cent; below the rounding error of float64 it has no effect. If the singular
    values of A have a gap at cond, x is close to that of :func:`scipy.linalg.lstsq`: the singular
    vectors kept are turned by about the ratio of the values below the gap to those above. If
    there is no gap, use ``damp``.

    A solution with ``damp`` is as accurate as that of a backward stable method for A stacked on
    damp times the identity. Columns of b are scaled, so each is solved as if it were alone. LSQR
    holds about six arrays of the shape of b, or of x if m < n.

    References
    ----------
    .. [1] V. Rokhlin and M. Tygert, "A fast randomized algorithm for overdetermined linear
       least-squares regression", PNAS 105, 2008.
    .. [2] H. Avron, P. Maymounkov and S. Toledo, "Blendenpik: supercharging LAPACK's
       least-squares solver", SIAM J. Sci. Comput. 32, 2010.
    .. [3] X. Meng, M. A. Saunders and M. W. Mahoney, "LSRN: a parallel iterative solver for
       strongly over- or underdetermined systems", SIAM J. Sci. Comput. 36, 2014.
    .. [4] P.-G. Martinsson and J. A. Tropp, "Randomized numerical linear algebra:
       foundations and algorithms", Acta Numerica 29, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.linalg import opu_lstsq
    >>> rng = np.random.default_rng(0)
    >>> A = rng.normal(size=(5000, 20)) * np.logspace(0, -8, 20)
    >>> x = rng.normal(size=20)
    >>> solution = opu_lstsq(A, A @ x, random_state=0)
    >>> bool(np.allclose(solution.x, x))
    True

    The shortest solution of fewer equations than unknowns:

    >>> b = rng.normal(size=20)
    >>> solution = opu_lstsq(A.T, b, random_state=0)
    >>> bool(np.allclose(solution.x, np.linalg.pinv(A.T, rcond=1e-12) @ b, rtol=1e-4))
    True
    """
    operator = check_operator(A)
    m, n = operator.shape
    b = _numbers(operator, b, "b")
    if b.ndim not in (1, 2) or len(b) != m or 0 in b.shape:
        raise ValueError(
            f"b must have one row for each of the {m} rows of A, and be 1-d or 2-d, got "
            f"shape {b.shape}."
        )
    roots, largest = _roots_of_weights(operator, sample_weight)
    damp = min(check_not_negative(damp, "damp") / largest, np.finfo(np.float64).max)
    eps = np.finfo(operator.dtype).eps if cond is None else check_not_negative(cond, "cond", 1)
    opu = resolve_opu(opu, random_state, medium=LayeredMedium)
    n_projections = _check_projections(n_projections, operator.shape)
    targets = _scale_rows(roots, b.reshape(m, -1))
    peaks = _peaks(targets)
    targets = targets / peaks
    wide = m < n
    tall = operator.transposed() if wide else operator
    solve = _solve_wide if wide else _solve_tall
    with tall.threads():
        x, rank, n_iter, converged = solve(opu, tall, roots, targets, n_projections, damp, eps)
        fitted = to_numpy((tall.rmatmat if wide else tall.matmat)(tall.asarray(x)))
    residues = np.square(targets - _scale_rows(roots, fitted)).sum(axis=0)
    with np.errstate(over="ignore"):
        x, residues = x * peaks, residues * (largest * peaks) ** 2
    if not converged:
        warnings.warn(
            f"LSQR has not converged in {n_iter} iterations: the preconditioner is too rough. "
            "Raise n_projections, or use a camera with less noise.",
            ConvergenceWarning,
            stacklevel=2,
        )
    if b.ndim == 1:
        return LstsqResult(operator.asarray(x[:, 0]), float(residues[0]), rank, n_iter)
    return LstsqResult(operator.asarray(x), operator.asarray(residues), rank, n_iter)


def _numbers(operator, values, name):
    """Checked values that belong to A, as float64 of NumPy's."""
    values = as_array(values, name)
    check_same_place(operator.sample, values, (operator.name, name))
    real_dtype(values, name, "Solve for the real and the imaginary part separately.")
    values = to_numpy(values).astype(np.float64, copy=False)
    check_finite(values, name)
    return values


def _roots_of_weights(operator, sample_weight):
    """Roots of weights as parts of the largest root, and that; None and 1 without weights.

    So products of large or small weights with such a matrix stay within the range of floats.
    """
    if sample_weight is None:
        return None, 1.0
    weights = _numbers(operator, sample_weight, "sample_weight")
    if weights.shape != operator.shape[:1]:
        raise ValueError(
            f"sample_weight must be 1-d, one weight for each of the {operator.shape[0]} rows of "
            f"{operator.name}, got shape {weights.shape}."
        )
    if (weights < 0).any():
        raise ValueError(
            f"sample_weight must not be negative, got {weights.min()}. Drop rows, or give them "
            "the weight 0."
        )
    check_some_weight(weights)
    return np.sqrt(weights / weights.max()), math.sqrt(weights.max())


def _check_projections(n_projections, shape):
    least, most = sorted(shape)
    if n_projections is None:  # as many as rows would not do for a square matrix
        n_projections = min(16 * least, max(most, 4 * least))
    if check_count(n_projections, "n_projections") < least:
        raise ValueError(
            f"n_projections must be at least {least}, the smaller side of A, got {n_projections}."
        )
    return n_projections


def _scale_rows(scales, X):
    return X if scales is None else scales[:, None] * X


def _peaks(b):
    """Largest entries of columns, 1 for zeros."""
    peaks = np.max(abs(b), axis=0)
    return np.where(peaks > 0, peaks, 1)


def _solve_tall(opu, operator, roots, b, n_projections, damp, eps):
    """Solution, rank, iterations and whether LSQR has converged, for no fewer rows than columns."""
    A = operator if roots is None else WeightedOperator(operator, roots)
    signs = _embedding(opu, A.shape)
    sketch = _sketch(opu, A, signs, n_projections)
    shown = b if signs is None else signs @ b
    seen = opu.project(shown.T, n_projections, "linear", name="b") / math.sqrt(n_projections)
    seen, R = scipy.linalg.qr_multiply(sketch, seen, overwrite_a=True)
    left, sizes, right = _leading(R, eps, n_projections)
    lengths = np.hypot(sizes, damp)
    N, damped = right / lengths, right * (damp / lengths)
    start = (sizes / lengths)[:, None] * (left.T @ seen.T)
    # Also of a float32 A: its smallest singular values are lost in single precision.
    operator.dtype = np.dtype(np.float64)
    multiply, transposed = _preconditioned(A, N, damped)
    b = np.concatenate([b, np.zeros((A.shape[1], b.shape[1]))])
    y, n_iter, converged = _lsqr(multiply, transposed, len(sizes), b, start)
    return N @ y, len(sizes), n_iter, converged


def _solve_wide(opu, transpose, roots, b, n_projections, damp, eps):
    """As `_solve_tall` for more columns than rows, by products with the transpose.

    The shortest x and s with A x + damp s = b make the residual damp s, and so minimise the
    sum of both squares that is asked for.
    """
    n, m = transpose.shape
    signs = _embedding(opu, transpose.shape)
    sketch = _sketch(opu, transpose, signs, n_projections)
    if roots is not None:
        sketch *= roots
    R = scipy.linalg.qr(sketch, overwrite_a=True, mode="r")[0][:m]
    _, sizes, right = _leading(R, eps, n_projections)
    lengths = np.hypot(sizes, damp)
    N, damped = right / lengths, right * (damp / lengths)
    transpose.dtype = np.dtype(np.float64)  # as above
    multiply, transposed = _preconditioned(transpose, _scale_rows(roots, N), damped)
    found, n_iter, converged = _lsqr(transposed, multiply, n + m, N.T @ b)
    return found[:n], len(sizes), n_iter, converged


def _embedding(opu, shape):
    """Sums of rows that the device is shown, None where there are few rows."""
    m, n = shape
    return SignEmbedding(_SUPERROWS * n, m, opu.glass_seed()) if m > _SUPERROWS * n else None


def _sketch(opu, A, signs, n_projections):
    """Projections of the columns of A, or of sums of rows, as columns of about the same norms."""
    n = A.shape[1]
    shown = A.columns_in_memory() if signs is None else [(slice(0, n), A.sums_of_rows(signs))]
    sketch = np.empty((n_projections, n), order="F")
    for part, columns in shown:
        lit = as_type(columns, np.float64).T
        sketch[:, part] = to_numpy(project_rows(opu, lit, n_projections, A.name)).T
    sketch /= math.sqrt(n_projections)
    return sketch


def _leading(R, eps, n_projections):
    """Singular vectors and values of a sketch's triangle that its rounding leaves.

    eps is that of A's entries, whose rounding makes singular values of up to about eps / 2 of
    the largest, or what counts as zero; the sketch has the rounding of float64.
    """
    left, sizes, right = small_svd(R)
    rank = int(np.sum(sizes > max(eps, _EPS * n_projections) * sizes[0]))
    return left[:, :rank], sizes[:rank], right[:rank].T


def _preconditioned(A, N, damped):
    """Products of blocks of columns with A @ N on top of damped, and with the transpose."""
    m = A.shape[0]

    def multiply(Y):
        return np.concatenate([to_numpy(A.matmat(A.asarray(N @ Y))), damped @ Y])

    def transposed(R):
        return N.T @ to_numpy(A.rmatmat(A.asarray(R[:m]))) + damped.T @ R[m:]

    return multiply, transposed


def _lsqr(multiply, transposed, n_unknowns, b, start=None):
    """Least-squares solutions for all columns of b, iterations, and if LSQR has converged.

    One run solves for a vector of all columns: the matrix is then block diagonal, with
    the same block for each, and so has no other singular values.
    """
    n_targets = b.shape[1]
    if n_unknowns == 0 or len(b) == 0:
        return np.zeros((n_unknowns, n_targets)), 0, True
    # All columns count alike, and their squares are within the range of floats.
    peaks = _peaks(b)
    norms = np.linalg.norm(b / peaks, axis=0)
    norms = np.where(norms > 0, norms, 1)
    b = b / peaks / norms
    if start is not None:
        start = (start / peaks / norms).ravel()
    stacked = LinearOperator(
        (b.size, n_unknowns * n_targets),
        lambda y: multiply(y.reshape(n_unknowns, n_targets)).ravel(),
        lambda r: transposed(r.reshape(b.shape)).ravel(),
        dtype=np.float64,
    )
    tol, most = 10 * _EPS, _MOST_ITERATIONS
    options = {"atol": tol, "btol": tol, "conlim": 0, "iter_lim": most, "x0": start}
    y, stop, n_iter = lsqr(stacked, b.ravel(), **options)[:3]
    return y.reshape(n_unknowns, n_targets) * norms * peaks, n_iter, stop != _OUT_OF_ITERATIONS
