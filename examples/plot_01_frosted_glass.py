"""
==============================
1. Light through frosted glass
==============================

Shine a laser on frosted glass, and a screen behind it shows a grainy pattern: speckle. It looks
like noise, but it is not. The same light makes the same grains, every time; and each grain is a
random measurement of all of the light at once.

After this notebook you can

- make speckle from data, and say what each pixel of it is;
- tell a grain of speckle from a pixel of the camera;
- recognise fully developed speckle by its statistics;
- tell why glass is a random matrix, and why nobody has to write it down.
"""

# %%
# A digit behind glass
# --------------------
# A modulator gives each pixel of the image its own beam of light. Behind the glass, every point of
# the camera receives light from all beams, each along many ways through the glass: a sum of the
# pixels x with random complex weights r. (A delay turns the phase of a wave, which is a product
# with a complex number of modulus 1; many delayed waves add up to any complex number.) A camera
# reads the :term:`intensity` of that sum, :math:`|r \cdot x|^2`. Modulator, glass and camera
# together are an optical processing unit, an :class:`~skopu.OPU`; n is the number of points that
# its camera reads. :doc:`The guide </user_guide/device>` has more about them.

import matplotlib.pyplot as plt
import numpy as np
import scipy.signal
from sklearn.datasets import load_digits

from skopu import OPU, LayeredMedium, SpeckleDisplay

# Each names a piece of glass.
seeds = range(10)

X, y = load_digits(return_X_y=True)
X = X / 16
opu = OPU(random_state=seeds[0])
side = 120
speckle = opu.intensity(X[:1], n=side**2).reshape(side, side)

figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3.6), layout="constrained")
left.imshow(X[0].reshape(8, 8), cmap="gray")
left.set(title=f"What goes in: a {y[0]}", xticks=[], yticks=[])
right.imshow(speckle, cmap="gray", vmax=4 * speckle.mean())
_ = right.set(title="What the camera sees", xticks=[], yticks=[])

# %%
# Grains and pixels
# -----------------
# This looks like static on an old television, not like the blobs that you see on a wall in laser
# light. The reason is that skopu computes one point of each :term:`grain` of speckle, so that
# neighbours have nothing in common. For computing that is best, since each number is then one of
# its own. A camera has pixels, which average over their area: one as large as a grain would blur
# the speckle. So a bench takes pixels of about a third of a grain, sees blobs, and reads one pixel
# of each. One point a grain is enough to know the field between them, too (the sampling theorem
# says so), and we draw it with four points a grain:

field = opu.field(X[:1], n=side**2).reshape(side, side)
finer = scipy.signal.resample(scipy.signal.resample(field, 4 * side), 4 * side, axis=1)

figure, axes = plt.subplots(1, 2, figsize=(7, 3.8), layout="constrained")
for axis, image, name in zip(
    axes,
    (abs(field[:24, :24]) ** 2, abs(finer[:96, :96]) ** 2),
    ("One point a grain", "The same grains, four points each"),
    strict=True,
):
    axis.imshow(image, cmap="gray", vmax=4 * speckle.mean())
    axis.set(title=name, xlabel="point", ylabel="point")

# %%
# :doc:`Notebook 15 </auto_examples/plot_15_what_an_optician_sees>` says how large a grain is, and
# what else an optician wants to know. From here on, a pixel is one point of a grain.
#
# Is it random?
# -------------
# The same image gives the same speckle: the glass does not move. Another image gives another
# pattern, and the more two images have in common, the more their patterns do. We compare the first
# image with 199 others, behind ten pieces of glass. Numbers after +- are standard errors over these
# pieces, here and below.


def estimate(values, digits=3):
    """Mean over seeds, and its standard error."""
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):.{digits}f} +- {error:.{digits}f}"


again = opu.intensity(X[:1], n=side**2).reshape(side, side)
print("The same image again, largest difference:", abs(again - speckle).max())

cosines = (X[1:200] @ X[0]) / np.linalg.norm(X[1:200], axis=1) / np.linalg.norm(X[0])
likeness = []
for seed in seeds:
    patterns = OPU(random_state=seed).intensity(X[:200], n=5000)
    likeness.append(np.corrcoef(patterns)[0, 1:])
difference = np.mean(likeness - cosines**2, axis=1)
print(f"Correlation less squared cosine, mean of 199 images: {estimate(difference, 4)}")

figure, ax = plt.subplots(figsize=(4.8, 3.6), layout="constrained")
error = np.std(likeness, axis=0, ddof=1) / np.sqrt(len(seeds))
ax.errorbar(
    cosines**2,
    np.mean(likeness, axis=0),
    error,
    fmt="k.",
    ms=4,
    elinewidth=1,
    label="mean, standard error",
)
ax.plot([0, 1], [0, 1], "--", color="0.5", label="squared cosine")
ax.set(
    title="Speckle of like images is alike",
    xlabel="squared cosine of the angle between images",
    ylabel="correlation of their speckle",
)
_ = ax.legend()

