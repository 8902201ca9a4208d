"""The masks of a layered medium, and light on its way through them."""

import numpy as np
import scipy.fft

from .._utils.arrays import backend_of, numpy_dtype
from .._utils.streams import bit_generator, phase_table, raw_bytes
from .._utils.threads import pieces

_RUN = 2**16  # entries of a mask whose phasors are made at once, to stay in the cache


class Masks:
    """The masks of one layered medium for the blocks that hold some modes, for rows like X."""

    def __init__(self, medium, n_inputs, modes, seed, X):
        n_layers = medium.n_layers
        size = self.block_size = medium.block_size(n_inputs)
        self.n_inputs = n_inputs
        dtype = self.dtype = numpy_dtype(X)
        first_block, end_block = modes.start // size, -(-modes.stop // size)
        self.n_blocks = end_block - first_block
        self.n_modes, self.first_mode = self.n_blocks * size, first_block * size
        power = 2 ** (size.bit_length() // 2)
        self.grid = (size,) if size <= 2**14 else (power, size // power)

        def bits(layer):
            return bit_generator(seed, "mask", layer)

        signs = np.unpackbits(raw_bytes(bits(0), -(-n_inputs // 8)), bitorder="little")
        self.signs = 1 - 2 * signs[:n_inputs].astype(dtype) if n_layers > 1 else None
        self.shared = [raw_bytes(bits(layer), size) for layer in range(1, n_layers - 1)]
        # One stream of phases runs through all blocks: 32 bytes to a step of Philox.
        last = bits(n_layers - 1).advance(self.first_mode // 32)
        self.last = raw_bytes(last, self.n_modes).reshape(self.n_blocks, size)
        # Each propagation but the first keeps the power of the light.
        table = phase_table(8, np.result_type(dtype, np.complex64))
        self.table = table if n_layers == 1 else (table / np.sqrt(size)).astype(table.dtype)

    def _propagate(self, light, workers):
        """Fourier transform of each block-long run of light, in place if complex."""
        on_grid = light.reshape(*light.shape[:-1], *self.grid)
        axes = tuple(range(-len(self.grid), 0))
        far = scipy.fft.fftn(on_grid, axes=axes, overwrite_x=True, workers=workers)
        return far.reshape(light.shape)

    def illuminate(self, rows, workers):
        """Field of dense rows at the last mask, (n_rows, block_size)."""
        light = np.zeros((len(rows), self.block_size), self.dtype)
        if self.signs is None:
            light[:, : self.n_inputs] = rows
            return light
        np.multiply(rows, self.signs, out=light[:, : self.n_inputs])
        light = self._propagate(light, workers)
        for mask in self.shared:
            self._shift_phases(light, mask, out=light)
            light = self._propagate(light, workers)
        return light

    def exit(self, light, blocks, workers):
        """Field behind the last masks of a slice of the blocks, side by side.

        If there is one block, light is scratch.
        """
        light = light[:, None, :]
        if self.n_blocks == 1 and light.dtype == self.table.dtype:
            field = light
        else:
            n_blocks = blocks.stop - blocks.start
            field = np.empty((len(light), n_blocks, self.block_size), self.table.dtype)
        self._shift_phases(light, self.last[blocks], out=field)
        return self._propagate(field, workers).reshape(len(light), -1)

    def cut(self, blocks, modes):
        """Where the modes of a slice of the blocks lie among those asked for, and the reverse."""
        first = self.first_mode + blocks.start * self.block_size
        last = self.first_mode + blocks.stop * self.block_size
        low, high = max(first, modes.start), min(last, modes.stop)
        return slice(low - modes.start, high - modes.start), slice(low - first, high - first)

    def _shift_phases(self, light, mask, out):
        for run in pieces(self.block_size, _RUN):
            np.multiply(light[..., run], self.table[mask[..., run]], out=out[..., run])

    def transpose(self, light, workers):
        """Send light (n_rows, n_blocks * block_size) backwards, (n_rows, n_inputs)."""
        light = light.reshape(len(light), self.n_blocks, self.block_size)
        light = self._propagate(light, workers)
        self._shift_phases(light, self.last, out=light)
        light = light.sum(axis=1)
        for mask in reversed(self.shared):
            light = self._propagate(light, workers)
            self._shift_phases(light, mask, out=light)
        if self.signs is None:
            return light[:, : self.n_inputs]
        light = self._propagate(light, workers)
        return light[:, : self.n_inputs] * self.signs


class ArrayMasks:
    """Some blocks of masks on the device of an array, as phasors."""

    def __init__(self, masks, blocks, X):
        self.grid, self.n_inputs, self.block_size = masks.grid, masks.n_inputs, masks.block_size
        self.backend = backend = backend_of(X)
        self.signs = None if masks.signs is None else backend.asarray(masks.signs)
        self.dtype = masks.table.dtype
        table, xp = backend.asarray(masks.table), backend.namespace

        def phasors(mask):  # of a mask that travels as bytes
            steps = backend.as_type(backend.asarray(mask.ravel()), np.int64)
            return xp.reshape(xp.take(table, steps, axis=0), mask.shape)

        self.shared = [phasors(mask) for mask in masks.shared]
        self.last = phasors(masks.last[blocks])

    def field(self, rows):
        """Field of the blocks, side by side."""
        light = self.backend.zeros((rows.shape[0], self.block_size), self.dtype)
        if self.signs is None:
            light[:, : self.n_inputs] = self.backend.as_type(rows, self.dtype)
        else:
            light[:, : self.n_inputs] = self.backend.as_type(rows * self.signs, self.dtype)
            light = self._propagate(light)
        for mask in self.shared:
            light *= mask
            light = self._propagate(light)
        field = self._propagate(light[:, None, :] * self.last)
        return self.backend.namespace.reshape(field, (rows.shape[0], -1))

    def _propagate(self, light):
        xp = self.backend.namespace
        on_grid = xp.reshape(light, (*light.shape[:-1], *self.grid))
        far = xp.fft.fftn(on_grid, axes=tuple(range(-len(self.grid), 0)))
        return xp.reshape(far, light.shape)
