"""DFAGraphClassifier and cross-validation over nodes."""

import pickle
import warnings

import numpy as np
import pandas
import pytest
import scipy.sparse
import sklearn
from numpy.random import RandomState
from scipy.sparse.linalg import aslinearoperator
from scipy.special import softmax
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import kneighbors_graph
from sklearn.preprocessing import normalize

from skopu import OPU, Camera, DFAGraphClassifier, GaussianMedium, NodeClassifier
from skopu.neural_network._graph_functions import Layers, normalized_adjacency
from skopu.neural_network.feedback import feedback_device

X, y = load_digits(return_X_y=True)
X, y = X[:400] / 16, y[:400]
GRAPH = kneighbors_graph(X, 6)
GRAPH = GRAPH.maximum(GRAPH.T)
LABELS = np.full(400, -1)
for digit in range(10):
    LABELS[np.flatnonzero(y == digit)[:8]] = digit
UNLABELLED = LABELS == -1
LIGHT = OPU(GaussianMedium(), Camera(bits=8, photons=1000), input_bits=1, random_state=5)


def accuracy(model):
    return np.mean(model.transduction_[UNLABELLED] == y[UNLABELLED])


@pytest.mark.parametrize(
    "options",
    [
        {"feedback": "backprop"},
        {"feedback": "dense"},
        {"feedback": "dense", "error_encoding": "ternary"},
        {"feedback": "optical", "error_encoding": "ternary", "opu": LIGHT},
        {"feedback": "dense", "hidden_layer_sizes": (32, 32), "activation": "tanh"},
    ],
    ids=str,
)
def test_learns_from_neighbours(options):
    model = DFAGraphClassifier(max_iter=120, random_state=0, **options).fit(X, LABELS, GRAPH)
    alone = LogisticRegression().fit(X[~UNLABELLED], y[~UNLABELLED])
    assert accuracy(model) > 0.9 > alone.score(X[UNLABELLED], y[UNLABELLED])
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert (model.n_iter_, len(model.loss_curve_)) == (120, 120)


def prepared(sizes, activation="tanh", **options):
    """A network at its first weights, the data of a small graph, and who is labelled."""
    rng = np.random.default_rng(0)
    data, graph = rng.normal(size=(12, 5)), rng.random((12, 12)) < 0.3
    graph = np.triu(graph, 1) + np.triu(graph, 1).T
    labels = np.r_[0, 1, 2, 0, np.full(8, -1)]
    model = DFAGraphClassifier(
        sizes,
        activation,
        dropout=0.0,
        alpha=0.3,
        max_iter=1,
        learning_rate_init=1e-300,
        random_state=0,
        **options,
    ).fit(data, labels, graph)
    return model, data, graph, np.arange(4), labels[:4]


def forward(model, data, graph):
    """Outputs of each layer, by the formula, with a dense matrix."""
    looped = np.maximum(graph, np.eye(len(graph)))
    degrees = looped.sum(axis=1)
    spread = looped / np.sqrt(np.outer(degrees, degrees))
    outputs = [data]
    for i, (coef, intercept) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        values = spread @ outputs[-1] @ coef + intercept
        last = i == len(model.coefs_) - 1
        outputs.append(softmax(values, axis=1) if last else np.tanh(values))
    return spread, outputs


def gradients_of(model, data, graph, nodes, classes, random_state=None):
    layers = Layers(normalized_adjacency(graph, data), len(model.coefs_), nodes)
    model._feedback_device = feedback_device(model.opu_, model.feedback == "optical")
    return model._gradients(data[layers.inputs], layers, classes, random_state or RandomState(0))[1]


@pytest.mark.parametrize("sizes", [(), (4,), (4, 3), (3, 4, 3)], ids=str)
def test_backprop_is_the_gradient(sizes):
    model, data, graph, nodes, classes = prepared(sizes, feedback="backprop")
    gradients = gradients_of(model, data, graph, nodes, classes)

    def loss():
        chosen = forward(model, data, graph)[1][-1][nodes, classes]
        penalty = 0.15 * sum(np.sum(coef**2) for coef in model.coefs_[:-1])
        return -np.mean(np.log(chosen)) + penalty

    for param, gradient in zip(model.coefs_ + model.intercepts_, gradients, strict=True):
        for index in np.ndindex(param.shape):
            values = []
            for shift in (1e-6, -2e-6):
                param[index] += shift
                values.append(loss())
            param[index] += 1e-6
            assert np.isclose((values[0] - values[1]) / 2e-6, gradient[index], atol=1e-7)


