"""MNIST by the kernel machine: ridge regression on optical random features.

    python benchmarks/mnist.py --data mnist.npz

The file holds x_train, y_train, x_test and y_test: 60000 and 10000 images of 784 pixels,
0 to 255, and their digits. ``sklearn.datasets.fetch_openml("mnist_784")`` has them.

The ridge strength is chosen on the last 10000 training images, with the first seed, among
powers of ten; then all 60000 are fitted. Features are made in blocks and folded into
normal equations, so they are never all in memory. The test images are looked at once.
"""

import argparse
import time

import numpy as np
from _mnist import images
from _report import write_table
from sklearn.preprocessing import Binarizer, FunctionTransformer

from skopu import OpticalRandomFeatures

BLOCK = 5000
N_VALIDATION = 10_000
STRENGTHS = [float(f"1e{power}") for power in range(-9, 1)]
MACHINES = {
    "speckle, degree 1": {"kernel": "speckle", "degree": 1},
    "speckle, degree 2": {"kernel": "speckle", "degree": 2},
    "arc-cosine, order 1": {"kernel": "arc_cosine", "degree": 1},
    "rbf, gamma 0.02": {"kernel": "rbf", "gamma": 0.02},
}


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


def blocks(transformer, X, y):
    for start in range(0, len(X), BLOCK):
        yield transformer.transform(X[start : start + BLOCK]), y[start : start + BLOCK]


def accuracy(model, transformer, X, y):
    coefficients, intercepts = model
    right = [np.argmax(Z @ coefficients + intercepts, 1) == t for Z, t in blocks(transformer, X, y)]
    return float(np.mean(np.concatenate(right)))


def run(make, seeds, data, strengths):
    """Test accuracies of several seeds, the chosen strength and the seconds of one fit."""
    X_train, y_train, X_test, y_test = data
    accuracies, strength, seconds = [], None, []
    for seed in range(seeds):
        start = time.perf_counter()
        transformer = make(seed).fit(X_train[:1])
        split = len(X_train) - N_VALIDATION
        equations = NormalEquations(transformer.transform(X_train[:1]).shape[1])
        for Z, y in blocks(transformer, X_train[:split], y_train[:split]):
            equations.add(Z, y)
        if strength is None:
            started = time.perf_counter()
            validation = X_train[split:], y_train[split:]
            scores = {}
            for candidate in sorted(strengths, reverse=True):  # weaker until it gets worse
                model = equations.solve(candidate)
                scores[candidate] = accuracy(model, transformer, *validation)
                if scores[candidate] < max(scores.values()) - 1e-3:
                    break
            strength = max(scores, key=scores.get)
            start += time.perf_counter() - started
        for Z, y in blocks(transformer, X_train[split:], y_train[split:]):
            equations.add(Z, y)
        model = equations.solve(strength)
        seconds.append(time.perf_counter() - start)
        accuracies.append(accuracy(model, transformer, X_test, y_test))
    return accuracies, strength, float(np.median(seconds))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="path of the .npz file")
    parser.add_argument("--n", type=int, nargs="+", default=[300, 1000, 3000, 10_000, 20_000])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--machines", nargs="+", choices=MACHINES, default=list(MACHINES))
    parser.add_argument("--strengths", type=float, nargs="+", default=STRENGTHS)
    parser.add_argument(
        "--pixels", nargs="+", choices=["float", "binary"], default=["float", "binary"]
    )
    parser.add_argument("--output", default="mnist.csv")
    arguments = parser.parse_args()

    x_train, y_train, x_test, y_test = images(arguments.data)
    rows = []
    for pixels in arguments.pixels:
        X_train, X_test = x_train, x_test
        if pixels == "binary":
            binarizer = Binarizer(threshold=0.5)
            X_train, X_test = binarizer.transform(X_train), binarizer.transform(X_test)
        data = X_train, y_train.astype(int), X_test, y_test.astype(int)

        def report(name, n, seeds, make, data=data, pixels=pixels):
            accuracies, strength, seconds = run(make, seeds, data, arguments.strengths)
            errors = 100 * (1 - np.array(accuracies))
            rows.append(
                {
                    "features": name,
                    "pixels": pixels,
                    "n": n,
                    "seeds": seeds,
                    "test error %": round(float(errors.mean()), 3),
                    "std %": round(float(errors.std(ddof=1)), 3) if seeds > 1 else 0.0,
                    "test accuracy %": round(float(100 - errors.mean()), 3),
                    "ridge strength": strength,
                    "fit s": round(seconds, 1),
                }
            )
            print(rows[-1], flush=True)

        report("raw pixels", 784, 1, lambda seed: FunctionTransformer())
        for n in arguments.n:
            for name in arguments.machines:
                report(
                    name,
                    n,
                    arguments.seeds,
                    lambda seed, n=n, name=name: OpticalRandomFeatures(
                        n, random_state=seed, **MACHINES[name]
                    ),
                )
    write_table(rows, arguments.output)


if __name__ == "__main__":
    main()
