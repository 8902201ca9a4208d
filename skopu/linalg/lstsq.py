"""Least squares by a sketched preconditioner."""

import math
import warnings
from typing import NamedTuple

import numpy as np
import scipy.linalg
import scipy.sparse
from scipy.sparse.linalg import LinearOperator, lsqr
from sklearn.exceptions import ConvergenceWarning

from .._utils.arrays import as_type, check_same_place, to_numpy
from .._utils.checks import as_array, check_count, check_finite, real_dtype
from .._utils.streams import bit_generator, raw_bytes
from .._utils.threads import pieces
from ..optics import LayeredMedium
from ..optics.device import project_rows
from ..optics.opu import resolve_opu
from ._operators import check_operator

_SUPERROWS = 16  # times n_columns, how many sums of rows the device is shown at most
_TERMS = 4  # sums that a row enters
_MOST_ITERATIONS = 1000
_COLUMNS_AT_ONCE = 2**16  # of the embedding


class LstsqResult(NamedTuple):
    """Least-squares solution.

    Attributes
    ----------
    x : ndarray of shape (n,) or (n, n_targets)
        The solution, of minimum norm where A is rank-deficient.
    residues : float or ndarray of shape (n_targets,)
        Squared norms of the residuals b - A x.
    rank : int
        Numerical rank of A, as the sketch shows it.
    n_iter : int
        Iterations of LSQR, the most over all columns of b.
    """

    x: np.ndarray
    residues: float
    rank: int
    n_iter: int


def opu_lstsq(A, b, *, n_projections=None, opu=None, random_state=None):
    """Least-squares solution of A x = b for a matrix with many more rows than columns.

    Random projections of A's columns have nearly the geometry of the columns themselves,
    so a QR or singular value decomposition of the projections makes A well-conditioned;
    LSQR then converges in a few dozen iterations, whatever the condition of A [1]_ [2]_.
    The projections only steer, so the solution has full accuracy. A noisy camera costs
    iterations, many where the noise exceeds the smallest singular values of A.

    Parameters
    ----------
    A : {ndarray, memmap, CSR or CSC matrix, LinearOperator} of shape (m, n)
        Real matrix, m >= n. An operator needs transposed products.
    b : array-like of shape (m,) or (m, n_targets)
        Right-hand side.
    n_projections : int, default=None
        Number of projections of each column, at least n. None is 16 n, at most m.
    opu : OPU, default=None
        The device. None is an ideal one with a `LayeredMedium`, which projects long
        vectors fast.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None.

    Returns
    -------
    x : ndarray of shape (n,) or (n, n_targets)
        The solution, of minimum norm where A is rank-deficient; float64.
    residues : float or ndarray of shape (n_targets,)
        Squared norms of b - A x; infinite or zero where these are beyond the range of a float.
    rank : int
        Numerical rank of A.
    n_iter : int
        Iterations of LSQR.

    Raises
    ------
    ValueError
        If A has fewer rows than columns, b does not fit it, or one of them is complex,
        empty or contains NaN.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If LSQR has not converged in 1000 iterations.

    See Also
    --------
    scipy.linalg.lstsq : By a decomposition of A itself; the choice for small problems.

    Notes
    -----
    The device is shown at most 16 n values of a column: where A has more rows, each is
    first added, with random signs, to 4 of 16 n sums, as a sparse sign embedding [3]_.

    The rank is that of the projections: singular values below the rounding of A's dtype, as
    a part of the largest, count as zero. Products are in double precision, also with a float32
    A. Noise of a camera gives them full rank, and so hides
    that A has less: the solution then fits as well, but is not the shortest.

    References
    ----------
    .. [1] V. Rokhlin and M. Tygert, "A fast randomized algorithm for overdetermined linear
       least-squares regression", PNAS 105, 2008.
    .. [2] H. Avron, P. Maymounkov and S. Toledo, "Blendenpik: supercharging LAPACK's
       least-squares solver", SIAM J. Sci. Comput. 32, 2010.
    .. [3] P.-G. Martinsson and J. A. Tropp, "Randomized numerical linear algebra:
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
    """
    operator = check_operator(A)
    m, n = operator.shape
    if m < n:
        raise ValueError(
            f"A must have at least as many rows as columns, got shape {operator.shape}. Use "
            "scipy.linalg.lstsq for wide matrices."
        )
    b = as_array(b, "b")
    check_same_place(operator.sample, b, ("A", "b"))
    real_dtype(b, "b", "Solve for the real and the imaginary part separately.")
    b = to_numpy(b).astype(np.float64, copy=False)
    if b.ndim not in (1, 2) or len(b) != m or 0 in b.shape:
        raise ValueError(
            f"b must have one row for each of the {m} rows of A, and be 1-d or 2-d, got "
            f"shape {b.shape}."
        )
    check_finite(b, "b")
    opu = resolve_opu(opu, random_state, medium=LayeredMedium)
    # LSQR stops by sizes that it takes to be about 1, as those of the preconditioned A are.
    scales = np.max(abs(b), axis=0)
    b = b / np.where(scales > 0, scales, 1)
    n_projections = min(16 * n, m) if n_projections is None else n_projections
    if check_count(n_projections, "n_projections") < n:
        raise ValueError(f"n_projections must be at least {n}, the number of columns of A.")
    with operator.threads():
        sketch, targets = _sketch(opu, operator, b.reshape(m, -1), n_projections)
        right, rank, starts = _precondition(sketch, targets, np.finfo(operator.dtype).eps)
        # Also of a float32 A: its smallest singular values are lost in single precision.
        operator.dtype = np.dtype(np.float64)
        solutions = [
            _solve(operator, column, right, start)
            for column, start in zip(b.reshape(m, -1).T, starts.T, strict=True)
        ]
        x = np.column_stack([solution for solution, _ in solutions])
        fitted = to_numpy(operator.matmat(operator.asarray(x)))
        residues = np.square(b.reshape(m, -1) - fitted).sum(axis=0)
    with np.errstate(over="ignore"):
        x, residues = x * scales, residues * scales * scales
    n_iter = max(n_iter for _, n_iter in solutions)
    if n_iter == _MOST_ITERATIONS:
        warnings.warn(
            f"LSQR has not converged in {n_iter} iterations: the preconditioner is too rough. "
            "Raise n_projections, or use a camera with less noise.",
            ConvergenceWarning,
            stacklevel=2,
        )
    if b.ndim == 1:
        return LstsqResult(operator.asarray(x[:, 0]), float(residues[0]), rank, n_iter)
    return LstsqResult(operator.asarray(x), operator.asarray(residues), rank, n_iter)


