"""Ridge regression of classes from features that come in blocks."""

import numpy as np


class NormalEquations:
    """Sums over samples that ridge regression with an intercept needs."""

    def __init__(self, n):
        self.gram = np.zeros((n, n), np.float32)
        self.moments = np.zeros((n, 10))
        self.feature_sum, self.target_sum, self.n_samples = np.zeros(n), np.zeros(10), 0

    def add(self, Z, y):
        targets = np.where(y[:, None] == np.arange(10), 1.0, -1.0)
        self.gram += Z.T @ Z
        self.moments += Z.T @ targets
        self.feature_sum += Z.sum(axis=0, dtype=np.float64)
        self.target_sum += targets.sum(axis=0)
        self.n_samples += len(Z)

    def solve(self, strength):
        """Coefficients and intercepts; the penalty is strength * trace of the Gram matrix / n."""
        mean, target_mean = self.feature_sum / self.n_samples, self.target_sum / self.n_samples
        system = self.gram.astype(np.float64)
        system -= self.n_samples * np.outer(mean, mean)
        system.flat[:: len(system) + 1] += strength * np.trace(self.gram) / len(system)
        right = self.moments - self.n_samples * np.outer(mean, target_mean)
        # Not by Cholesky: SciPy 1.17's OpenBLAS crashes in it at n = 20000.
        coefficients = np.linalg.solve(system, right)
        return coefficients, target_mean - mean @ coefficients
