"""Block Krylov spaces of a matrix and its transpose, and the singular values in them."""

import itertools
from typing import NamedTuple

import numpy as np

from .._utils.arrays import concat, like, namespace, numpy_dtype
from .._utils.checks import check_count, check_positive
from ..optics import GaussianMedium
from ._orthonormal import orthonormalize, polish, small_singular_values, small_svd
from ._svd_errors import ROUNDING, krylov_errors, rounding_errors, vector_errors
from ._tall_blocks import inner, largest_length, multiply

_SMALLEST_TOL = 500  # in units of eps
_FAR = 30  # times the tolerance: a change from which on no bound is worth its computation


class Tolerances(NamedTuple):
    """Relative errors that are allowed: of values, and of vectors or None.

    ``removed`` is the length of what products have lost, and their rounding has not.
    """

    values: float
    vectors: float | None
    removed: float = 0.0

    @classmethod
    def checked(cls, tol, vector_tol, operator):
        """Tolerances, if products with an `Operator` can meet them."""
        check_positive(tol, "tol")
        if vector_tol is not None:
            check_positive(vector_tol, "vector_tol", instead=", or None")
        least = _SMALLEST_TOL * float(np.finfo(operator.dtype).eps)
        for name, given in (("tol", tol), ("vector_tol", vector_tol)):
            if given is not None and given < least:
                raise ValueError(
                    f"{name}={given:g} is below what products in {operator.dtype} can tell, about "
                    f"{least:.1g}. Raise it"
                    + (", or give float64." if operator.dtype == np.float32 else ".")
                )
        vector_tol = None if vector_tol is None else float(vector_tol)
        return cls(float(tol), vector_tol, getattr(operator, "removed", 0.0))

    def are_met(self, values, bases, rises=0.0):
        """Whether errors of bases, of all these singular values, are small enough."""
        errors = bases.errors + rises
        rounding = self.rounding(values, len(errors))
        # What rounding hides is as good as it gets.
        if not np.all(errors <= np.maximum(self.values, rounding)):
            return False
        if self.vectors is None:
            return True
        sines = vector_errors(values, bases.errors, bases.residuals, rises, rounding)
        return bool(np.all(sines <= self.vectors))

    def rounding(self, values, k):
        """What rounding may do to the first k singular values, relative to each."""
        return rounding_errors(values[:k], self.largest(values), np.finfo(values.dtype).eps)

    def largest(self, values):
        """The size that rounding goes by."""
        return np.maximum(values[:1], self.removed)


def check_n_iter(n_iter):
    """A number of refinements, or "auto"."""
    if isinstance(n_iter, str):
        if n_iter != "auto":
            raise ValueError(f'n_iter must be an integer or "auto", got {n_iter!r}.')
        return n_iter
    return check_count(n_iter, "n_iter", 0)


class Bases(NamedTuple):
    """Blocks of orthonormal bases, and B, such that A.T @ lefts = rights @ B.T.

    errors are bounds of what the leading singular values of B lack, and residuals those of their
    squares, relative to both; is_final says that more products would add no direction.
    """

    lefts: list
    B: np.ndarray
    rights: list
    errors: np.ndarray
    residuals: np.ndarray
    is_final: bool


def bidiagonalize(operator, sketch, n_components, n_iter, tolerances, run):
    """Bases from n_iter refinements, or from as many as meet the tolerances if that is "auto".

    Block Golub-Kahan iteration, from a sketch of the columns' space. All blocks of the shorter side
    are kept orthogonal, by two passes: where singular values are nearly equal, a block adds little
    beyond those before, and what overlap one pass leaves would grow from block to block. Those of
    the longer side then stay nearly orthogonal by themselves (H. D. Simon and H. Zha, "Low-rank
    matrix approximation using the Lanczos bidiagonalization process", SIAM J. Sci. Comput. 21,
    2000), and `orthonormalize` steps in where they would not.
    """
    m, n = operator.shape
    size = largest_length(sketch)
    left, _ = orthonormalize(sketch, [], 0, size, run)
    lefts, rights, B = [left], [], np.zeros((left.shape[1], 0), operator.dtype)
    before = None
    for step in itertools.count():
        recent, passes = (len(rights), 2) if n < m else (min(1, len(rights)), 1)
        right, R = orthonormalize(operator.rmatmat(left), rights, recent, size, run, passes)
        rights.append(right)
        B = _append(B.T, R).T
        if step == n_iter:
            errors = krylov_errors(B, left.shape[1], right.shape[1], n_components)
            return Bases(lefts, B, rights, *errors, False)
        if n_iter == "auto" and min(B.shape) >= n_components:
            values = singular_values(B, n_components)
            if before is not None and _is_near(before, values[:n_components], tolerances):
                errors = krylov_errors(B, left.shape[1], right.shape[1], n_components)
                bases = Bases(lefts, B, rights, *errors, False)
                if tolerances.are_met(values, bases):
                    return bases
            before = values[:n_components]
        recent, passes = (len(lefts), 2) if m <= n else (1, 1)
        left, S = orthonormalize(operator.matmat(right), lefts, recent, size, run, passes)
        if left.shape[1] == 0:  # the products have left no direction out
            return Bases(lefts, B, rights, *np.zeros((2, n_components)), True)
        lefts.append(left)
        B = _append(B, S)


