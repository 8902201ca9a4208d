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


def mean_error(algorithm, camera, n_seeds=5):
    return np.mean(
        [
            algorithm(OPU(GaussianMedium(), Camera(**camera), random_state=seed))
            for seed in range(n_seeds)
        ]
    )


# %%
# Fewer bits, less light
# ----------------------

bits, photons = [2, 3, 4, 6, 8], [1, 10, 100, 1000]
figure, axes = plt.subplots(1, 2, figsize=(11, 3.8), sharey=True, layout="constrained")
sweeps = [
    (axes[0], bits, [{"bits": value} for value in bits], "bits of the camera"),
    (axes[1], photons, [{"photons": value} for value in photons], "photons a pixel, on average"),
]
for (name, algorithm), marker in zip(ALGORITHMS.items(), "osv^D", strict=True):
    ideal = mean_error(algorithm, {})
    for axis, values, cameras, unit in sweeps:
        errors = [mean_error(algorithm, camera) for camera in cameras]
        label = name if axis is axes[0] else None
        (line,) = axis.semilogy(values, errors, marker=marker, label=label)
        axis.axhline(ideal, color=line.get_color(), linestyle=":", linewidth=1)
        axis.set_xlabel(unit)
    print(f"{name:20}: {errors[0]:.2g} with one photon, {ideal:.2g} with an ideal camera")
axes[0].set_ylabel("relative error (dotted: ideal camera)")
axes[0].set_title("Fewer bits")
axes[0].set_xticks(bits)
axes[1].set_title("Less light")
axes[1].set_xscale("log")
figure.legend(loc="outside right center")
plt.show()

# %%
# Least squares does not mind
# ---------------------------
# Here projections only steer an iteration on exact products. Noise costs iterations, not
# accuracy.

ridge = np.vstack([X, 0.1 * np.eye(64)])
target = np.concatenate([y, np.zeros(64)])
exact = np.linalg.lstsq(ridge, target, rcond=None)[0]
for camera in ({}, {"bits": 4}, {"photons": 3}):
    opu = OPU(GaussianMedium(), Camera(**camera), random_state=0)
    solution = opu_lstsq(ridge, target, opu=opu)
    error = np.linalg.norm(solution.x - exact) / np.linalg.norm(exact)
    print(f"{camera or 'ideal'!s:15}: {solution.n_iter:3d} iterations, error {error:.0e}")
