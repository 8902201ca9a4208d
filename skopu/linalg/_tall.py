"""Products of tall matrices of few columns, chunk by chunk.

A chunk fits the processor's cache, so temporary results never go to memory.
"""

import numpy as np

from ..optics._rows import pieces, run_pieces

_CHUNK = 2**19  # entries of the widest array


def _chunks(n_rows, width):
    return pieces(n_rows, max(256, _CHUNK // max(width, 1)))


def inner(X, Y, threads):
    """X.T @ Y."""
    chunks = _chunks(len(Y), max(X.shape[1], Y.shape[1]))
    parts = [None] * len(chunks)

    def work(i):
        parts[i] = X[chunks[i]].T @ Y[chunks[i]]

    run_pieces(work, range(len(chunks)), threads)
    return np.sum(parts, axis=0)


def subtract(Y, X, C, threads):
    """Y -= X @ C in place."""

    def work(rows):
        Y[rows] -= X[rows] @ C

    run_pieces(work, _chunks(len(Y), max(X.shape[1], Y.shape[1])), threads)


def multiply(blocks, C, threads):
    """np.hstack(blocks) @ C."""
    result = np.empty((len(blocks[0]), C.shape[1]), blocks[0].dtype)
    parts = np.split(C, np.cumsum([block.shape[1] for block in blocks])[:-1])

    def work(rows):
        piece = result[rows]
        np.matmul(blocks[0][rows], parts[0], out=piece)
        for block, part in zip(blocks[1:], parts[1:], strict=True):
            piece += block[rows] @ part

    run_pieces(work, _chunks(len(result), C.shape[1]), threads)
    return result
