"""Singular value decomposition from random projections."""

import itertools

import numpy as np

from .._utils.arrays import like, namespace, numpy_dtype
from .._utils.checks import check_count
from ..optics import GaussianMedium
from ..optics.opu import resolve_opu
from ._operators import check_operator
from ._orthonormal import orthonormalize, polish
from ._random_vectors import sketch_rows
from ._tall_blocks import inner, largest_length, multiply

_SETTLED = 0.05  # change of a singular value that n_iter="auto" takes for none
_WITNESSES = 8  # columns of the sketch that check the result of the others


def opu_svd(A, n_components, *, n_oversamples=10, n_iter="auto", opu=None, random_state=None):
    """Largest singular values and vectors, by randomized block Krylov iteration.

    The rows of A go through the device once [1]_. The sketch that comes back already
    holds most of the leading singular vectors; products with A refine it, and all of
    them together span the space in which the vectors are sought [2]_.

    Parameters
    ----------
    A : {ndarray, memmap, CSR or CSC matrix, LinearOperator} of shape (m, n)
        Real matrix, read in passes. Arrays, memory maps, and CSR and CSC matrices of floats
        are not copied. An operator needs transposed products; it multiplies a test matrix
        read from the device.
    n_components : int
        Number of singular values, at most min(m, n).
    n_oversamples : int, default=10
        Projections beyond n_components, which make the sketch more reliable.
    n_iter : int or "auto", default="auto"
        Number of refinements; A is read 2 * n_iter + 2 times. 0 is the decomposition of
        one sketch [1]_. "auto" refines until no singular value changes by more than 5 %,
        by blocks of a third of the columns, which take more passes but fewer products,
        and reads A once more for a check that none was overlooked. Typically it takes 2 to
        8 refinements.
    opu : OPU, default=None
        The device. None is an ideal one with a `GaussianMedium`.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None.

    Returns
    -------
    U : ndarray of shape (m, n_components)
        Left singular vectors, orthonormal also where A has a lower rank.
    s : ndarray of shape (n_components,)
        Singular values, in descending order.
    Vt : ndarray of shape (n_components, n)
        Right singular vectors as rows. The largest entry of each is positive. All three
        are float32 if A is, else float64.

    Raises
    ------
    ValueError
        If A is complex, empty or contains NaN, n_components is not between 1 and
        min(m, n), or the device cannot show the rows of A.

    See Also
    --------
    skopu.OPUTruncatedSVD : The same as a transformer.
    sklearn.utils.extmath.randomized_svd : Power iteration on a stored random matrix.

    Notes
    -----
    Memory is (m + n) times the width of the Krylov space, about 3 (n_components +
    n_oversamples) columns with "auto".

    A noisy camera changes what the sketch holds, not the products that follow: with
    refinements little of the noise is left.

    References
    ----------
    .. [1] D. Hesslow et al., "Photonic co-processors in HPC: using LightOn OPUs for
       Randomized Numerical Linear Algebra", Hot Chips 33, 2021.
    .. [2] C. Musco and C. Musco, "Randomized block Krylov methods for stronger and faster
       approximate singular value decomposition", NIPS 2015.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skopu.linalg import opu_svd
    >>> A = load_digits().data
    >>> U, s, Vt = opu_svd(A, n_components=3, random_state=0)
    >>> s.round()
    array([2193.,  567.,  542.])
    """
    operator = check_operator(A)
    opu = resolve_opu(opu, random_state, medium=GaussianMedium)
    return truncated_svd(operator, opu, n_components, n_oversamples, n_iter)[:3]


