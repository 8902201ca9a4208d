import warnings

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import kneighbors_graph

from skopu import OPU, Camera, DFAClassifier, DFAGraphClassifier, GaussianMedium

WAYS = {
    "digital": {"feedback": "dense"},
    "light": {"feedback": "optical", "error_encoding": "ternary"},
}


def _opu(way):
    noisy = Camera(bits=8, photons=1000, read_noise=0.01)
    return OPU(GaussianMedium(), noisy, input_bits=1) if way == "light" else None


class Training:
    """A few epochs on digits, by digital feedback and by light."""

    params = [list(WAYS)]
    param_names = ["feedback"]

    def setup(self, way):
        X, y = load_digits(return_X_y=True)
        self.X, self.y = (X / 16).astype(np.float32), y
        self.model = DFAClassifier(
            (256, 256), "tanh", max_iter=5, opu=_opu(way), random_state=0, **WAYS[way]
        )
        warnings.simplefilter("ignore", ConvergenceWarning)  # the epochs are as many as they are

    def time_fit(self, way):
        self.model.fit(self.X, self.y)

    def peakmem_fit(self, way):
        self.model.fit(self.X, self.y)

    def track_accuracy(self, way):
        self.model.set_params(max_iter=30)
        return self.model.fit(self.X[:1200], self.y[:1200]).score(self.X[1200:], self.y[1200:])


class Graph:
    """A graph of digits, ten labels a class."""

    params = [["backprop", "dense"]]
    param_names = ["feedback"]

    def setup(self, feedback):
        X, self.y = load_digits(return_X_y=True)
        self.X = (X / 16).astype(np.float32)
        A = kneighbors_graph(self.X, 10)
        self.A = A.maximum(A.T)
        self.labels = np.full(len(self.y), -1)
        for digit in range(10):
            labelled = np.flatnonzero(self.y == digit)[:10]
            self.labels[labelled] = digit
        self.model = DFAGraphClassifier(feedback=feedback, max_iter=50, random_state=0)
        warnings.simplefilter("ignore", ConvergenceWarning)

    def time_fit(self, feedback):
        self.model.fit(self.X, self.labels, self.A)

    def track_accuracy(self, feedback):
        found = self.model.fit(self.X, self.labels, self.A).transduction_
        return float(np.mean(found[self.labels == -1] == self.y[self.labels == -1]))
