"""
===============================================
10. Bring your own measured transmission matrix
===============================================

A laboratory can measure its glass: show the modulator one pattern after the other, read the field
by holography, and write down a matrix. With it, everything in skopu runs on that very glass.

After this notebook you can

- use a matrix in memory or in a file as a medium;
- tell from its report how far it is from ideal;
- say what a flaw of the measurement does to a kernel.
"""

# %%
# A measurement
# -------------
# We have no laboratory here, so we make a matrix as one would come out of it: independent entries
# of any scale, some light that is not scattered, modes that overlap with their neighbours since
# the grains of the speckle are larger than a pixel, and noise.

import pathlib
import tempfile

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skopu import (
    OPU,
    GaussianMedium,
    KernelApproximationDisplay,
    MeasuredMedium,
    OpticalRandomFeatures,
)

X, y = load_digits(return_X_y=True)
X = X / 16
rng = np.random.default_rng(0)


def measure(n_outputs, n_inputs, *, unscattered=0.0, grain=0.0, noise=0.01):
    """A made-up laboratory's matrix, in its own units."""
    glass = GaussianMedium(random_state=7).transmission_matrix(n_inputs, n_outputs)
    for _ in range(2 if grain else 0):  # neighbouring pixels see the same grain
        glass = glass + grain * np.roll(glass, 1, axis=0)
    glass = glass / glass.std() + unscattered
    error = rng.normal(size=glass.shape) + 1j * rng.normal(size=glass.shape)
    return 137 * (glass + noise * error)


good = measure(2000, 64)
poor = measure(2000, 64, unscattered=0.07, grain=0.8)

# %%
# The report
# ----------
# :class:`~skopu.MeasuredMedium` scales a matrix to the mean power that the kernels assume, and
# :meth:`~skopu.MeasuredMedium.isotropy` compares it with ideal glass of the same size. No number
# of a finite matrix is 0: chance leaves neighbours a little alike and rows unequally bright.

for name, matrix in (("good", good), ("poor", poor)):
    report = MeasuredMedium(matrix).isotropy()
    print(f"\n{name}, rms {report.rms:.0f}     measured  expected")
    for field in (
        "mode_correlation",
        "neighbour_correlation",
        "mean",
        "pseudo_variance",
        "input_spread",
        "output_spread",
    ):
        ideal = field.replace("neighbour", "mode")
        expected = getattr(report, f"expected_{ideal}")
        print(f"  {field:22} {getattr(report, field):8.4f}  {expected:8.4f}")

# %%
# The good one has what chance leaves. The poor one has light that is not scattered (``mean``), and
# neighbours that see the same (``neighbour_correlation``).
#
# From a file
# -----------
# A matrix that is larger than memory stays in its ``.npy`` file, which is mapped and read in
# pieces.

with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # Windows keeps maps open
    path = pathlib.Path(folder) / "glass.npy"
    np.save(path, good.astype(np.complex64))
    features = OpticalRandomFeatures(n=2000, opu=OPU(MeasuredMedium(path)))
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0)
    model = make_pipeline(features, RidgeClassifier()).fit(X_train, y_train)
    print(f"Test accuracy on the measured glass: {model.score(X_test, y_test):.1%}")

# %%
# What a flaw does to the kernel
# ------------------------------
# With ideal glass the error falls as far as there are modes. Light that is not scattered leads to
# another kernel, from which no number of modes leads back; grain leaves the kernel as it is and
# makes each pixel count for less.

figure, axes = plt.subplots(2, 2, figsize=(9.5, 7.2), layout="constrained")
for row, (name, matrix) in zip(axes, (("good", good), ("poor", poor)), strict=True):
    display = KernelApproximationDisplay.from_estimator(
        OpticalRandomFeatures(opu=OPU(MeasuredMedium(matrix))),
        X[:100],
        n_features=[50, 200, 700, 2000],
        n_repeats=1,
        ax=row,
    )
    row[0].set_title(f"{name} glass, {row[0].get_title()}")

# %%
# Exercise 1: take the unscattered light away
# -------------------------------------------
# Subtract its mean from each column of the poor matrix. What does the report say, and what the
# error of the kernel?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

mended = poor - poor.mean(axis=0)
for name, matrix in (("poor", poor), ("mended", mended), ("good", good)):
    medium = MeasuredMedium(matrix)
    display = KernelApproximationDisplay.from_estimator(
        OpticalRandomFeatures(opu=OPU(medium)), X[:100], n_features=[2000], n_repeats=1
    )
    plt.close(display.figure_)
    print(f"{name}: mean {medium.isotropy().mean:.2f}, error {display.errors[0, 0]:.1%}")

# %%
# What is left, beside the good glass, is the grain: fewer independent modes than pixels.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 2: how many modes are there really?
# --------------------------------------------
# The error of m independent modes falls like 1 / sqrt(m). How many independent modes are the 2000
# pixels of the mended matrix worth?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

errors = {}
for name, matrix in (("good", good), ("mended", mended)):
    displays = [
        KernelApproximationDisplay.from_estimator(
            OpticalRandomFeatures(opu=OPU(MeasuredMedium(rows))),
            X[:100],
            n_features=[400],
            n_repeats=1,
        )
        for rows in np.split(matrix, 5)
    ]
    for display in displays:
        plt.close(display.figure_)
    errors[name] = np.sqrt(np.mean([display.errors**2 for display in displays]))
worth = (errors["good"] / errors["mended"]) ** 2
print(f"Each pixel is worth {worth:.2f} modes, all of them {2000 * worth:.0f}.")

# %%
# .. raw:: html
#
#     </details>
