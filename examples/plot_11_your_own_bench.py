"""
==========================
11. Measure your own bench
==========================

A modulator, a laser, a frosted glass and a camera are on the table. What must be known before the
camera's frames are random features? And what is the matrix of that glass?

After this notebook you can

- run an estimator of scikit-learn on a bench, and say what its calibration has found;
- read real projections from a camera that only sees intensities;
- measure a transmission matrix, and say how well it predicts speckle.

The bench here is simulated, and no laboratory has run the code yet. Only its first two lines would
change.
"""

# %%
# Two functions
# -------------
# A :class:`~skopu.bench.Bench` needs two functions: one that shows patterns, one that grabs frames.
# A simulated one has both. Let us look at what it shows.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer

from skopu import OPU, OpticalRandomFeatures
from skopu.bench import BenchOPU, SimulatedBench, measure_transmission_matrix

bench = SimulatedBench(n_inputs=100, frame_shape=(96, 128), grain=3, random_state=0)
opu = BenchOPU(bench).calibrate()

X, y = load_digits(return_X_y=True)
X = Binarizer(threshold=7).fit_transform(X)
frames = bench.take(np.pad(X[:2], ((0, 0), (0, 36))).astype(np.uint8))

figure, axes = plt.subplots(
    1, 4, figsize=(11, 2.6), layout="constrained", width_ratios=[1, 2, 1, 2]
)
for i in range(2):
    axes[2 * i].imshow(X[i].reshape(8, 8), cmap="gray")
    axes[2 * i].set(title=f"shown: a {y[i]}", xticks=[], yticks=[])
    picture = axes[2 * i + 1].imshow(frames[i], cmap="inferno", vmin=0, vmax=80)
    axes[2 * i + 1].set(title="recorded", xticks=[], yticks=[])
figure.colorbar(picture, ax=axes, label="counts")

# %%
# What is found out first
# -----------------------
# A pixel is not a feature yet. Neighbours see the same grain of speckle; the sensor counts in the
# dark, too; some pixels are brighter than others. 73 frames tell all of that, and the exposure
# takes some more. Below is how the intensities of two pixels correlate, as they move apart.


def correlation(frames, axis, distance):
    changes = frames - frames.mean(axis=0)
    one = np.take(changes, range(changes.shape[axis] - distance), axis)
    other = np.take(changes, range(distance, changes.shape[axis]), axis)
    return (one * other).mean() / changes.var()


rng = np.random.default_rng(0)
many = np.concatenate(
    [bench.take(rng.integers(2, size=(50, 100)).astype(np.uint8)).astype(float) for _ in range(4)]
)
distances = np.arange(8)
figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
for axis, name in ((1, "down"), (2, "across")):
    values = [correlation(many, axis, distance) for distance in distances]
    axes.plot(distances, values, "o-", label=name)
axes.axvline(3, color="gray", linestyle=":", label="distance of pixels in use")
axes.set(xlabel="distance (pixels)", ylabel="correlation of intensities")
axes.legend()
print(f"{opu.max_outputs} of {96 * 128} pixels are used.")

# %%
# Random features
# ---------------
# From here on it is a device like any other: in a pipeline, in a grid search, under every
# estimator of skopu.

X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0, stratify=y)
model = make_pipeline(OpticalRandomFeatures(n=800, opu=opu), RidgeClassifier(alpha=100))
model.fit(X_train, y_train)
print(f"Test accuracy on the bench: {model.score(X_test, y_test):.1%}")
print(opu.report())

# %%
# Projections without an interferometer
# -------------------------------------
# A fifth of the mirrors is kept for a reference s that is always the same. The camera sees
# I(x + s), I(x) and I(s), and I(x + s) - I(x) - I(s) = 2 Re(conj(s_m) r_m . x) at a mode m: a
# projection on a random direction, once it is divided by sqrt(2 I(s)). Its law, for one image:

projections = opu.linear(X[:200], n=1000) / np.linalg.norm(X[:200], axis=1)[:, None]
figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
axes.hist(projections.ravel(), bins=80, density=True, alpha=0.6, label="from two frames each")
values = np.linspace(-4, 4, 200)
axes.plot(values, np.exp(-(values**2) / 2) / np.sqrt(2 * np.pi), label="normal law")
axes.set(xlabel="projection of an image of norm 1", xlim=(-4, 4))
axes.legend()

# %%
# When frames go missing
# ----------------------
# Cameras lose frames, and modulators are slow. A block of frames lies between two of the
# reference, and neighbours that look alike though their patterns do not betray the fault. The block
# is taken again, and the faults are named.

