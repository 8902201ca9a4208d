"""Direct feedback alignment of networks of PyTorch, against NumPy's networks and by hand."""

import concurrent.futures
import copy
import itertools
import math
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits

torch = pytest.importorskip("torch")

from torch import nn
from torch.nn import functional

from skopu import OPU, Camera, DFAClassifier, DFAGraphClassifier, GaussianMedium, LayeredMedium
from skopu.torch import DirectFeedback

NOISY = OPU(GaussianMedium(), Camera(bits=8, photons=1000), input_bits=1, random_state=2)
ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "logistic": nn.Sigmoid, "identity": nn.Identity}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def perceptron(*units, activation=nn.Tanh):
    layers = [nn.Linear(units[0], units[1])]
    for n_in, n_out in itertools.pairwise(units[1:]):
        layers += [activation(), nn.Linear(n_in, n_out)]
    return nn.Sequential(*layers)


def samples(n_samples=30, n_inputs=20, n_classes=4):
    return torch.randn(n_samples, n_inputs), torch.randint(n_classes, (n_samples,))


def gradients(model, X, y, loss=functional.cross_entropy):
    model.zero_grad()
    loss(model(X), y).backward()
    return [parameter.grad.clone() for parameter in model.parameters()]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("feedback", "encoding", "opu"),
    [
        ("dense", "exact", None),
        ("dense", "ternary", OPU(LayeredMedium(), random_state=1)),
        ("optical", "ternary", NOISY),
        ("optical", "exact", OPU(holography="internal_reference")),
    ],
)
def test_gradients_are_those_of_the_classifier(feedback, encoding, opu, dtype, activation):
    """On the same glass, from the same weights, several steps of noise on."""
    X, y = load_digits(return_X_y=True)
    X = X[:40].astype(dtype) / 16
    options = {"feedback": feedback, "error_encoding": encoding, "opu": opu, "random_state": 3}
    descent = {"solver": "sgd", "momentum": 0, "learning_rate_init": 1.0, "alpha": 0}
    classifier = DFAClassifier((30, 20), activation, shuffle=False, **descent, **options)
    classifier.partial_fit(X, y[:40], classes=range(10))
    net = perceptron(64, 30, 20, 10, activation=ACTIVATIONS[activation])
    model = DirectFeedback(net.to(torch.asarray(X).dtype), **options)
    before = [each.copy() for each in (*classifier.coefs_, *classifier.intercepts_)]
    for layer, coef, intercept in zip(net[::2], before[:3], before[3:], strict=True):
        layer.weight.data[:], layer.bias.data[:] = map(torch.asarray, (coef.T, intercept))
    model.n_steps = 1
    gradients(model, torch.asarray(X), torch.asarray(y[:40]))
    classifier.partial_fit(X, y[:40])
    found = [layer.weight.grad.T for layer in net[::2]] + [layer.bias.grad for layer in net[::2]]
    after = (*classifier.coefs_, *classifier.intercepts_)
    for mine, old, new in zip(found, before, after, strict=True):
        rounding = 100 * np.finfo(dtype).eps * max(abs(old).max(), abs(new).max())
        assert_allclose(mine, old - new, rtol=0, atol=rounding)


class Average(nn.Module):
    def __init__(self, adjacency):
        super().__init__()
        self.adjacency = adjacency

    def forward(self, X):
        return self.adjacency @ X


