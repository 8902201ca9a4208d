"""
===============================================
10. Bring your own measured transmission matrix
===============================================

A laboratory can measure its glass: show the modulator one pattern after the other, read the
:term:`field` by :term:`holography`, and write down a matrix. With it, everything in skopu runs on
that very glass.

After this notebook you can

- use a matrix in memory or in a file as a medium;
- tell from its report how far it is from ideal;
- say what a flaw of the measurement does to a kernel;
- work out how many independent modes the pixels of a camera are worth.

How a :term:`bench` measures such a matrix is in the guide: :doc:`/user_guide/bench`.
"""

# %%
# A measurement
# -------------
# We have no laboratory here, so we make matrices as they would come out of one: independent entries
# of any scale, some light that is not scattered and is the same at all pixels, modes that overlap
# with their neighbours since the :term:`grains <grain>` of the speckle are larger than a pixel, and
# noise. Each seed is another piece of glass; a number after +- is the standard error over these.

import pathlib
import tempfile

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import sem
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skopu import OPU, GaussianMedium, MeasuredMedium, OpticalRandomFeatures, optical_kernel

seeds = range(20)
X, y = load_digits(return_X_y=True)
X = X / 16


def measure(n_outputs, n_inputs, seed, *, unscattered=0.0, grain=0.0, noise=0.01):
    """A made-up laboratory's matrix, in its own units."""
    rng = np.random.default_rng(seed)
    glass = GaussianMedium(random_state=seed).transmission_matrix(n_inputs, n_outputs)
    for _ in range(2 if grain else 0):  # neighbouring pixels see the same grain
        glass = glass + grain * np.roll(glass, 1, axis=0)
    glass = glass / glass.std() + unscattered
    error = rng.normal(size=glass.shape) + 1j * rng.normal(size=glass.shape)
    return 137 * (glass + noise * error)


n_pixels = 4000
good = [measure(n_pixels, 64, seed) for seed in seeds]
poor = [measure(n_pixels, 64, seed, unscattered=0.07, grain=0.8) for seed in seeds]

# %%
# The report
# ----------
# :class:`~skopu.MeasuredMedium` scales a matrix to the mean power that the kernels assume, and
# :meth:`~skopu.MeasuredMedium.isotropy` compares it with ideal glass of the same size. No number
# of a finite matrix is 0: chance leaves neighbours a little alike and rows unequally bright.

for name, matrices in (("good", good), ("poor", poor)):
    reports = [MeasuredMedium(matrix).isotropy() for matrix in matrices]
    print(f"\n{'':27}measured           expected")
    for field in (
        "mode_correlation",
        "neighbour_correlation",
        "mean",
        "pseudo_variance",
        "input_spread",
        "output_spread",
    ):
        measured = [getattr(report, field) for report in reports]
        expected = getattr(reports[0], f"expected_{field.replace('neighbour', 'mode')}")
        label = f"{name}, {field}"
        print(f"{label:27} {np.mean(measured):.4f} +- {sem(measured):.4f}  {expected:.4f}")

# %%
# Good glass has what chance leaves. The poor one has light that is not scattered (``mean``), and
# neighbours that see much the same (``neighbour_correlation``).
#
# From a file
# -----------
# A matrix that is larger than memory stays in its ``.npy`` file, which is mapped and read in
# pieces.

accuracies = {"good": [], "poor": []}
with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # Windows keeps maps open
    for i, seed in enumerate(seeds):
        X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=seed)
        for name, matrices in (("good", good), ("poor", poor)):
            path = pathlib.Path(folder) / f"{name}_{seed}.npy"
            np.save(path, matrices[i].astype(np.complex64))
            features = OpticalRandomFeatures(n=1000, opu=OPU(MeasuredMedium(path)))
            model = make_pipeline(features, RidgeClassifier()).fit(X_train, y_train)
            accuracies[name].append(100 * model.score(X_test, y_test))
for name, values in accuracies.items():
    print(f"Test accuracy on {name} glass: {np.mean(values):.1f} +- {sem(values):.1f} %")
