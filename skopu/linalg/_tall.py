"""Products of tall matrices of few columns with small ones, which are always NumPy's.

Tall ones of NumPy's are multiplied chunk by chunk: a chunk fits the processor's cache, so
temporary results never go to memory. Those of other libraries stay on their device.
"""

import math

import numpy as np

from .._arrays import as_type, is_foreign, like, namespace, to_numpy
from ..optics._rows import pieces, run_pieces

_CHUNK = 2**19  # entries of the widest array


def chunks(n_rows, width):
    """Slices of rows that fit the cache."""
    return pieces(n_rows, max(256, _CHUNK // max(width, 1)))


def inner(X, Y, run):
    """X.T @ Y, small and NumPy's."""
    if is_foreign(Y):
        return to_numpy(X.T @ Y)
    slices = chunks(len(Y), max(X.shape[1], Y.shape[1]))
    parts = [None] * len(slices)

    def work(i):
        parts[i] = X[slices[i]].T @ Y[slices[i]]

    run_pieces(work, range(len(slices)), run)
    return np.sum(parts, axis=0)


def subtract(Y, X, C, run):
    """Y -= X @ C in place."""
    if is_foreign(Y):
        Y -= X @ like(C, Y)
        return

    def work(rows):
        Y[rows] -= X[rows] @ C

    run_pieces(work, chunks(len(Y), max(X.shape[1], Y.shape[1])), run)


def transform(Y, C, run):
    """Y @ C, in place of Y where that is NumPy's, for a square C."""
    if is_foreign(Y):
        return Y @ like(C, Y)

    def work(rows):
        Y[rows] = Y[rows] @ C

    run_pieces(work, chunks(*Y.shape), run)
    return Y


def multiply(blocks, C, run):
    """np.hstack(blocks) @ C."""
    parts = np.split(C, np.cumsum([block.shape[1] for block in blocks])[:-1])
    if is_foreign(blocks[0]):
        return sum(block @ like(part, block) for block, part in zip(blocks, parts, strict=True))
    result = np.empty((len(blocks[0]), C.shape[1]), blocks[0].dtype)

    def work(rows):
        piece = result[rows]
        np.matmul(blocks[0][rows], parts[0], out=piece)
        for block, part in zip(blocks[1:], parts[1:], strict=True):
            piece += block[rows] @ part

    run_pieces(work, chunks(len(result), C.shape[1]), run)
    return result


def qr(Y):
    """Orthonormal Q, tall, and R, small and NumPy's, with Q @ R = Y."""
    if is_foreign(Y):
        Q, R = namespace(Y).linalg.qr(Y)
        return Q, to_numpy(R)
    return np.linalg.qr(Y)


def forms(X, Y):
    """Inner products of corresponding columns, in double precision and NumPy's."""
    if is_foreign(X):
        xp = namespace(X)
        return to_numpy(xp.sum(as_type(X, np.float64) * as_type(Y, np.float64), axis=0))
    return np.einsum("ij,ij->j", X, Y, dtype=np.float64)


def lengths(columns):
    """Norms of columns, in double precision and NumPy's."""
    return np.sqrt(forms(columns, columns))


def largest_length(columns):
    """Norm of the longest column, whose square may be too large or too small for a float."""
    xp = namespace(columns)
    largest = float(xp.max(abs(columns)))
    if largest == 0:
        return 0.0
    scaled = columns / largest
    return largest * math.sqrt(forms(scaled, scaled).max())
