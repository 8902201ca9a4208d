"""
====================
7. Training by light
====================

Back-propagation sends the error of a network back through its own weights, layer by layer.
:term:`Direct feedback alignment` (DFA) sends it through a fixed random matrix instead, straight to
every layer. That is one random projection, which light makes at once for all layers, of any
size.

We train a small network in four ways, from ordinary back-propagation to ternary errors shown by
mirrors and read by a noisy 8-bit camera, and watch why it works: the weights turn until the random
feedback points downhill. A control, whose hidden layers never learn, tells how much there is to
learn for them.

After this notebook you can

- train a network by direct feedback alignment, and say what replaces the backward pass;
- tell by a control whether hidden layers learn;
- measure why it works, by the angle to the gradient;
- count the camera frames that training on hardware would take.

:doc:`/user_guide/training_by_light` has the formulas.
"""

# %%
# Two digits
# ----------
# Reading one digit is too easy here: a linear model on random features does it well, and then
# nobody can tell whether hidden layers learn. So we show two handwritten digits side by side. Is
# the left number smaller than the right one, the same, or larger? Each answer is right for a third
# of the pairs. Images in the test pairs are in no training pair.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skopu import OPU, Camera, DFAClassifier, GaussianMedium

pixels, digit = load_digits(return_X_y=True)
pixels = (pixels / 16).astype(np.float32)
answers = {-1: "smaller", 0: "the same", 1: "larger"}