faulty = SimulatedBench(n_inputs=100, lost=0.2, repeated=0.2, late=0.1, random_state=0)
shaky = BenchOPU(faulty, retries=50)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it names what was taken again, and so does the report
    model.set_params(opticalrandomfeatures__opu=shaky).fit(X_train, y_train)
    accuracy = model.score(X_test, y_test)
print(f"Taken again: {shaky.report().faults}; test accuracy {accuracy:.1%}")

# %%
# The matrix of the glass
# -----------------------
# :func:`~skopu.bench.measure_transmission_matrix` shows a Hadamard basis beside references. It
# knows each row up to a phase, and up to conjugation; no intensity depends on either. How well does
# it predict what the camera will record of patterns that it has not seen? It depends on the light.

photons, found = [10, 100, 1000], []
for number in photons:
    for seed in range(3):
        small = {"frame_shape": (40, 40), "grain": 2, "random_state": seed}
        device = BenchOPU(SimulatedBench(n_inputs=128, photons=number, **small), n_reference=0)
        for repeat in (1, 4):
            medium, report = measure_transmission_matrix(device, 64, 150, repeat=repeat)
            found.append(1 - report.correlation)
found = np.reshape(found, (len(photons), 3, 2))

figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
for i, name in enumerate(("one frame a pattern", "four frames a pattern")):
    mean, spread = found[:, :, i].mean(axis=1), found[:, :, i].std(axis=1, ddof=1)
    axes.errorbar(photons, mean, spread, marker="o", capsize=3, label=name)
axes.set(
    xscale="log",
    yscale="log",
    xlabel="photons of a pixel at a tenth of the full scale",
    ylabel="1 - correlation with recorded speckle",
)
axes.legend()

# %%
# The recorded speckle has its own noise, with which no prediction correlates.
#
# A digital twin
# --------------
# With its matrix, the bench is in the computer. Images of 64 pixels, features of the twin and of
# the bench, each with its standard deviation over five splits:

table = SimulatedBench(n_inputs=128, frame_shape=(64, 64), grain=2, random_state=0)
device = BenchOPU(table, n_reference=0)
medium, report = measure_transmission_matrix(device, 64, 500)
scores = {"on the bench": [], "on its measured matrix": []}
for seed in range(5):
    split = train_test_split(X, y, test_size=0.4, random_state=seed, stratify=y)
    for name, each in zip(scores, (device, OPU(medium)), strict=True):
        model = make_pipeline(OpticalRandomFeatures(n=500, opu=each), RidgeClassifier(alpha=100))
        scores[name].append(model.fit(split[0], split[2]).score(split[1], split[3]))
for name, values in scores.items():
    print(f"{name}: {np.mean(values):.1%} ± {np.std(values, ddof=1):.1%}")

# %%
# Exercise 1: glass that creeps
# -----------------------------
# Give a bench a ``drift`` of 1e-3 radians a frame and read the same images once at first and once
# after 500 other frames. What does the report say, and how alike are the two readings?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

creeping = BenchOPU(SimulatedBench(n_inputs=100, drift=1e-3, random_state=0))
first = creeping.intensity(X[:50], 800)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    creeping.intensity(rng.integers(2, size=(500, 64)), 10)
    again = creeping.intensity(X[:50], 800)
likeness = np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(first, again, strict=True)])
print(f"drift {creeping.report().drift:.3f}, correlation of the readings {likeness:.3f}")

# %%
# Intensities k frames apart correlate as cos(drift * k)^2. Beside the 550 frames of the images
# there are those of the reference, and the report counts from the calibration on.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 2: how many references?
# --------------------------------
# Two references that are not in phase would do at a mode. Measure the matrix with 3, 5, 8 and 12 of
# them, each of as many mirrors as before. What do more of them buy?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

for n_references in (3, 5, 8, 12):
    reports = []
    for seed in range(3):
        small = {"frame_shape": (40, 40), "grain": 2, "random_state": seed}
        device = BenchOPU(SimulatedBench(n_inputs=32 + 8 * n_references, **small), n_reference=0)
        options = {"n_references": n_references, "n_reference": 8}
        reports.append(measure_transmission_matrix(device, 32, 100, **options)[1].correlation)
    print(f"{n_references:2} references: {np.mean(reports):.4f} ± {np.std(reports, ddof=1):.4f}")

# %%
# With three there are modes at which all are dark or in phase; eight leave hardly any.
#
# .. raw:: html
#
#     </details>
