"""
========================================
8. A graph of digits, ten labels of each
========================================

Of 1797 handwritten digits we know ten of each class. A graph that joins each image to its
nearest neighbours tells the rest: a graph convolutional network averages over neighbours, so
that unlabelled images take part in training.

The network learns from an error that light projects, sent through a noisy 8-bit camera.

After this notebook you can

- classify the nodes of a graph of which few are labelled;
- train a graph network by light;
- cross-validate over nodes without cutting the graph.
"""

# %%
# The graph, and the few labels
# -----------------------------

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import kneighbors_graph
from sklearn.semi_supervised import LabelSpreading

from skopu import OPU, Camera, DFAGraphClassifier, GaussianMedium, NodeClassifier

X, y = load_digits(return_X_y=True)
X = X / 16
adjacency = kneighbors_graph(X, 6)
adjacency = adjacency.maximum(adjacency.T)  # neighbours are mutual

rng = np.random.default_rng(0)
labelled = np.concatenate(
    [rng.choice(np.flatnonzero(y == digit), 10, replace=False) for digit in range(10)]
)
labels = np.full(len(y), -1)
labels[labelled] = y[labelled]
hidden = labels == -1

# %%
# Three ways of training the network, beside two that scikit-learn has
# ---------------------------------------------------------------------

opu = OPU(GaussianMedium(), Camera(bits=8, photons=1000), input_bits=1, random_state=0)
networks = {
    "network, back-propagation": DFAGraphClassifier(feedback="backprop", random_state=0),
    "network, DFA": DFAGraphClassifier(random_state=0, track_alignment=True),
    "network, DFA by light": DFAGraphClassifier(
        feedback="optical", error_encoding="ternary", opu=opu, random_state=0
    ),
}
accuracies = {
    "logistic regression": LogisticRegression()
    .fit(X[labelled], y[labelled])
    .score(X[hidden], y[hidden]),
    "label spreading": np.mean(
        LabelSpreading(kernel="knn").fit(X, labels).transduction_[hidden] == y[hidden]
    ),
}
for name, network in networks.items():
    network.fit(X, labels, adjacency)
    accuracies[name] = np.mean(network.transduction_[hidden] == y[hidden])
for name, accuracy in accuracies.items():
    print(f"{name:26}: {accuracy:.1%} of the {hidden.sum()} unlabelled digits")

# %%
# Choosing parameters by cross-validation
# ---------------------------------------
# A cross-validator splits samples, but half of a graph's nodes are no graph.
# :class:`~skopu.NodeClassifier` takes numbers of nodes for samples and keeps the graph whole;
# labels outside of the training part are not seen.

search = GridSearchCV(
    NodeClassifier(DFAGraphClassifier(max_iter=100, random_state=0), X, adjacency),
    {"estimator__dropout": [0.2, 0.5, 0.8]},
    cv=5,
)
search.fit(labelled.reshape(-1, 1), y[labelled])
print(f"Cross-validation on the labelled digits picks {search.best_params_}.")

# %%
# What the network has made of the images
# ---------------------------------------
# Left, all images by their two principal components; right, by those of the log-probabilities
# that the network gives to the ten digits. The labelled ones are large.

figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
probabilities = networks["network, DFA by light"].label_distributions_
colors = {"cmap": "tab10", "vmin": -0.5, "vmax": 9.5}
for axis, data, title in (
    (axes[0], X, "pixels"),
    (axes[1], np.log(probabilities + 1e-3), "what the network learnt by light"),
):
    flat = PCA(2, random_state=0).fit_transform(data)
    points = axis.scatter(*flat.T, c=y, s=6, alpha=0.6, **colors)
    axis.scatter(*flat[labelled].T, c=y[labelled], s=45, edgecolors="black", **colors)
    axis.set(title=title, xticks=[], yticks=[])
figure.colorbar(points, ax=axes, label="digit", ticks=range(10))
plt.show()

# %%
# Exercise 1: fewer labels
# ------------------------
# Keep only two labels of each digit. Which of the methods suffers least?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

few = labelled.reshape(10, 10)[:, :2].ravel()
some = np.full(len(y), -1)
some[few] = y[few]
rest = some == -1
print(
    f"logistic regression: {LogisticRegression().fit(X[few], y[few]).score(X[rest], y[rest]):.1%}"
)
spreading = LabelSpreading(kernel="knn").fit(X, some).transduction_
print(f"label spreading:     {np.mean(spreading[rest] == y[rest]):.1%}")
network = DFAGraphClassifier(random_state=0).fit(X, some, adjacency)
print(f"network, DFA:        {np.mean(network.transduction_[rest] == y[rest]):.1%}")

# %%
# Label spreading, by far: it does nothing but follow neighbours (a graph that it makes itself), and
# unlabelled images tell where the classes end. A network has weights to learn as well, from twenty
# examples; it gains from the graph, but loses about as much as a linear model does.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 2: without the graph
# -----------------------------
# ``adjacency=None`` takes every node for its own only neighbour. Unlabelled nodes then teach
# nothing, so fit the labelled ones alone. What is left of the accuracy?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

alone = DFAGraphClassifier(random_state=0).fit(X[labelled], y[labelled])
print(f"Without a graph: {np.mean(alone.predict(X[hidden]) == y[hidden]):.1%}")

# %%
# Even less than logistic regression has: the gain is the graph's.
#
# .. raw:: html
#
#     </details>
