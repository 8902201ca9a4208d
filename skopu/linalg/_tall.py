"""Products of tall matrices of few columns, chunk by chunk.

A chunk fits the processor's cache, so temporary results never go to memory.
"""

import math

import numpy as np

from ..optics._rows import pieces, run_pieces

_CHUNK = 2**19  # entries of the widest array


def chunks(n_rows, width):
    """Slices of rows that fit the cache."""
    return pieces(n_rows, max(256, _CHUNK // max(width, 1)))


def inner(X, Y, run):
    """X.T @ Y."""
    slices = chunks(len(Y), max(X.shape[1], Y.shape[1]))
    parts = [None] * len(slices)

    def work(i):
        parts[i] = X[slices[i]].T @ Y[slices[i]]

    run_pieces(work, range(len(slices)), run)
    return np.sum(parts, axis=0)


def subtract(Y, X, C, run):
    """Y -= X @ C in place."""

    def work(rows):
        Y[rows] -= X[rows] @ C

    run_pieces(work, chunks(len(Y), max(X.shape[1], Y.shape[1])), run)


def transform(Y, C, run):
    """Y @ C in place of Y, for a square C."""

    def work(rows):
        Y[rows] = Y[rows] @ C

    run_pieces(work, chunks(*Y.shape), run)
    return Y


def multiply(blocks, C, run):
    """np.hstack(blocks) @ C."""
    result = np.empty((len(blocks[0]), C.shape[1]), blocks[0].dtype)
    parts = np.split(C, np.cumsum([block.shape[1] for block in blocks])[:-1])

    def work(rows):
        piece = result[rows]
        np.matmul(blocks[0][rows], parts[0], out=piece)
        for block, part in zip(blocks[1:], parts[1:], strict=True):
            piece += block[rows] @ part

    run_pieces(work, chunks(len(result), C.shape[1]), run)
    return result


def largest_length(columns):
    """Norm of the longest column, whose square may be too large or too small for a float."""
    largest = float(abs(columns).max())
    if largest == 0:
        return 0.0
    return largest * math.sqrt(np.square(columns / largest, dtype=np.float64).sum(axis=0).max())
