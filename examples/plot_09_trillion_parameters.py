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
- check that nothing is lost by it, and say what is gained.

:doc:`The guide </user_guide/scale>` has more on work that does not fit into memory.
"""

# %%
# One row, a trillion multiplications
# -----------------------------------

import time

import matplotlib.pyplot as plt
import numpy as np
from scipy.spatial.distance import pdist
from sklearn.datasets import load_digits, load_sample_images

from skopu import OPU, GaussianMedium, LayeredMedium

seeds = range(10)


def standard_error(values):
    return np.std(values, axis=0, ddof=1) / np.sqrt(len(values))


d = n = 2**20
x = np.random.default_rng(seeds[0]).random((1, d), dtype=np.float32)
opu = OPU(random_state=seeds[0])
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
# a few Fourier transforms, a few passes over the data. Points are medians of five measurements,
# bars go from the fastest to the slowest. The lines have the slope of the theory; their heights are
# fitted to all points from 4096 inputs, or 1024 of the stored matrix, up.


def time_of(project, rows):
    """Seconds a row: fastest, median and slowest of five."""
    project(rows)
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        project(rows)
        taken.append((time.perf_counter() - start) / len(rows))
    return np.quantile(taken, (0, 0.5, 1))


figure, ax = plt.subplots(figsize=(5.6, 3.8), layout="constrained")
for name, largest, fitted_from, growth, style in (
    ("stored matrix", 12, 2**10, lambda n: n**2, "C1s:"),
    ("skopu", 20, 2**12, lambda n: n * np.log2(n), "C0o--"),
):
    sizes = 2.0 ** np.arange(8, largest + 1)
    seconds = []
    for size in sizes.astype(int):
        rows = np.ones((max(1, 2**18 // size), size), np.float32)
        if name == "skopu":
            seconds.append(time_of(lambda rows, size=size: opu.intensity(rows, size), rows))
        else:
            matrix = np.ones((size, size), np.complex64)
            rows = rows.astype(np.complex64)
            seconds.append(time_of(lambda rows, matrix=matrix: abs(rows @ matrix) ** 2, rows))
    low, middle, high = np.transpose(seconds)
    ax.errorbar(sizes, middle, (middle - low, high - middle), fmt=style[:3], ms=4, label=name)
    used = sizes >= fitted_from
    scale = np.exp(np.mean(np.log(middle[used] / growth(sizes[used]))))
    label = {"skopu": "n log n", "stored matrix": "n squared"}[name]
    ax.plot(sizes, scale * growth(sizes), style[:2] + style[3:], lw=1, label=label)
ax.set(xscale="log", yscale="log", title="One projection")
ax.set(xlabel="inputs = outputs", ylabel="seconds a row")
_ = ax.legend()

# %%
# Is it as good as a dense matrix?
# --------------------------------
# In a :term:`layered medium` each Fourier transform mixes all inputs, and the random masks between
# them turn the phases, so that an entry of the whole matrix is a sum of many terms of random phase:
# nearly a circular Gaussian number, by the central limit theorem. A small piece of the matrix can
# be looked at, beside one of independent entries. For circular Gaussian numbers, the mean of the
# fourth power of the modulus is twice the squared mean of the second.

media = {"layers": LayeredMedium, "independent entries": GaussianMedium}
figure, axes = plt.subplots(1, 2, figsize=(8, 3.6), sharey=True, layout="constrained")
for ax, (name, medium) in zip(axes, media.items(), strict=True):
    ratios = []
    for seed in seeds:
        block = medium(random_state=seed).transmission_matrix(n_inputs=2000, n=200, start=5000)
        power = abs(block) ** 2
        ratios.append(np.mean(power**2) / np.mean(power) ** 2)
    print(f"{name}, fourth moment: {np.mean(ratios):.4f} +- {standard_error(ratios):.4f}")
    ax.hist(block.real.ravel(), bins=80, density=True, color="0.7", label="real parts")
    law = np.linspace(-3, 3, 200)
    ax.plot(law, np.exp(-(law**2)) / np.sqrt(np.pi), "k--", label="normal law")
    ax.set(title=name, xlabel="value")
axes[0].set_ylabel("density")
_ = axes[0].legend()

# %%
# Single entries do not betray the layers. What is not random is that a whole block of modes is
# unitary, up to its scale, and unitary matrices keep lengths. So how far are distances between
# projections of digits from those between the digits? With independent entries the relative error
# is :math:`1 / \sqrt{2 n}` for n real numbers.

digits = load_digits().data / 16
sizes = np.array([20, 60, 200, 600, 2000])
figure, ax = plt.subplots(figsize=(5.6, 3.8), layout="constrained")
for (name, medium), style in zip(media.items(), ("o-", "s-"), strict=True):
    errors = []
    for seed in seeds:
        some = np.random.default_rng(seed).choice(digits, 40, replace=False)
        rows = OPU(medium(), random_state=seed).linear(some, sizes[-1])
        errors.append([pdist(rows[:, :n]) / np.sqrt(n) / pdist(some) - 1 for n in sizes])
    errors = 100 * np.sqrt(np.mean(np.square(errors), axis=2))
    mean, error = errors.mean(axis=0), standard_error(errors)
    for n in (200, 2000):
        i = list(sizes).index(n)
        print(f"{name}, error of distances at n = {n}: {mean[i]:.2f} +- {error[i]:.2f} %")
    ax.errorbar(sizes, mean, error, fmt=style, capsize=3, label=name)
ax.plot(sizes, 100 / np.sqrt(2 * sizes), "k--", label="1 / sqrt(2 n)")
ax.set(xscale="log", yscale="log", xlabel="n", ylabel="relative error of distances, %")
ax.set_title("Forty digits")
_ = ax.legend()

# %%
# Nothing is lost, and something is gained. The 64 pixels of a digit are padded to blocks of 1024
# modes, and 2000 real numbers are 1000 modes: nearly all of a block, so that lengths are kept far
# better than by independent entries. A few modes of a block are like independent ones. (Error bars
# are standard errors over ten seeds, for samples and glass.)

# %%
# A photograph behind glass
# -------------------------
# A photograph has a few hundred thousand pixels: no matter.

photo = load_sample_images().images[0].mean(axis=2)
pixels = (photo / 255).astype(np.float32).reshape(1, -1)
print(f"The photograph has {pixels.size} pixels.")
speckle = opu.intensity(pixels, n=512 * 512).reshape(512, 512)
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
# pairs of projections match those of the originals? What do you expect, with 1000 modes of a block
# of 300,000?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

first, second = (image.mean(axis=2).ravel() / 255 for image in load_sample_images().images)
spreads, largest = [], []
for seed in seeds:
    shifts = np.random.default_rng(seed).integers(first.size, size=20)
    pictures = np.array([first, second, *(np.roll(first, shift) for shift in shifts)], np.float32)
    projected = OPU(random_state=seed).linear(pictures, n=2000) / np.sqrt(2000)
    errors = 100 * (pdist(projected) / pdist(pictures) - 1)
    spreads.append(np.sqrt(np.mean(errors**2)))
    largest.append(abs(errors).max())
print(f"{len(errors)} distances, expected error {100 / np.sqrt(2 * 2000):.2f} %")
print(f"relative error: {np.mean(spreads):.2f} +- {standard_error(spreads):.2f} %")
print(f"largest of all: {np.mean(largest):.1f} +- {standard_error(largest):.1f} %")

# %%
# From 270,000 pixels to n = 2000 numbers, and distances hold to 1 / sqrt(2 n) in the root mean
# square, whatever the pictures. That is the error of independent entries: 1000 modes of a block of
# 300,000 are like independent ones. The largest error grows only like the square root of the
# logarithm of the number of distances: the lemma of Johnson and Lindenstrauss.
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
