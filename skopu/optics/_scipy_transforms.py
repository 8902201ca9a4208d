"""Transforms between the masks of a layered medium by SciPy, on rows of NumPy's."""

import numpy as np
import scipy.fft

from .._utils.arrays import backend_of
from .._utils.scratch import Scratch
from .._utils.threads import pieces

_RUN = 2**16  # entries of a mask whose phasors are made at once, to stay in the cache
# Of one thread of a processor with AVX2 to transform and read a mode in float32, by engine.
NANOSECONDS = {"scipy": 5.0, "numba": 2.6}


class SciPyTransforms:
    """Light on its way through masks; ``workers`` threads share each transform."""

    nanoseconds = NANOSECONDS["scipy"]

    def __init__(self, masks):
        self._masks, self.dtype, self._scratch = masks, masks.dtype, Scratch()

    def illuminate(self, rows, workers):
        """Field of dense rows at the last mask, (n_rows, block_size)."""
        masks = self._masks
        light = self._scratch("rows", (len(rows), masks.block_size), masks.dtype)
        light[:, masks.n_inputs :] = 0
        if masks.signs is None:
            light[:, : masks.n_inputs] = rows
            return light
        np.multiply(rows, masks.signs, out=light[:, : masks.n_inputs])
        light = self._propagate(light, workers)
        for mask in masks.shared:
            self._shift_phases(light, mask, out=light)
            light = self._propagate(light, workers)
        return light

    def field(self, light, blocks, inside, workers):
        """Complex field of the modes inside a slice of the blocks.

        If there is one block, light is scratch.
        """
        masks, light = self._masks, light[:, None, :]
        if masks.n_blocks == 1 and light.dtype == masks.table.dtype:
            field = light
        else:
            n_blocks = blocks.stop - blocks.start
            shape = len(light), n_blocks, masks.block_size
            field = self._scratch("field", shape, masks.table.dtype)
        self._shift_phases(light, masks.last[blocks], out=field)
        return self._propagate(field, workers).reshape(len(light), -1)[:, inside]

    def read(self, light, blocks, inside, kind, out, workers):
        """What an ideal camera reads of the field, in out."""
        backend_of(out).read(kind, self.field(light, blocks, inside, workers), out)

    def back(self, light, workers):
        """Send light (n_rows, n_blocks * block_size) backwards, (n_rows, n_inputs)."""
        masks = self._masks
        light = light.reshape(len(light), masks.n_blocks, masks.block_size)
        light = self._propagate(light, workers)
        self._shift_phases(light, masks.last, out=light)
        light = light.sum(axis=1)
        for mask in reversed(masks.shared):
            light = self._propagate(light, workers)
            self._shift_phases(light, mask, out=light)
        if masks.signs is None:
            return light[:, : masks.n_inputs]
        light = self._propagate(light, workers)
        return light[:, : masks.n_inputs] * masks.signs

    def _propagate(self, light, workers):
        """Fourier transform of each block-long run of light, in place if complex."""
        grid = self._masks.grid
        on_grid = light.reshape(*light.shape[:-1], *grid)
        axes = tuple(range(-len(grid), 0))
        far = scipy.fft.fftn(on_grid, axes=axes, overwrite_x=True, workers=workers)
        return far.reshape(light.shape)

    def _shift_phases(self, light, mask, out):
        for run in pieces(self._masks.block_size, _RUN):
            phasors = self._masks.table[mask[..., run]]
            np.multiply(light[..., run], phasors, out=out[..., run])
