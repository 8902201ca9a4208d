"""
====================
7. Training by light
====================

Back-propagation sends the error of a network back through its own weights, layer by layer.
Direct feedback alignment (DFA) sends it through a fixed random matrix instead, straight to
every layer. That is one random projection, which light makes at once for all layers, of any
size.

We train a small network on handwritten digits in four ways, from ordinary back-propagation to
ternary errors shown by mirrors and read by a noisy 8-bit camera, and watch why it works: the
weights turn until the random feedback points along the gradient.

After this notebook you can

- train a network by direct feedback alignment, and say what replaces the backward pass;
- measure why it works, by the angle to the gradient;
- count the camera frames that training on hardware would take.
"""

# %%
# Four ways of training
# ---------------------
# All four share their first weights and the order of the samples. Only the errors of the
# hidden layers differ.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skopu import OPU, Camera, DFAClassifier, GaussianMedium

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, test_size=0.4, random_state=0, stratify=y
)
network = {
    "hidden_layer_sizes": (256, 256),
    "activation": "tanh",
    "batch_size": 64,
    "random_state": 0,
}
mirrors_and_camera = OPU(
    GaussianMedium(), Camera(bits=8, photons=1000, read_noise=0.01), input_bits=1
)
models = {
    "back-propagation": MLPClassifier(**network),
    "DFA": DFAClassifier(**network, track_alignment=True),
    "DFA, ternary error": DFAClassifier(**network, error_encoding="ternary"),
    "DFA, ternary, 8-bit camera": DFAClassifier(
        **network,
        error_encoding="ternary",
        feedback="optical",
        opu=mirrors_and_camera,
    ),
}

n_epochs = 25
scores = {name: [] for name in models}
for name, model in models.items():
    for _ in range(n_epochs):
        model.partial_fit(X_train, y_train, classes=np.arange(10))
        scores[name].append(model.score(X_test, y_test))
    print(f"{name:27}: {scores[name][-1]:.1%} of test digits after {n_epochs} epochs")

# %%
# What the camera costs
# ---------------------
# Hardware would take eight frames for each sample, whatever the number of units: four for
# holography, each for the positive and for the negative part of the error.

frames = mirrors_and_camera.exposures(len(X_train), "linear", signed=True)
print(f"An epoch takes {frames} camera frames.")

# %%
# Learning curves, and the angle between DFA's updates and the gradient
# ---------------------------------------------------------------------
# At first the random feedback knows nothing of the weights, and the angle is near 90 degrees. It
# falls within the first epochs. An update at less than 90 degrees goes downhill.

figure, (curves, angles) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
epochs = np.arange(1, n_epochs + 1)
for (name, accuracy), style in zip(scores.items(), ["-", "--", "-.", ":"], strict=True):
    curves.plot(epochs, accuracy, style, label=name)
curves.set(xlabel="epoch", ylabel="test accuracy", ylim=(0.8, 1))
curves.legend(loc="lower right")
alignment = np.array(models["DFA"].alignment_)
for layer, line in enumerate(["-o", "--s"]):
    angles.plot(epochs, alignment[:, layer], line, markersize=4, label=f"hidden layer {layer + 1}")
angles.axhline(90, color="gray", linewidth=1, linestyle=":")
angles.annotate("chance", (n_epochs, 90), ha="right", va="bottom", color="gray")
angles.set(xlabel="epoch", ylabel="angle to the gradient in degrees", ylim=(0, 95))
angles.legend()
plt.show()

# %%
# Exercise 1: a deeper network
# ----------------------------
# Train DFA with four hidden layers of 100 units and ``track_alignment=True``, and draw
# :class:`~skopu.AlignmentDisplay`. Do all layers align?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

from skopu import AlignmentDisplay

deep = DFAClassifier(
    (100,) * 4, "tanh", batch_size=64, tol=0.01, track_alignment=True, random_state=0
)
deep.fit(X_train, y_train)
print(f"Test accuracy {deep.score(X_test, y_test):.1%}")
_ = AlignmentDisplay.from_estimator(deep)

# %%
# They do, together and slowly; the first layer stays the furthest from the gradient.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 2: does the feedback have to be right?
# -----------------------------------------------
# Train DFA with the feedback of three other pieces of glass. Then ask whether hidden layers have to
# learn at all: train :class:`~sklearn.linear_model.LogisticRegression` on the activations of an
# untrained layer, ``np.tanh(X @ W)``, with 256 random units.
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

from sklearn.linear_model import LogisticRegression

for seed in (1, 2, 3):
    other = DFAClassifier(
        **network, max_iter=n_epochs, opu=OPU(GaussianMedium(), random_state=seed)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # as many epochs as above
        other.fit(X_train, y_train)
    print(f"Feedback from glass {seed}: {other.score(X_test, y_test):.1%}")
W = np.random.default_rng(0).normal(size=(64, 256)) / 8
random_layer = LogisticRegression(max_iter=1000).fit(np.tanh(X_train @ W), y_train)
print(f"A random hidden layer: {random_layer.score(np.tanh(X_test @ W), y_test):.1%}")

# %%
# Any glass will do: the weights turn to it. And layers that never learn come close on digits as
# easy as these, since random features are strong. On harder data layers that learn are far
# better: ``benchmarks/dfa_paper.py`` trains on MNIST.
#
# .. raw:: html
#
#     </details>
