"""Block Krylov spaces of a symmetric matrix, and the eigenvalues in them."""

import itertools
from typing import NamedTuple

import numpy as np

from ._orthonormal import orthonormalize
from ._svd_errors import MARGIN, ROUNDING, SLOWEST, quotient, rounding_errors, temple
from ._symmetry import check_symmetric
from ._tall_blocks import inner, largest_length

_MARGIN = 4  # of a geometric series, found by benchmarks/eigh_errors.py
ORDERS = {"LM": lambda w: -abs(w), "LA": lambda w: -w, "SA": lambda w: w}


class KrylovSpace(NamedTuple):
    """Blocks of an orthonormal basis Q, and T = Q'AQ; A Q is Q T but for the last block.

    There it is Q T + F R with an orthonormal F and this R, which is None where nothing is left.
    """

    basis: list
    T: np.ndarray
    R: np.ndarray | None

    def ritz(self, which):
        """Eigenvalues and eigenvectors of T, the wanted ones first."""
        values, vectors = np.linalg.eigh(self.T)
        order = np.argsort(ORDERS[which](values), kind="stable")
        return values[order], vectors[:, order]

    def leading(self, k, which):
        """The first k wanted eigenvalues of T, and residuals."""
        values, vectors = self.ritz(which)
        return values[:k], self.residuals(vectors[:, :k])

    def residuals(self, vectors):
        """Lengths of what A does to Ritz vectors beyond scaling them."""
        if self.R is None:
            return np.zeros(vectors.shape[1])
        return np.linalg.norm(self.R @ vectors[-self.R.shape[1] :], axis=0)

    def before(self):
        """The space without its last block."""
        n, n_last = len(self.T), self.basis[-1].shape[1]
        return KrylovSpace(
            self.basis[:-1], self.T[: n - n_last, : n - n_last], self.T[n - n_last :, : n - n_last]
        )


def krylov_space(operator, start, n_components, which, n_iter, tolerances, run):
    """`KrylovSpace` after n_iter refinements, or after as many as meet the tolerances."""
    block, _ = orthonormalize(start, [], 0, largest_length(start), run)
    basis, T = [block], np.zeros((0, 0), operator.dtype)
    size, R = 0.0, np.zeros((block.shape[1], 0), operator.dtype)
    for step in itertools.count():
        images = operator.matmat(block)
        if step == 0:
            check_symmetric(block, images, operator.name)
        diagonal = inner(block, images, run)
        T = _extended(T, R, (diagonal + diagonal.T) / 2)
        size = max(size, largest_length(images)) if block.shape[1] else 0.0
        block, R = orthonormalize(images, basis, len(basis), size, run, passes=2)
        if block.shape[1] == 0:
            return KrylovSpace(basis, T, None)
        space = KrylovSpace(basis, T, R)
        if step == n_iter or (
            n_iter == "auto" and _are_met(space, n_components, which, tolerances)
        ):
            return space
        basis = [*basis, block]


def _extended(T, R, diagonal):
    """T with R below it and at its right, and a block on its diagonal."""
    below = np.hstack([np.zeros((len(R), len(T) - R.shape[1]), T.dtype), R])
    return np.block([[T, below.T], [below, diagonal]])


def _are_met(space, n_components, which, tolerances):
    values, errors, sines = eigen_errors(space, n_components, which)
    rounding = rounding_of(values[:n_components], values, space.T.dtype)
    if not np.all(errors <= np.maximum(tolerances.values, rounding)):
        return False
    return tolerances.vectors is None or bool(np.all(sines <= tolerances.vectors))


def eigen_errors(space, n_components, which):
    """Ritz values, and bounds of what the first lack, relative, and of the sines of their vectors.

    Rounding is left out of the values' errors, which are the larger of the two bounds of
    `krylov_errors`. A vector is turned by its residual over its gap to the other values (C. Davis
    and W. Kahan).
    """
    k, eps, order = n_components, np.finfo(space.T.dtype).eps, ORDERS[which]
    unit = float(abs(space.T).max(initial=0)) or 1.0
    R = None if space.R is None else space.R.astype(np.float64) / unit
    space = KrylovSpace(space.basis, space.T.astype(np.float64) / unit, R)
    values, vectors = space.ritz(which)
    leading, residuals = values[:k], space.residuals(vectors[:, :k])
    if space.R is None:
        errors = np.zeros(len(leading))
    elif len(space.basis) < 3 or len(space.before().before().T) < k:
        errors = np.full(len(leading), np.inf)
    else:
        before = space.before()
        second, second_residuals = before.leading(k, which)
        _, first_residuals = before.before().leading(k, which)
        gains = np.maximum(order(second) - order(leading), 0)
        ratio = quotient(residuals, second_residuals)  # which goes up and down
        ratio *= np.maximum(ratio, quotient(second_residuals, first_residuals))
        ratio = np.minimum(ratio, SLOWEST)
        series = np.minimum(_MARGIN * ratio / (1 - ratio) * gains, residuals)
        falls = np.diff(order(values), append=order(values[-1:]))[:k]
        errors = np.maximum(series, MARGIN * temple(residuals, falls))
    rounding = ROUNDING * eps * abs(values).max(initial=0)
    sines = _sines(values, errors + rounding, residuals + rounding)
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.where(errors > 0, errors / abs(leading), 0)
    return values * unit, np.maximum.accumulate(errors), sines


def _sines(values, errors, residuals):
    k = len(errors)
    gaps = abs(values[:k, None] - values)
    gaps[range(k), range(k)] = np.inf
    gaps = gaps.min(axis=1, initial=np.inf) - errors - errors.max(initial=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gaps > 0, np.minimum(residuals / gaps, 1), 1.0)


def rounding_of(some, values, dtype):
    """What rounding may do to some of all eigenvalues, relative to each."""
    return rounding_errors(abs(some), abs(values).max(initial=0), np.finfo(dtype).eps)