@pytest.mark.parametrize("encoding", ["exact", "ternary"])
def test_feedback_is_the_formula(encoding):
    opu = OPU(GaussianMedium(), random_state=4)
    model, data, graph, nodes, classes = prepared(
        (4, 3), opu=opu, error_encoding=encoding, ternary_threshold=0.2
    )
    gradients = gradients_of(model, data, graph, nodes, classes)
    spread, outputs = forward(model, data, graph)
    error = np.zeros((12, 3))
    error[nodes] = (outputs[-1][nodes] - np.eye(3)[classes]) / 4
    shown = error.copy()
    if encoding == "ternary":
        for row, values in zip(shown, error, strict=True):
            row[:] = 0
            for sign in (1, -1):
                part = np.maximum(sign * values, 0)
                kept = part > 0.2 * part.max()
                if kept.any():
                    row[kept] = sign * part.sum() / kept.sum()
    B = opu.linear(np.eye(3), 7)
    # Entries of the size of those of the weights above, here of one and of two layers.
    sizes = [np.sqrt(np.mean(coef**2)) for coef in model.coefs_]
    far = B[:, :4] * np.sqrt(2 / 7) * sizes[1] / np.sqrt(2 / 7) * sizes[2] / np.sqrt(2 / 6)
    near = B[:, 4:] * sizes[2]
    deltas = [
        spread @ spread @ shown @ far * (1 - outputs[1] ** 2),
        spread @ shown @ near * (1 - outputs[2] ** 2),
        error,
    ]
    for i, delta in enumerate(deltas):
        decay = 0.3 * model.coefs_[i] if i < 2 else 0
        assert np.allclose(gradients[i], outputs[i].T @ spread @ delta + decay, atol=1e-10)
        assert np.allclose(gradients[i + 3], delta.sum(axis=0), atol=1e-10)


def test_prediction_is_the_formula_on_another_graph():
    model, data, graph, _, _ = prepared((4, 3))
    other = np.zeros((7, 7))
    other[0, 1] = other[1, 0] = 2.5
    expected = forward(model, data[:7], other)[1][-1]
    for form in (np.asarray, scipy.sparse.csr_matrix, scipy.sparse.coo_array, pandas.DataFrame):
        assert np.allclose(model.predict_proba(data[:7], form(other)), expected)
    assert np.allclose(model.label_distributions_, forward(model, data, graph)[1][-1])
    alone = forward(model, data[:7], np.zeros((7, 7)))[1][-1]
    assert np.allclose(model.predict_proba(data[:7]), alone)
    assert np.array_equal(model.predict(data[:7]), model.classes_[alone.argmax(axis=1)])


def test_normalized_adjacency():
    weights = np.array([[5.0, 2, 0], [2, 0, 0], [0, 0, 0]])
    looped = np.array([[5.0, 2, 0], [2, 1, 0], [0, 0, 1]])
    degrees = looped.sum(axis=1)
    expected = looped / np.sqrt(np.outer(degrees, degrees))
    for form in (np.asarray, scipy.sparse.csc_matrix, scipy.sparse.coo_array):
        result = normalized_adjacency(form(weights), np.ones((3, 2), np.float32))
        assert result.dtype == np.float32
        assert np.allclose(result.toarray(), expected)
    assert weights[1, 1] == 0


def test_layers_read_the_neighbourhood_alone(rng):
    """Of a chain of nodes, two layers read two steps to either side."""
    chain = scipy.sparse.diags([np.ones(19)] * 2, [-1, 1], (20, 20), "csr")
    data = rng.random((20, 3))
    graph = normalized_adjacency(chain, data)
    layers = Layers(graph, 2, np.array([0, 9]))
    assert layers.inputs.tolist() == [0, 1, 2, 7, 8, 9, 10, 11]
    whole = graph @ (graph @ data)
    assert np.allclose(layers.forward(1, layers.forward(0, data[layers.inputs])), whole[[0, 9]])
    back = np.zeros((20, 3))
    back[layers.inputs] = layers.back(0, layers.back(1, np.ones((2, 3))))
    ends = np.zeros((20, 3))
    ends[[0, 9]] = 1
    assert np.allclose(back, graph @ (graph @ ends))


