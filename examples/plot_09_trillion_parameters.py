"""
============================================
A trillion-parameter projection, on a laptop
============================================

The optical machine multiplied a million numbers by a matrix of a trillion entries, hundreds of
times a second. To store that matrix takes eight terabytes. Glass does not store it, and this
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
# a few Fourier transforms: hardly more than reading the data.

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
# A small piece of each can be looked at. The entries of the layered medium behave as independent
# circular Gaussian numbers do, up to the modes of a block being exactly orthogonal.

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
# Take two photographs, and 20 mixtures of them. Project all to 2000 real numbers with
# ``OPU().linear``. How well do distances between the projections match those of the originals?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

first, second = (image.mean(axis=2).ravel() / 255 for image in load_sample_images().images)
parts = np.linspace(0, 1, 20)[:, None]
mixtures = (parts * first + (1 - parts) * second).astype(np.float32)
projected = OPU(random_state=0).linear(mixtures, n=2000) / np.sqrt(2000)
original = np.linalg.norm(mixtures - mixtures[0], axis=1)[1:]
found = np.linalg.norm(projected - projected[0], axis=1)[1:]
print(f"Largest relative error of a distance: {abs(found / original - 1).max():.1%}")

# %%
# From 270,000 pixels to 2000 numbers, and distances hold to a per cent or so, whatever the
# images: the lemma of Johnson and Lindenstrauss.
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
# .. raw:: html
#
#     </details>
