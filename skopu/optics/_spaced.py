"""Modes that are far enough apart to be independent."""

import numpy as np

from .medium import Medium


class SpacedMedium(Medium):
    """Modes of another medium, as far apart as makes them independent."""

    def __init__(self, medium, random_state=None):
        self.medium = medium
        self.random_state = random_state

    def check(self, n_inputs, n_modes):
        self.medium.check(n_inputs, (n_modes - 1) * self.medium.mode_spacing(n_inputs) + 1)

    def glass_seed(self, default=None):
        return self.medium.glass_seed(self.random_state)

    def mean_power(self):
        return self.medium.mean_power()

    def mean_intensity(self, X):
        return self.medium.mean_intensity(X)

    def matrix_block(self, n_inputs, inputs, modes, *, dtype, seed):
        spacing = self.medium.mode_spacing(n_inputs)
        first = (range(mode * spacing, mode * spacing + 1) for mode in modes)
        options = {"dtype": dtype, "seed": seed}
        return np.hstack(
            [self.medium.matrix_block(n_inputs, inputs, mode, **options) for mode in first]
        )
