"""The masks of a layered medium; light on its way through them is in `_scipy_transforms`."""

import numpy as np

from .._utils.arrays import backend_of, numpy_dtype
from .._utils.streams import bit_generator, phase_table, raw_bytes


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

    def cut(self, blocks, modes):
        """Where the modes of a slice of the blocks lie among those asked for, and the reverse."""
        first = self.first_mode + blocks.start * self.block_size
        last = self.first_mode + blocks.stop * self.block_size
        low, high = max(first, modes.start), min(last, modes.stop)
        return slice(low - modes.start, high - modes.start), slice(low - first, high - first)


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

    def back(self, light):
        """Light that enters at the blocks, side by side, sent backwards: (n_rows, n_inputs)."""
        xp = self.backend.namespace
        light = xp.reshape(light, (light.shape[0], -1, self.block_size))
        light = xp.sum(self._propagate(light) * self.last, axis=1)
        for mask in reversed(self.shared):
            light = self._propagate(light) * mask
        if self.signs is None:
            return light[:, : self.n_inputs]
        return self._propagate(light)[:, : self.n_inputs] * self.signs

    def _propagate(self, light):
        xp = self.backend.namespace
        on_grid = xp.reshape(light, (*light.shape[:-1], *self.grid))
        far = xp.fft.fftn(on_grid, axes=tuple(range(-len(self.grid), 0)))
        return xp.reshape(far, light.shape)
