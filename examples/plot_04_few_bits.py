"""
=======================
4. Seeing with few bits
=======================

A mirror is on or off, and a camera counts photons. Real light computes with few bits at both
ends. How much does a classifier lose by it? At the camera less than one would think: random
features are many, and their noise averages out.

After this notebook you can

- prepare data for a modulator of few bits, and count the exposures that it costs;
- say what bits, photons and read noise do to a reading;
- search for the cheapest device that is good enough, with
  :class:`~sklearn.model_selection.GridSearchCV`.
"""

# %%
# The modulator: on or off
# ------------------------
# ``input_bits=1`` is an array of mirrors: it shows exactly 0 and 1, and refuses all else. Grey
# images have to be binarised first, which is a step of the pipeline like any other.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, FunctionTransformer

from skopu import OPU, Camera, OpticalRandomFeatures

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0, stratify=y)

try:
    OPU(input_bits=1).intensity(X_train[:1], n=10)
except ValueError as error:
    print("Refused:", error)


def features(opu):
    return OpticalRandomFeatures(n=1500, opu=opu, random_state=0)


models = {
    "real numbers": make_pipeline(
        FunctionTransformer(lambda X: X / 16), features(OPU()), RidgeClassifier()
    ),
    "mirrors, binarised": make_pipeline(
        Binarizer(threshold=7), features(OPU(input_bits=1)), RidgeClassifier(alpha=100)
    ),
    "5 bits, as bit planes": make_pipeline(
        features(OPU(input_bits=5)), RidgeClassifier(alpha=16**4)
    ),
}
for name, model in models.items():
    accuracy = model.fit(X_train, y_train).score(X_test, y_test)
    n_frames = model[-2].opu_.exposures(len(X_test))
    print(f"{name:22}: accuracy {accuracy:.1%}, {n_frames:6} frames for {len(X_test)} images")

# %%
# Mirrors cost some points here, since a digit of 64 grey pixels has little to spare: it is the
# largest loss in this notebook. Bits of input, on the other hand, cost time: planes recombine
# only as fields, and a field takes four frames of holography. One frame of mirrors is what
# hardware does best.
#
# The camera: counting photons
# ----------------------------
# A camera of b bits rounds to one of :math:`2^b` counts. With few photons it sees shot noise: the
# number that arrives is Poisson distributed. Its electronics add read noise, here half of the mean
# signal. One pattern, read by five cameras:

cameras = {
    "ideal": Camera(),
    "8 bits": Camera(bits=8),
    "3 bits": Camera(bits=3),
    "10 photons": Camera(photons=10),
    "read noise 0.5": Camera(read_noise=0.5),
}
figure, axes = plt.subplots(1, 5, figsize=(11, 2.6), layout="constrained")
for ax, (name, camera) in zip(axes, cameras.items(), strict=True):
    seen = OPU(camera=camera).intensity(X[:1] / 16, n=400).reshape(20, 20)
    ax.imshow(seen, cmap="gray", vmin=0, vmax=50)
    ax.set(title=name, xticks=[], yticks=[])

# %%
# How good must it be?
# --------------------
# The device is part of the estimator, so that a search reaches into it:
# ``opticalrandomfeatures__opu__camera__bits``.

model = make_pipeline(
    Binarizer(threshold=7),
    features(OPU(camera=Camera(), input_bits=1)),
    RidgeClassifier(alpha=100),
)
bits = [1, 2, 3, 4, 6, 8]
photons = [0.1, 1, 10, 100, 1000]
name = "opticalrandomfeatures__opu__camera__"
by_bits = GridSearchCV(model, {name + "bits": bits}, cv=3).fit(X_train, y_train)
by_photons = GridSearchCV(model, {name + "photons": photons}, cv=3).fit(X_train, y_train)
ideal = GridSearchCV(model, {name + "bits": [None]}, cv=3).fit(X_train, y_train).best_score_

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for ax, search, values, unit in (
    (axes[0], by_bits, bits, "bits of the camera"),
    (axes[1], by_photons, photons, "photons a pixel, on average"),
):
    ax.plot(values, search.cv_results_["mean_test_score"], "ko-", label="noisy camera")
    ax.axhline(ideal, color="0.5", linestyle="--", label="ideal camera")
    ax.set(xlabel=unit)
axes[0].set(title="Few bits", ylabel="accuracy, cross-validated", xticks=bits)
axes[1].set(title="Little light", xscale="log")
_ = axes[0].legend()

# %%
# Four bits, or a hundred photons, are within half a point of a perfect camera.

# %%
# Exercise 1: more features, or more light?
# -----------------------------------------
# A camera sees 1 photon a pixel. You may either have ten times the photons, or ten times the pixels
# (``n``). Which helps more?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

for n, n_photons in ((1000, 1), (1000, 10), (10_000, 1)):
    dim = OPU(camera=Camera(photons=n_photons), input_bits=1)
    model = make_pipeline(
        Binarizer(threshold=7),
        OpticalRandomFeatures(n=n, opu=dim),
        RidgeClassifier(alpha=100),
    )
    accuracy = model.fit(X_train, y_train).score(X_test, y_test)
    print(f"{n:6} pixels of {n_photons:2} photons: accuracy {accuracy:.1%}")

# %%
# The last two see the same light in all, 10,000 photons an image, and both help a lot. More photons
# help a little more; more pixels average the noise out nearly as well.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 2: the exposure
# ------------------------
# ``Camera(bits=8, exposure=1.0)`` reads intensities up to 10, whatever the light. What does it
# see of a digit whose pixels go to 16 instead of 1, and what does ``exposure="auto"`` do about
# it?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

bright = X[:1]
for exposure in (1.0, "auto"):
    camera = Camera(bits=8, exposure=exposure)
    seen = OPU(camera=camera).intensity(bright, n=2000)
    exact = OPU().intensity(bright, n=2000)
    error = np.abs(seen - exact).mean() / exact.mean()
    print(f"exposure {exposure!s:5}: brightest reading {seen.max():7.0f}, mean error {error:.1%}")

# %%
# A fixed exposure saturates: nearly all pixels read 10. The automatic one shortens the exposure of
# each frame by the light that is sent in, and multiplies by it again.
#
# .. raw:: html
#
#     </details>