loss = np.subtract(accuracies["good"], accuracies["poor"])
print(f"Loss by the flaws: {loss.mean():.2f} +- {sem(loss):.2f} points")

# %%
# The classifier does not mind these flaws: they cost a few tenths of a point at most. It learns
# from whatever features it gets.
#
# What a flaw does to the kernel
# ------------------------------
# The kernel does change. The features of n pixels give a kernel whose error depends on n. We take
# each matrix apart into pieces of n pixels, and average over these, too.

some = X[:100]
exact = optical_kernel(some)
sizes = [50, 200, 1000, 4000]


def squared_errors(matrices):
    """Mean squared relative error of the kernel, for each matrix and size."""
    found = np.empty((len(matrices), len(sizes)))
    for i, matrix in enumerate(matrices):
        features = OpticalRandomFeatures(n=n_pixels, opu=OPU(MeasuredMedium(matrix)))
        Z = features.fit_transform(some)
        for j, n in enumerate(sizes):
            n_pieces = n_pixels // n
            pieces = np.split(Z * np.sqrt(n_pieces), n_pieces, axis=1)
            errors = [np.linalg.norm(piece @ piece.T - exact) for piece in pieces]
            found[i, j] = np.mean(np.square(errors)) / np.linalg.norm(exact) ** 2
    return found


# %%
# Theory says where the points should be. The variance of an entry of the kernel from n independent
# modes is :math:`|x|^4 |y|^4 (3 + 14 c^2 + 3 c^4) / n`, with c the cosine of the angle between x
# and y (:doc:`notebook 2 </auto_examples/plot_02_kernels>`). Unscattered light adds the same
# field to each pixel here, :math:`m_x`, which is proportional to the sum of x, and leads to another
# kernel:
#
# .. math::
#
#     (|x|^2 + m_x^2) (|y|^2 + m_y^2) + (x \cdot y)^2 + 2 \, m_x m_y \, x \cdot y.

lengths = np.linalg.norm(some, axis=1)
powers = np.outer(lengths, lengths) ** 2
cosines = some @ some.T / np.sqrt(powers)
variance = powers**2 * (3 + 14 * cosines**2 + 3 * cosines**4)
independent = variance.sum() / np.linalg.norm(exact) ** 2  # of one mode

constant = 0.07 * some.sum(axis=1)
both, products = lengths**2 + constant**2, some @ some.T
other = np.outer(both, both) + products**2 + 2 * np.outer(constant, constant) * products
other /= (1 + 0.07**2) ** 2  # the medium scales the mean power to 1
floor = np.linalg.norm(other - exact) / np.linalg.norm(exact)


def root_and_error(squares):
    """Root of the mean over seeds in %, and its standard error."""
    root = np.sqrt(squares.mean(axis=0))
    return 100 * root, 100 * sem(squares) / (2 * root)


squares = {"good": squared_errors(good), "poor": squared_errors(poor)}
figure, ax = plt.subplots(figsize=(6, 4.2), layout="constrained")
for (name, values), marker in zip(squares.items(), "os", strict=True):
    root, error = root_and_error(values)
    ax.errorbar(sizes, root, error, fmt=marker, capsize=3, label=f"{name} glass")
    for n, r, e in zip(sizes, root, error, strict=True):
        print(f"{name} glass, {n:4} pixels: error {r:.1f} +- {e:.1f} %")
ax.plot(sizes, 100 * np.sqrt(independent / np.array(sizes)), "k--", label="independent modes")
ax.axhline(100 * floor, color="0.5", linestyle=":", label="kernel with unscattered light")
ax.set(
    title="Error of the kernel",
    xlabel="number of pixels n",
    ylabel="relative error (Frobenius norm), %",
    xscale="log",
    yscale="log",
)
ticks = [3, 5, 10, 20, 30, 50]
ax.set_yticks(ticks, ticks)
ax.minorticks_off()
_ = ax.legend()

