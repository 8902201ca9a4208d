"""Products of tall matrices of few columns with small ones, which are always NumPy's.

Each function has two forms. Tall matrices of NumPy's are multiplied chunk by chunk: a chunk
fits the processor's cache, so temporary results never go to memory. Those of other libraries
stay on their device.
"""

import functools
import math

import numpy as np

from .._utils.arrays import as_type, like, namespace, to_numpy
from .._utils.threads import pieces, run_pieces

_CHUNK = 2**19  # entries of the widest array


def chunks(n_rows, width):
    """Slices of rows that fit the cache."""
    return pieces(n_rows, max(256, _CHUNK // max(width, 1)))


@functools.singledispatch
def inner(X, Y, run):
    """X.T @ Y, small and NumPy's; infinite or NaN where it overflows, without a warning."""
    return to_numpy(X.T @ Y)


@inner.register(np.ndarray)
def _(X, Y, run):
    slices = chunks(len(Y), max(X.shape[1], Y.shape[1]))
    parts = [None] * len(slices)

    def work(i):
        # Here, since NumPy's settings do not reach other threads.
        with np.errstate(over="ignore", invalid="ignore"):
            parts[i] = X[slices[i]].T @ Y[slices[i]]

    run_pieces(work, range(len(slices)), run)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.sum(parts, axis=0)


@functools.singledispatch
def subtract(Y, X, C, run):
    """Y -= X @ C in place."""
    Y -= X @ like(C, Y)


@subtract.register(np.ndarray)
def _(Y, X, C, run):
    def work(rows):
        Y[rows] -= X[rows] @ C

    run_pieces(work, chunks(len(Y), max(X.shape[1], Y.shape[1])), run)


@functools.singledispatch
def transform(Y, C, run):
    """Y @ C, in place of Y where that is NumPy's, for a square C."""
    return Y @ like(C, Y)


@transform.register(np.ndarray)
def _(Y, C, run):
    def work(rows):
        Y[rows] = Y[rows] @ C

    run_pieces(work, chunks(*Y.shape), run)
    return Y


def multiply(blocks, C, run):
    """np.hstack(blocks) @ C."""
    parts = np.split(C, np.cumsum([block.shape[1] for block in blocks])[:-1])
    return _add_products(blocks[0], blocks, parts, run)


@functools.singledispatch
def _add_products(first, blocks, parts, run):
    return sum(block @ like(part, block) for block, part in zip(blocks, parts, strict=True))


@_add_products.register(np.ndarray)
def _(first, blocks, parts, run):
    result = np.empty((len(first), parts[0].shape[1]), first.dtype)

    def work(rows):
        piece = result[rows]
        np.matmul(first[rows], parts[0], out=piece)
        for block, part in zip(blocks[1:], parts[1:], strict=True):
            piece += block[rows] @ part

    run_pieces(work, chunks(*result.shape), run)
    return result


@functools.singledispatch
def qr(Y):
    """Orthonormal Q, tall, and R, small and NumPy's, with Q @ R = Y."""
    Q, R = namespace(Y).linalg.qr(Y)
    return Q, to_numpy(R)


qr.register(np.ndarray, np.linalg.qr)


@functools.singledispatch
def forms(X, Y):
    """Inner products of corresponding columns, in double precision and NumPy's."""
    xp = namespace(X)
    return to_numpy(xp.sum(as_type(X, np.float64) * as_type(Y, np.float64), axis=0))


@forms.register(np.ndarray)
def _(X, Y):
    return np.einsum("ij,ij->j", X, Y, dtype=np.float64)


def lengths(columns):
    """Norms of columns, in double precision and NumPy's."""
    squares = forms(columns, columns)
    limits = np.finfo(np.float64)
    if np.all((squares > limits.tiny / limits.eps) & (squares < limits.max)):
        return np.sqrt(squares)
    largest = to_numpy(namespace(columns).max(abs(columns), axis=0))  # or a column is zero
    unit = np.where(largest > 0, largest, 1)
    scaled = columns / like(unit, columns)
    return unit * np.sqrt(forms(scaled, scaled))


def largest_length(columns):
    """Norm of the longest column, whose square may be too large or too small for a float."""
    if 0 in columns.shape:
        return 0.0
    xp = namespace(columns)
    largest = float(xp.max(abs(columns)))
    if largest == 0:
        return 0.0
    scaled = columns / largest
    return largest * math.sqrt(forms(scaled, scaled).max())