@pytest.mark.parametrize("feedback", ["backprop", "dense"])
@pytest.mark.parametrize("graph", [GRAPH, None])
def test_nodes_that_no_label_depends_on_do_not_count(feedback, graph):
    model = DFAGraphClassifier(max_iter=30, feedback=feedback, random_state=0)
    alone = clone(model).fit(X, LABELS, graph)
    twice = None if graph is None else scipy.sparse.block_diag([graph, graph], "csr")
    labels = np.r_[LABELS, np.full(400, -1)]
    beside = clone(model).fit(np.vstack([X, X[::-1]]), labels, twice)
    assert np.allclose(alone.loss_curve_, beside.loss_curve_)
    assert np.allclose(alone.label_distributions_, beside.label_distributions_[:400])


def test_angles_fall_below_chance_in_every_layer():
    model = DFAGraphClassifier(
        (32, 32), "tanh", max_iter=80, track_alignment=True, random_state=0
    ).fit(X, LABELS, GRAPH)
    angles = np.array(model.alignment_)
    assert angles.shape == (80, 2)
    assert np.all(angles[-20:].mean(axis=0) < 70)
    exact = clone(model).set_params(feedback="backprop", max_iter=3).fit(X, LABELS, GRAPH)
    assert np.all(np.array(exact.alignment_) < 1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_is_dense(dtype):
    model = DFAGraphClassifier(max_iter=20, dropout=0.0, random_state=0)
    dense = clone(model).fit(X.astype(dtype), LABELS, GRAPH)
    sparse = clone(model).fit(scipy.sparse.csr_array(X.astype(dtype)), LABELS, GRAPH.toarray())
    assert sparse.label_distributions_.dtype == dense.coefs_[0].dtype == dtype
    assert np.allclose(dense.label_distributions_, sparse.label_distributions_, atol=1e-4)


def test_dropout_keeps_the_mean_of_dense_and_sparse_input():
    model, data, graph, nodes, classes = prepared((4,))
    model.set_params(dropout=0.4)
    seen = {}
    for form in (np.asarray, scipy.sparse.csr_matrix):
        inputs = []

        def remember(layers, layer_inputs, deltas, inputs=inputs):
            inputs.append(scipy.sparse.csr_matrix(layer_inputs[0]).toarray())
            return [np.zeros_like(coef) for coef in model.coefs_]

        model._weight_gradients = remember
        random_state = RandomState(0)
        for _ in range(400):
            gradients_of(model, form(data), graph, nodes, classes, random_state)
        seen[form] = np.array(inputs)
        z = (np.mean(inputs, axis=0) - data) / (np.std(inputs, axis=0) / 20)
        assert abs(z).max() < 4.5
        assert abs(np.mean(seen[form] == 0) - 0.4) < 0.02
    del model._weight_gradients


def test_validation_nodes_choose_the_weights():
    validation = np.zeros(400, bool)
    labels = LABELS.copy()
    for digit in range(10):
        chosen = np.flatnonzero((y == digit) & UNLABELLED)[:5]
        labels[chosen], validation[chosen] = digit, True
    model = DFAGraphClassifier(max_iter=400, n_iter_no_change=10, random_state=0)
    model.fit(X, labels, GRAPH, validation_mask=validation)
    assert model.n_iter_ < 400
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == model.n_iter_
    best = int(np.argmin(model.validation_loss_curve_))
    assert best == model.n_iter_ - 11
    kept = model.label_distributions_[validation]
    assert np.isclose(log_loss(y[validation], kept), model.validation_loss_curve_[best])
    right = np.mean(model.transduction_[validation] == y[validation])
    assert right == model.validation_scores_[best]
    # Their labels are not trained on.
    wrong = labels.copy()
    wrong[validation] = (labels[validation] + 1) % 10
    short = clone(model).set_params(max_iter=1)
    fitted = [clone(short).fit(X, z, GRAPH, validation_mask=validation) for z in (labels, wrong)]
    assert np.array_equal(fitted[0].coefs_[0], fitted[1].coefs_[0])
    model.fit(X, LABELS, GRAPH)
    assert not hasattr(model, "validation_scores_")
    assert not hasattr(model, "validation_loss_curve_")


def shop(counts):
    """Five groups of nodes, of which bought is much and nearly alike, times counts."""
    rng = np.random.default_rng(2)
    classes = np.repeat(np.arange(5), 100)
    edges = np.triu(rng.random((500, 500)) < np.where(classes[:, None] == classes, 0.16, 0.01), 1)
    often = rng.uniform(0.1, 0.6, 300) + 0.05 * rng.normal(size=(5, 300))
    bought = counts * (rng.random((500, 300)) < often[classes]).astype(float)
    order = np.arange(500) % 100
    labels, validation = np.where(order < 16, classes, -1), (order >= 8) & (order < 16)
    return bought, labels, scipy.sparse.csr_matrix(edges | edges.T), validation, classes


@pytest.mark.parametrize("options", [{"feedback": "backprop"}, {}, {"error_encoding": "ternary"}])
@pytest.mark.parametrize("rows", ["counts", "parts"])
def test_learns_from_counts_and_from_parts(rows, options):
    features, labels, graph, validation, classes = shop(5)
    if rows == "parts":
        features = normalize(features, "l1")
    model = DFAGraphClassifier(random_state=2, **options)
    model.fit(features, labels, graph, validation_mask=validation)
    assert np.mean(model.transduction_[labels == -1] == classes[labels == -1]) > 0.95


@pytest.mark.parametrize("form", [np.asarray, scipy.sparse.csr_array])
@pytest.mark.parametrize("unit", [2.0**-900, 2.0**-10, 2.0**10, 2.0**900])
def test_any_unit_of_the_features_is_the_same(form, unit):
    model = DFAGraphClassifier(max_iter=10, random_state=0).fit(form(X), LABELS, GRAPH)
    other = clone(model).fit(form(X) * unit, LABELS, GRAPH)
    assert np.allclose(other.label_distributions_, model.label_distributions_)
    assert np.allclose(other.coefs_[0] * unit, model.coefs_[0])
    again = other.predict_proba(form(X) * unit, GRAPH)
    assert np.array_equal(again, other.label_distributions_)


def test_no_features_but_zeros():
    model = DFAGraphClassifier(max_iter=5, random_state=0).fit(np.zeros((400, 3)), LABELS, GRAPH)
    assert np.isfinite(model.label_distributions_).all()


def test_patience_begins_when_training_has():
    features, labels, graph, validation, classes = shop(1)
    model = DFAGraphClassifier(learning_rate_init=0.5, n_iter_no_change=3, random_state=0)
    model.fit(features, labels, graph, validation_mask=validation)
    losses = np.array(model.validation_loss_curve_)
    assert losses[1:4].min() > losses[0], "all rise at first"
    assert np.mean(model.transduction_ == classes) > 0.9


def test_first_weights_that_are_kept_are_told():
    features, labels, graph, validation, classes = shop(1)
    labels[validation] = (labels[validation] + 1) % 5  # the better trained, the worse they fit
    features -= features.mean(axis=0)
    model = DFAGraphClassifier(
        dropout=0.0, learning_rate_init=0.1, n_iter_no_change=5, random_state=0
    )
    with pytest.warns(ConvergenceWarning, match="after the first epoch") as found:
        model.fit(features, labels, graph, validation_mask=validation)
    assert found[0].filename == __file__
    assert np.argmin(model.validation_loss_curve_) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model.fit(features, np.where(labels == -1, -1, classes), graph, validation_mask=validation)


def test_same_seed_same_weights_and_pickles():
    for options in ({}, {"feedback": "optical", "error_encoding": "ternary", "opu": LIGHT}):
        model = DFAGraphClassifier(max_iter=5, random_state=0, **options).fit(X, LABELS, GRAPH)
        again = clone(model).fit(X, LABELS, GRAPH)
        assert np.array_equal(model.label_distributions_, again.label_distributions_)
        other = clone(model).set_params(random_state=1).fit(X, LABELS, GRAPH)
        assert not np.array_equal(model.label_distributions_, other.label_distributions_)
        loaded = pickle.loads(pickle.dumps(model))
        assert np.array_equal(loaded.predict(X, GRAPH), model.predict(X, GRAPH))
        assert isinstance(model.opu_.random_state, int)


def test_labels_that_are_text():
    names = np.array([f"digit {digit}" if digit >= 0 else -1 for digit in LABELS], dtype=object)
    numbers = DFAGraphClassifier(max_iter=5, random_state=0).fit(X, LABELS, GRAPH)
    text = DFAGraphClassifier(max_iter=5, random_state=0).fit(X, names, GRAPH)
    assert list(text.transduction_) == [f"digit {digit}" for digit in numbers.transduction_]


def test_minus_one_in_a_binary_problem_without_edges():
    labels = np.where(y[:100] < 5, -1, 1)
    model = DFAGraphClassifier(max_iter=60, random_state=0).fit(X[:100], labels)
    assert list(model.classes_) == [-1, 1]
    assert model.score(X[:100], labels) > 0.9


BAD = GRAPH.copy()
BAD.data = -BAD.data
DIRECTED = kneighbors_graph(X, 3)
MASK = np.zeros(400, bool)
MASK[np.flatnonzero(LABELS == 3)] = True


@pytest.mark.parametrize(
    ("labels", "graph", "options", "match"),
    [
        (np.full(400, -1), GRAPH, {}, "No node has a label"),
        (LABELS, GRAPH[:50], {}, "must be square, with a row for each of the 400 nodes"),
        (LABELS, GRAPH[:50, :50], {}, "must be square, with a row for each of the 400 nodes"),
        (LABELS, BAD, {}, "negative weights"),
        (LABELS, DIRECTED, {}, r"symmetric. Take adjacency.maximum\(adjacency.T\)"),
        (LABELS, GRAPH * np.nan, {}, "adjacency contains NaN"),
        (LABELS, GRAPH, {"validation_mask": MASK}, "No node of class 3 is left"),
        (LABELS, GRAPH, {"validation_mask": UNLABELLED}, "all of them labelled"),
        (LABELS, GRAPH, {"validation_mask": np.zeros(400, bool)}, "must hold some nodes"),
        (LABELS, GRAPH, {"validation_mask": np.arange(400)}, "must be a boolean for each"),
        (LABELS, GRAPH, {"validation_mask": [True]}, "must be a boolean for each"),
        (LABELS + 0.5, GRAPH, {}, "Unknown label type"),
        (LABELS.astype(str), GRAPH, {}, "array of objects"),
        (LABELS.astype(str).astype(object), GRAPH, {}, "array of objects"),
        (LABELS[:9], GRAPH, {}, "inconsistent numbers of samples"),
        (LABELS, GRAPH.toarray().astype(complex), {}, "Complex data"),
        (LABELS, aslinearoperator(GRAPH), {}, "not a LinearOperator"),
    ],
)
def test_bad_input(labels, graph, options, match):
    with pytest.raises(ValueError, match=match):
        DFAGraphClassifier(max_iter=1).fit(X, labels, graph, **options)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"dropout": 1.0}, "dropout"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes must be positive"),
        ({"hidden_layer_sizes": [3.9]}, "hidden_layer_sizes must be positive"),
        ({"hidden_layer_sizes": [[3], [4]]}, "hidden_layer_sizes must be positive"),
        ({"hidden_layer_sizes": 0}, "hidden_layer_sizes"),
        ({"feedback": "light"}, "feedback"),
        ({"feedback": "optical", "opu": LIGHT}, 'Set error_encoding="ternary"'),
        ({"feedback": "optical", "opu": OPU(max_inputs=3)}, "has 3 inputs, 10 were asked"),
        ({"feedback": "optical", "opu": OPU(max_outputs=3)}, "has 3 outputs, 32 were asked"),
    ],
)
def test_bad_parameters(options, match):
    with pytest.raises(ValueError, match=match):
        DFAGraphClassifier(**{"max_iter": 1, **options}).fit(X, LABELS, GRAPH)