# %%
# The points lie on the line, up to chance: the correlation of two patterns is the squared cosine of
# the angle between the images.
# Speckle keeps the geometry of the data. That is why machines can learn from it, and the
# :doc:`next notebook </auto_examples/plot_02_kernels>` makes a kernel of it.
#
# The law of speckle
# ------------------
# A sum of many independent waves is a circular Gaussian number: its real and imaginary part are
# independent, normal, and of equal variance. So its intensity follows the exponential law: the
# darkest values are the most likely, and the standard deviation is as large as the mean. Their
# ratio is the :term:`contrast`, and such speckle, with a contrast of 1, is called fully developed.


def contrast(pattern):
    return pattern.std() / pattern.mean()


_ = SpeckleDisplay.from_estimator(opu, X[:1], shape=(side, side))
contrasts = [contrast(OPU(random_state=seed).intensity(X[:1], n=side**2)) for seed in seeds]
print(f"Contrast: {estimate(contrasts)}")

# %%
# A matrix that nobody writes down
# --------------------------------
# Glass of d inputs and n outputs is a matrix of n rows and d columns. Real glass does not store it,
# and neither does the simulation: thin random masks, with the spreading of light between them, have
# the same statistics. A fast Fourier transform spreads the light in :math:`O((d + n) \log d)`
# steps, where a product with the matrix takes :math:`n d`. For small sizes we can look at it.

powers = []
for seed in seeds:
    medium = LayeredMedium(random_state=seed)
    matrix = medium.transmission_matrix(n_inputs=64, n=1000)
    powers.append(np.mean(abs(matrix) ** 2))
field = medium.field(X[:1], n=1000)
print(f"Field = matrix times image, up to {abs(field[0] - matrix @ X[0]).max():.0e}")
print(f"Mean of |r|^2 over the entries: {estimate(powers, 4)}")

# %%
# Exercise 1: mean brightness
# ---------------------------
# How does the mean intensity depend on the image? Compare the mean of the speckle with the squared
# norm of the image for some digits.
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

norms = np.sum(X[:5] ** 2, axis=1)
means = np.array([OPU(random_state=seed).intensity(X[:5], n=5000).mean(axis=1) for seed in seeds])
for digit, mean, norm in zip(y, means.T, norms, strict=False):
    print(f"A {digit}: mean intensity {estimate(mean)}, squared norm {norm:.3f}")

# %%
# The mean intensity is the power that goes in, in the units of this matrix, whose entries have a
# mean power of 1.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 2: washing speckle out
# -------------------------------
# Add up the speckle of k different pieces of glass, for k = 1, 4, 16 and 64. How does the contrast
# fall with k?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

contrasts = {1: [], 4: [], 16: [], 64: []}
for seed in seeds:
    glasses = range(64 * seed, 64 * seed + 64)
    frames = [OPU(random_state=glass).intensity(X[:1], n=4000)[0] for glass in glasses]
    for k, values in contrasts.items():
        values.append(contrast(np.sum(frames[:k], axis=0)))
for k, values in contrasts.items():
    print(f"k = {k}: contrast {estimate(values)}, 1 / sqrt(k) = {k**-0.5:.3f}")

# %%
# Independent patterns average out like any independent noise, by the square root of their number.
# Projectors with lasers do this on purpose, many times a second.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 3: a thin diffuser
# ---------------------------
# A ``LayeredMedium(1)`` is a single thin mask, a diffuser far from the camera. Light 1, 2, 8 and 64
# pixels, ``np.ones((1, n_lit))``, behind one, two and three masks. What is the contrast of 100,000
# points?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

for n_layers in (1, 2, 3):
    for n_lit in (1, 2, 8, 64):
        values = []
        for seed in seeds:
            thin = OPU(LayeredMedium(n_layers), random_state=seed)
            values.append(contrast(thin.intensity(np.ones((1, n_lit)), n=100_000)))
        theory = np.sqrt(1 - 1 / n_lit) if n_layers == 1 else 1
        print(f"masks {n_layers}, lit {n_lit}: {estimate(values, 4)}, theory {theory:.4f}")

# %%
# A broad beam makes speckle behind a single thin mask as well, with a contrast of 1: many waves of
# random phase add up. A narrow beam does not: one wave has nothing to interfere with and spreads
# evenly, two make fringes, and N make the contrast :math:`\sqrt{1 - 1/N}`. A second mask is lit all
# over whatever the beam, so that each single pixel makes speckle of its own.
#
# So one mask is enough for speckle, but not for a random matrix. With two, its rows are still
# shifted copies of each other, up to signs. The third mask ends that, and three are the default.
#
# .. raw:: html
#
#     </details>