# %%
# (Bars are standard errors.) The good glass does what independent modes do. For the poor one light
# that is not scattered leads to another kernel, from which no number of pixels leads back. Larger
# grains leave the kernel unchanged, but each pixel is worth less.
#
# The light here is the same at all pixels, as where the central spot of the beam covers the whole
# camera. Then ``mean`` shows it. In :class:`~skopu.optics.flaws.UnscatteredLight` each pixel sees
# one frequency of the Fourier transform of x, and ``mean`` does not. Nor does it where each row is
# known up to a phase only, as from a camera without a reference beam.

# %%
# Exercise 1: take the unscattered light away
# -------------------------------------------
# Subtract its mean from each column of the poor matrices. What becomes of the report, and of the
# error of the kernel?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

mended = [matrix - matrix.mean(axis=0) for matrix in poor]
squares["mended"] = squared_errors(mended)
for name, matrices in (("poor", poor), ("mended", mended), ("good", good)):
    mean = [MeasuredMedium(matrix).isotropy().mean for matrix in matrices]
    root, error = root_and_error(squares[name])
    print(f"{name}: mean in the report {np.mean(mean):.3f} +- {sem(mean):.3f}")
    print(f"{name}: error of the kernel {root[-1]:.1f} +- {error[-1]:.1f} %")

# %%
# The mean is gone, and with it nearly all of the error. What is left beside the good glass is the
# grain: fewer independent modes than pixels.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 2: how many modes are there really?
# --------------------------------------------
# The squared error of m independent modes falls like 1 / m. How many independent modes is a pixel
# of the mended matrices worth? Compare with the :term:`participation ratio` :math:`(\mathrm{tr}
# \,C)^2 / \mathrm{tr} \,C^2` of the covariance matrix C of the pixels' fields, over the number of
# pixels. What should it be exactly, by the pairing rule of :doc:`notebook 2
# </auto_examples/plot_02_kernels>`?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

n = sizes[0]  # the most pieces, and so the smallest error
of_good, of_mended = squares["good"][:, 0], squares["mended"][:, 0]
worth = of_good.mean() / of_mended.mean()
worth_error = sem(of_good - worth * of_mended) / of_mended.mean()
over_theory = of_good * n / independent
print(f"good glass, over independent modes: {np.mean(over_theory):.2f} +- {sem(over_theory):.2f}")
print(f"a mended pixel is worth, measured:  {worth:.2f} +- {worth_error:.2f} modes")

# %%
# For the theory, take the correlation :math:`\gamma_k` of the fields of pixels that are k apart. An
# entry of the kernel is a mean of products of two intensities. The pairing rule makes the
# covariance of these products at two pixels
#
# .. math::
#
#     |x|^4 |y|^4 \left[ (2 + 12 c^2 + 2 c^4) \, |\gamma_k|^2 + (1 + c^2)^2 \, |\gamma_k|^4 \right],
#
# which for a pixel with itself is the variance above. Its sum over all pairs of pixels says by what
# factor correlations make the squared error larger. For the first part alone that factor is the
# number of pixels over the participation ratio, which often serves as a number of independent
# modes.

first = np.sum(powers**2 * (2 + 12 * cosines**2 + 2 * cosines**4))
second = np.sum(powers**2 * (1 + cosines**2) ** 2)
lags = np.arange(1, 5)
participation, predicted = [], []
for matrix in mended:
    overlaps = [abs(np.vdot(matrix[:-k], matrix[k:])) for k in lags]
    gamma = np.array(overlaps) / np.linalg.norm(matrix) ** 2
    squared, fourth = (1 + 2 * np.sum((1 - lags / n) * gamma**power) for power in (2, 4))
    participation.append(1 / squared)
    predicted.append((first + second) / (first * squared + second * fourth))
for label, values in (("by theory", predicted), ("by the participation ratio", participation)):
    print(f"a mended pixel, {label}: {np.mean(values):.4f} +- {sem(values):.4f} modes")

# %%
# A pixel is worth little more than half a mode, as theory says; the participation ratio counts a
# little too few. So a grain that covers a few pixels costs pixels, of which a camera has plenty.
#
# .. raw:: html
#
#     </details>
