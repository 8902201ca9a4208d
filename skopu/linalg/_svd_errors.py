"""How wrong singular values and vectors from a Krylov space still are."""

import numpy as np

from ._orthonormal import small_singular_values, small_svd

ROUNDING = 30  # errors of singular values in units of eps times the largest: up to 16 were seen
SLOWEST = 0.98  # gains that shrink more slowly are not told from this
MARGIN = 2  # of Temple's bound, since gaps to values that are still too small are too large


def krylov_errors(B, n_left, n_right, n_components):
    """Bounds of what the leading singular values and vectors still lack, rounding left out.

    B is A between bases of left and right directions, of which the last n_left and n_right were
    added last, in this order: B holds two earlier states, too, and their residuals, which are what
    A has outside of their bases. Bounds are the larger of two, since each is blind to something.
    Temple's is of the state before, and B is nearer. It trusts the values found: where all but a
    few of A's are alike, residuals are small before those few are seen. The other is a geometric
    series of what B gained, which goes on as the smaller one of gains and squared residuals did.
    It trusts the last gains: where many values are alike, they are small until more are seen.

    Returns
    -------
    errors : ndarray of shape (n_components,), float64
        Relative, of values; not descending. Infinite where the bases are too small to tell.
    residuals : ndarray of shape (n_components,), float64
        Of squared values, relative to these.
    """
    k, m, n = n_components, B.shape[0] - n_left, B.shape[1] - n_right
    if min(m, n) < k:
        return (np.full(k, np.inf),) * 2
    B = B.astype(np.float64) / (abs(B).max() or 1)
    _, first, right = small_svd(B[:m, :n])
    left, second, _ = small_svd(B[:, :n])
    now = np.square(small_singular_values(B)[:k])
    first_residuals = quotient(first[:k] * np.linalg.norm(B[m:, :n] @ right[:k].T, axis=0), now)
    residuals = quotient(second[:k] * np.linalg.norm(left[:, :k].T @ B[:, n:], axis=1), now)
    first, second = np.square(first[:k]), np.square(second)
    falls = quotient(-np.diff(second, append=second[-1])[:k], now)
    before, gained = (np.maximum(each, 0) for each in (second[:k] - first, now - second[:k]))
    ratio = quotient(residuals**2, first_residuals**2)
    ratio = np.minimum(np.minimum(ratio, quotient(gained, before)), SLOWEST)
    series = (1 + ratio) * ratio / (1 - ratio) * quotient(gained, now)
    # Half of what squares lack is what values do.
    errors = np.maximum(series, MARGIN * temple(residuals, falls)) / 2
    return np.maximum.accumulate(errors), residuals


def quotient(some, others):
    """Some over others, 0 where these are."""
    return np.divide(some, others, out=np.zeros(len(some)), where=others > 0)


def temple(residuals, gaps):
    """Bounds of eigenvalues' errors, from residuals and gaps to the next ones.

    An eigenvalue lies within the residual, though it may be another one than is looked for. Where
    the next one is further away than that, it lies within the squared residual over the gap
    (G. Temple and T. Kato).
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