def pairs(images, n, rng):
    """Draw n pairs of images, equally many for each answer."""
    left, right = rng.choice(images, (2, 5 * n))
    y = np.sign(digit[left] - digit[right])
    chosen = np.concatenate([np.flatnonzero(y == answer)[: n // 3] for answer in answers])
    return np.hstack([pixels[left[chosen]], pixels[right[chosen]]]), y[chosen]


def training_and_test(seed):
    """Pairs to train with and their answers, and the same to test with."""
    some, others = train_test_split(
        np.arange(len(digit)), test_size=0.4, stratify=digit, random_state=seed
    )
    rng = np.random.default_rng(seed)
    return *pairs(some, 6000, rng), *pairs(others, 3000, rng)


seeds = range(5)
data = {seed: training_and_test(seed) for seed in seeds}

X, y, _, _ = data[seeds[0]]
figure, axes = plt.subplots(1, 3, figsize=(7, 1.5), layout="constrained")
for axis, (answer, name) in zip(axes, answers.items(), strict=True):
    left, right = X[y == answer][0].reshape(2, 8, 8)
    axis.imshow(np.hstack([left, right]), cmap="gray")
    axis.set(title=name, xticks=[], yticks=[])
plt.show()

# %%
# Four ways of training, and a control
# ------------------------------------
# For each seed, all networks start from the same weights and see the same pairs in the same order,
# and DFA has the same glass. Only what the hidden layers are told differs.
#
# Let :math:`e = \hat y - y` be the error at the output, and :math:`h_i = f(a_i)` the outputs of
# hidden layer i, with :math:`a_i = h_{i-1} W_i + b_i`. The layer moves its weights along
# :math:`h_{i-1}^\top \delta_i`, with
#
# .. math::
#
#     \text{back-propagation:} \quad \delta_i = (\delta_{i+1} W_{i+1}^\top) \odot f'(a_i), \qquad
#     \text{DFA:} \quad \delta_i = (e B_i) \odot f'(a_i).
#
# :math:`B_i` is the glass: fixed, random, and no weight of the network.
#
# The control has two random hidden layers of the same size, which never learn. Its output is not
# trained step by step, but fitted until it fits best.


def networks(seed):
    options = {
        "hidden_layer_sizes": (128, 128),
        "activation": "tanh",
        "batch_size": 128,
        "learning_rate_init": 0.005,
        "random_state": seed,
    }
    glass = GaussianMedium(random_state=seed)
    camera = Camera(bits=8, photons=1000, read_noise=0.01, random_state=seed)
    mirrors_and_camera = OPU(glass, camera, input_bits=1)
    return {
        "back-propagation": MLPClassifier(**options),
        "DFA": DFAClassifier(**options, opu=OPU(glass), track_alignment=True),
        "DFA, ternary error": DFAClassifier(**options, opu=OPU(glass), error_encoding="ternary"),
        "DFA, ternary, camera": DFAClassifier(
            **options, error_encoding="ternary", feedback="optical", opu=mirrors_and_camera
        ),
    }


def frozen(seed):
    """Test accuracy in % of a linear model on layers that never learn."""
    X, y, X_test, y_test = data[seed]
    rng = np.random.default_rng(seed)
    for _ in range(2):
        W = rng.normal(size=(X.shape[1], 128)) / np.sqrt(128)
        X, X_test = np.tanh(X @ W), np.tanh(X_test @ W)
    return 100 * LogisticRegression(max_iter=1000).fit(X, y).score(X_test, y_test)


def standard_error(values):
    return np.std(values, axis=0, ddof=1) / np.sqrt(len(values))


def shown(values):
    return f"{np.mean(values):.1f} +- {standard_error(values):.1f}"


n_epochs = 12
curves, angles, longer = {}, [], {}
for seed in seeds:
    X, y, X_test, y_test = data[seed]
    for name, model in networks(seed).items():
        curve = []
        for _ in range(n_epochs):
            model.partial_fit(X, y, classes=list(answers))
            curve.append(100 * model.score(X_test, y_test))
        curves.setdefault(name, []).append(curve)
        if name == "DFA":
            angles.append(model.alignment_)
            model.set_params(track_alignment=False)
        if name in ("back-propagation", "DFA"):
            for _ in range(n_epochs):  # once more
                model.partial_fit(X, y)
            longer.setdefault(name, []).append(100 * model.score(X_test, y_test))
curves = {name: np.array(found) for name, found in curves.items()}
last = {name: found[:, -1] for name, found in curves.items()}
last["hidden layers frozen"] = np.array([frozen(seed) for seed in seeds])

exact = last.pop("back-propagation")
print(f"{'back-propagation':20}: {shown(exact)} % of test pairs")
for name, accuracy in last.items():
    print(f"{name:20}: {shown(accuracy - exact)} points beside back-propagation")
for name in ("DFA, ternary error", "DFA, ternary, camera"):
    print(f"{name:20}: {shown(last[name] - last['DFA'])} points beside DFA")
camera = last["DFA, ternary, camera"] - last["DFA, ternary error"]
print(f"what the camera adds: {shown(camera)} points")
gap = np.subtract(longer["DFA"], longer["back-propagation"])
print(f"after {2 * n_epochs} epochs, DFA: {shown(gap)} points beside back-propagation")

# %%
# A number after +- is the standard error of the mean over seeds; differences are taken within each
# seed. Random layers cost some 25 points. DFA costs six or seven after twelve epochs, and so makes
# up about three quarters of the difference; after 24 epochs it still costs five or six. Ternary
# errors may cost one to three points more, which these seeds can hardly tell from nothing. That the
# camera adds to that they do not show at all.

# %%
# Learning curves, and the angle between DFA's updates and the gradient
# ---------------------------------------------------------------------
# At first the random feedback knows nothing of the weights, and the angle is near 90 degrees. It
# falls within the first epochs. A small step at less than 90 degrees goes downhill. DFA learns
# later than back-propagation, as one would expect if its weights have to turn first. Bands are
# standard errors over seeds.

epochs = np.arange(1, n_epochs + 1)


def draw(axis, values, line, label):
    mean, error = values.mean(axis=0), standard_error(values)
    (drawn,) = axis.plot(epochs, mean, line, label=label)
    axis.fill_between(epochs, mean - error, mean + error, color=drawn.get_color(), alpha=0.25)


angles = np.array(angles)
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
for (name, curve), line in zip(curves.items(), ["-", "--", "-.", ":"], strict=True):
    draw(left, curve, line, name)
left.axhline(last["hidden layers frozen"].mean(), color="k", linewidth=1, label="frozen layers")
left.set(xlabel="epoch", ylabel="accuracy on test pairs, %", xticks=epochs[1::2])
left.legend(loc="lower right")
for layer, line in enumerate(["-o", "--s"]):
    draw(right, angles[:, :, layer], line, f"hidden layer {layer + 1}")
    print(f"angle of layer {layer + 1} in the last epoch: {shown(angles[:, -1, layer])} degrees")
right.axhline(90, color="gray", linewidth=1, linestyle=":", label="chance")
right.set(
    xlabel="epoch", ylabel="angle to the gradient, degrees", xticks=epochs[1::2], ylim=(0, 95)
)
right.legend(loc="lower left")
plt.show()

# %%
# What the camera costs
# ---------------------
# Hardware would take eight frames for each sample, whatever the number of units: four for
# holography, each for the positive and for the negative part of the error.

mirrors_and_camera = networks(seeds[0])["DFA, ternary, camera"].opu
frames = mirrors_and_camera.exposures(len(X), "linear", signed=True)
print(f"An epoch of {len(X)} pairs takes {frames} camera frames.")

# %%
# Exercise 1: a deeper network
# ----------------------------
# Train DFA with four hidden layers of 100 units and ``track_alignment=True``, and draw
# :class:`~skopu.AlignmentDisplay`. Do all layers align? Is the deeper network better?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

from skopu import AlignmentDisplay

deep_angles, deep_accuracy = [], []
for seed in seeds:
    X, y, X_test, y_test = data[seed]
    deep = networks(seed)["DFA"].set_params(hidden_layer_sizes=(100,) * 4)
    for _ in range(n_epochs):
        deep.partial_fit(X, y, classes=list(answers))
    deep_angles.append(deep.alignment_[-1])
    deep_accuracy.append(100 * deep.score(X_test, y_test))
for layer, values in enumerate(np.transpose(deep_angles)):
    print(f"deep network, angle of layer {layer + 1}: {shown(values)} degrees")
print(f"deep network: {shown(deep_accuracy - last['DFA'])} points beside two layers")
_ = AlignmentDisplay.from_estimator(deep)

# %%
# They do: the last one is at about 70 degrees, the others at 55 to 60. (The order is not
# the same in all networks, see :doc:`notebook 14 </auto_examples/plot_14_which_layers_align>`.) But
# after twelve epochs the deeper network is no better than the one of two layers; if anything, a
# little worse.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 2: does the feedback have to be right?
# -----------------------------------------------
# Train DFA with the feedback of another piece of glass, all else being the same. Does it matter
# which one?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

other_glass = []
for seed in seeds:
    X, y, X_test, y_test = data[seed]
    glass = OPU(GaussianMedium(random_state=1000 + seed))
    model = networks(seed)["DFA"].set_params(opu=glass, track_alignment=False)
    for _ in range(n_epochs):
        model.partial_fit(X, y, classes=list(answers))
    other_glass.append(100 * model.score(X_test, y_test))
print(f"other glass: {shown(other_glass - last['DFA'])} points beside the first")

# %%
# Any glass will do, as far as these seeds can tell: the weights turn to it.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 3: time on a bench
# ---------------------------
# A camera takes 1000 frames a second. How long does the whole training take? What would it take for
# a network with hidden layers of 10,000 units?
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

print(f"{n_epochs} epochs take {n_epochs * frames / 1000 / 60:.0f} minutes.")

# %%
# The larger network takes the same time, if the camera has a pixel for each of its units: the
# number of frames depends on the samples alone. So light pays for wide layers.
#
# .. raw:: html
#
#     </details>
