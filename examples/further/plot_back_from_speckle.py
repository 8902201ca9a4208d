"""
=================
Back from speckle
=================

Speckle looks like noise, but whoever knows the glass can tell from it what was shown. How much of
it has to be read? :func:`~skopu.bench.recover_inputs` starts from the spectrum of a matrix made of
the intensities, and descends from there.
"""

# %%
# An image behind frosted glass
# -----------------------------
# A digit of 64 grey pixels from 0 to 1, and what its speckle gives back. Each seed is another digit
# behind another piece of glass; the first is drawn. Numbers after +- are standard errors over the
# seeds, here and below.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skopu import OPU, Camera, GaussianMedium
from skopu.bench import recover_inputs

seeds = range(10)
digits = load_digits().data / 16


def standard_error(values):
    return np.std(values, ddof=1) / np.sqrt(len(values))


def estimate(values):
    """Mean over seeds, and its standard error."""
    return f"{np.mean(values):.4f} +- {standard_error(values):.4f}"


def recovered(opu, x, n_modes, bounds=(0, 1)):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of too few modes
        readings = opu.intensity(x, n_modes)
        return recover_inputs(opu.medium, readings, x.shape[1], bounds=bounds).X


ratios = [0.5, 0.75, 1, 1.5, 3]
figure, axes = plt.subplots(1, 7, figsize=(11, 2), layout="constrained")
x, opu = digits[seeds[0]][None], OPU(GaussianMedium(seeds[0]))
axes[0].imshow(x.reshape(8, 8), cmap="gray")
axes[0].set_title("shown")
axes[1].imshow(opu.intensity(x, 192).reshape(12, 16), cmap="inferno")
axes[1].set_title("speckle")
for axis, ratio in zip(axes[2:], ratios, strict=True):
    errors = []
    for seed in seeds:
        x = digits[seed][None]
        found = recovered(OPU(GaussianMedium(seed)), x, round(64 * ratio))
        errors.append(np.linalg.norm(found - x) / np.linalg.norm(x))
        if seed == seeds[0]:
            axis.imshow(found.reshape(8, 8), cmap="gray", vmin=0, vmax=1)
    axis.set_title(f"{ratio:g} modes an input", fontsize="medium")
    print(f"{ratio:g} modes an input, relative error: {estimate(errors)}")
for axis in axes:
    axis.set(xticks=[], yticks=[])

# %%
# The threshold
# -------------
# How often is a row recovered, for a given number of modes per input? What is known of the row
# counts: numbers of either sign, numbers from 0 to 1, zeros and ones. Each of ten seeds has three
# rows of 50 inputs, each behind its own glass; error bars are standard errors over the seeds.

KINDS = {
    "normal": (lambda rng: rng.normal(size=(1, 50)), None),
    "from 0 to 1": (lambda rng: rng.random((1, 50)), (0, 1)),
    "0 and 1": (lambda rng: rng.integers(2, size=(1, 50)).astype(float), (0, 1)),
}
ratios = np.array([0.5, 0.75, 1, 1.25, 1.5, 2, 3])
figure, axes = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
for name, (draw, bounds) in KINDS.items():
    shares = np.zeros((len(seeds), len(ratios)))
    for i, seed in enumerate(seeds):
        for glass in range(3 * seed, 3 * seed + 3):
            row = draw(np.random.default_rng(glass))
            for j, ratio in enumerate(ratios):
                found = recovered(OPU(GaussianMedium(glass)), row, round(50 * ratio), bounds)
                error = min(np.linalg.norm(found - row), np.linalg.norm(found + row))
                shares[i, j] += (error < 0.01 * np.linalg.norm(row)) / 3
    errors = [standard_error(share) for share in shares.T]
    axes.errorbar(ratios, shares.mean(axis=0), errors, marker="o", capsize=3, label=name)
    for j, ratio in enumerate(ratios):
        print(f"{name}, {ratio:g} modes an input, rows found: {estimate(shares[:, j])}")
axes.set(xlabel="modes / inputs", ylabel="rows found")
axes.legend()

# %%
# Zeros and ones are mostly found from one mode an input on, numbers from 0 to 1 from 1.25 on, and
# numbers of either sign need two.
#
# Beside deepinv's spectral method and gradient descent, which takes any signal, this needs fewer
# modes, since it knows that rows are real: ``benchmarks/inverse.py`` compares them.
#
# With a camera
# -------------
# Noise leaves an error that falls with the number of modes.

for photons in (100, 1000, 10_000):
    for n_modes in (128, 256, 512):
        errors = []
        for seed in seeds:
            opu, x = OPU(GaussianMedium(seed), Camera(bits=10, photons=photons)), digits[seed][None]
            found = recovered(opu, x, n_modes)
            errors.append(np.linalg.norm(found - x) / np.linalg.norm(x))
        print(f"{photons} photons, {n_modes} modes, relative error: {estimate(errors)}")

# %%
# Four times the modes about halve the error. Ten times the photons divide it by three at first, and
# by less from 1000 photons on, where ten bits leave an error of their own.
