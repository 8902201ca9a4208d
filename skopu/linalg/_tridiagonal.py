"""The Lanczos process: a symmetric matrix, as it is on the Krylov spaces of some vectors."""

import numpy as np

from .._utils.arrays import backend_of, like, namespace
from .._utils.threads import pieces
from ._symmetry import check_symmetric
from ._tall_blocks import forms, lengths

_BASIS_BYTES = 2**28  # of Krylov vectors held at once


def groups_of_columns(operator, n_columns, n_steps):
    """Slices of range(n_columns), vectors whose Krylov bases are held at once."""
    # Two at least, which show whether A is symmetric.
    width = max(2, _BASIS_BYTES // (n_steps * operator.shape[0] * operator.dtype.itemsize))
    return pieces(n_columns, width)


def tridiagonalize(operator, X, n_steps):
    """Krylov bases of unit columns X, with full reorthogonalisation, and what A is on them.

    Returns
    -------
    basis : array of shape (n_columns, k, n)
        Orthonormal; k is n_steps, or fewer where all Krylov spaces are exhausted before.
    T : ndarray of shape (n_columns, k, k)
        Tridiagonal. Where a Krylov space is exhausted, it goes on with a copy of its last
        diagonal entry that nothing is coupled to.
    exhausted : ndarray of shape (n_columns,)
        Where that is so, or a basis spans the whole space.
    """
    n, p = X.shape
    xp, dtype = namespace(X), operator.dtype
    basis = backend_of(X).zeros((p, n_steps, n), dtype)
    T = np.zeros((p, n_steps, n_steps))
    basis[:, 0, :] = X.T
    active = np.ones(p, bool)
    for step in range(n_steps):
        last = basis[:, step, :]
        image = _multiply(operator, last, active)
        if step == 0 and not operator.known_symmetric:
            check_symmetric(X, image.T, operator.name)
        T[:, step, step] = np.where(active, forms(last.T, image.T), T[:, step - 1, step - 1])
        if step + 1 == n_steps:
            break
        size = lengths(image.T)
        seen = basis[:, : step + 1, :]
        for _ in range(2):
            parts = xp.reshape(seen @ image[:, :, None], (p, 1, -1))
            image -= (parts @ seen)[:, 0, :]
        coupling = lengths(image.T)
        active &= coupling > 10 * np.finfo(dtype).eps * size
        if not active.any():
            T = T[:, : step + 1, : step + 1]
            basis = basis[:, : step + 1, :]
            break
        T[:, step, step + 1] = T[:, step + 1, step] = np.where(active, coupling, 0)
        size = np.where(active, coupling, np.inf)[:, None]
        basis[:, step + 1, :] = image / like(size.astype(dtype), X)
    return basis, T, ~active | (n_steps == n)


def _multiply(operator, rows, active):
    """Products of A with the active rows, and zeros for the others."""
    if active.all():
        return operator.matmat(rows.T).T
    chosen = namespace(rows).take(rows, like(np.flatnonzero(active), rows), axis=0)
    spread = np.eye(len(active), dtype=operator.dtype)[:, active]
    return like(spread, rows) @ operator.matmat(chosen.T).T