@pytest.mark.parametrize("encoding", ["exact", "ternary"])
def test_a_graph_network_learns_as_the_classifier_does(encoding):
    """Of one hidden layer, by Adam, with labels at half of the nodes."""
    rng = np.random.default_rng(0)
    n_nodes, n_epochs = 40, 5
    edges = rng.random((n_nodes, n_nodes)) < 0.1
    edges = (edges | edges.T).astype(float)
    X = rng.normal(size=(n_nodes, 6))
    X *= math.sqrt(n_nodes) / np.linalg.norm(X)  # so that the classifier leaves it as it is
    y = rng.integers(3, size=n_nodes)
    y[::2] = -1
    options = {"error_encoding": encoding, "opu": OPU(GaussianMedium(), random_state=7)}

    def fitted(rate):
        network = {"dropout": 0, "alpha": 0, "max_iter": n_epochs, "random_state": 0}
        return DFAGraphClassifier((16,), "relu", learning_rate_init=rate, **network, **options).fit(
            X, y, edges
        )

    before, after = fitted(1e-300), fitted(0.05)
    looped = np.maximum(edges, np.eye(n_nodes))
    roots = np.sqrt(looped.sum(axis=1))
    adjacency = torch.asarray(looped / roots / roots[:, None])
    net = nn.Sequential(
        Average(adjacency), nn.Linear(6, 16), nn.ReLU(), Average(adjacency), nn.Linear(16, 3)
    )
    model = DirectFeedback(net.double(), **options)
    layers = (net[1], net[4])
    for layer, coef, intercept in zip(layers, before.coefs_, before.intercepts_, strict=True):
        layer.weight.data[:], layer.bias.data[:] = map(torch.asarray, (coef.T, intercept))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    labelled = torch.asarray(y >= 0)
    for epoch in range(1, n_epochs + 1):
        # scikit-learn's Adam adds its epsilon before it corrects for a short memory.
        optimizer.param_groups[0]["eps"] = 1e-8 / math.sqrt(1 - 0.999**epoch)
        optimizer.zero_grad()
        output = model(torch.asarray(X))
        functional.cross_entropy(output[labelled], torch.asarray(y)[labelled]).backward()
        # The classifier's errors grow with the weights above, and all else is equal.
        weight = net[4].weight.detach()
        growth = weight.norm() * math.sqrt(sum(weight.shape) / (2 * weight.numel()))
        for parameter in net[1].parameters():
            parameter.grad *= growth
        optimizer.step()
    for layer, coef, intercept in zip(layers, after.coefs_, after.intercepts_, strict=True):
        assert_allclose(layer.weight.detach().T, coef, atol=1e-12)
        assert_allclose(layer.bias.detach(), intercept, atol=1e-12)


def test_the_last_block_has_its_gradient_and_others_the_projection():
    """By hand, from the explicit matrix."""
    X, y = samples()
    net = perceptron(20, 15, 12, 4)
    opu = OPU(GaussianMedium(7))
    found = gradients(DirectFeedback(net, opu=opu), X, y)
    hidden = [net[:2](X), net[:4](X)]
    output = net(X)
    error = (output.softmax(1) - functional.one_hot(y, 4)).detach() / len(X)
    modes = opu.medium.transmission_matrix(4, 14)
    B = math.sqrt(2) * np.stack([modes.real, modes.imag], 1).reshape(-1, 4)[:27]
    deltas = [
        (error.numpy() @ B[:15].T) * math.sqrt(2 / 19) * (1 - hidden[0].detach().numpy() ** 2),
        (error.numpy() @ B[15:].T) * math.sqrt(2 / 16) * (1 - hidden[1].detach().numpy() ** 2),
        error.numpy(),
    ]
    inputs = [X, hidden[0].detach(), hidden[1].detach()]
    for i, (delta, block_input) in enumerate(zip(deltas, inputs, strict=True)):
        assert_allclose(found[2 * i], delta.T @ block_input.numpy(), atol=1e-6)
        assert_allclose(found[2 * i + 1], delta.sum(axis=0), atol=1e-6)


def test_backprop_is_the_network_itself():
    X, y = samples()
    net = perceptron(20, 15, 4)
    expected = gradients(net, X, y)
    found = gradients(DirectFeedback(net, feedback="backprop"), X, y)
    for mine, theirs in zip(found, expected, strict=True):
        assert_array_equal(mine, theirs)
    with torch.no_grad():
        assert_array_equal(DirectFeedback(net)(X), net(X))
    assert_array_equal(DirectFeedback(net)(X).detach(), net(X).detach())


