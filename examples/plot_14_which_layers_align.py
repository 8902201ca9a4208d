"""
=======================
14. Which layers align?
=======================

Direct feedback alignment (DFA) is easy to switch on for any network of PyTorch's: one line. Whether
the network learns by it is another question. Layers learn if what the device tells them points
along their true gradient, and that can be measured. We do so for dense layers and for
convolutions, with exact errors and with ternary ones that a noisy camera reads, and find out by
experiment what it is about convolutions that DFA does not like.

This notebook needs the extra ``torch``. After it you can

- train a network of PyTorch's by direct feedback alignment;
- tell whether a layer learns, from angles and from a control that trains without it;
- say which layers DFA suits, and take apart the reasons.
"""

# %%
# One line, and a control
# -----------------------
# A perceptron of three hidden layers learns digits, 1000 of them, in ten epochs; the others test
# it. ``DirectFeedback`` cuts it into its layers: none gets a gradient from the one above, each
# gets a random projection of the error at the output. All ways of training share weights, samples
# and their order, seed by seed, so that we may compare differences.
#
# Dark layers are the control: the hidden layers stay as they were drawn, and only the output
# is trained. What DFA does not gain over these, it has not taught them.

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from skopu import OPU, Camera, GaussianMedium
from skopu.torch import DirectFeedback

torch.set_num_threads(1)  # these networks are too small for more
digits = load_digits()
X = torch.asarray(digits.images[:, None] / 16, dtype=torch.float32)
y = torch.asarray(digits.target)


def dense(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.ReLU())


def perceptron():
    return nn.Sequential(
        nn.Flatten(), dense(64, 128), dense(128, 128), dense(128, 128), nn.Linear(128, 10)
    )


def train(make, seed, n_epochs=10, dark=(), watch=False, **options):
    """Test accuracy in %, and if watched the angle of each block after each epoch."""
    torch.manual_seed(seed)
    net = make()
    for i in dark:
        net[i].requires_grad_(False)
    model = DirectFeedback(net, random_state=seed, **options)
    order = torch.randperm(len(X))
    chosen, others = order[:1000], order[1000:]
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=3e-3)
    angles = []
    for _ in range(n_epochs):
        for part in chosen[torch.randperm(1000)].split(50):
            optimizer.zero_grad()
            functional.cross_entropy(model(X[part]), y[part]).backward()
            optimizer.step()
        if watch:
            found = model.alignment(
                X[chosen], lambda output: functional.cross_entropy(output, y[chosen])
            )
            angles.append(list(found.values()))
    model.eval()
    with torch.no_grad():
        right = model(X[others]).argmax(dim=1) == y[others]
    return 100 * right.double().mean().item(), np.array(angles)


def mirrors_and_camera(seed):
    return OPU(GaussianMedium(), Camera(bits=8, photons=100), input_bits=1, random_state=seed)


ways = {
    "back-propagation": lambda seed: {"feedback": "backprop"},
    "DFA": lambda seed: {"watch": True},
    "DFA, ternary": lambda seed: {"error_encoding": "ternary", "watch": True},
    "DFA, ternary, camera": lambda seed: {
        "error_encoding": "ternary",
        "feedback": "optical",
        "opu": mirrors_and_camera(seed),
        "watch": True,
    },
    "dark layers": lambda seed: {"feedback": "backprop", "dark": (1, 2, 3)},
}
seeds = range(5)


def standard_error(values):
    return np.std(values, axis=0, ddof=1) / np.sqrt(len(values))


def accuracies(runs):
    """Those of each way, printed beside back-propagation's."""
    accuracy = {name: np.array([run[0] for run in found]) for name, found in runs.items()}
    for name, values in accuracy.items():
        gained = values - accuracy["back-propagation"]
        print(
            f"{name:21} {values.mean():5.1f} %, over back-propagation "
            f"{gained.mean():+5.1f} +- {standard_error(gained):.1f}"
        )
    return accuracy


runs = {
    name: [train(perceptron, seed, **options(seed)) for seed in seeds]
    for name, options in ways.items()
}
accuracy = accuracies(runs)
angles = {name: np.array([run[1] for run in found]) for name, found in runs.items()}

# %%
# A number after +- is the standard error of the mean over five seeds, of differences within a
# seed. DFA loses less than a point, dark layers some eight: the hidden layers do learn. Ternary
# errors, and a camera at 100 photons, change nothing that five seeds could show.
#
# Angles
# ------
# ``alignment`` compares the update of each block with its true gradient: 0 degrees is
# back-propagation, 90 is chance, and below 90 a step goes downhill. Bands are standard errors.

