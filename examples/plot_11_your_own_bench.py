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

# Each is a bench of its own, with its glass and noise, and a split of the data.
seeds = range(5)


def bench_of(seed, **options):
    return SimulatedBench(100, (96, 128), grain=3, random_state=seed, **options)


bench = bench_of(seeds[0])
X, y = load_digits(return_X_y=True)
X, y = Binarizer(threshold=7).fit_transform(X[:1000]), y[:1000]
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
# What the calibration finds
# --------------------------
# A pixel is not a feature yet. Neighbours see the same :term:`grain` of speckle; the sensor counts
# in the dark, too; some pixels are brighter than others; without a polariser the contrast is low. A
# calibration of 73 frames tells all of that, and some more frames set the exposure. Below is how
# the intensities of two pixels correlate, as they move apart. Numbers after +-, and error bars, are
# standard errors over five benches.


def correlation(frames, axis, distance):
    changes = frames - frames.mean(axis=0)
    one = np.take(changes, range(changes.shape[axis] - distance), axis)
    other = np.take(changes, range(distance, changes.shape[axis]), axis)
    return (one * other).mean() / changes.var()


def standard_error(values):
    return np.std(values, axis=0, ddof=1) / np.sqrt(len(values))


def estimate(values, digits=1):
    """Mean over seeds, and its standard error."""
    return f"{np.mean(values):.{digits}f} +- {standard_error(values):.{digits}f}"


distances = np.arange(8)
devices, found = [], {"down": [], "across": []}
for seed in seeds:
    bench = bench_of(seed)
    rng = np.random.default_rng(seed)
    patterns = rng.integers(2, size=(200, 100)).astype(np.uint8)
    many = np.concatenate([bench.take(patterns[i : i + 50]) for i in range(0, 200, 50)])
    for axis, values in enumerate(found.values(), 1):
        values.append([correlation(many.astype(float), axis, each) for each in distances])
    devices.append(BenchOPU(bench).calibrate())

figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
for name, values in found.items():
    mean, error = np.mean(values, axis=0), standard_error(values)
    axes.errorbar(distances, mean, error, fmt="o-", capsize=3, label=name)
    print(f"Correlation, three pixels {name}: {estimate(np.array(values)[:, 3], 4)}")
axes.axvline(3, color="gray", linestyle=":", label="size of a grain")
axes.set(xlabel="distance (pixels)", ylabel="correlation of intensities")
axes.legend()
print(f"Pixels in use, of {96 * 128}: {estimate([opu.max_outputs for opu in devices])}")

# %%
# Random features
# ---------------
# From here on it is a device like any other: in a pipeline, in a grid search, under every
# estimator of skopu. Beside it, the same digits on simulated features of an ideal device:


def accuracy(opu, seed, n=800):
    split = train_test_split(X, y, test_size=0.4, random_state=seed, stratify=y)
    model = make_pipeline(OpticalRandomFeatures(n=n, opu=opu), RidgeClassifier(alpha=100))
    return 100 * model.fit(split[0], split[2]).score(split[1], split[3])


on_bench = np.array([accuracy(opu, seed) for opu, seed in zip(devices, seeds, strict=True)])
ideal = np.array([accuracy(OPU(random_state=seed), seed) for seed in seeds])
print(f"Test accuracy on the bench, %: {estimate(on_bench)}")
print(f"Bench less ideal device, points: {estimate(on_bench - ideal)}")
print("The report of the first bench:")
print(devices[0].report())

# %%
# The bench is as good as the ideal device, or a few tenths of a point worse.
#
# Projections without an interferometer
# -------------------------------------
# A fifth of the mirrors is kept for a reference s that is always the same. The camera sees
# I(x + s), I(x) and I(s), and I(x + s) - I(x) - I(s) = 2 Re(conj(s_m) r_m . x) at a mode m: a
# projection on a random direction, once it is divided by sqrt(2 I(s)). Its law:

projections = np.array([opu.linear(X[:200], n=1000) for opu in devices])
projections /= np.linalg.norm(X[:200], axis=1)[:, None]
figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
axes.hist(projections.ravel(), bins=200, density=True, alpha=0.6, label="from two frames each")
values = np.linspace(-4, 4, 200)
axes.plot(values, np.exp(-(values**2) / 2) / np.sqrt(2 * np.pi), label="normal law")
axes.set(xlabel="projection of an image of norm 1", ylabel="probability density", xlim=(-4, 4))
axes.legend()
print(f"Variance of projections: {estimate(projections.var(axis=(1, 2)), 3)}, law: 1")

# %%
# The law is normal, with a variance that is some 3 % too large here.
#
# When frames go missing
# ----------------------
# Cameras lose frames, and modulators are slow. A block of frames lies between two of the
# reference. If one of these is wrong, or if neighbouring frames look alike though their patterns do
# not, the block is taken again, and the report names the fault.