def leading(bases, n_components, run):
    """Leading singular values and vectors, and all values that the bases hold."""
    u, values, vt = small_svd(bases.B)
    values = _at_least(values, n_components)
    U = polish(multiply(bases.lefts, u[:, :n_components], run), run)
    V = polish(multiply(bases.rights, vt[:n_components].T, run), run)
    U, V = complete(U, n_components, run), complete(V, n_components, run)
    signs = signs_of(V)
    U *= signs
    V *= signs
    return U, like(values[:n_components], U), V.T, values


def singular_values(B, least):
    """All singular values of B, with zeros that make them at least so many."""
    return _at_least(small_singular_values(B), least)


def overlooked(operator, witnesses, n_components, bases, run):
    """Singular values that more columns of the sketch lead to, and by how much they rise.

    Blocks of b columns find no more than b copies of a repeated singular value. Rises are relative
    to the leading values, and do not fall from one to the next.
    """
    lefts, B, rights = bases[:3]
    size = largest_length(witnesses)
    left, _ = orthonormalize(witnesses, lefts, len(lefts), size, run)
    if left.shape[1] == 0:
        return singular_values(B, n_components), np.zeros(n_components)
    images = operator.rmatmat(left)
    known = np.vstack([inner(right, images, run) for right in rights])
    # Scaled, since their squares might be too small or too large.
    unit = largest_length(images) or 1.0
    images /= unit
    shares = (known / unit).astype(np.float64)
    gram = inner(images, images, run)
    sizes, directions = np.linalg.eigh(gram - shares.T @ shares)
    new = (directions * np.sqrt(np.maximum(sizes, 0)) * unit).astype(B.dtype)
    wider = np.vstack([np.pad(B, [(0, 0), (0, len(new))]), np.hstack([known.T, new])])
    values = singular_values(wider, n_components)
    before, after = singular_values(B, n_components)[:n_components], values[:n_components]
    rise = np.divide(after - before, after, out=np.zeros(n_components), where=after > 0)
    return values, np.maximum.accumulate(np.maximum(rise, 0))


def _at_least(values, least):
    return np.pad(values, (0, max(0, least - len(values))))


def _is_near(before, values, tolerances):
    strictest = min(each for each in tolerances[:2] if each is not None)
    rounding = ROUNDING * np.finfo(values.dtype).eps * tolerances.largest(values)
    return np.all(values - before <= np.maximum(_FAR * strictest * values, rounding))


def signs_of(V):
    """Signs that make the largest entry of each column positive, with no array as large as V.

    scikit-learn's `svd_flip` makes two, and takes a tenth of the decomposition's time.
    """
    xp = namespace(V)
    largest, smallest = xp.max(V, axis=0), xp.min(V, axis=0)
    return xp.where(largest >= -smallest, xp.ones_like(largest), -xp.ones_like(largest))


def _append(B, R):
    """B with R below it, at the right."""
    return np.vstack([B, np.hstack([np.zeros((len(R), B.shape[1] - R.shape[1]), B.dtype), R])])


def complete(Q, n_columns, run):
    """Q with further orthonormal columns, any will do, where a matrix has a lower rank."""
    missing = n_columns - Q.shape[1]
    if missing == 0:
        return Q
    more = GaussianMedium(random_state=0).transmission_matrix(Q.shape[0], missing).real.T
    more = like(np.ascontiguousarray(more, numpy_dtype(Q)), Q)
    for _ in range(2):  # the second time for accuracy
        more, _ = orthonormalize(more, [Q], 1, 0.0, run)
    return concat([Q, more], axis=1)
