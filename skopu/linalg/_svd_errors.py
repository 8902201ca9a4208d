"""How wrong singular values and vectors from a Krylov space still are."""

import numpy as np

ROUNDING = 30  # errors of singular values in units of eps times the largest: up to 16 were seen
SLOWEST = 0.98  # gains that shrink more slowly are not told from this


def krylov_errors(B, n_left, n_right, n_components):
    """Bounds of what the leading singular values and vectors still lack, rounding left out.

    B is A between bases of m left and n right directions, of which the last n_left and n_right were
    added last, in this order: B holds two earlier states, too, and their residuals, which are what
    A has outside of their bases. The error of a squared singular value is its squared residual over
    a gap (T. Kato's and G. Temple's bound), so that both shrink alike from state to state: what is
    to come is less than a geometric series of what the last state has gained. Its ratio is the
    smaller one of those that residuals and gains show, and the margin was found by
    ``benchmarks/svd_errors.py``.

    Returns
    -------
    errors : ndarray of shape (n_components,), float64
        Relative, of values; not descending. Infinite where the bases are too small to tell.
    residuals : ndarray of shape (n_components,), float64
        Of squared values, relative to these.
    """
    m, n = B.shape[0] - n_left, B.shape[1] - n_right
    if min(m, n) < n_components:
        return (np.full(n_components, np.inf),) * 2
    unit = abs(B).max() or 1
    B = B.astype(np.float64) / unit
    now = np.linalg.svd(B, compute_uv=False)[:n_components]
    _, first, right = np.linalg.svd(B[:m, :n], full_matrices=False)
    left, second, _ = np.linalg.svd(B[:, :n], full_matrices=False)
    first, second = first[:n_components], second[:n_components]
    first_residual = first * np.linalg.norm(B[m:, :n] @ right[:n_components].T, axis=0)
    second_residual = second * np.linalg.norm(left[:, :n_components].T @ B[:, n:], axis=1)
    before, gained = (np.maximum(each, 0) for each in (second**2 - first**2, now**2 - second**2))
    ratio = np.minimum(quotient(second_residual**2, first_residual**2), quotient(gained, before))
    ratio = np.minimum(ratio, SLOWEST)
    errors = quotient((1 + ratio) * ratio / (1 - ratio) * gained, 2 * now**2)
    return np.maximum.accumulate(errors), quotient(second_residual, now**2)


def quotient(some, others):
    """Some over others, 0 where these are."""
    return np.divide(some, others, out=np.zeros(len(some)), where=others > 0)


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