class Convolutions(nn.Module):
    def __init__(self, inplace=False):
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace), nn.MaxPool2d(2)
        )
        self.second = nn.Sequential(nn.Conv2d(6, 8, 3), nn.ReLU(inplace), nn.Dropout(0.3))
        self.head = nn.Linear(8, 10)

    def forward(self, X):
        return self.head(self.second(self.first(X)).mean(dim=(2, 3)))


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 16)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(16, 2, 32, dropout=0, batch_first=True) for _ in range(2)
        )
        self.head = nn.Linear(16, 11)

    def forward(self, X):
        h = self.embed(X)
        for layer in self.layers:
            h = layer(h)
        return self.head(h)


def test_feature_maps_learn_from_the_error_of_their_sample():
    net, fed = Convolutions(), {}
    X, y = torch.randn(5, 1, 12, 12), torch.randint(10, (5,))
    for name in ("first", "second"):
        getattr(net, name).register_forward_hook(
            lambda module, inputs, output, name=name: (
                output.register_hook(lambda gradient: fed.update({name: gradient})) and None
            )
        )
    output = DirectFeedback(net, ["first", "second"], opu=OPU(GaussianMedium(1)))(X)
    output.retain_grad()
    functional.cross_entropy(output, y).backward()
    n = 6 * 25 + 8 * 9
    projections = OPU(GaussianMedium(1)).linear(output.grad.numpy(), n)
    first = projections[:, :150] * math.sqrt(2 / 160)
    assert_allclose(fed["first"], first.reshape(5, 6, 5, 5), atol=1e-6)
    second = projections[:, 150:] * math.sqrt(2 / 82)
    assert_allclose(fed["second"], second.reshape(5, 8, 3, 3), atol=1e-6)


def test_tokens_learn_from_their_own_error():
    model = DirectFeedback(Tokens(), ["embed", "layers.0", "layers.1"], random_state=0)
    X = torch.randint(11, (3, 7))
    model(X).flatten(0, 1)[4].sum().backward()
    rows = model.model.embed.weight.grad.abs().sum(dim=1)
    # One token's error moves but one row of the embedding.
    assert rows.count_nonzero() == 1
    assert rows[X.flatten()[4]] > 0


def test_an_output_of_one_dimension():
    X, y = torch.randn(12, 6), torch.randn(12)
    net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 1), nn.Flatten(0))
    found = gradients(DirectFeedback(net, random_state=0), X, y, functional.mse_loss)
    column = DirectFeedback(net[:3], random_state=0)
    expected = gradients(column, X, y[:, None], functional.mse_loss)
    for mine, theirs in zip(found, expected, strict=True):
        assert_allclose(mine, theirs, rtol=1e-6)


def test_different_rows_have_glass_of_their_own():
    """Tokens by their own error, and what they are before, as a whole, by that of all."""

    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.whole, self.each, self.head = nn.Linear(6, 20), nn.Linear(5, 8), nn.Linear(8, 3)

        def forward(self, X):
            tokens = self.whole(X).tanh().reshape(-1, 4, 5)
            return self.head(self.each(tokens).tanh())

    opu = OPU(GaussianMedium(3))
    model = DirectFeedback(Mixed(), ["whole", "each"], opu=opu)
    output = model(torch.randn(9, 6))
    output.retain_grad()
    output.square().sum().backward()
    whole = opu.linear(output.grad.reshape(9, 12).numpy(), 20) * math.sqrt(2 / 32)
    assert_allclose(model.model.whole.bias.grad, whole.sum(axis=0), rtol=1e-4, atol=1e-5)
    each = opu.linear(output.grad.reshape(36, 3).numpy(), 8) * math.sqrt(2 / 11)
    assert_allclose(model.model.each.bias.grad, each.sum(axis=0), rtol=1e-4, atol=1e-5)