def test_divergence_is_told():
    with pytest.raises(ValueError, match=r"diverged.*learning_rate_init=1e"):
        DFAGraphClassifier(activation="identity", learning_rate_init=1e200).fit(X, LABELS, GRAPH)
    model = DFAGraphClassifier((5, 5), "identity", max_iter=1, random_state=0)
    before = model.fit(X, LABELS, GRAPH).predict_proba(X, GRAPH)
    model.set_params(learning_rate_init=1e120)
    with pytest.raises(ValueError, match=r"diverged"):
        model.fit(X, LABELS, GRAPH)
    after = model.predict_proba(X, GRAPH)
    assert np.array_equal(after, before), "a refit that fails leaves the network as it was"


def test_score_takes_the_graph():
    model = DFAGraphClassifier(max_iter=60, random_state=0).fit(X, LABELS, GRAPH)
    assert model.score(X, y, GRAPH) == np.mean(model.transduction_ == y)
    assert np.isclose(model.score(X, y, GRAPH, sample_weight=UNLABELLED), accuracy(model))
    assert model.score(X, y) < model.score(X, y, GRAPH)


def test_cross_validation_over_nodes():
    nodes = np.arange(400).reshape(-1, 1)
    model = NodeClassifier(DFAGraphClassifier(max_iter=60, random_state=0), X, GRAPH)
    search = GridSearchCV(model, {"estimator__dropout": [0.2, 0.9]}, cv=3).fit(nodes, y)
    assert search.best_params_ == {"estimator__dropout": 0.2}
    assert search.best_score_ > 0.9
    named = np.array([f"digit {digit}" for digit in y])
    assert cross_val_score(model, nodes, named, cv=2).min() > 0.85


