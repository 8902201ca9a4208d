"""
==========================
2. From speckle to kernels
==========================

The intensities that a camera reads of two samples are alike when the samples are. How alike, on
average over the glass, is a function of the two samples alone: a kernel. So a camera computes the
features of a kernel machine, without being built for it.

After this notebook you can

- say which kernel the camera's reading converges to, and check it;
- choose among the speckle, the arc-cosine and the rbf kernel;
- predict how many features a given accuracy of the kernel takes.

The guide has more on these kernels: :doc:`/user_guide/kernel_machines`.
"""

# %%
# A kernel from a camera
# ----------------------
# For intensities :math:`|r \cdot x|^2`, averaged over random glass,
#
# .. math::
#
#     E \, |r \cdot x|^2 \, |r \cdot y|^2 = |x|^2 |y|^2 + (x \cdot y)^2.
#
# :class:`~skopu.OpticalRandomFeatures` scales the readings so that inner products of feature
# vectors are this average over n modes, and :func:`~skopu.optical_kernel` is what they converge
# to.

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import sem
from sklearn.datasets import load_digits
from sklearn.metrics.pairwise import rbf_kernel

from skopu import (
    OPU,
    GaussianMedium,
    KernelApproximationDisplay,
    OpticalRandomFeatures,
    arc_cosine_kernel,
    optical_kernel,
)

seeds = range(40)
X, y = load_digits(return_X_y=True)
X = X / np.linalg.norm(X, axis=1, keepdims=True)  # of unit length
some = X[:100]
exact = optical_kernel(some)


def error_of(Z, exact=exact):
    """Relative error in the Frobenius norm, in %."""
    return 100 * np.linalg.norm(Z @ Z.T - exact) / np.linalg.norm(exact)


errors = []
for seed in seeds:
    Z = OpticalRandomFeatures(n=20_000, random_state=seed).fit_transform(some)
    errors.append(error_of(Z))
print(f"relative error with 20,000 features: {np.mean(errors):.2f} +- {sem(errors):.2f} %")

# %%
# How the error falls
# -------------------
# Like any average of random numbers: by the square root of their number.

sizes = [64, 256, 512, 1024, 2048, 10_240]
display = KernelApproximationDisplay.from_estimator(
    OpticalRandomFeatures(random_state=seeds[0]), some, n_features=sizes, n_repeats=len(seeds)
)

# %%
# (Bars are standard deviations over pieces of glass; the line has the slope that is expected.) The
# points fall a little faster than the line. What do independent modes do? Their squared error is
# the variance of one mode's product of intensities, divided by n: for unit vectors with :math:`c =
# x \cdot y` that variance is :math:`3 + 14 c^2 + 3 c^4`.
#
# Both the kernel above and this variance follow from the *pairing rule* (the theorem of Isserlis
# and Wick): for circular Gaussian numbers, the mean of a product of factors and as many conjugates
# is the sum, over all ways to pair each factor with a conjugate, of the products of the means of
# the pairs. Here the factors are :math:`r \cdot x` and :math:`r \cdot y`. The kernel has two such
# pairings; the mean of the square has 24.
#
# A :class:`~skopu.GaussianMedium` has independent modes. Those of the default
# :class:`~skopu.LayeredMedium` come in :term:`blocks <block>` of 1024 that share their masks. A
# mask turns phases, and a Fourier transform mixes modes, but neither loses light: the matrix of a
# block is unitary, up to its scale. Such a matrix keeps inner products, so that over all modes of a
# block those of fields are exact. The part of the variance that comes from these, :math:`2 + 12 c^2
# + 2 c^4`, is multiplied by :math:`1 - m / 1024` with m modes of a block, and vanishes with all of
# them; :math:`(1 + c^2)^2` stays.

cosines = some @ some.T
variance = 3 + 14 * cosines**2 + 3 * cosines**4
theory = 100 * np.sqrt(variance.sum() / np.array(sizes)) / np.linalg.norm(exact)
staying = np.sum((1 + cosines**2) ** 2) / variance.sum()
dense = np.geomspace(sizes[0], sizes[-1], 500)
m = dense % 1024  # modes of the last block, which is not full
layered_theory = staying + (1 - staying) * m / dense * (1 - m / 1024)


