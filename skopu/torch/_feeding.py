"""What the error of the output tells each block of a network."""

import math
from typing import NamedTuple

import torch

from ..neural_network.feedback import check_shows_errors, project_error
from ..optics import GaussianMedium, LayeredMedium

_GAUSSIAN_ENTRIES = 2**24  # 128 MiB in single precision, which the medium keeps for the next step


class Rows(NamedTuple):
    """How what a block returns is cut into rows, each of which learns from a row of the error."""

    n_leading: int  # dimensions that number the rows
    n_units: int  # of each

    @classmethod
    def of(cls, name, shape, output_shape):
        """Rows of a block: the positions of the output if it has these, else samples."""
        for leading in (output_shape[:-1], output_shape[:1]):
            if leading and shape[: len(leading)] == leading:
                return cls(len(leading), math.prod(shape[len(leading) :]))
        raise ValueError(
            f"Block {name!r} returns shape {tuple(shape)}, and the network {tuple(output_shape)}: "
            "their rows do not belong together. Both must begin with the same number of samples."
        )


class Feeding:
    """Projections of the error of one forward pass, for all blocks.

    owner is the `DirectFeedback`, and device_of its function that returns the device with one of
    two media.
    """

    def __init__(self, owner, device_of, names, output, hidden):
        if output.ndim == 0:
            raise ValueError(
                "The network returns a single number, which looks like its loss. Return the "
                "output, and compute the loss from it."
            )
        self.owner = owner
        self.shape = output.shape if output.ndim > 1 else (*output.shape, 1)
        self.hidden = [(each.shape, each.dtype, each.device) for each in hidden]
        self.rows = [
            Rows.of(name, each.shape, self.shape) for name, each in zip(names, hidden, strict=True)
        ]
        self.lights = {kind: self._light(kind, device_of) for kind in self._kinds()}

    def __call__(self, error):
        """What takes the place of the gradient of each block's output."""
        if not torch.isfinite(error).all():
            if error.dtype == torch.float16:  # a gradient scaler looks for it, and skips the step
                return [error.new_full((), math.nan).expand(shape) for shape, _, _ in self.hidden]
            raise ValueError(
                "The error of the output is not finite: training has diverged. The weights are "
                "those of the last step. Lower the learning rate, or clip gradients."
            )
        wide = error.dtype if error.dtype == torch.float64 else torch.float32
        error = error.detach().reshape(self.shape).to(wide)
        owner, fed = self.owner, [None] * len(self.rows)
        for n_leading, light in self.lights.items():
            blocks = self._of_kind(n_leading)
            shown = error.flatten(0, n_leading - 1).flatten(1).contiguous()
            parts = self._project(light, shown, [self.rows[i].n_units for i in blocks])
            for i, part in zip(blocks, parts, strict=True):
                shape, dtype, device = self.hidden[i]
                fed[i] = part.reshape(shape).to(device, dtype)
        owner.n_steps += 1
        return fed

    def _project(self, light, shown, sizes):
        if len(shown) == 0:
            return [shown.new_zeros((0, size)) for size in sizes]
        owner = self.owner
        options = owner.error_encoding, owner.ternary_threshold, owner.n_steps
        return project_error(light, shown, sizes, *options)

    def _kinds(self):
        return sorted({rows.n_leading for rows in self.rows})

    def _of_kind(self, n_leading):
        return [i for i, rows in enumerate(self.rows) if rows.n_leading == n_leading]

    def _light(self, n_leading, device_of):
        """The device for all blocks of one kind of rows."""
        n_inputs = math.prod(self.shape[n_leading:])
        sizes = [self.rows[i].n_units for i in self._of_kind(n_leading)]
        entries = n_inputs * math.ceil(sum(sizes) / 2)
        light = device_of(GaussianMedium if entries <= _GAUSSIAN_ENTRIES else LayeredMedium)
        check_shows_errors(light, n_inputs, sizes, self.owner.error_encoding)
        return light
