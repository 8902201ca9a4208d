"""
=================
Back from speckle
=================

Speckle looks like noise, and yet it tells what was shown, to whom knows the glass. How much of it
has to be read? :func:`~skopu.bench.recover_inputs` starts from the spectrum of a matrix made of the
intensities, and descends from there.
"""

# %%
# An image behind frosted glass
# -----------------------------
# A digit of 64 grey pixels from 0 to 1, and what its speckle gives back.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skopu import OPU, Camera, GaussianMedium
from skopu.bench import recover_inputs

x = load_digits().data[3:4] / 16
medium = GaussianMedium(random_state=0)


def recovered(opu, x, n_modes, bounds=(0, 1)):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of too few modes
        readings = opu.intensity(x, n_modes)
        return recover_inputs(opu.medium, readings, x.shape[1], bounds=bounds).X


ratios = [0.5, 0.75, 1, 1.5, 3]
figure, axes = plt.subplots(1, 7, figsize=(11, 2), layout="constrained")
axes[0].imshow(x.reshape(8, 8), cmap="gray")
axes[0].set_title("shown")
axes[1].imshow(OPU(medium).intensity(x, 192).reshape(12, 16), cmap="inferno")
axes[1].set_title("speckle")
for axis, ratio in zip(axes[2:], ratios, strict=True):
    found = recovered(OPU(medium), x, round(64 * ratio))
    axis.imshow(found.reshape(8, 8), cmap="gray", vmin=0, vmax=1)
    axis.set_title(f"{ratio:g} modes an input")
for axis in axes:
    axis.set(xticks=[], yticks=[])

# %%
# The threshold
# -------------
# How often is a row found, by how many modes there are to an input? What is known of the row
# counts: numbers of either sign, numbers from 0 to 1, zeros and ones. Error bars are standard
# errors over 20 rows, each behind glass of its own.

KINDS = {
    "normal": (lambda rng: rng.normal(size=(1, 50)), None),
    "from 0 to 1": (lambda rng: rng.random((1, 50)), (0, 1)),
    "0 and 1": (lambda rng: rng.integers(2, size=(1, 50)).astype(float), (0, 1)),
}
ratios = np.array([0.5, 0.75, 1, 1.25, 1.5, 2, 3])
figure, axes = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
for name, (draw, bounds) in KINDS.items():
    shares = []
    for ratio in ratios:
        right = 0
        for seed in range(20):
            row = draw(np.random.default_rng(seed))
            found = recovered(OPU(GaussianMedium(seed)), row, round(50 * ratio), bounds)
            error = min(np.linalg.norm(found - row), np.linalg.norm(found + row))
            right += error < 0.01 * np.linalg.norm(row)
        shares.append(right / 20)
    errors = np.sqrt(np.multiply(shares, np.subtract(1, shares)) / 20)
    axes.errorbar(ratios, shares, errors, marker="o", capsize=3, label=name)
axes.set(xlabel="modes / inputs", ylabel="rows found")
axes.legend()

# %%
# Beside deepinv's spectral method and gradient descent, which takes any signal, this needs fewer
# modes, since it knows that rows are real: ``benchmarks/inverse.py`` compares them.
#
# With a camera
# -------------
# Noise leaves an error that falls with the number of modes.

images = load_digits().data[:8] / 16
for photons in (100, 1000, 10_000):
    opu = OPU(medium, Camera(bits=10, photons=photons))
    line = []
    for n_modes in (128, 256, 512):
        found = recovered(opu, images, n_modes)
        each = np.linalg.norm(found - images, axis=1) / np.linalg.norm(images, axis=1)
        error = each.std(ddof=1) / np.sqrt(len(each))
        line.append(f"{n_modes} modes {each.mean():.3f} ± {error:.3f}")
    print(f"{photons:6} photons, relative error: {', '.join(line)}")
