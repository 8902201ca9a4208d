"""What a ridge regression cannot be solved with."""

import numpy as np

from .._utils.checks import all_finite

_LOST = 10  # times rounding of the largest eigenvalue, below which an eigenvalue is noise


def check_overflow(products, dtype):
    if not all_finite(products):
        raise ValueError(
            f"Inner products of the features overflow {dtype}, or hold NaN. Scale X, for example "
            "with sklearn.preprocessing.normalize."
        )


def check_rounding(alpha, least, largest, dtype):
    """Raise ValueError where the least eigenvalue, with alpha, is lost beside the largest."""
    if least < _LOST * np.finfo(dtype).eps * largest:
        raise ValueError(
            f"alpha={alpha} is too small for features of {dtype}: rounding hides it. Raise "
            "alphas, scale X down, look for outliers in it, or give X as float64."
        )


def check_some_rows(problem, alpha):
    """`check_rounding` before the pass, where some rows leave no doubt.

    No more than half of their directions may be lost. Of the rows, spread over all, those
    longest along the leading direction do not count: one outlier would seem to be many.
    """
    rows, some = problem.some_features()
    roots = problem.roots[rows]
    weight = np.square(roots, dtype=np.float64).sum()
    if weight == 0:
        return
    some = (some - problem.shift).astype(np.float64) * roots[:, None]
    check_overflow(some, problem.dtype)
    _, sizes, directions = np.linalg.svd(some, full_matrices=False)
    along = np.sort(np.square(some @ directions[0]))[: -(-9 * len(some) // 10)]
    scale = problem.total / weight
    middle, largest = scale * sizes[len(sizes) // 2] ** 2, scale * along.sum()
    # Without the longest tenth, some half of a normal sum is left; half of that is the margin.
    check_rounding(alpha, alpha + middle, largest / 2, problem.dtype)


def best_of(errors, alphas):
    """Index of the least error of cross-validation."""
    if not np.isfinite(errors).all():
        wrong = [alpha for alpha, error in zip(alphas, errors, strict=True) if error - error != 0]
        raise ValueError(
            f"The errors of cross-validation are not finite for alphas={wrong}. Raise alphas, or "
            "scale the targets down."
        )
    return int(np.argmin(errors))