@pytest.mark.parametrize("kind", [bool, np.uint8, float, str, lambda z: np.where(z, 1, -1)])
def test_labels_of_nodes_of_any_kind(kind):
    nodes = np.arange(400).reshape(-1, 1)
    labels = (y < 5).astype(kind) if isinstance(kind, type) else kind(y < 5)
    for graph in (GRAPH, None):
        model = NodeClassifier(DFAGraphClassifier(max_iter=60, random_state=0), X.tolist(), graph)
        model.fit(nodes[::2], labels[::2])
        assert np.array_equal(model.classes_, np.unique(labels))
        assert model.score(nodes[1::2], labels[1::2]) > 0.7


def test_a_split_sees_the_labels_of_its_nodes_alone():
    train = np.flatnonzero(~UNLABELLED).reshape(-1, 1)
    model = NodeClassifier(DFAGraphClassifier(max_iter=9, random_state=0), X, GRAPH)
    model.fit(train, y[~UNLABELLED])
    direct = DFAGraphClassifier(max_iter=9, random_state=0).fit(X, LABELS, GRAPH)
    assert np.array_equal(model.predict([[5], [399]]), direct.transduction_[[5, 399]])
    expected = direct.label_distributions_[[5, 399]]
    assert np.array_equal(model.predict_proba([[5], [399]]), expected)
    assert np.array_equal(model.classes_, direct.classes_)


