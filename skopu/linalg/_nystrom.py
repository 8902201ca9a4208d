"""Nyström approximations of positive semi-definite matrices, from products with random vectors."""

import math
from typing import NamedTuple

import numpy as np
import scipy.linalg

from .._utils.arrays import as_type
from ._symmetry import check_symmetric
from ._tall_blocks import inner, largest_length, lengths, qr

_SHIFTS = (1, 10, 100, 1000)  # in units of what rounding does to products


class NystromSketch(NamedTuple):
    """Approximation Y inv(X'Y) Y', where Y = (A + shift) X, and what each column of X adds to it.

    It is Q B B' Q'. Column i of ``left_out`` is L_i, such that it is smaller by Q L_i L_i' Q'
    without column i of X. ``missed`` are x_i'(A + shift - the smaller one) x_i, where x_i is
    scaled to have length 1 outside of the span of the others, where alone this is not 0.
    ``cosines`` are the squared cosines of what each column has outside of the others' span.
    """

    Q: np.ndarray
    B: np.ndarray
    left_out: np.ndarray
    missed: np.ndarray
    cosines: np.ndarray
    shift: float


def nystrom_sketch(A, X, advice):
    """`NystromSketch` by the product A @ X; ValueError unless A is positive semi-definite.

    The shift makes rounding harmless, see J. A. Tropp et al., "Fixed-rank approximation of a
    positive-semidefinite matrix from streaming data", NIPS 2017.
    """
    images = A.matmat(X)
    if not A.known_symmetric:
        check_symmetric(X, images, A.name)
    eps, n = float(np.finfo(A.dtype).eps), X.shape[0]
    X, images = as_type(X, np.float64), as_type(images, np.float64)
    size = largest_length(images)
    unit = size or 1.0
    gram, forms_of_A = inner(X, X, map), inner(X, images / unit, map)
    forms_of_A = (forms_of_A + forms_of_A.T) / 2
    rounding = eps * (math.sqrt(np.square(lengths(images) / unit).sum() / n) or 1.0)
    for times in _SHIFTS:
        shift = times * rounding
        try:
            C = np.linalg.cholesky(forms_of_A + shift * gram).T
            break
        except np.linalg.LinAlgError:
            lowest = np.linalg.eigvalsh(forms_of_A)[0] * unit / n
    else:
        raise ValueError(
            f"{A.name} must be positive semi-definite, but x'Ax is {lowest:.3g} for some x of "
            f"length 1. {advice}"
        )
    Q, R = qr(images + shift * unit * X)
    inverse = scipy.linalg.solve_triangular(C, np.eye(len(C)))
    B = R @ inverse * (math.sqrt(size) / unit)
    sizes = lengths(inverse.T)
    directions = (inverse / sizes[:, None]).T
    missed = size * np.square(lengths(np.linalg.inv(qr(X)[1]).T) / sizes)
    cosines = np.square(directions.T @ directions)
    return NystromSketch(Q, B, B @ directions, missed, cosines, shift * size)
