"""
===================================
5. A picture from one random sketch
===================================

A singular value decomposition of a large matrix is expensive, but most large matrices are
nearly of low rank. A :term:`sketch`, the matrix times a few random columns, then holds almost all
that matters, and light makes sketches in one pass: each row crosses the medium once.

We compress a photograph by the SVD of its sketch, see how the error falls with the rank and
what a few refinements add, and tell the topics of documents by latent semantic analysis.

After this notebook you can

- compress a matrix by the decomposition of one sketch, and refine it;
- read a scree plot, and tell how far to trust its values;
- replace ``TruncatedSVD`` in a pipeline for text.

:doc:`The guide </user_guide/linear_algebra>` says more about sketches, refinements and bounds.
"""

# %%
# One sketch, and a few refinements
# ---------------------------------
# The sketch of a matrix A is :math:`Y = A R`, where the random matrix R has a few more columns than
# the rank asked for. Its columns are random mixtures of those of A, in which the leading left
# singular vectors dominate. So with an orthonormal basis Q of these mixtures, :math:`Q Q^T A` is
# nearly A. The matrix :math:`Q^T A` has few rows, and a cheap decomposition :math:`W s V^T`. Hence
#
# .. math::
#
#     A \approx Q \, Q^T A = U s V^T, \quad U = Q W.
#
# ``n_iter=0`` does just this. Each refinement multiplies by the matrix and its transpose;
# ``"auto"`` goes on until the singular values have settled. Every result depends on R, so we repeat
# it with several seeds. A number after +- is the standard error of the mean over these.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

from skopu import opu_svd

seeds = range(10)


def standard_error(values):
    return np.std(values, axis=0, ddof=1) / np.sqrt(len(values))


image = load_sample_image("china.jpg").mean(axis=2).astype(np.float32) / 255
exact = np.linalg.svd(image, compute_uv=False)


def excess(rank, n_iter, seed, **options):
    """Error of an approximation, in % above the smallest that its rank allows."""
    U, s, Vt = opu_svd(image, rank, n_iter=n_iter, random_state=seed, **options)
    return 100 * (np.linalg.norm(image - (U * s) @ Vt) / np.linalg.norm(exact[rank:]) - 1)


ranks = np.array([5, 10, 20, 40, 80])
labels = {0: "one sketch", 1: "one refinement", "auto": 'n_iter="auto"'}
errors = {
    n_iter: np.array([[excess(rank, n_iter, seed) for rank in ranks] for seed in seeds])
    for n_iter in labels
}
print("Error at rank 40, above the smallest possible:")
for n_iter, label in labels.items():
    mean, error = errors[n_iter][:, 3].mean(), standard_error(errors[n_iter][:, 3])
    print(f"{label:14}: {mean:7.3f} +- {error:.3f} %")

# %%
# One sketch is more than a quarter worse than the best of its rank, one refinement between one and
# two percent, and "auto" leaves nothing that would matter. To the eye, a third of the numbers makes
# nearly the whole picture:

figure, axes = plt.subplots(1, 4, figsize=(13, 2.9), layout="constrained")
axes[0].imshow(image, cmap="gray", vmin=0, vmax=1)
axes[0].set_title(f"Photograph, {image.shape[0]} x {image.shape[1]}")
for axis, k in zip(axes[1:], (5, 20, 80), strict=True):
    U, s, Vt = opu_svd(image, k, random_state=seeds[0])
    axis.imshow((U * s) @ Vt, cmap="gray", vmin=0, vmax=1)
    axis.set_title(f"Rank {k}: {k * sum(image.shape) / image.size:.0%} of the numbers")
for axis in axes:
    axis.set_axis_off()
plt.show()

# %%
# Scree plot, and error against rank
# ----------------------------------
# Left, the singular values: means over the seeds, in bands of a standard deviation that are hardly
# wider than the lines. One sketch underestimates the last ones that it is asked for, since their
# directions are mixed with those beyond; refinement separates them. This is a bias: an average over
# seeds does not mend it. Right, what it does to the error of the approximation, with standard
# errors.

figure, (scree, against_rank) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
scree.semilogy(np.arange(1, 121), exact[:120], color="0.7", linewidth=5, label="exact")
print("The 80th singular value, of 80 asked for, less the exact one:")
for (n_iter, label), style in zip(labels.items(), ("o:", "s--", "^-"), strict=True):
    s = np.array([opu_svd(image, 80, n_iter=n_iter, random_state=seed).s for seed in seeds])
    mean, spread = s.mean(axis=0), s.std(axis=0, ddof=1)
    index = np.arange(1, 81)
    (line,) = scree.semilogy(index, mean, style[1:], label=label)
    scree.fill_between(index, mean - spread, mean + spread, color=line.get_color(), alpha=0.3)
    missing = 100 * (s[:, -1] / exact[79] - 1)
    print(f"{label:14}: {missing.mean():7.3f} +- {standard_error(missing):.3f} %")
    against_rank.errorbar(
        ranks,
        errors[n_iter].mean(axis=0),
        standard_error(errors[n_iter]),
        fmt=style,
        capsize=3,
        label=label,
    )
