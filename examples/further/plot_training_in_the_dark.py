"""
=====================================
Training with less light, fewer bits
=====================================

How good must a camera be to train a network? Mirrors, on or off, show the error of the output, and
a camera of few bits, or with few photons, reads its projection. We train the same small network
under each camera.
"""

# %%
# Accuracy against bits and photons
# ---------------------------------

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from skopu import OPU, Camera, DFAClassifier, GaussianMedium

seeds = range(5)
X, y = load_digits(return_X_y=True)


def accuracies(**camera):
    """Test accuracy, in per cent, of networks trained under a camera, one for each seed."""
    scores = []
    for seed in seeds:
        split = train_test_split(X / 16, y, test_size=0.4, random_state=seed, stratify=y)
        model = DFAClassifier(
            (64, 64),
            "tanh",
            batch_size=64,
            learning_rate_init=0.005,
            max_iter=8,
            feedback="optical",
            error_encoding="ternary",
            opu=OPU(GaussianMedium(), Camera(**camera), input_bits=1, random_state=seed),
            random_state=seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # eight epochs are enough here
            scores.append(100 * model.fit(split[0], split[2]).score(split[1], split[3]))
    return np.array(scores)


def standard_error(values):
    return values.std(ddof=1) / np.sqrt(len(values))


def estimate(values):
    return f"{values.mean():.1f} +- {standard_error(values):.1f}"


ideal = accuracies()
print(f"Ideal camera, test accuracy, %: {estimate(ideal)}")
sweeps = {
    "bits of the camera": {bits: accuracies(bits=bits) for bits in (1, 2, 4, 8)},
    "photons a pixel, on average": {n: accuracies(photons=n) for n in (0.01, 0.1, 1, 10, 100)},
}

# %%
# A network forgives a lot
# ------------------------
# Numbers after +-, and error bars, are standard errors over five seeds, each with its own glass,
# noise, first weights and split of the digits.

figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True, layout="constrained")
for axis, (unit, results) in zip(axes, sweeps.items(), strict=True):
    mean = [scores.mean() for scores in results.values()]
    error = [standard_error(scores) for scores in results.values()]
    axis.errorbar(list(results), mean, error, fmt="o-", capsize=3, label="noisy camera")
    axis.axhline(ideal.mean(), color="gray", linestyle=":", label="ideal camera")
    axis.set(xlabel=unit)
    for value, scores in results.items():
        print(f"{value:g} {unit}, less the ideal camera, points: {estimate(scores - ideal)}")
axes[1].set_xscale("log")
axes[0].set_ylabel("test accuracy (%)")
axes[0].legend()
plt.show()

# %%
# The noise is new at each step, so that it averages out over many steps, as that of small batches
# does. A camera of one bit sees nothing, since full scale is ten times the mean intensity. Two bits
# cost some three points, four half a point at most. One photon a pixel costs a point or two, ten
# half a point at most. With a hundredth of a photon, noise moves the hidden layers at random, and
# the output layer, which needs no light, cannot follow.
