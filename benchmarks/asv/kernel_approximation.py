import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics.pairwise import rbf_kernel

from skopu import OpticalRandomFeatures, OpticalRidgeClassifier
from skopu.kernels import arc_cosine_kernel, optical_kernel

EXACT = {
    "speckle": optical_kernel,
    "arc_cosine": arc_cosine_kernel,
    "rbf": lambda X: rbf_kernel(X, gamma=1 / X.shape[1]),
}


def features_of(X, kernel, n, seed):
    gamma = 1 / X.shape[1] if kernel == "rbf" else None
    return OpticalRandomFeatures(n, kernel=kernel, gamma=gamma, random_state=seed).fit(X)


class Features:
    """Transform of rows of 784 values, and the error of the kernel that they approximate."""

    params = [list(EXACT), [1000, 10_000]]
    param_names = ["kernel", "n"]

    def setup(self, kernel, n):
        self.X = np.random.default_rng(0).standard_normal((1000, 784), np.float32)
        self.features = features_of(self.X, kernel, n, 0)
        self.features.transform(self.X[:1])

    def time_transform(self, kernel, n):
        self.features.transform(self.X)

    def peakmem_transform(self, kernel, n):
        self.features.transform(self.X)

    def track_kernel_error(self, kernel, n):
        X = load_digits().data[:300] / 16
        exact = EXACT[kernel](X)
        errors = []
        for seed in range(5):
            Z = features_of(X, kernel, n, seed).transform(X)
            errors.append(np.linalg.norm(Z @ Z.T - exact) / np.linalg.norm(exact))
        return float(np.mean(errors))

    track_kernel_error.unit = "relative error"


class Ridge:
    """Ridge classification on features that are never held."""

    def setup(self):
        X, y = load_digits(return_X_y=True)
        self.X, self.y = (X / 16).astype(np.float32), y
        self.model = OpticalRidgeClassifier(3000, alphas=[1e-3], random_state=0)

    def time_fit(self):
        self.model.fit(self.X, self.y)

    def peakmem_fit(self):
        self.model.fit(self.X, self.y)

    def track_accuracy(self):
        return self.model.fit(self.X[:1200], self.y[:1200]).score(self.X[1200:], self.y[1200:])