def test_default_blocks_end_before_the_next_weight():
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.PReLU(), nn.Flatten(),
        nn.Linear(16, 8), nn.Dropout(0.1), nn.ReLU(), nn.Linear(8, 3),
    )  # fmt: skip
    model = DirectFeedback(net)
    assert list(model.alignment(torch.randn(4, 1, 4, 4), torch.sum)) == ["3", "6"]
    assert "blocks=['3', '6']" in repr(model)


def test_blocks_are_names_or_modules_and_the_last_may_be_among_them():
    X, y = samples()
    net = perceptron(20, 15, 12, 4)
    expected = gradients(DirectFeedback(net, random_state=0), X, y)
    for blocks in (["1", "3"], [net[1], net[3]], ["1", "3", "4"], [net[1], "3", net[4]]):
        found = gradients(DirectFeedback(net, blocks, random_state=0), X, y)
        for mine, theirs in zip(found, expected, strict=True):
            assert_array_equal(mine, theirs)


@pytest.mark.parametrize(("n_outputs", "medium"), [(4, GaussianMedium), (2**15, LayeredMedium)])
def test_default_device_follows_from_the_seed_and_the_size(n_outputs, medium):
    net = nn.Sequential(nn.Linear(3, 2000), nn.ReLU(), nn.Linear(2000, n_outputs, bias=False))
    model = DirectFeedback(net, random_state=0)
    X = torch.randn(2, 3)
    model(X).square().sum().backward()
    given = DirectFeedback(net, opu=OPU(medium(), random_state=model.seed))
    found = net[0].weight.grad.clone()
    net.zero_grad()
    given(X).square().sum().backward()
    assert_array_equal(net[0].weight.grad, found)


def test_accumulation():
    X, y = samples(30)
    model = DirectFeedback(perceptron(20, 15, 4), random_state=0)
    whole = gradients(model, X, y)
    model.zero_grad()
    for part in (slice(0, 10), slice(10, 30)):
        (functional.cross_entropy(model(X[part]), y[part], reduction="sum") / 30).backward()
    for parameter, expected in zip(model.parameters(), whole, strict=True):
        assert_allclose(parameter.grad, expected, atol=1e-7)


def test_scaled_half_precision():
    """The scaled loss, the inverse in the gradients, and a step skipped where it overflows."""
    X, y = samples(30)
    model = DirectFeedback(perceptron(20, 15, 4), random_state=0)
    expected = gradients(model, X, y)
    optimizer = torch.optim.SGD(model.parameters(), lr=0)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    optimizer.zero_grad()
    with torch.autocast("cpu", torch.float16):
        loss = functional.cross_entropy(model(X), y)
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        assert_allclose(parameter.grad, gradient, atol=0.02 * gradient.abs().max())
    scaler.step(optimizer)
    scaler.update()
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    optimizer.zero_grad()
    with torch.autocast("cpu", torch.float16):
        loss = 1e6 * functional.cross_entropy(model(X), y)
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    assert all(
        torch.equal(before[name], value)
        for name, value in model.state_dict().items()
        if name != "_extra_state"
    )


def test_threads():
    """As torch.nn.DataParallel runs its replicas, which share hooks and the device."""
    X, y = samples(32)
    model = DirectFeedback(perceptron(20, 15, 4), random_state=0)
    expected = gradients(model, X, y)
    model.zero_grad()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        outputs = list(pool.map(model, X.chunk(16)))
    functional.cross_entropy(torch.cat(outputs), y).backward()
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        assert_allclose(parameter.grad, gradient, atol=1e-7)