against_rank.set(
    xscale="log",
    yscale="log",
    xlabel="rank",
    ylabel="error above the smallest possible, %",
    title="Error against rank",
)
against_rank.set_xticks(ranks, ranks)
against_rank.minorticks_off()
scree.set(xlabel="index", ylabel="singular value", title="Scree plot, rank 80 asked for")
scree.legend()
against_rank.legend()
plt.show()

# %%
# Latent semantic analysis
# ------------------------
# :class:`~skopu.OPUTruncatedSVD` is the same as an estimator, and can replace
# :class:`~sklearn.decomposition.TruncatedSVD` in the usual pipeline for text: words become
# weights, and the SVD brings words together that occur in the same documents.
#
# There are five topics; for each, we know the labels of two documents. A document has 6 words of
# its topic, from a hundred, and 14 from five hundred that all topics share. Only three in ten pairs
# of documents of a topic have a word of the topic in common. The 490 others are without labels, but
# they say which words go together.

from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from skopu import OPUTruncatedSVD


def library(seed):
    """Five hundred documents, and their topics."""
    rng = np.random.default_rng(seed)
    topics = rng.permutation(np.repeat(range(5), 100))
    documents = [
        " ".join(
            [f"topic{topic}word{i}" for i in rng.integers(100, size=6)]
            + [f"word{i}" for i in rng.integers(500, size=14)]
        )
        for topic in topics
    ]
    return documents, topics


ways = {
    "words": lambda seed: TfidfVectorizer(),
    "TruncatedSVD": lambda seed: make_pipeline(
        TfidfVectorizer(), TruncatedSVD(5, algorithm="arpack"), Normalizer()
    ),
    "OPUTruncatedSVD": lambda seed: make_pipeline(
        TfidfVectorizer(), OPUTruncatedSVD(5, random_state=seed), Normalizer()
    ),
}
accuracy = {name: [] for name in ways}
for seed in seeds:
    documents, topics = library(seed)
    known = np.concatenate([np.flatnonzero(topics == topic)[:2] for topic in range(5)])
    others = np.setdiff1d(np.arange(len(topics)), known)
    for name, make in ways.items():
        weights = make(seed).fit_transform(documents)
        model = LogisticRegression(C=10).fit(weights[known], topics[known])
        accuracy[name].append(100 * model.score(weights[others], topics[others]))
for name, values in accuracy.items():
    print(f"{name:15}: {np.mean(values):5.1f} +- {standard_error(values):.1f} % right")
difference = np.subtract(accuracy["OPUTruncatedSVD"], accuracy["TruncatedSVD"])
print(f"by light, less the exact SVD: {difference.mean():+.2f} +- {standard_error(difference):.2f}")

# %%
# Words alone tell nearly half of the documents, five components nearly all. An exact decomposition
# and the one by light differ by less than half a point, if at all.

# %%
# Exercise 1: oversampling
# ------------------------
# Decompose one sketch (``n_iter=0``) at rank 20 with ``n_oversamples`` of 0, 10 and 40. What does
# it do to the error?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

for n_oversamples in (0, 10, 40):
    found = [excess(20, 0, seed, n_oversamples=n_oversamples) for seed in seeds]
    print(
        f"{n_oversamples:2} columns beyond the rank: "
        f"{np.mean(found):.1f} +- {standard_error(found):.1f} % above the smallest possible error"
    )

# %%
# A few more columns catch what random directions miss: forty of them make the error a third of
# what it is without. A refinement does more, but reads the matrix twice again.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 2: how sure?
# ---------------------
# :class:`~skopu.SpectrumDisplay` draws an error band around the singular values of a fitted
# :class:`~skopu.OPUTruncatedSVD`. Draw it for the photograph at rank 40, for one refinement and
# for "auto". How many of the forty values are known to 10 %, by ``error_bound_``?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

from skopu import SpectrumDisplay

for n_iter in (1, "auto"):
    svds = [OPUTruncatedSVD(40, n_iter=n_iter, random_state=seed).fit(image) for seed in seeds]
    display = SpectrumDisplay.from_estimator(svds[0], image)
    display.axes_[0].set_title(f"Singular values, n_iter={n_iter!r}")
    known = [np.sum(svd.error_bound_ < 0.1) for svd in svds]
    mean, error = np.mean(known), standard_error(known)
    print(f"n_iter={n_iter!r:6}: {mean:.1f} +- {error:.1f} of 40 values known to 10 %")

# %%
# The band is as wide as the residual, the norm of :math:`A^T u - s v`: within it lies a true
# singular value, though not always the one of the same number. ``error_bound_`` is about the value
# of that number, and is estimated from the last gains, the residual and the gap to the next value.
# After one refinement only the first seven or eight are known to 10 % by this bound; "auto" goes on
# until all are known to 1 %. One sketch alone gives no such bound.
#
# .. raw:: html
#
#     </details>