watched = [name for name in ways if name.startswith("DFA")]
figure, axes = plt.subplots(1, 3, figsize=(11, 3.6), sharey=True, layout="constrained")
for axis, name in zip(axes, watched, strict=True):
    mean, error = angles[name].mean(axis=0), standard_error(angles[name])
    epochs = np.arange(1, len(mean) + 1)
    for i in range(3):
        axis.plot(epochs, mean[:, i], f"C{i}", label=f"hidden layer {i + 1}")
        axis.fill_between(
            epochs, mean[:, i] - error[:, i], mean[:, i] + error[:, i], color=f"C{i}", alpha=0.3
        )
    axis.axhline(90, color="k", linewidth=1, linestyle=":")
    axis.set(title=name, xlabel="epoch", xticks=epochs[1::2])
axes[0].set_ylabel("angle to the gradient, degrees")
axes[0].legend()
plt.show()

# %%
# Alignment comes from the top: the last hidden layer aligns first and best, since the weights
# that take its place in the gradient are those of the output, which are the first to learn
# what the feedback says. Each layer below waits for the one above.
#
# Convolutions
# ------------
# Now three convolutions, 16, 32 and 32 maps of 3 x 3. The control darkens the first of them alone,
# too.


def stage(layer, n_maps):
    return nn.Sequential(layer, nn.BatchNorm2d(n_maps), nn.ReLU())


def convolutions():
    return nn.Sequential(
        stage(nn.Conv2d(1, 16, 3, padding=1), 16),
        stage(nn.Conv2d(16, 32, 3, padding=1, stride=2), 32),
        stage(nn.Conv2d(32, 32, 3, padding=1, stride=2), 32),
        nn.Flatten(),
        nn.Linear(128, 10),
    )


ways = {
    "back-propagation": {"feedback": "backprop"},
    "DFA": {},
    "DFA, first one dark": {"dark": (0,)},
    "all dark": {"feedback": "backprop", "dark": (0, 1, 2)},
}
runs = {
    name: [train(convolutions, seed, **options) for seed in seeds] for name, options in ways.items()
}
_ = accuracies(runs)

# %%
# DFA trains convolutions, too, far beyond dark ones. But the first one may as well be dark: five
# seeds show no difference. Does DFA tell it nothing?
#
# What is it about convolutions?
# ------------------------------
# A convolution differs from a dense layer in two ways. It is *local*: a unit reads a neighbourhood.
# And it is *shared*: all positions have the same weights. DFA may suffer from either. In alignment,
# weights grow towards what makes the feedback right, W of the next layer towards B of this one; a
# unit with few outgoing weights has little to grow, and one set of weights cannot follow the
# feedback of all positions, which is random for each.
#
# An experiment separates the two: three networks with the same units in the same places, of which
# one is fully connected, one is local with weights of its own at each position, and one
# shares them. We compare what the device tells each unit with the gradient with respect to
# that unit: between weights, angles would not compare, of which the networks have 600,000, 50,000
# and 15,000.


class Local(nn.Module):
    """A convolution of 3 x 3 with weights of its own at each position."""

    def __init__(self, n_in, n_out, n_positions, stride):
        super().__init__()
        self.stride = stride
        bound = (9 * n_in) ** -0.5  # as PyTorch draws those of a convolution
        weight = torch.empty(n_positions, n_out, 9 * n_in).uniform_(-bound, bound)
        self.weight = nn.Parameter(weight)

    def forward(self, X):
        patches = functional.unfold(X, 3, padding=1, stride=self.stride)
        side = round(patches.shape[2] ** 0.5)
        return torch.einsum("bip,poi->bop", patches, self.weight).unflatten(2, (side, side))


def local():
    return nn.Sequential(
        stage(Local(1, 16, 64, 1), 16),
        stage(Local(16, 32, 16, 2), 32),
        stage(Local(32, 32, 4, 2), 32),
        nn.Flatten(),
        nn.Linear(128, 10),
    )


def connected():
    def layer(n_in, n_out, side):
        linear = nn.Linear(n_in, n_out * side**2, bias=False)
        return nn.Sequential(nn.Flatten(), linear, nn.Unflatten(1, (n_out, side, side)))

    return nn.Sequential(
        stage(layer(64, 16, 8), 16),
        stage(layer(1024, 32, 4), 32),
        stage(layer(512, 32, 2), 32),
        nn.Flatten(),
        nn.Linear(128, 10),
    )


