import numpy as np

from skopu import OPU, Camera, GaussianMedium, LayeredMedium


class Field:
    """Propagation of a few rows."""

    params = [["layered", "gaussian"], [1024, 16_384]]
    param_names = ["medium", "modes"]

    def setup(self, medium, modes):
        self.medium = {"layered": LayeredMedium, "gaussian": GaussianMedium}[medium]()
        self.X = np.random.default_rng(0).standard_normal((64, 1024), np.float32)
        self.medium.field(self.X[:1], modes)  # the masks are made once

    def time_field(self, medium, modes):
        self.medium.field(self.X, modes)

    def peakmem_field(self, medium, modes):
        self.medium.field(self.X, modes)


class Trillion:
    """One row through a matrix of 2^40 entries."""

    def setup(self):
        self.medium = LayeredMedium()
        self.x = np.random.default_rng(0).standard_normal((1, 2**20), np.float32)
        self.medium.field(self.x, 2**20)

    def time_field(self):
        self.medium.field(self.x, 2**20)

    def peakmem_field(self):
        self.medium.field(self.x, 2**20)


class Readings:
    """What the device answers, ideal and by a noisy camera."""

    params = [["intensity", "linear"], ["ideal", "noisy"]]
    param_names = ["reading", "camera"]

    def setup(self, reading, camera):
        noisy = Camera(bits=8, photons=1000, read_noise=0.01)
        self.opu = OPU(LayeredMedium(), noisy if camera == "noisy" else None)
        self.X = np.random.default_rng(0).standard_normal((256, 784), np.float32)
        getattr(self.opu, reading)(self.X[:1], 2000)

    def time_read(self, reading, camera):
        getattr(self.opu, reading)(self.X, 2000)
