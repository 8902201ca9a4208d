"""
=========================================
What the camera does to linear algebra
=========================================

A real camera counts photons, adds noise of its own and rounds to a few bits. Randomized
algorithms differ in how much of that they pass on: a matrix product made of two sketches
inherits all of it, a decomposition refined by exact products nearly none.

We put the same noisy device under several algorithms, and change its bits and its light.
"""

# %%
# Five algorithms, one device
# ---------------------------

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skopu import OPU, Camera, GaussianMedium, opu_lstsq, opu_matmul, opu_svd, opu_trace

seeds = range(10)
X, y = load_digits(return_X_y=True)
X, y = X[:200] / 16, y[:200]
K = X @ X.T / 64
gram = X.T @ X
best = np.linalg.norm(np.linalg.svd(X, compute_uv=False)[10:])  # residual of rank 10


def sketched_svd(opu, n_iter):
    U, s, Vt = opu_svd(X, 10, n_iter=n_iter, opu=opu)
    return np.linalg.norm(X - (U * s) @ Vt) / best - 1


ALGORITHMS = {
    "matrix product": lambda opu: (
        np.linalg.norm(opu_matmul(X, X, 500, opu=opu).value - gram) / np.linalg.norm(gram)
    ),
    "trace by sketch": lambda opu: abs(
        opu_trace(K, 60, method="sketch", opu=opu).value / np.trace(K) - 1
    ),
    "trace by XTrace": lambda opu: abs(opu_trace(K, 60, opu=opu).value / np.trace(K) - 1),
    "SVD, one sketch": lambda opu: sketched_svd(opu, 0),
    "SVD, one refinement": lambda opu: sketched_svd(opu, 1),
}


def errors_of(algorithm, camera):
    """Relative errors, one for each seed of glass and noise."""
    return np.array(
        [algorithm(OPU(GaussianMedium(), Camera(**camera), random_state=seed)) for seed in seeds]
    )


def standard_error(values):
    return values.std(ddof=1) / np.sqrt(len(values))


def estimate(values):
    return f"{values.mean():.3f} +- {standard_error(values):.3f}"


# %%
# Fewer bits, less light
# ----------------------
# Error bars, and numbers after +-, are standard errors over ten seeds.

bits, photons = [2, 3, 4, 6, 8], [1, 10, 100, 1000]
figure, axes = plt.subplots(1, 2, figsize=(11, 3.8), sharey=True, layout="constrained")
sweeps = [
    (axes[0], bits, [{"bits": value} for value in bits], "bits of the camera"),
    (axes[1], photons, [{"photons": value} for value in photons], "photons a pixel, on average"),
]
for (name, algorithm), marker in zip(ALGORITHMS.items(), "osv^D", strict=True):
    ideal = errors_of(algorithm, {})
    print(f"{name}, ideal camera, %: {estimate(100 * ideal)}")
    for axis, values, cameras, unit in sweeps:
        errors = [errors_of(algorithm, camera) for camera in cameras]
        mean, bars = zip(*[(each.mean(), standard_error(each)) for each in errors], strict=True)
        label = name if axis is axes[0] else None
        line, *_ = axis.errorbar(values, mean, bars, marker=marker, capsize=2, label=label)
        axis.axhline(ideal.mean(), color=line.get_color(), linestyle=":", linewidth=1)
        axis.set(xlabel=unit, yscale="log")
        for value, each in zip(values, errors, strict=True):
            more = each - ideal
            print(f"{name}, {value} {unit}, more than ideal, points: {estimate(100 * more)}")
axes[0].set_ylabel("relative error (dotted: ideal camera)")
axes[0].set_title("Fewer bits")
axes[0].set_xticks(bits)
axes[1].set_title("Less light")
axes[1].set_xscale("log")
figure.legend(loc="outside right center")
plt.show()

# %%
# What comes straight from a sketch inherits the noise. With one photon a pixel, the SVD of one
# sketch adds more than 80 points to its error of 18 %, and the matrix product six to seven points
# to its error of 6 to 9 %; six bits or a hundred photons leave the product as it is. XTrace, which
# takes exact products with what the device has found, shows no loss under any of these cameras. A
# single refinement by exact products leaves the SVD below one per cent under all of them.
#
#
# Least squares does not mind
# ---------------------------
# Here projections only steer an iteration on exact products. Noise costs iterations, not
# accuracy.

ridge = np.vstack([X, 0.1 * np.eye(64)])
target = np.concatenate([y, np.zeros(64)])
exact = np.linalg.lstsq(ridge, target, rcond=None)[0]
for name, camera in {"ideal": {}, "4 bits": {"bits": 4}, "3 photons": {"photons": 3}}.items():
    iterations, errors = [], []
    for seed in seeds:
        opu = OPU(GaussianMedium(), Camera(**camera), random_state=seed)
        solution = opu_lstsq(ridge, target, opu=opu)
        iterations.append(solution.n_iter)
        errors.append(np.linalg.norm(solution.x - exact) / np.linalg.norm(exact))
    iterations = np.array(iterations)
    print(f"{name}, iterations: {iterations.mean():.1f} +- {standard_error(iterations):.1f}")
    print(f"  largest relative error: {max(errors):.0e}")