def test_networks_do_not_disturb_each_other():
    """Two wrappers of one network, and one inside a copy."""
    X, y = samples()
    net = perceptron(20, 15, 4)
    plain = gradients(net, X, y)
    first = DirectFeedback(net, random_state=0)
    expected = gradients(first, X, y)
    second = DirectFeedback(net, random_state=1)
    others = gradients(second, X, y)
    assert not torch.allclose(others[0], expected[0])
    for model, known in ((first, expected), (net, plain), (second, others)):
        for mine, theirs in zip(gradients(model, X, y), known, strict=True):
            assert_array_equal(mine, theirs)
    for copied in (copy.deepcopy(first), pickle.loads(pickle.dumps(first))):
        for mine, theirs in zip(gradients(copied, X, y), expected, strict=True):
            assert_array_equal(mine, theirs)


def test_checkpointed_blocks():
    """PyTorch's own way to free what a block computes in between."""

    class Saving(nn.Module):
        def __init__(self, block):
            super().__init__()
            self.block = block

        def forward(self, X):
            return torch.utils.checkpoint.checkpoint(self.block, X, use_reentrant=False)

    X, y = samples()
    net = perceptron(20, 15, 12, 4)
    blocks = nn.Sequential(Saving(net[:2]), Saving(net[2:4]), net[4])
    expected = gradients(DirectFeedback(net, random_state=0), X, y)
    found = gradients(DirectFeedback(blocks, ["0", "1"], random_state=0), X.requires_grad_(), y)
    for mine, theirs in zip(found, expected, strict=True):
        assert_allclose(mine, theirs, atol=1e-7)


def test_noise_is_new_in_each_step_and_comes_again_from_a_state():
    X, y = samples()
    options = {"feedback": "optical", "error_encoding": "ternary", "opu": NOISY}
    model = DirectFeedback(perceptron(20, 15, 4), **options)
    first, second = (gradients(model, X, y)[0] for _ in range(2))
    assert not torch.equal(first, second)
    assert model.n_steps == 2
    again = DirectFeedback(copy.deepcopy(model.model), **options)
    state = model.state_dict()
    third = gradients(model, X, y)[0]
    again.load_state_dict(state)
    assert_array_equal(gradients(again, X, y)[0], third)


def test_state_holds_no_feedback(tmp_path):
    X, y = samples()
    model = DirectFeedback(perceptron(20, 15, 4), random_state=0)
    other = DirectFeedback(perceptron(20, 15, 4), random_state=1)
    gradients(other, X, y)
    shapes = {name: tuple(each.shape) for name, each in model.state_dict().items()}
    assert shapes.pop("_extra_state") == (2,)
    assert list(shapes) == [f"model.{name}" for name in model.model.state_dict()]
    torch.save(model.state_dict(), tmp_path / "model.pt")
    other.load_state_dict(torch.load(tmp_path / "model.pt"))
    for mine, theirs in zip(gradients(other, X, y), gradients(model, X, y), strict=True):
        assert_array_equal(mine, theirs)


def test_a_frozen_block_leaves_the_others_as_they_are():
    X, y = samples()
    net = perceptron(20, 15, 12, 4)
    expected = gradients(DirectFeedback(net, random_state=0), X, y)
    net[0].requires_grad_(False)
    net.zero_grad()
    functional.cross_entropy(DirectFeedback(net, random_state=0)(X), y).backward()
    assert net[0].weight.grad is None
    assert_array_equal(net[2].weight.grad, expected[2])


def test_alignment():
    X, y = samples(200)
    net = perceptron(20, 15, 4)
    model = DirectFeedback(net, random_state=0)
    found = gradients(model, X, y)
    true = gradients(net, X, y)
    net.zero_grad()
    update, gradient = (torch.cat([each[0].flatten(), each[1]]) for each in (found, true))
    cosine = float(update @ gradient / update.norm() / gradient.norm())
    angles = model.alignment(X, lambda output: functional.cross_entropy(output, y))
    assert list(angles) == ["1"]
    assert angles["1"] == pytest.approx(math.degrees(math.acos(cosine)), abs=1e-3)
    assert net[0].weight.grad is None


