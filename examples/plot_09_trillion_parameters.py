"""
===============================================
9. A trillion-parameter projection, on a laptop
===============================================

The optical machine multiplied a million numbers by a matrix of a trillion entries, hundreds of
times a second. To store that matrix takes nine terabytes. Glass does not store it, and this
notebook does not either.

After this notebook you can

- project data of a million features, and say what it costs;
- tell why masks and Fourier transforms act like a dense random matrix;
- check that nothing is lost by it.
"""

# %%
# One row, a trillion multiplications
# -----------------------------------

import time

import matplotlib.pyplot as plt
import numpy as np
from scipy.spatial.distance import pdist
from sklearn.datasets import load_sample_images

from skopu import OPU, GaussianMedium, LayeredMedium

d = n = 2**20
x = np.random.default_rng(0).random((1, d), dtype=np.float32)
opu = OPU(random_state=0)
opu.intensity(x, n)  # the first call makes tables
start = time.perf_counter()
speckle = opu.intensity(x, n)
seconds = time.perf_counter() - start
print(f"{d} inputs to {n} outputs in {seconds:.2f} s")
print(f"A stored matrix would have {d * n:.1e} entries, {8 * d * n / 1e12:.0f} TB in complex64.")

# %%
# How the time grows
# ------------------
# A stored matrix costs d times n. Light that crosses thin masks, and spreads between them, costs
# a few Fourier transforms, a few passes over the data.

sizes = 2 ** np.arange(10, 21)
seconds = []
for size in sizes:
    rows = np.ones((max(1, 2**18 // size), size), np.float32)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        opu.intensity(rows, size)
        times.append((time.perf_counter() - start) / len(rows))
    seconds.append(min(times))
n_log_n = sizes * np.log2(sizes)
figure, ax = plt.subplots(figsize=(5.6, 3.8), layout="constrained")
ax.loglog(sizes, seconds, "ko-", label="measured")
ax.loglog(sizes, n_log_n * seconds[-1] / n_log_n[-1], "--", color="0.5", label="n log n")
ax.loglog(sizes, sizes**2.0 * seconds[0] / sizes[0] ** 2.0, ":", color="0.5", label="n squared")
ax.set(title="One projection", xlabel="inputs = outputs", ylabel="seconds a row")
_ = ax.legend()

# %%
# Is it as good as a dense matrix?
# --------------------------------
# Each Fourier transform mixes all inputs, and the random masks between them turn the phases, so
# that an entry of the whole matrix is a sum of many terms of random phase: nearly a circular
# Gaussian number, by the central limit theorem. What is not random is that a whole block of modes
# is unitary, up to its scale. A small piece of the matrix can be looked at, beside one of
# independent entries.

block = LayeredMedium(random_state=0).transmission_matrix(n_inputs=2000, n=200, start=5000)
dense = GaussianMedium(random_state=0).transmission_matrix(n_inputs=2000, n=200)
figure, axes = plt.subplots(1, 2, figsize=(8, 3.6), sharey=True, layout="constrained")
for ax, matrix, title in zip(
    axes, (block, dense), ("LayeredMedium", "independent entries"), strict=True
):
    ax.hist(matrix.real.ravel(), bins=80, density=True, color="0.7", label="real parts")
    law = np.linspace(-3, 3, 200)
    ax.plot(law, np.exp(-(law**2)) / np.sqrt(np.pi), "k--", label="normal law")
    ax.set(title=title, xlabel="value")
axes[0].set_ylabel("density")
_ = axes[0].legend()

# %%
# A photograph behind glass
# -------------------------
# A photograph has some hundred thousand pixels: no matter.

photo = load_sample_images().images[0].mean(axis=2)
pixels = (photo / 255).astype(np.float32).reshape(1, -1)
print(f"The photograph has {pixels.size} pixels.")
speckle = OPU(random_state=1).intensity(pixels, n=512 * 512).reshape(512, 512)
figure, axes = plt.subplots(1, 2, figsize=(8.5, 3.6), layout="constrained")
axes[0].imshow(photo, cmap="gray")
axes[1].imshow(speckle, cmap="gray", vmax=4 * speckle.mean())
axes[0].set(title=f"{pixels.size:,} pixels", xticks=[], yticks=[])
_ = axes[1].set(title="262,144 readings of all of them", xticks=[], yticks=[])

# %%
# Exercise 1: distances survive
# -----------------------------
# Take two photographs, and 20 copies of the first that are shifted by any number of pixels.
# Project all to 2000 real numbers with ``OPU().linear``. How well do the distances between all
# pairs of projections match those of the originals?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

first, second = (image.mean(axis=2).ravel() / 255 for image in load_sample_images().images)
shifts = np.random.default_rng(0).integers(first.size, size=20)
pictures = np.array([first, second, *(np.roll(first, shift) for shift in shifts)], np.float32)
projected = OPU(random_state=0).linear(pictures, n=2000) / np.sqrt(2000)
errors = pdist(projected) / pdist(pictures) - 1
print(f"{len(errors)} distances: spread of the relative error {errors.std():.1%}, ", end="")
print(f"expected {1 / np.sqrt(2 * 2000):.1%}; largest {abs(errors).max():.1%}")

# %%
# From 270,000 pixels to n = 2000 numbers, and each distance holds up to about 1 / sqrt(2 n),
# whatever the pictures. The largest error of all grows only like the square root of the logarithm
# of their number: the lemma of Johnson and Lindenstrauss.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 2: the memory of a stored matrix
# -----------------------------------------
# How many inputs and outputs could you have at most, as many of each, if you stored the matrix in
# 16 GB in complex64?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

print(f"The square root of 16e9 / 8: {int((16e9 / 8) ** 0.5):,}")

# %%
# Less than the pixels of a small photograph; a million of each, as above, takes 500 times the
# memory.
#
# .. raw:: html
#
#     </details>