def truncated_svd(operator, opu, n_components, n_oversamples, n_iter):
    """`opu_svd` of an `Operator`, and the number of refinements."""
    m, n = operator.shape
    if check_count(n_components, "n_components") > min(m, n):
        raise ValueError(
            f"n_components={n_components} must be at most {min(m, n)}, the smaller side of "
            f"{operator.name}, whose shape is {operator.shape}."
        )
    width = min(n_components + check_count(n_oversamples, "n_oversamples", 0), m, n)
    narrow = min(width, max(16, -(-width // 3)))
    if isinstance(n_iter, str) and n_iter != "auto":
        raise ValueError(f'n_iter must be an integer or "auto", got {n_iter!r}.')
    if n_iter != "auto":
        n_iter = check_count(n_iter, "n_iter", 0)
    elif narrow + _WITNESSES < width:
        sketch = sketch_rows(opu, operator, narrow + _WITNESSES)
        with operator.threads() as run:
            bases = _bidiagonalize(operator, sketch[:, :narrow], n_components, n_iter, run)
            if not _overlooks(operator, sketch[:, narrow:], n_components, bases, run):
                return *_leading(bases, n_components, run), len(bases[0]) - 1
    sketch = sketch_rows(opu, operator, width)
    with operator.threads() as run:
        bases = _bidiagonalize(operator, sketch, n_components, n_iter, run)
        return *_leading(bases, n_components, run), len(bases[0]) - 1


def _leading(bases, n_components, run):
    """Leading singular values and vectors in the spaces of the bases."""
    lefts, B, rights = bases
    u, s, vt = np.linalg.svd(B, full_matrices=False)
    U = polish(multiply(lefts, u[:, :n_components], run), run)
    V = polish(multiply(rights, vt[:n_components].T, run), run)
    U, V = _complete(U, n_components, run), _complete(V, n_components, run)
    s = np.concatenate([s[:n_components], np.zeros(n_components - len(s[:n_components]), s.dtype)])
    signs = _signs(V)
    U *= signs
    V *= signs
    return U, like(s, U), V.T


def _signs(V):
    """Signs that make the largest entry of each column positive, with no array as large as V.

    scikit-learn's `svd_flip` makes two, and takes a tenth of the decomposition's time.
    """
    xp = namespace(V)
    largest, smallest = xp.max(V, axis=0), xp.min(V, axis=0)
    return xp.where(largest >= -smallest, xp.ones_like(largest), -xp.ones_like(largest))


def _bidiagonalize(operator, sketch, n_components, n_iter, run):
    """Blocks of orthonormal bases, and B, such that A.T @ lefts = rights @ B.T.

    Block Golub-Kahan iteration. All blocks of the shorter side are kept orthogonal; those
    of the longer side then stay nearly so by themselves (H. D. Simon and H. Zha,
    "Low-rank matrix approximation using the Lanczos bidiagonalization process", SIAM J.
    Sci. Comput. 21, 2000), and `orthonormalize` steps in where they would not.
    """
    m, n = operator.shape
    size = largest_length(sketch)
    left, _ = orthonormalize(sketch, [], 0, size, run)
    lefts, rights, B = [left], [], np.zeros((left.shape[1], 0), operator.dtype)
    before = None
    for step in itertools.count():
        recent = len(rights) if n < m else min(1, len(rights))
        right, R = orthonormalize(operator.rmatmat(left), rights, recent, size, run)
        rights.append(right)
        B = _append(B.T, R).T
        if step == n_iter:
            break
        if n_iter == "auto" and min(B.shape) >= n_components:
            values = _leading_values(B, n_components)
            if before is not None and _settled(before, values):
                break
            before = values
        recent = len(lefts) if m <= n else 1
        left, S = orthonormalize(operator.matmat(right), lefts, recent, size, run)
        if left.shape[1] == 0:  # the products have left no direction out
            break
        lefts.append(left)
        B = _append(B, S)
    return lefts, B, rights


def _append(B, R):
    """B with R below it, at the right."""
    return np.vstack([B, np.hstack([np.zeros((len(R), B.shape[1] - R.shape[1]), B.dtype), R])])


def _leading_values(B, n_components):
    return np.linalg.svd(B, compute_uv=False)[:n_components]


def _settled(before, values):
    return len(before) == len(values) and bool(np.all(values - before <= _SETTLED * values))


def _overlooks(operator, witnesses, n_components, bases, run):
    """Whether more columns of the sketch change the leading singular values.

    Blocks of b columns find no more than b copies of a repeated singular value.
    """
    lefts, B, rights = bases
    size = largest_length(witnesses)
    left, _ = orthonormalize(witnesses, lefts, len(lefts), size, run)
    if left.shape[1] == 0:
        return False
    images = operator.rmatmat(left)
    known = np.vstack([inner(right, images, run) for right in rights])
    # Scaled, since their squares might be too small or too large.
    unit = largest_length(images) or 1.0
    images /= unit
    shares = (known / unit).astype(np.float64)
    gram = inner(images, images, run)
    sizes, directions = np.linalg.eigh(gram - shares.T @ shares)
    new = (directions * np.sqrt(np.maximum(sizes, 0)) * unit).astype(B.dtype)
    B = np.vstack([np.pad(B, [(0, 0), (0, len(new))]), np.hstack([known.T, new])])
    return not _settled(_leading_values(bases[1], n_components), _leading_values(B, n_components))


def _complete(Q, n_columns, run):
    """Q with further orthonormal columns, any will do, where a matrix has a lower rank."""
    missing = n_columns - Q.shape[1]
    if missing == 0:
        return Q
    more = GaussianMedium(random_state=0).transmission_matrix(Q.shape[0], missing).real.T
    more = like(np.ascontiguousarray(more, numpy_dtype(Q)), Q)
    for _ in range(2):  # the second time for accuracy
        more, _ = orthonormalize(more, [Q], 1, 0.0, run)
    # NumPy has had the array API's name since 2.0 only.
    return getattr(namespace(Q), "concat", np.concatenate)([Q, more], axis=1)