def angles_at_units(make, seed, n_epochs=6):
    """Angle in degrees of what each hidden stage is told to the gradient of its output."""
    torch.manual_seed(seed)
    net = make()
    told = [[], [], []]
    for stage_, kept in zip(net[:3], told, strict=True):
        stage_.register_forward_hook(
            lambda module, inputs, output, kept=kept: (output.register_hook(kept.append), None)[1]
        )
    model = DirectFeedback(net, random_state=seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    chosen = torch.randperm(len(X))[:1000]
    for _ in range(n_epochs):
        for part in chosen[torch.randperm(1000)].split(50):
            optimizer.zero_grad()
            functional.cross_entropy(model(X[part]), y[part]).backward()
            optimizer.step()
    for kept in told:
        kept.clear()
    for model.feedback in ("dense", "backprop"):
        functional.cross_entropy(model(X[chosen]), y[chosen]).backward()
    cosines = [functional.cosine_similarity(a.ravel(), b.ravel(), dim=0) for a, b in told]
    return np.degrees(np.arccos([cosine.item() for cosine in cosines]))


networks = {"connected": connected, "local": local, "local and shared": convolutions}
found = {
    name: np.array([angles_at_units(make, seed) for seed in seeds])
    for name, make in networks.items()
}
figure, axis = plt.subplots(figsize=(6.5, 4), layout="constrained")
for i, (name, values) in enumerate(found.items()):
    mean, error = values.mean(axis=0), standard_error(values)
    print(f"{name:17}", "  ".join(f"{m:4.1f} +- {e:.1f}" for m, e in zip(mean, error, strict=True)))
    place = np.arange(1, 4) + 0.06 * (i - 1)
    axis.errorbar(place, mean, error, fmt="o-", color=f"C{i}", capsize=3, label=name)
axis.axhline(90, color="k", linewidth=1, linestyle=":")
axis.set(
    xlabel="hidden layer",
    ylabel="angle to the gradient, degrees",
    title="The same units, wired in three ways",
    xticks=[1, 2, 3],
)
axis.legend()
plt.show()

# %%
# Both cost, and locality costs the more. The first layer of the connected network aligns; with
# local weights hardly, and with shared ones its angle is that of chance, to within a degree. The
# last hidden layer hardly cares: what follows it is the same dense output in all three. So
# convolutions learn by DFA where dense layers follow, and less the more convolutions follow.
#
# What this comes to on two known data sets is in :doc:`the guide </user_guide/pytorch>`: with
# batch normalisation, DFA costs LeNet 0.2 points of accuracy on MNIST and more than one on
# Fashion-MNIST.
#
# Exercise 1: is alignment all?
# -----------------------------
# Train the perceptron by DFA without batch normalisation. Are its angles worse, and is its
# accuracy? Take differences within seeds.
#
# .. raw:: html
#
#     <details><summary>Solution</summary>


def plain():
    def layer(n_in):
        return nn.Sequential(nn.Linear(n_in, 128), nn.ReLU())

    return nn.Sequential(nn.Flatten(), layer(64), layer(128), layer(128), nn.Linear(128, 10))


runs = [train(plain, seed, watch=True) for seed in seeds]
difference = np.array([run[1][-1] for run in runs]) - angles["DFA"][:, -1]
lost = np.array([run[0] for run in runs]) - accuracy["DFA"]
print(f"accuracy: {lost.mean():+.1f} +- {standard_error(lost):.1f} without normalisation")
for i in range(3):
    print(
        f"layer {i + 1}: {difference[:, i].mean():+5.1f} +- "
        f"{standard_error(difference[:, i]):.1f} degrees without normalisation"
    )

# %%
# Without it, the first layer aligns better, and yet the network classifies worse. (Of the other
# layers, five seeds say little.) A small angle says that a step goes downhill, not how far it
# gets: compare angles of the same network only, and always look at what it does.
#
# .. raw:: html
#
#     </details>

# %%
# Exercise 2: a fair share of the light
# -------------------------------------
# How many photons does the perceptron need? Lower them from 100 to 1 and to 0.01 for a pixel,
# with ternary errors, and take differences from the ideal device within seeds.
#
# .. raw:: html
#
#     <details><summary>Solution</summary>

for photons in (1, 0.01):
    lost = -accuracy["DFA, ternary"]
    for i in seeds:
        opu = OPU(GaussianMedium(), Camera(bits=8, photons=photons), input_bits=1, random_state=i)
        options = {"error_encoding": "ternary", "feedback": "optical", "opu": opu}
        lost[i] += train(perceptron, i, **options)[0]
    print(f"{photons:4} photons: {lost.mean():+.1f} +- {standard_error(lost):.1f} points")

# %%
# One is enough. Noise differs from step to step, and averages out over the steps, where an error
# of the glass would not.
#
# .. raw:: html
#
#     </details>
