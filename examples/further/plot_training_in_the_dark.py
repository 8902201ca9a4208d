"""
=====================================
Training with less light, fewer bits
=====================================

How good must a camera be to train a network? The error of the output is shown by mirrors, on
or off, and its projection read by a camera of few bits, or with few photons. We train the
same small network under each camera.
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

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, test_size=0.4, random_state=0, stratify=y
)


def accuracy(n_seeds=2, **camera):
    """Mean test accuracy of a network trained under a camera."""
    scores = []
    for seed in range(n_seeds):
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
            scores.append(model.fit(X_train, y_train).score(X_test, y_test))
    return np.mean(scores)


ideal = accuracy()
print(f"ideal camera: {ideal:.1%}")
sweeps = {
    "bits of the camera": {bits: accuracy(bits=bits) for bits in (1, 2, 4, 8)},
    "photons a pixel, on average": {n: accuracy(photons=n) for n in (0.01, 0.1, 1, 10, 100)},
}

# %%
# A network forgives a lot
# ------------------------
# The noise is new at each step, so that it averages out over many steps, as that of small batches
# does. A camera of one bit sees nothing, since full scale is ten times the mean intensity; two
# bits nearly suffice. A single photon a pixel is enough; where there is hardly any light, noise
# moves the hidden layers at random, and the output layer, which needs no light, cannot follow.

figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True, layout="constrained")
for axis, (unit, results) in zip(axes, sweeps.items(), strict=True):
    axis.plot(list(results), list(results.values()), "o-", label="noisy camera")
    axis.axhline(ideal, color="gray", linestyle=":", label="ideal camera")
    axis.set(xlabel=unit)
    for value, score in results.items():
        print(f"{value:g} {unit}: {score:.1%}")
axes[1].set_xscale("log")
axes[0].set_ylabel("test accuracy")
axes[0].legend()
plt.show()