def _sketch(opu, operator, b, n_projections):
    """Projections of the columns of A, and of b by the same rows."""
    m, n = operator.shape
    if m > _SUPERROWS * n:
        signs = SignEmbedding(_SUPERROWS * n, m, opu.glass_seed())
        shown, b = operator.sums_of_rows(signs), signs @ b
    else:
        shown = operator.in_memory()
    columns = as_type(shown, np.float64).T
    projections = to_numpy(project_rows(opu, columns, n_projections, operator.name))
    return projections.T, opu.linear(b.T, n_projections).T


class SignEmbedding:
    """Sparse matrix (n_sums, m) with 4 random signs, 1/2 in size, in each column.

    Columns are made when they are asked for: all of them would take 48 bytes each.
    """

    def __init__(self, n_sums, m, seed):
        self.shape, self._seed = (n_sums, m), seed

    def columns(self, chosen):
        """CSC matrix of a slice of the columns."""
        even = chosen.start // 2 * 2  # two columns take a step of Philox
        bits = bit_generator(self._seed, "sums").advance(even // 2)
        words = raw_bytes(bits, 4 * _TERMS * (chosen.stop - even)).view("<u4")
        words = words[_TERMS * (chosen.start - even) :]
        # The lowest bit is the sign, the rest one sum of each quarter, so that all are distinct.
        n_sums, n_columns = self.shape[0], chosen.stop - chosen.start
        quarter = np.uint32(n_sums // _TERMS)
        rows = (words >> 1) % quarter
        rows = rows + np.tile(np.arange(_TERMS, dtype=np.uint32) * quarter, n_columns)
        values = 1.0 - 2.0 * (words & 1).astype(float)
        indptr = np.arange(0, _TERMS * n_columns + 1, _TERMS)
        values /= math.sqrt(_TERMS)
        matrix = values, rows.astype(np.int32), indptr
        return scipy.sparse.csc_matrix(matrix, (n_sums, n_columns))

    def __matmul__(self, b):
        parts = pieces(self.shape[1], _COLUMNS_AT_ONCE)
        return sum(self.columns(part) @ b[part] for part in parts)


def _precondition(sketch, targets, eps):
    """N with A @ N nearly orthonormal, the rank, and sketched solutions in its coordinates.

    The sketch is overwritten. eps is that of A's entries, whose rounding makes singular values of
    up to about eps / 2 of the largest; the sketch has the rounding of float64.
    """
    tol = max(eps, np.finfo(np.float64).eps * len(sketch))
    projected, R = scipy.linalg.qr_multiply(sketch, targets.T, overwrite_a=True)
    left, sizes, right = np.linalg.svd(R)
    rank = int(np.sum(sizes > tol * sizes[0]))
    return right[:rank].T / sizes[:rank], rank, left[:, :rank].T @ projected.T


def _solve(operator, b, right, start):
    """Solution and iterations of LSQR on A @ right from a start."""
    m, rank = len(b), right.shape[1]
    if rank == 0:
        return np.zeros(len(right)), 0

    def matvec(y):
        column = operator.asarray((right @ y)[:, None])
        return to_numpy(operator.matmat(column))[:, 0]

    def rmatvec(r):
        column = operator.asarray(r[:, None])
        return right.T @ to_numpy(operator.rmatmat(column))[:, 0]

    conditioned = LinearOperator((m, rank), matvec, rmatvec, dtype=np.float64)
    tol = 10 * np.finfo(np.float64).eps
    y, _, n_iter = lsqr(
        conditioned, b, atol=tol, btol=tol, conlim=0, iter_lim=_MOST_ITERATIONS, x0=start
    )[:3]
    return right @ y, n_iter
