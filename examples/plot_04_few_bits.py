"""
=======================
4. Seeing with few bits
=======================

A mirror is on or off, and a camera counts photons. Real light computes with few bits at both
ends. How much does a classifier lose by it? At the camera less than one would think: random
features are many, and their noise averages out.

After this notebook you can

- prepare data for a modulator of few bits, and count the exposures that it costs;
- say what bits, photons and exposure do to a reading, and to a classifier;
- search for the cheapest device that is good enough, with
  :class:`~sklearn.model_selection.GridSearchCV`.

The guide describes the parts: :doc:`/user_guide/device`.
"""

# %%
# The modulator: on or off
# ------------------------
# ``input_bits=1`` is an array of mirrors (:term:`DMD`): it shows exactly 0 and 1, and refuses
# everything else. Grey images have to be binarised first, which is a step of the pipeline like any
# other. Each seed below is another split of the images, with other glass and other noise. A number
# after +- is the standard error over these, and differences are taken seed by seed.

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import sem
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifierCV
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, FunctionTransformer

from skopu import OPU, Camera, OpticalRandomFeatures

seeds = range(5)
X, y = load_digits(return_X_y=True)

try:
    OPU(input_bits=1).intensity(X[:1], n=10)
except ValueError as error:
    print("Refused:", error)


def split(seed):
    return train_test_split(X, y, test_size=0.4, random_state=seed, stratify=y)


def accuracies(model):
    """Test accuracies in %, for each seed's images and glass."""
    found = []
    for seed in seeds:
        X_train, X_test, y_train, y_test = split(seed)
        model[-2].set_params(opu__random_state=seed, random_state=seed)
        found.append(100 * model.fit(X_train, y_train).score(X_test, y_test))
    return np.array(found)


def classifier(prepare, opu, n=1500):
    """Random features and a linear model that chooses its penalty: noise asks for a larger one."""
    return make_pipeline(
        prepare, OpticalRandomFeatures(n, opu=opu), RidgeClassifierCV(np.logspace(0, 6, 7))
    )


models = {
    "real numbers": classifier(FunctionTransformer(lambda X: X / 16), OPU()),
    "mirrors, binarised": classifier(Binarizer(threshold=7), OPU(input_bits=1)),
    "5 bits, as bit planes": classifier("passthrough", OPU(input_bits=5)),
}
found = {name: accuracies(model) for name, model in models.items()}
for name, scores in found.items():
    loss = scores - found["real numbers"]
    n_frames = models[name][-2].opu_.exposures(1)
    print(f"{name}: accuracy {scores.mean():.1f} +- {sem(scores):.1f} %, frames each: {n_frames}")
    if loss.any():
        print(f"{name}, beside real numbers: {loss.mean():+.1f} +- {sem(loss):.1f} points")

# %%
# Mirrors cost three to four points here, since a digit of 64 grey pixels has little to spare. Five
# bits show its 17 levels of grey exactly, but they cost time: :term:`bit planes <bit plane>`
# recombine only as fields, and a field takes four frames of :term:`holography`. One frame of
# mirrors is what hardware does best.
#
# The camera: counting photons
# ----------------------------
# A camera of b bits rounds to one of :math:`2^b` counts. With few photons it sees
# :term:`shot noise`: the number that arrives is Poisson distributed. Its electronics add read
# noise, here half of the mean signal. One pattern, read by five cameras:

cameras = {
    "ideal": Camera(),
    "8 bits": Camera(bits=8),
    "3 bits": Camera(bits=3),
    "10 photons": Camera(photons=10),
    "read noise 0.5": Camera(read_noise=0.5),
}
figure, axes = plt.subplots(1, 5, figsize=(11, 2.6), layout="constrained")
for ax, (name, camera) in zip(axes, cameras.items(), strict=True):
    seen = OPU(camera=camera, random_state=seeds[0]).intensity(X[:1] / 16, n=400).reshape(20, 20)
    ax.imshow(seen, cmap="gray", vmin=0, vmax=50)
    ax.set(title=name, xticks=[], yticks=[])

# %%
# How good must it be?
# --------------------
# The device is part of the estimator, so that a search reaches into it:
# ``opticalrandomfeatures__opu__camera__bits``.
#
# ``exposure="auto"`` puts full scale at ten times the mean intensity, so that a camera of one bit
# says of each pixel whether it is brighter than five times the mean. Only one pixel in
# :math:`e^5 \approx 150` is. So we also try fixed exposures for it, up to eight times as long as
# "auto" gives a digit of mean brightness, which lower the threshold.
#
# Good enough shall be what costs less than half a point, on average, beside an ideal camera. Each
# device gets the penalty that suits it: with that of the ideal camera, noise would seem to cost
# more than it must.