def over_theory(device):
    """Mean squared error over the theory's, for each size, and its standard error."""
    squares = []
    for seed in seeds:
        features = OpticalRandomFeatures(sizes[-1], opu=device(seed), random_state=seed)
        Z = features.fit_transform(some)
        mean = []
        for n in sizes:  # of all pieces of n features
            n_pieces = sizes[-1] // n
            pieces = np.split(Z * np.sqrt(n_pieces), n_pieces, axis=1)
            mean.append(np.mean([error_of(piece) ** 2 for piece in pieces]))
        squares.append(np.array(mean) / theory**2)
    return np.mean(squares, axis=0), sem(squares, axis=0)


figure, ax = plt.subplots(figsize=(5.6, 3.8), layout="constrained")
for name, device, marker in (
    ("layered", lambda seed: OPU(random_state=seed), "o"),
    ("Gaussian", lambda seed: OPU(GaussianMedium(), random_state=seed), "s"),
):
    ratio, error = over_theory(device)
    ax.errorbar(sizes, ratio, error, fmt=marker, capsize=3, label=f"{name} medium")
    for n, r, e in zip(sizes, ratio, error, strict=True):
        print(f"{name} medium, {n:6} features: {r:.2f} +- {e:.2f} of the squared error in theory")
ax.axhline(1, color="0.5", linestyle="--", label="theory, independent modes")
ax.plot(dense, layered_theory, color="0.5", linestyle=":", label="theory, blocks of 1024 modes")
ax.set(
    title="Squared error of the kernel",
    xlabel="number of features n",
    ylabel="relative to that of independent modes",
    xscale="log",
    ylim=(0, 1.7),
)
_ = ax.legend(loc="upper right")

# %%
# (Bars are standard errors.) Both media do what the theory says. From a whole block on the squared
# error of the layered medium is about a fifth of that of independent modes.
#
# %%
# Three kernels
# -------------
# For samples of unit length a kernel is a function of the angle between them. The speckle kernel is
# the same for x and -x: a camera does not see signs. The other two need the field, sign included,
# which :term:`holography` reads; a computer then takes max(0, .) for the arc-cosine kernel, and a
# cosine for rbf.

angles = np.linspace(0, np.pi, 91)
circle = np.column_stack([np.cos(angles), np.sin(angles)])
start = circle[:1]
curves = {
    "speckle, degree 2": optical_kernel(start, circle)[0],
    "speckle, degree 1": optical_kernel(start, circle, degree=1)[0],
    "arc-cosine, degree 1": arc_cosine_kernel(start, circle)[0],
    "rbf, gamma 1": rbf_kernel(start, circle, gamma=1)[0],
}
figure, ax = plt.subplots(figsize=(5.6, 3.8), layout="constrained")
for (name, curve), line in zip(curves.items(), ["-", "--", "-.", ":"], strict=True):
    ax.plot(np.degrees(angles), curve / curve[0], line, label=name)
ax.set(
    title="Kernels of unit vectors",
    xlabel="angle between x and y, degrees",
    ylabel="kernel, relative to that at 0",
)
_ = ax.legend()

# %%
# Exercise 1: the constant
# ------------------------
# At 90 degrees the speckle kernel of degree 2 is still half of its largest value. Where does it
# come from, and what does it mean for a linear model on the features?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

mean_feature = Z.mean(axis=0)
centred = Z - mean_feature
print("Kernel of two samples:       ", (Z[:2] @ Z[:2].T).round(2).tolist())
print("Less the constant 1:         ", (Z[:2] @ Z[:2].T - 1).round(2).tolist())
print("After the mean is taken away:", (centred[:2] @ centred[:2].T).round(2).tolist())

# %%
# Every reading is positive, so every pair of feature vectors has the product of their mean
# brightnesses in common: the constant 1 of the kernel, here. A model with an intercept does not
# mind, since it takes the mean away, and with it what all the samples have in common besides.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 2: how many features?
# ------------------------------
# You want the arc-cosine kernel of these samples to 2 % in the Frobenius norm. Measure the error at
# n = 500, and predict the n that you need. Were you right?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>


def arc_cosine_error(n):
    features = (OpticalRandomFeatures(n, kernel="arc_cosine", random_state=seed) for seed in seeds)
    exact = arc_cosine_kernel(some)
    return np.array([error_of(made.fit_transform(some), exact) for made in features])


measured = arc_cosine_error(500)
needed = int(500 * (measured.mean() / 2) ** 2)
reached = arc_cosine_error(needed)
print(f"n = 500: {measured.mean():.1f} +- {sem(measured):.1f} %")
print(f"2 % should take {needed} features")
print(f"error with so many: {reached.mean():.2f} +- {sem(reached):.2f} %")

# %%
# Fewer would have been enough, for the same reason as above: with whole blocks the layered medium
# does better than with a part of one.
#
# .. raw:: html
#
#     </details>