def test_alignment_changes_nothing_and_shares_the_dropout():
    model = DirectFeedback(Convolutions(), ["first", "second"], random_state=0)
    X, y = torch.randn(5, 1, 12, 12), torch.randint(10, (5,))
    before = copy.deepcopy(model.state_dict())
    torch.manual_seed(5)
    expected = torch.randn(3)
    torch.manual_seed(5)
    first = model.alignment(X, lambda output: functional.cross_entropy(output, y))
    assert_array_equal(torch.randn(3), expected)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert first == model.alignment(X, lambda output: functional.cross_entropy(output, y))
    feedback = model.model.head.weight  # the true gradient of the head's input is this times error
    assert feedback.grad is None


def test_alignment_is_that_of_random_directions_at_first():
    """Before training, over seeds, cosines of the first block are zero in the mean."""
    X, y = samples(200)
    cosines = []
    for seed in range(30):
        torch.manual_seed(seed)
        model = DirectFeedback(perceptron(20, 15, 4), random_state=seed)
        angle = model.alignment(X, lambda output: functional.cross_entropy(output, y))["1"]
        cosines.append(math.cos(math.radians(angle)))
    assert abs(np.mean(cosines)) < 4 * np.std(cosines) / math.sqrt(30)


def test_learns_to_align():
    X, y = load_digits(return_X_y=True)
    X, y = torch.asarray(X / 16, dtype=torch.float32), torch.asarray(y)
    for options in ({}, {"feedback": "optical", "error_encoding": "ternary", "opu": NOISY}):
        torch.manual_seed(0)
        model = DirectFeedback(perceptron(64, 100, 100, 10), random_state=0, **options)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
        for _ in range(8):
            for part in torch.randperm(1400).split(50):
                optimizer.zero_grad()
                functional.cross_entropy(model(X[part]), y[part]).backward()
                optimizer.step()
        accuracy = (model(X[1400:]).argmax(1) == y[1400:]).double().mean()
        assert accuracy > 0.9
        angles = model.alignment(X, lambda output: functional.cross_entropy(output, y))
        assert max(angles.values()) < 80


@pytest.mark.parametrize("first", [nn.Linear(8, 16), nn.Embedding(11, 16)])
def test_embeddings_and_linear_layers_before_a_network_of_its_own(first):
    """What comes before the wrapper learns through the first block."""
    inputs = torch.randn(5, 8) if isinstance(first, nn.Linear) else torch.randint(11, (5,))
    model = DirectFeedback(perceptron(16, 12, 3), random_state=0)
    model(first(inputs)).square().sum().backward()
    assert first.weight.grad.abs().max() > 0


def test_empty_batch():
    model = DirectFeedback(perceptron(20, 15, 4), random_state=0)
    model(torch.zeros(0, 20)).sum().backward()
    assert not model.model[0].weight.grad.any()


