"""Nyström approximations of positive semi-definite matrices, from products with random vectors."""

import math
from typing import NamedTuple

import numpy as np
import scipy.linalg

from .._utils.arrays import as_type
from ._leave_one_out import lost_directions
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
    """`NystromSketch` of the columns of X; ValueError unless A is positive semi-definite.

    The shift makes rounding harmless, see J. A. Tropp et al., "Fixed-rank approximation of a
    positive-semidefinite matrix from streaming data", NIPS 2017.
    """
    # The approximation is that of the span, and nearly n random vectors are ill-conditioned.
    basis, T = qr(as_type(X, np.float64))
    basis = as_type(basis, A.dtype)
    images = A.matmat(basis)
    if not A.known_symmetric:
        check_symmetric(basis, images, A.name)
    eps = float(np.finfo(A.dtype).eps)
    basis, images = as_type(basis, np.float64), as_type(images, np.float64)
    size = largest_length(images)
    unit = size or 1.0
    forms_of_A = inner(basis, images / unit, map)
    forms_of_A = (forms_of_A + forms_of_A.T) / 2
    rounding = eps * (math.sqrt(np.square(lengths(images) / unit).sum()) or 1.0)
    for times in _SHIFTS:
        shift = times * rounding
        try:
            C = np.linalg.cholesky(forms_of_A + shift * np.eye(len(T))).T
            break
        except np.linalg.LinAlgError:
            lowest = np.linalg.eigvalsh(forms_of_A)[0] * unit
    else:
        raise ValueError(
            f"{A.name} must be positive semi-definite, but x'Ax is {lowest:.3g} for some x of "
            f"length 1. {advice}"
        )
    Q, R = qr(images + shift * unit * basis)
    inverse = scipy.linalg.solve_triangular(C, np.eye(len(C)))
    B = R @ inverse * (math.sqrt(size) / unit)
    directions = inverse.T @ lost_directions(T, eps)
    sizes = lengths(directions)
    directions /= sizes
    cosines = np.square(directions.T @ directions)
    return NystromSketch(Q, B, B @ directions, size / sizes**2, cosines, shift * size)