shaky, tries = [], []
for seed in seeds:
    device = BenchOPU(bench_of(seed, lost=0.2, repeated=0.2, late=0.1), retries=50)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it names what was taken again, and so does the report
        shaky.append(accuracy(device, seed))
    tries.append(sum(device.report().faults.values()))
print(f"Faults on each bench: {tries}")
print(f"With faults less without, points: {estimate(shaky - on_bench)}")
print(f"Those of the last bench: {device.report().faults}")

# %%
# Faults cost time, and no accuracy that these benches could show.
#
# The matrix of the glass
# -----------------------
# :func:`~skopu.bench.measure_transmission_matrix` shows a Hadamard basis beside references. It
# knows each row up to a phase, and up to conjugation; no intensity depends on either. How well does
# it predict what the camera will record of patterns that it has not seen? It depends on the light.

photons = [10, 100, 1000]
wrong = np.empty((len(seeds), len(photons), 2))
for row, seed in enumerate(seeds):
    for column, number in enumerate(photons):
        table = SimulatedBench(128, (40, 40), grain=2, photons=number, random_state=seed)
        device = BenchOPU(table, reference_size=0)
        for i, repeat in enumerate((1, 4)):
            medium, report = measure_transmission_matrix(device, 64, 150, repeat=repeat)
            wrong[row, column, i] = 1 - report.correlation

figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
for i, name in enumerate(("one frame a pattern", "four frames a pattern")):
    mean, error = wrong[:, :, i].mean(axis=0), standard_error(wrong[:, :, i])
    axes.errorbar(photons, mean, error, marker="o", capsize=3, label=name)
    for column, number in enumerate(photons):
        print(f"{number} photons, {name}: 1 - correlation {estimate(wrong[:, column, i], 4)}")
axes.set(
    xscale="log",
    yscale="log",
    xlabel="photons of a pixel at a tenth of the full scale",
    ylabel="1 - correlation with recorded speckle",
)
axes.legend()

# %%
# Ten times the photons make the error six to seven times smaller with one frame a pattern. The
# recorded speckle has its own noise, with which no prediction correlates.
#
# A digital twin
# --------------
# With its matrix, the bench is in the computer. Images of 64 pixels, 500 features of the bench and
# of its twin, the measured matrix:

twin = []
for seed in seeds:
    device = BenchOPU(SimulatedBench(128, (64, 64), grain=2, random_state=seed), reference_size=0)
    medium, report = measure_transmission_matrix(device, 64, 500)
    twin.append([accuracy(each, seed, n=500) for each in (device, OPU(medium))])
twin = np.array(twin)
print(f"500 features on the bench, %: {estimate(twin[:, 0], 2)}")
print(f"500 features on its measured matrix, %: {estimate(twin[:, 1], 2)}")
print(f"Matrix less bench, points: {estimate(twin[:, 1] - twin[:, 0], 2)}")

# %%
# The twin classifies as well as the bench, as far as these seeds can tell.
#
# Exercise 1: glass that creeps
# -----------------------------
# Give a bench a ``drift`` of 1e-3 radians a frame and read the same images once at first and once
# after 500 other frames. What does the report say, and how alike are the two readings?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

drifts, alike = [], []
for seed in seeds:
    table = SimulatedBench(100, (48, 64), drift=1e-3, random_state=seed)
    creeping = BenchOPU(table)
    first = creeping.intensity(X[:50], 250)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        creeping.intensity(np.random.default_rng(seed).integers(2, size=(500, 64)), 10)
        again = creeping.intensity(X[:50], 250)
    drifts.append(creeping.report().drift)
    pairs = zip(first, again, strict=True)
    alike.append(np.mean([np.corrcoef(one, other)[0, 1] for one, other in pairs]))
print(f"Drift in the report: {estimate(drifts, 4)}")
print(f"Correlation of the readings: {estimate(alike, 4)}")
print(f"  cos(0.55)^2 = {np.cos(0.55) ** 2:.3f}")

# %%
# Intensities k frames apart correlate as cos(drift * k)^2. Beside the 550 frames of the images
# there are those of the reference. The report's drift is what the reference has lost of its
# correlation, since the calibration.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 2: how many references?
# --------------------------------
# Two references that are not in phase would do at a mode. Measure the matrix with 3 and with 8 of
# them, each of eight mirrors. What do more of them buy?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

for n_references in (3, 8):
    values = []
    for seed in seeds:
        table = SimulatedBench(32 + 8 * n_references, (40, 40), grain=2, random_state=seed)
        options = {"n_references": n_references, "reference_size": 8}
        device = BenchOPU(table, reference_size=0)
        values.append(measure_transmission_matrix(device, 32, 100, **options)[1].correlation)
    print(f"{n_references} references, correlation: {estimate(values, 4)}")

# %%
# With three there are modes at which all are dark or in phase; eight leave hardly any.
#
# .. raw:: html
#
#     </details>