class Around(nn.Module):
    """A residual whose way around a block leads back to the one before."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, X):
        h = self.first(X).tanh()
        return self.head(h + self.second(h).tanh())


class Unused(Around):
    def forward(self, X):
        return self.head(self.first(X))


class Tupled(Around):
    def forward(self, X):
        return self.head(self.first(X)), X


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.head = nn.RNN(6, 5), nn.Linear(5, 3)

    def forward(self, X):
        return self.head(self.cell(X)[0])


class Scalar(Around):
    def forward(self, X):
        return self.head(self.first(X)).sum()


class Shuffled(Around):
    def forward(self, X):
        return self.head(self.first(X)[:2])


@pytest.mark.parametrize(
    ("model", "blocks", "kind", "message"),
    [
        (Around(), ["second"], ValueError, "from block 'second' to block 'output' and around"),
        (Unused(), ["first"], ValueError, "parameters second.weight, second.bias"),
        (Around(), ["first", "third"], ValueError, "Block 'third' is not a module inside"),
        (Around(), [nn.Linear(2, 2)], ValueError, "is not a module inside the network"),
        (Around(), None, ValueError, "cut where blocks says"),
        (Unused(), ["first", "second"], ValueError, r"Blocks \['second'\] did not run"),
        (Around(), ["first", "first"], ValueError, "given twice"),
        (Convolutions(), ["first", "first.0"], ValueError, "must not overlap"),
        (Tupled(), ["first"], TypeError, "The network returns tuple"),
        (Recurrent(), ["cell"], TypeError, "Block 'cell' returns tuple"),
        (Scalar(), ["first"], ValueError, "returns a single number"),
        (Shuffled(), ["first"], ValueError, "rows do not belong together"),
        (nn.Sequential(*[nn.Linear(6, 6)] * 2), None, ValueError, "stands at several places"),
        (3, None, TypeError, "not callable"),
        (lambda: 3, None, TypeError, "must be a torch.nn.Module"),
    ],
)
def test_bad_blocks(model, blocks, kind, message):
    with pytest.raises(kind, match=message):
        DirectFeedback(model, blocks)(torch.randn(4, 6))


def test_a_way_around_that_joins_inside_a_block_is_none():
    class Residual(Around):
        def __init__(self):
            super().__init__()
            self.join = nn.Identity()

        def forward(self, X):
            h = self.first(X).tanh()
            return self.head(self.join(h + self.second(h).tanh()))

    DirectFeedback(Residual(), ["join"])(torch.randn(4, 6)).sum().backward()


def test_tied_weights_are_no_way_around():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.middle = nn.Embedding(11, 6), nn.Linear(6, 6)

        def forward(self, X):
            return self.middle(self.embed(X)).tanh() @ self.embed.weight.T

    DirectFeedback(Tied(), ["embed", "middle"])(torch.randint(11, (4, 3))).sum().backward()


def test_changes_in_place_are_refused():
    net = nn.Sequential(nn.Linear(6, 5), nn.Sigmoid(), nn.ReLU(inplace=True), nn.Linear(5, 3))
    with pytest.raises(ValueError, match="block '1' returns was changed in place"):
        DirectFeedback(net, ["1"])(torch.randn(4, 6))
    DirectFeedback(Convolutions(inplace=True), ["first", "second"])(torch.randn(4, 1, 9, 9))


def test_units_must_not_change():
    model = DirectFeedback(Convolutions(), ["first", "second"], random_state=0)
    model(torch.randn(2, 1, 12, 12))
    with pytest.raises(ValueError, match="would learn from other projections"):
        model(torch.randn(2, 1, 16, 16))
    with torch.no_grad():
        model(torch.randn(2, 1, 16, 16))


@pytest.mark.parametrize("last", [nn.Softmax(1), nn.LogSoftmax(1)])
def test_a_softmax_of_the_network_is_warned_of(last):
    model = DirectFeedback(nn.Sequential(nn.Linear(6, 5), nn.Linear(5, 3), last))
    with pytest.warns(UserWarning, match="Return logits"):
        model(torch.randn(4, 6))
    model(torch.randn(4, 6))


def test_no_step_where_training_diverged():
    X, y = samples()
    model = DirectFeedback(perceptron(20, 15, 4), random_state=0)
    before = copy.deepcopy(model.model.state_dict())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss = functional.cross_entropy(model(X), y) * math.nan
    with pytest.raises(ValueError, match="not finite: training has diverged"):
        loss.backward()
    optimizer.step()  # of nothing
    assert all(torch.equal(before[name], each) for name, each in model.model.state_dict().items())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"opu": OPU(max_outputs=5)}, "has 5 outputs, 8 were asked for"),
        ({"opu": OPU(input_bits=1), "feedback": "optical"}, "cannot show an error exactly"),
        ({"feedback": "random"}, "feedback must be one of"),
        ({"error_encoding": "binary"}, "error_encoding must be one of"),
        ({"ternary_threshold": 1.0}, "ternary_threshold must be"),
        ({"opu": "aurora"}, "opu must be an OPU"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        DirectFeedback(perceptron(20, 15, 4), **options)(torch.randn(3, 20))