def test_clones_ask_for_the_same_metadata():
    with sklearn.config_context(enable_metadata_routing=True):
        model = NodeClassifier(DFAGraphClassifier(), X, GRAPH)
        model.set_score_request(sample_weight=True)
        requests = clone(model).get_metadata_routing().score.requests
    assert requests == {"sample_weight": True}


def test_clone_shares_the_graph():
    copy = clone(NodeClassifier(DFAGraphClassifier(alpha=0.2), X, GRAPH))
    assert copy.X is X
    assert copy.adjacency is GRAPH
    assert copy.estimator.alpha == 0.2


@pytest.mark.parametrize(
    ("nodes", "match"),
    [
        ([[0], [400]], "between 0 and 399"),
        ([[0], [-1]], "between 0 and 399"),
        ([[0], [0]], "only once"),
        ([[0, 1], [2, 3]], "one column of integers"),
        ([[0.5], [1.5]], "one column of integers"),
        ([0, 1], "2D array"),
        ([[0], [1], [2]], "inconsistent numbers of samples"),
    ],
)
def test_bad_nodes(nodes, match):
    with pytest.raises(ValueError, match=match):
        NodeClassifier(DFAGraphClassifier(max_iter=1), X, GRAPH).fit(nodes, [0, 1])


def test_iris_as_a_graph():
    features, labels = load_iris(return_X_y=True)
    graph = kneighbors_graph(features, 5)
    model = DFAGraphClassifier(max_iter=100, random_state=0)
    some = np.where(np.arange(150) % 10 == 0, labels, -1)
    model.fit(features, some, graph.maximum(graph.T))
    assert np.mean(model.transduction_ == labels) > 0.9
