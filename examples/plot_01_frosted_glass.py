"""
==============================
1. Light through frosted glass
==============================

Shine a laser on frosted glass, and a screen behind it shows a grainy pattern: speckle. It looks
like noise, but it is not. The same light makes the same grains, every time; and each grain is a
random measurement of all of the light at once.

After this notebook you can

- make speckle from data, and say what each pixel of it is;
- recognise fully developed speckle by its statistics;
- tell why glass is a random matrix, and why nobody has to write it down.
"""

# %%
# A digit behind glass
# --------------------
# A modulator gives each pixel of the image its own beam of light. Behind the glass, every point of
# the camera receives light from all beams, each delayed by its own way through the glass: a sum of
# the pixels x with random complex weights r (a delay turns the phase of a wave, which is a product
# with a complex number of modulus 1). A camera reads the intensity of that sum,
# :math:`|r \cdot x|^2`. Modulator, glass and camera together are an optical processing unit, an
# ``OPU``; n is the number of points that its camera reads.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skopu import OPU, LayeredMedium, SpeckleDisplay

X, y = load_digits(return_X_y=True)
X = X / 16
opu = OPU(random_state=0)
side = 120
speckle = opu.intensity(X[:1], n=side**2).reshape(side, side)

figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3.6), layout="constrained")
left.imshow(X[0].reshape(8, 8), cmap="gray")
left.set(title=f"What goes in: a {y[0]}", xticks=[], yticks=[])
right.imshow(speckle, cmap="gray", vmax=4 * speckle.mean())
_ = right.set(title="What the camera sees", xticks=[], yticks=[])

# %%
# Is it random?
# -------------
# The same image gives the same speckle: the glass does not move. Another image gives another
# pattern, and the more two images have in common, the more their patterns do.

again = opu.intensity(X[:1], n=side**2).reshape(side, side)
print("The same image again, largest difference:", abs(again - speckle).max())

patterns = opu.intensity(X[:200], n=5000)
likeness = np.corrcoef(patterns)[0, 1:]
cosines = (X[1:200] @ X[0]) / np.linalg.norm(X[1:200], axis=1) / np.linalg.norm(X[0])

figure, ax = plt.subplots(figsize=(4.8, 3.6), layout="constrained")
ax.plot(cosines**2, likeness, "k.", ms=4)
ax.plot([0, 1], [0, 1], "--", color="0.5", label="squared cosine")
ax.set(
    title="Speckle of like images is alike",
    xlabel="squared cosine of the angle between images",
    ylabel="correlation of their speckle",
)
_ = ax.legend()

# %%
# The points lie on a line, up to chance: the correlation of two patterns is the squared cosine of
# the angle between the images. (All points are of one piece of glass, so they stray together.)
# Speckle keeps the geometry of the data. That is why machines can learn from
# it, and the next notebook makes a kernel of it.
#
# The law of speckle
# ------------------
# A sum of many independent waves is a circular Gaussian number: its real and imaginary part are
# independent, normal, and of equal variance. So its intensity follows the exponential law: the
# darkest values are the most likely, and the standard deviation is as large as the mean. Their
# ratio is the contrast; speckle with a contrast of 1 is called fully developed.

_ = SpeckleDisplay.from_estimator(opu, X[:1], shape=(side, side))

# %%
# A matrix that nobody writes down
# --------------------------------
# Glass of d inputs and n outputs is a matrix of n rows and d columns. Real glass does not store it,
# and neither does the simulation: thin random masks, with the spreading of light between them, have
# the same statistics. A fast Fourier transform spreads the light in :math:`O((d + n) \log d)`
# steps, where a product with the matrix takes :math:`n d`. For small sizes we can look at it.

medium = LayeredMedium(random_state=0)
matrix = medium.transmission_matrix(n_inputs=64, n=1000)
field = medium.field(X[:1], n=1000)
print("Field = matrix times image, up to", abs(field[0] - matrix @ X[0]).max())
print("Mean of |r|^2 over the entries:", round(float(np.mean(abs(matrix) ** 2)), 3))

# %%
# Exercise 1: mean brightness
# ---------------------------
# How does the mean intensity depend on the image? Compare the mean of the speckle with the squared
# norm of the image for some digits.
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

means = opu.intensity(X[:5], n=20_000).mean(axis=1)
norms = np.sum(X[:5] ** 2, axis=1)
for mean, norm in zip(means, norms, strict=True):
    print(f"mean intensity {mean:.2f}, squared norm {norm:.2f}")

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
# Add up the speckle of k different pieces of glass (seeds 0 to k - 1). How does the contrast fall
# with k?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

frames = [OPU(random_state=seed).intensity(X[:1], n=10_000)[0] for seed in range(64)]
for k in (1, 4, 16, 64):
    total = np.sum(frames[:k], axis=0)
    print(f"k = {k:2}: contrast {total.std() / total.mean():.3f}, 1 / sqrt(k) = {k**-0.5:.3f}")

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
# Light a single pixel, ``np.eye(64)[:1]``, behind glass of a single thin mask,
# ``OPU(LayeredMedium(1))``, and behind two and three. What is the contrast of 10,000 points?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

for n_layers in (1, 2, 3):
    pattern = OPU(LayeredMedium(n_layers)).intensity(np.eye(64)[:1], n=10_000)
    print(f"{n_layers} masks: contrast {pattern.std() / pattern.mean():.2f}")

# %%
# Behind a single mask one beam spreads evenly: no speckle at all. With a second the contrast is 1,
# but the rows of the matrix are then shifted copies of each other. The third makes them
# independent, and is the default.
#
# .. raw:: html
#
#     </details>
