"""Modules whose device is saved by its seed alone."""

import torch
from sklearn.base import clone
from torch import nn

from ..optics.opu import draw_seed, resolve_opu


class SeededModule(nn.Module):
    """A module that has a device, of whose glass nothing but its seed is in ``state_dict``."""

    def __init__(self, opu, random_state):
        super().__init__()
        if random_state is None:  # as layers of PyTorch draw their weights
            random_state = int(torch.randint(2**31 - 1, ()))
        resolve_opu(opu, seed=0)  # checks that it is a device
        self.opu = opu
        self.seed = draw_seed(random_state)

    def _make_device(self, medium):
        """The device in use: a clone of ``opu``, or one of that medium."""
        opu = None if self.opu is None else clone(self.opu)
        return resolve_opu(opu, seed=self.seed, medium=medium)

    def get_extra_state(self):
        """What ``state_dict`` holds beside parameters: the seed of the glass."""
        seed = self._glass()
        words = range(0, max(1, seed.bit_length()), 32)  # a tensor has no integers above 2**63
        return torch.tensor([seed >> word & 0xFFFFFFFF for word in words])

    def set_extra_state(self, state):
        """Take the seed from what is loaded; ValueError where ``opu`` has another of its own."""
        seed = sum(int(word) << 32 * i for i, word in enumerate(state))
        if self._has_own_glass():
            if seed != self._glass():
                raise ValueError(
                    f"The state was saved with a device of seed {seed}, and opu={self.opu!r} is of "
                    f"seed {self._glass()}. Pass the device that it was saved with."
                )
        else:
            self.seed = seed

    def _has_own_glass(self):
        return self.opu is not None and getattr(self.opu, "random_state", 0) is not None

    def _glass(self):
        return self.opu.glass_seed() if self._has_own_glass() else self.seed
