"""
===================================
5. A picture from one random sketch
===================================

A singular value decomposition of a large matrix is expensive, but most large matrices are
nearly of low rank. A *sketch*, the matrix times a few random columns, then holds almost all
that matters, and light makes sketches in one pass: each row crosses the medium once.

We compress a photograph by the SVD of its sketch, see how the error falls with the rank and
what a few refinements add, and classify documents by latent semantic analysis.

After this notebook you can

- compress a matrix by the decomposition of one sketch, and refine it;
- read a scree plot, and tell how sure its values are;
- replace ``TruncatedSVD`` in a pipeline for text.
"""

# %%
# One sketch, and a few refinements
# ---------------------------------
# ``n_iter=0`` decomposes the sketch alone. Each refinement multiplies by the matrix and its
# transpose; ``"auto"`` goes on until the singular values have settled.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

from skopu import opu_svd

image = load_sample_image("china.jpg").mean(axis=2).astype(np.float32) / 255
exact = np.linalg.svd(image, compute_uv=False)

rank = 40
for n_iter in (0, 1, "auto"):
    U, s, Vt = opu_svd(image, rank, n_iter=n_iter, random_state=0)
    error = np.linalg.norm(image - (U * s) @ Vt) / np.linalg.norm(exact[rank:])
    print(f"n_iter={n_iter!r:6}: error {error:.3f} times the smallest possible at rank {rank}")

figure, axes = plt.subplots(1, 4, figsize=(13, 2.9), layout="constrained")
axes[0].imshow(image, cmap="gray", vmin=0, vmax=1)
axes[0].set_title(f"Photograph, {image.shape[0]} x {image.shape[1]}")
for axis, k in zip(axes[1:], (5, 20, 80), strict=True):
    U, s, Vt = opu_svd(image, k, random_state=0)
    axis.imshow((U * s) @ Vt, cmap="gray", vmin=0, vmax=1)
    axis.set_title(f"Rank {k}: {k * sum(image.shape) / image.size:.0%} of the numbers")
for axis in axes:
    axis.set_axis_off()
plt.show()

# %%
# Scree plot, and error against rank
# ----------------------------------
# Left, the singular values. One sketch underestimates the last ones that it is asked for,
# since their directions are mixed with those beyond; refinement separates them. Right, what
# that does to the error of the approximation.

ranks = np.array([5, 10, 20, 40, 80])
errors = {0: [], 1: [], "auto": []}
for n_iter, found in errors.items():
    for k in ranks:
        U, s, Vt = opu_svd(image, k, n_iter=n_iter, random_state=0)
        found.append(np.linalg.norm(image - (U * s) @ Vt))
best = np.array([np.linalg.norm(exact[k:]) for k in ranks])
labels = {0: "one sketch", 1: "one refinement", "auto": 'n_iter="auto"'}
markers = {0: ("o", ":"), 1: ("s", "--"), "auto": ("^", "-")}

figure, (scree, against_rank) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
scree.semilogy(np.arange(1, 121), exact[:120], color="0.6", linewidth=4, label="exact")
for n_iter, label in labels.items():
    _, s, _ = opu_svd(image, 80, n_iter=n_iter, random_state=0)
    scree.semilogy(np.arange(1, 81), s, markers[n_iter][1], label=label)
    against_rank.loglog(
        ranks,
        np.array(errors[n_iter]) / np.linalg.norm(image),
        marker=markers[n_iter][0],
        linestyle=markers[n_iter][1],
        label=label,
    )
against_rank.loglog(ranks, best / np.linalg.norm(image), "k+", markersize=12, label="optimum")
against_rank.set_xticks(ranks, ranks)
against_rank.minorticks_off()
scree.set(xlabel="index", ylabel="singular value", title="Scree plot, rank 80 asked for")
against_rank.set(xlabel="rank", ylabel="relative error", title="Error against rank")
scree.legend()
against_rank.legend()
plt.show()

# %%
# Latent semantic analysis
# ------------------------
# :class:`~skopu.OPUTruncatedSVD` is the same as an estimator. Here it replaces
# :class:`~sklearn.decomposition.TruncatedSVD` in the usual pipeline for text: words become
# weights, and the SVD brings words together that occur in the same documents.

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from skopu import OPUTruncatedSVD

documents = [
    "laser light crosses frosted glass and makes a speckle pattern",
    "the camera reads the intensity of the speckle",
    "a modulator shapes the wavefront of the light",
    "random phases of scattered light interfere in the camera",
    "a ridge classifier is linear in its features",
    "cross validation chooses the strength of the ridge penalty",
    "kernel machines compare a sample with the training data",
    "a support vector machine is a linear classifier in a kernel space",
]
topics = ["optics"] * 4 + ["learning"] * 4
lsa = make_pipeline(
    TfidfVectorizer(stop_words="english"),
    OPUTruncatedSVD(n_components=4, random_state=0),
    Normalizer(),
    LogisticRegression(C=10),
)
lsa.fit(documents, topics)
print(lsa.predict(["a speckle of light on the camera", "the penalty of a linear classifier"]))

# %%
# Exercise 1: oversampling
# ------------------------
# Decompose one sketch (``n_iter=0``) at rank 20 with ``n_oversamples`` of 0, 10 and 40. What does
# it do to the error?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

optimum = np.linalg.norm(exact[20:])
for n_oversamples in (0, 10, 40):
    U, s, Vt = opu_svd(image, 20, n_iter=0, n_oversamples=n_oversamples, random_state=0)
    error = np.linalg.norm(image - (U * s) @ Vt) / optimum
    print(
        f"{n_oversamples:2} columns beyond the rank: {error:.3f} times the smallest possible error"
    )

# %%
# A few more columns catch what random directions miss. A refinement does more, but reads the
# matrix twice again.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 2: how sure?
# ---------------------
# :class:`~skopu.SpectrumDisplay` draws an error band around the singular values of a fitted
# :class:`~skopu.OPUTruncatedSVD`. Draw it for the photograph at rank 40, for one sketch and for
# "auto".
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

from skopu import SpectrumDisplay

for n_iter in (0, "auto"):
    svd = OPUTruncatedSVD(40, n_iter=n_iter, random_state=0).fit(image)
    display = SpectrumDisplay.from_estimator(svd, image)
    display.axes_[0].set_title(f"Singular values, n_iter={n_iter!r}")

# %%
# Within each band lies a true singular value. One sketch is sure of the first ones alone.
#
# .. raw:: html
#
#     </details>
