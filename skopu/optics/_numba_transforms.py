"""Transforms between masks by compiled functions on vectors; needs numba."""

import math

import numpy as np

from .._utils.scratch import Scratch
from ._numba_passes import compiled
from ._numba_steps import VECTOR_BYTES
from ._scipy_transforms import NANOSECONDS

_GAP = 48  # numbers between planes, or all parts of a number would compete for one cache line


class NumbaTransforms:
    """What `SciPyTransforms` does, in one pass over the cache for each row and block."""

    nanoseconds = NANOSECONDS["numba"]

    def __init__(self, masks):
        self.dtype, self._scratch = masks.dtype, Scratch()
        self._masks, self._plan = masks, plan(masks.grid, masks.dtype)
        self._compiled = compiled(masks.dtype)
        self._shared = np.array(masks.shared, np.uint8).reshape(-1, masks.block_size)

    def illuminate(self, rows, workers):
        """Field of dense rows at the last mask, as planes, (n_rows, 2 * block_size)."""
        masks = self._masks
        shape = len(rows), 2 * (masks.block_size + _GAP)
        light = self._scratch("light", shape, masks.dtype)
        if masks.signs is None:
            light[:] = 0
            light[:, : masks.n_inputs] = rows
        else:
            rows = np.require(rows, requirements="CA")
            self._compiled.illuminate(
                rows, masks.signs, self._shared, masks.table, *self._plan, light
            )
        return light

    def field(self, light, blocks, inside, workers):
        """Complex field of the modes inside a slice of the blocks."""
        n_modes = inside.stop - inside.start
        field = self._scratch("field", (len(light), n_modes), self._masks.table.dtype)
        self._exit(light, blocks, inside, False, 1, field.view(self._masks.dtype))
        return field

    def read(self, light, blocks, inside, kind, out, workers):
        """What an ideal camera reads of the field, in out."""
        contiguous_rows = out.flags.aligned and out.strides[1] == out.itemsize
        readings = out if contiguous_rows else np.empty(out.shape, out.dtype)
        intensity = kind == "intensity"
        self._exit(light, blocks, inside, intensity, 1 if intensity else math.sqrt(2), readings)
        if readings is not out:
            out[...] = readings

    def _exit(self, light, blocks, inside, intensity, scale, out):
        masks, scale = self._masks, self._masks.dtype.type(scale)
        field = light, masks.last[blocks], masks.table, *self._plan
        self._compiled.exit(*field, inside.start, intensity, scale, out)


def plan(grid, dtype):
    """Factors, and passes (radix, length, run, first factor) along rows and columns of a grid.

    Of a transform of the grid's numbers: along its rows, then along its columns, whose last pass
    is one of radix 4. A single row is a grid whose last pass counts as the columns'.
    """
    n_rows, length = (1, *grid)[-2:]
    width = VECTOR_BYTES // dtype.itemsize
    if n_rows == 1:
        row_radices, column_radices = [8, *_middle_radices(length // 32)], [4]
    else:
        row_radices = [8, *_middle_radices(length // 8)]
        column_radices = [*_middle_radices(n_rows // 4), 4]
    factors, n_factors = [], 0
    passes = ([], [])
    left = n_rows * length if n_rows == 1 else length
    run = 1
    for kind, radices in enumerate((row_radices, column_radices)):
        if kind and n_rows > 1:
            left, run = n_rows, length
        for radix in radices:
            passes[kind].append((radix, left, run, n_factors))
            turns = np.outer(np.arange(left // radix), np.arange(1, radix)) / left
            turns = np.exp(-2j * np.pi * turns)
            if n_factors == 0:  # vectors, in the order in which the first step takes them
                starts = np.arange(0, len(turns), width)
                chosen = np.minimum(starts, len(turns) - width)[:, None] + np.arange(width)
                turns = turns[chosen].transpose(0, 2, 1)
            parts = np.stack([turns.real, turns.imag], axis=2)
            factors.append(parts.ravel())
            n_factors += parts.size
            left, run = left // radix, run * radix
    rows, columns = (np.array(kind, np.int64) for kind in passes)
    return np.concatenate(factors).astype(dtype), rows, columns


def _middle_radices(length):
    """Radices of 2, 3, 4, 5 and 8 whose product is a length that is a multiple of 4 or small."""
    radices = []
    for radix in (5, 3):
        while length % radix == 0:
            radices.append(radix)
            length //= radix
    while length > 1:
        radix = 8 if length % 8 == 0 and length != 16 else 4 if length % 4 == 0 else 2
        radices.append(radix)
        length //= radix
    return radices
