"""How wrong singular values and vectors from a Krylov space still are."""

import numpy as np

ROUNDING = 30  # errors of singular values in units of eps times the largest: up to 16 were seen
MARGIN = 2  # of Temple's bound, since gaps to values that are still too small are too large


def krylov_errors(B, n_right, n_components):
    """Bounds of what the leading singular values and vectors still lack, rounding left out.

    B is A between two bases, of which the one of the right directions had its last n_right added at
    the end: B holds an earlier state, too, and the residuals of that, which are what A has outside
    of its bases. Bounds are of this state, and B is nearer.

    Returns
    -------
    errors : ndarray of shape (n_components,), float64
        Relative, of values; not descending. Infinite where the bases are too small to tell.
    residuals : ndarray of shape (n_components,), float64
        Of squared values, relative to these.
    """
    n = B.shape[1] - n_right
    if min(len(B), n) < n_components:
        return (np.full(n_components, np.inf),) * 2
    B = B.astype(np.float64) / (abs(B).max() or 1)
    squares = np.square(np.linalg.svd(B, compute_uv=False)[:n_components])
    left, before, _ = np.linalg.svd(B[:, :n], full_matrices=False)
    beyond = np.linalg.norm(left[:, :n_components].T @ B[:, n:], axis=1)
    residuals = quotient(before[:n_components] * beyond, squares)
    falls = -np.diff(np.square(before), append=before[-1] ** 2)[:n_components]
    errors = MARGIN / 2 * temple(residuals, quotient(falls, squares))
    return np.maximum.accumulate(errors), residuals


def quotient(some, others):
    """Some over others, 0 where these are."""
    return np.divide(some, others, out=np.zeros(len(some)), where=others > 0)


def temple(residuals, gaps):
    """Bounds of eigenvalues' errors, from residuals and gaps to the next ones.

    An eigenvalue lies within the residual, and where the next one is further away, within the
    squared residual over the gap (G. Temple and T. Kato). Where the residual is the larger one,
    values are not told apart yet, and there may be more of them.
    """
    shares = np.divide(residuals, gaps, out=np.ones(len(gaps)), where=gaps > residuals)
    return residuals * shares


def rounding_errors(values, largest, eps):
    """What rounding may do to singular values, or magnitudes of eigenvalues, relative to each."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return np.where(values > 0, ROUNDING * eps * (largest / values), np.inf)


def vector_errors(values, errors, residuals, rises, rounding):
    """Bounds of the sine of the angle between computed and true singular vectors.

    values are all singular values of B; errors, rises and rounding are relative errors of the
    leading ones. A vector is turned by its residual, and by rounding, over the gap to the other
    squared values (C. Davis and W. Kahan). A part of it that lies along others lowers its squared
    value by the square of that part times the gap, which is less where a value is nearly known.
    """
    squares = np.square(values.astype(np.float64) / (float(values[0]) or 1))
    k = len(errors)
    highest = np.append(squares, 0)[: k + 1]
    lit = highest > 0  # errors of zeros are infinite
    either = errors + rises + rounding
    highest[lit] *= 1 + 2 * np.append(either, either[-1])[lit]
    gaps = np.minimum(squares[:k] - highest[1:], np.append(np.inf, squares[: k - 1] - highest[1:k]))
    with np.errstate(divide="ignore", invalid="ignore"):
        gaps = gaps / squares[:k]
        lost = np.sqrt(2 * (errors + rounding) / gaps)
        sines = np.minimum(residuals / gaps, lost) + 2 * rounding / gaps + np.sqrt(2 * rises / gaps)
    return np.where(gaps > 0, np.minimum(sines, 1), 1)