bits = [1, 2, 3, 4, 8]
photons = [0.1, 1, 10, 100]
times = [1, 2, 4, 8]
light = np.mean(np.sum(X > 7, axis=1))  # mean intensity: the mirrors that are on, of a mean digit
name = "opticalrandomfeatures__opu__camera__"


def searched(seed, **values):
    """Cross-validated accuracies in % on a seed's images and glass."""
    device = OPU(camera=Camera(), input_bits=1, random_state=seed)
    model = classifier(Binarizer(threshold=7), device)
    grid = {name + parameter: some for parameter, some in values.items()}
    search = GridSearchCV(model, grid, cv=2, refit=False)
    X_train, _, y_train, _ = split(seed)
    return 100 * search.fit(X_train, y_train).cv_results_["mean_test_score"]


ideal = np.array([searched(seed, bits=[None]) for seed in seeds])
figure, axes = plt.subplots(1, 3, figsize=(11, 3.6), sharey=True, layout="constrained")
for ax, what, values, grid in (
    (axes[0], "bits", bits, {"bits": bits}),
    (axes[1], "photons", photons, {"photons": photons}),
    (
        axes[2],
        "times the exposure, one bit",
        times,
        {"bits": [1], "exposure": np.array(times) / light},
    ),
):
    loss = np.array([searched(seed, **grid) for seed in seeds]) - ideal
    ax.errorbar(values, loss.mean(axis=0), sem(loss), fmt="ko", capsize=3)
    ax.axhline(0, color="0.5", linestyle="--", label="ideal camera")
    for value, column in zip(values, loss.T, strict=True):
        print(f"{value:3} {what}: points {column.mean():+.1f} +- {sem(column):.1f}")
    good_enough = np.array(values)[loss.mean(axis=0) > -0.5]
    print(f"{what}, good enough:", good_enough[0] if len(good_enough) else "none of these")
axes[0].set(title="Few bits", xlabel="bits of the camera", xticks=bits)
axes[0].set(ylabel="accuracy beside an ideal camera's, points")
axes[1].set(title="Little light", xlabel="photons a pixel, on average", xscale="log")
axes[2].set(title="One bit, exposed for longer", xlabel='exposure, relative to "auto"')
axes[2].set_xscale("log", base=2)
axes[2].set_xticks(times, times)
_ = axes[0].legend()

# %%
# (Bars are standard errors, most of them smaller than the points.) Four bits are good enough, and
# three fall just short. At ten photons the loss is about a point; at eight bits, or a hundred
# photons, there is none that these seeds can tell. Less is costly: at the automatic exposure one
# bit loses 15 to 20 points, and a tenth of a photon 25 or more, far more than the mirrors. But one
# bit is not bad in itself: exposed for four or eight times as long, with its threshold near the
# mean intensity, it loses about a point.

# %%
# Exercise 1: more features, or more light?
# -----------------------------------------
# A camera sees 1 photon a pixel. You may either have ten times the photons, or ten times the pixels
# (``n``). Which helps more?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>


def dim(n, n_photons):
    device = OPU(camera=Camera(photons=n_photons), input_bits=1)
    return classifier(Binarizer(threshold=7), device, n)


few, bright, many = (accuracies(dim(*setting)) for setting in ((1000, 1), (1000, 10), (10_000, 1)))
for what, gain in (
    ("ten times the photons: points", bright - few),
    ("ten times the pixels: points", many - few),
    ("photons rather than pixels: points", bright - many),
):
    print(f"{what} {gain.mean():+.1f} +- {sem(gain):.1f}")

# %%
# Both see the same light in all, 10,000 photons an image, and both help a lot. More pixels average
# the noise out nearly as well as more photons avoid it: the difference is a point or less.
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

digit = X[:1]
for exposure in (1.0, "auto"):
    brightest, errors = [], []
    for seed in seeds:
        camera = Camera(bits=8, exposure=exposure)
        seen = OPU(camera=camera, random_state=seed).intensity(digit, n=2000)
        exact = OPU(random_state=seed).intensity(digit, n=2000)
        brightest.append(seen.max())
        errors.append(100 * np.abs(seen - exact).mean() / exact.mean())
    print(f"exposure {exposure}: mean error {np.mean(errors):.4f} +- {sem(errors):.4f} %, ", end="")
    print(f"brightest reading {np.mean(brightest):.0f}")

# %%
# A fixed exposure saturates: nearly all pixels read 10. The automatic one shortens the exposure of
# each frame by the light that is sent in, and multiplies by it again.
#
# .. raw:: html
#
#     </details>
