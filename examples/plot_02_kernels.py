"""
==========================
2. From speckle to kernels
==========================

The intensities that a camera reads of two samples are alike when the samples are. How alike, on
average over the glass, is a function of the two samples alone: a kernel. So a camera computes,
without knowing, a kernel machine's features.

After this notebook you can

- say which kernel the camera's reading converges to, and check it;
- choose among the speckle, the arc-cosine and the rbf kernel;
- predict how many features a given accuracy of the kernel takes.
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
from sklearn.datasets import load_digits
from sklearn.metrics.pairwise import rbf_kernel

from skopu import (
    KernelApproximationDisplay,
    OpticalRandomFeatures,
    arc_cosine_kernel,
    optical_kernel,
)

X, y = load_digits(return_X_y=True)
X = X / np.linalg.norm(X, axis=1, keepdims=True)  # of unit length
some = X[:100]

Z = OpticalRandomFeatures(n=20_000, random_state=0).fit_transform(some)
exact = optical_kernel(some)
error = np.linalg.norm(Z @ Z.T - exact) / np.linalg.norm(exact)
print(f"Relative error with 20,000 features: {error:.2%}")

# %%
# How the error falls
# -------------------
# Like any average of random numbers: by the square root of their number. From 1000 features on the
# points lie below the line of independent modes: 1000 modes that share their masks have exactly
# the mean intensity that they should have, so that a part of the error is not there.

_ = KernelApproximationDisplay.from_estimator(OpticalRandomFeatures(random_state=0), some)

# %%
# Three kernels
# -------------
# For samples of unit length a kernel is a function of the angle between them. The speckle kernel
# is the same for x and -x: a camera does not see signs. The arc-cosine kernel takes the sign in,
# through holography, and rectifies; the rbf kernel takes the cosine of a phase.

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


def error_of(n, seed):
    features = OpticalRandomFeatures(n, kernel="arc_cosine", random_state=seed)
    found, exact = features.fit_transform(some), arc_cosine_kernel(some)
    return np.linalg.norm(found @ found.T - exact) / np.linalg.norm(exact)


measured = np.mean([error_of(500, seed) for seed in range(10)])
needed = int(500 * (measured / 0.02) ** 2)
reached = np.mean([error_of(needed, seed) for seed in range(10)])
print(f"n = 500: {measured:.1%}; n = {needed} should have 2 %, and has {reached:.1%}")

# %%
# A little better than predicted, for the same reason as above.
#
# .. raw:: html
#
#     </details>
