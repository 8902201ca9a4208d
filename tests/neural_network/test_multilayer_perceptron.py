"""DFAClassifier and DFARegressor: scikit-learn's perceptrons with another backward step."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse
import sklearn.neural_network._multilayer_perceptron
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.datasets import load_digits, make_multilabel_classification, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state

import skopu._utils.private_sklearn
import skopu.neural_network._optimizers
from skopu import OPU, Camera, DFAClassifier, DFARegressor, GaussianMedium, LayeredMedium

DIGITS, LABELS = load_digits(return_X_y=True)
DIGITS = DIGITS / 16
X, y = DIGITS[:300], LABELS[:300]
T = make_regression(300, 8, noise=1, random_state=0)[1][:, None] / 100
R = make_regression(300, 8, noise=1, random_state=0)[0]
LIGHT = OPU(GaussianMedium(), Camera(bits=8, photons=1000), input_bits=1, random_state=5)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def weights(model):
    return [*model.coefs_, *model.intercepts_]


def same(first, second):
    return all(np.array_equal(*pair) for pair in zip(weights(first), weights(second), strict=True))


def derivative(activation, output):
    return {
        "identity": np.ones_like(output),
        "logistic": output * (1 - output),
        "tanh": 1 - output**2,
        "relu": (output > 0).astype(float),
    }[activation]


def squash(activation, values):
    return {
        "identity": values,
        "logistic": expit(values),
        "tanh": np.tanh(values),
        "relu": np.maximum(values, 0),
    }[activation]


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("encoding", ["exact", "ternary"])
def test_one_step_is_the_formula(activation, encoding):
    """One step of plain gradient descent with an explicit feedback matrix."""
    n, alpha, rate, sizes = 50, 0.3, 0.1, (6, 4)
    options = {
        "hidden_layer_sizes": sizes,
        "activation": activation,
        "solver": "sgd",
        "momentum": 0,
        "alpha": alpha,
        "learning_rate_init": rate,
        "batch_size": n,
        "shuffle": False,
        "random_state": 0,
        "error_encoding": encoding,
        "ternary_threshold": 0.2,
        "opu": OPU(GaussianMedium(), random_state=7),
    }
    before = MLPClassifier(
        sizes, activation, solver="sgd", learning_rate_init=1e-300, max_iter=1, random_state=0
    ).fit(X[:n], y[:n])
    model = DFAClassifier(**options, max_iter=1).fit(X[:n], y[:n])
    outputs = [X[:n]]
    for i, (coef, intercept) in enumerate(zip(before.coefs_, before.intercepts_, strict=True)):
        values = outputs[-1] @ coef + intercept
        outputs.append(softmax(values, axis=1) if i == 2 else squash(activation, values))
    error = (outputs[-1] - np.eye(10)[y[:n]]) / n
    shown = error
    if encoding == "ternary":
        shown = np.zeros_like(error)
        for row, values in zip(shown, error, strict=True):
            for sign in (1, -1):
                part = np.maximum(sign * values, 0)
                kept = part > 0.2 * part.max()
                row[kept] = sign * part.sum() / kept.sum()
    B = options["opu"].linear(np.eye(10), 10)
    deltas = [
        shown @ B[:, :6] * np.sqrt(2 / 16) * derivative(activation, outputs[1]),
        shown @ B[:, 6:] * np.sqrt(2 / 14) * derivative(activation, outputs[2]),
        error,
    ]
    for i, delta in enumerate(deltas):
        gradient = outputs[i].T @ delta + alpha / n * before.coefs_[i]
        assert np.allclose(model.coefs_[i], before.coefs_[i] - rate * gradient, atol=1e-12)
        moved = before.intercepts_[i] - rate * delta.sum(axis=0)
        assert np.allclose(model.intercepts_[i], moved, atol=1e-12)


def test_no_hidden_layer_is_scikit_learn():
    """Without a hidden layer there is no feedback, and all else is theirs."""
    options = {"hidden_layer_sizes": (), "max_iter": 20, "random_state": 0, "early_stopping": True}
    ours, theirs = DFAClassifier(**options).fit(X, y), MLPClassifier(**options).fit(X, y)
    for our, their in zip(weights(ours), weights(theirs), strict=True):
        assert np.allclose(our, their, atol=1e-10)
    assert np.allclose(ours.loss_curve_, theirs.loss_curve_)
    assert ours.validation_scores_ == theirs.validation_scores_


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_no_hidden_layer_is_scikit_learn_in_regression(loss):
    target = np.hstack([T, -T]) if loss == "squared_error" else np.exp(T[:, 0])
    weight = np.linspace(0.5, 2, 300)
    options = {"hidden_layer_sizes": (), "max_iter": 20, "random_state": 0, "loss": loss}
    ours = DFARegressor(**options, solver="sgd").fit(R, target, weight)
    theirs = MLPRegressor(**options, solver="sgd").fit(R, target, weight)
    assert np.allclose(ours.predict(R), theirs.predict(R))


def test_starts_where_scikit_learn_starts():
    options = {"max_iter": 1, "random_state": 3, "learning_rate_init": 1e-12}
    ours, theirs = DFAClassifier(**options).fit(X, y), MLPClassifier(**options).fit(X, y)
    assert np.allclose(ours.coefs_[0], theirs.coefs_[0], atol=1e-10)


@pytest.mark.parametrize("feedback", ["dense", "optical"])
@pytest.mark.parametrize("encoding", ["exact", "ternary"])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_learns_digits(feedback, encoding, solver):
    opu = OPU(GaussianMedium(), Camera(bits=8, photons=1000)) if encoding == "exact" else LIGHT
    model = DFAClassifier(
        (64, 64),
        "tanh",
        solver=solver,
        learning_rate_init=0.002 if solver == "adam" else 0.1,
        batch_size=100,
        max_iter=12,
        feedback=feedback,
        error_encoding=encoding,
        opu=opu,
        random_state=0,
    ).fit(DIGITS[:1000].astype(np.float32), LABELS[:1000])
    assert model.coefs_[0].dtype == np.float32
    assert model.score(DIGITS[1000:], LABELS[1000:]) > 0.85


@pytest.mark.parametrize("encoding", ["exact", "ternary"])
def test_learns_regression(encoding):
    model = DFARegressor(
        hidden_layer_sizes=(64,),
        activation="tanh",
        max_iter=400,
        error_encoding=encoding,
        random_state=0,
    )
    assert model.fit(R, T[:, 0]).score(R, T[:, 0]) > 0.9
    both = model.fit(R, np.hstack([T, -2 * T]))
    assert both.predict(R).shape == (300, 2)
    assert both.score(R, np.hstack([T, -2 * T])) > 0.85


def test_learns_several_labels():
    features, labels = make_multilabel_classification(300, random_state=0)
    model = make_pipeline(StandardScaler(), DFAClassifier(max_iter=300, random_state=0))
    model.fit(features, labels)
    assert model.predict(features).shape == labels.shape
    assert np.mean(model.predict(features) == labels) > 0.9


def test_angles_fall_well_below_chance():
    model = DFAClassifier(
        (64, 64), "tanh", max_iter=15, batch_size=100, track_alignment=True, random_state=0
    ).fit(DIGITS, LABELS)
    angles = np.array(model.alignment_)
    assert angles.shape == (15, 2)
    assert np.all(angles[-1] < 75)
    assert np.all(angles[-1] < angles[0])
    assert not hasattr(clone(model).set_params(track_alignment=False).fit(X, y), "alignment_")


def test_angles_are_those_of_back_propagation():
    """The update of one step, beside the gradient by finite differences of the loss."""
    options = {"random_state": 0, "max_iter": 1, "alpha": 0, "batch_size": 300, "shuffle": False}
    model = DFAClassifier((5, 4), "tanh", track_alignment=True, **options).fit(X, y)
    start = MLPClassifier((5, 4), "tanh", learning_rate_init=1e-300, **options).fit(X, y)
    step = DFAClassifier(
        (5, 4), "tanh", solver="sgd", momentum=0, learning_rate_init=1.0, **options
    ).fit(X, y)

    def loss():
        probabilities = start.predict_proba(X)
        return -np.mean(np.log(probabilities[np.arange(300), y]))

    for layer in range(2):
        update = start.coefs_[layer] - step.coefs_[layer]
        gradient = np.zeros_like(update)
        used = np.flatnonzero(X.any(axis=0)) if layer == 0 else np.arange(len(update))
        for i in used:
            for j in range(update.shape[1]):
                values = []
                for shift in (1e-5, -2e-5):
                    start.coefs_[layer][i, j] += shift
                    values.append(loss())
                start.coefs_[layer][i, j] += 1e-5
                gradient[i, j] = (values[0] - values[1]) / 2e-5
        cosine = np.vdot(update, gradient) / np.linalg.norm(update) / np.linalg.norm(gradient)
        assert np.isclose(model.alignment_[0][layer], np.degrees(np.arccos(cosine)), atol=1e-3)


def test_same_seed_same_weights():
    for options in ({}, {"feedback": "optical", "opu": LIGHT, "error_encoding": "ternary"}):
        model = DFAClassifier((10,), max_iter=3, random_state=1, **options).fit(X, y)
        assert same(model, clone(model).fit(X, y))
        assert not same(model, clone(model).set_params(random_state=2).fit(X, y))
    assert isinstance(DFAClassifier((5,), max_iter=1).fit(X, y).opu_.random_state, int)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_goes_on_after_a_pickle(solver):
    def start():
        return DFAClassifier(
            (10,),
            solver=solver,
            feedback="optical",
            error_encoding="ternary",
            opu=LIGHT,
            random_state=np.random.RandomState(0),
        )

    straight, stopped = start(), start()
    for i in range(4):
        straight.partial_fit(X, y, classes=np.arange(10))
        stopped.partial_fit(X, y, classes=np.arange(10))
        if i == 1:
            stopped = pickle.loads(pickle.dumps(stopped))
    assert same(straight, stopped)
    assert np.array_equal(straight.predict_proba(X), stopped.predict_proba(X))


def test_warm_start_goes_on():
    model = DFAClassifier((10,), max_iter=5, warm_start=True, random_state=0).fit(X, y)
    first = model.loss_
    assert model.fit(X, y).loss_ < first


@pytest.mark.parametrize("container", [scipy.sparse.csr_matrix, scipy.sparse.csc_array])
def test_sparse_is_dense(container):
    model = DFAClassifier((10,), max_iter=5, track_alignment=True, random_state=0)
    dense, sparse = clone(model).fit(X, y), clone(model).fit(container(X), y)
    assert all(np.allclose(*pair) for pair in zip(weights(dense), weights(sparse), strict=True))
    assert np.allclose(dense.alignment_, sparse.alignment_)


def test_one_sample_one_feature_one_class():
    assert DFAClassifier((3,), max_iter=2).fit([[1.0]], [4]).predict([[2.0]]) == [4]
    assert DFARegressor(hidden_layer_sizes=3, max_iter=2).fit([[1.0]], [4]).n_outputs_ == 1


def test_a_batch_without_weight_teaches_nothing():
    model = DFAClassifier((8,), solver="sgd", momentum=0, batch_size=32, shuffle=False)
    model.set_params(max_iter=1, random_state=0)
    alone = clone(model).fit(X[:32], y[:32])
    assert same(model.fit(X[:64], y[:64], np.repeat([1.0, 0.0], 32)), alone)


def test_weights_that_are_all_zero_are_refused():
    with pytest.raises(ValueError, match=r"[Ss]ample weights must contain at least one non-zero"):
        DFAClassifier((8,)).fit(X, y, np.zeros(len(y)))


def test_sample_weights_count():
    weight = np.where(y < 5, 1.0, 1e-9)
    model = DFAClassifier((30,), "tanh", learning_rate_init=0.01, max_iter=60, random_state=0)
    model.fit(X, y, weight)
    assert np.mean(model.predict(X[y < 5]) == y[y < 5]) > 0.95
    assert np.mean(model.predict(X[y >= 5]) < 5) > 0.95


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_divergence_is_told(solver, early_stopping):
    rate = 1e20 if solver == "sgd" else 1e300
    model = DFARegressor(
        hidden_layer_sizes=(10,),
        activation="identity",
        solver=solver,
        learning_rate_init=rate,
        max_iter=200,
        early_stopping=early_stopping,
        random_state=0,
    )
    with pytest.raises(ValueError, match=r"diverged.*Lower learning_rate_init=1e"):
        model.fit(R, T[:, 0])
    assert not hasattr(model, "coefs_"), "the network is as it was before"
    if not early_stopping:  # for which scikit-learn has no partial_fit
        model.set_params(learning_rate_init=0.001).partial_fit(R, T[:, 0])
        assert np.isfinite(model.loss_)


def test_divergence_after_early_stopping_keeps_the_weights():
    model = DFARegressor(
        hidden_layer_sizes=(10,),
        activation="identity",
        solver="sgd",
        max_iter=3,
        early_stopping=True,
        warm_start=True,
        random_state=0,
    ).fit(R, T[:, 0])
    kept = [weight.copy() for weight in weights(model)]
    with pytest.raises(ValueError, match="diverged"):
        model.set_params(learning_rate_init=1e20, max_iter=9).fit(R, T[:, 0])
    assert all(np.array_equal(*pair) for pair in zip(weights(model), kept, strict=True))


def test_divergence_keeps_the_weights_of_former_calls():
    model = DFAClassifier((10,), solver="sgd", learning_rate_init=0.1, random_state=0)
    for _ in range(3):
        model.partial_fit(X, y, classes=np.arange(10))
    kept = [weight.copy() for weight in weights(model)]
    model._optimizer.optimizer.learning_rate = 1e300
    with pytest.raises(ValueError, match="diverged"):
        model.partial_fit(X, y)
    assert all(np.array_equal(*pair) for pair in zip(weights(model), kept, strict=True))
    model._optimizer.optimizer.learning_rate = 0.1
    assert model.partial_fit(X, y).loss_ < 5


def test_grid_search_reaches_the_camera():
    opu = OPU(GaussianMedium(), Camera(bits=8, photons=100))
    model = DFAClassifier((20,), "tanh", max_iter=5, feedback="optical", opu=opu, random_state=0)
    # The accuracies of so short a training may be equal, its losses not.
    grid = {"opu__camera__bits": [2, 8]}
    search = GridSearchCV(model, grid, scoring="neg_log_loss", cv=2).fit(X, y)
    assert search.best_estimator_.opu_.camera.bits == search.best_params_["opu__camera__bits"]
    assert len(set(search.cv_results_["mean_test_score"])) == 2
    assert model.fit(X, y).opu_ is not opu


def test_another_device_takes_over():
    model = DFAClassifier((10,), feedback="optical", opu=LIGHT, random_state=0)
    with pytest.raises(ValueError, match='Set error_encoding="ternary"'):
        model.partial_fit(X, y, classes=np.arange(10))
    assert not hasattr(model, "coefs_")
    model.set_params(opu=OPU(random_state=3)).partial_fit(X, y, classes=np.arange(10))
    model.set_params(opu=OPU(camera=Camera(bits=4))).partial_fit(X, y)
    assert model.opu_.camera.bits == 4


def test_weights_given_in_another_order_are_trained():
    model, other = (
        DFAClassifier((10,), random_state=0).partial_fit(X, y, classes=np.arange(10))
        for _ in range(2)
    )
    other.coefs_ = [np.asfortranarray(coef) for coef in other.coefs_]
    assert same(model.partial_fit(X, y), other.partial_fit(X, y))


def test_warm_start_cannot_change_the_layers():
    model = DFAClassifier((5,), max_iter=2, warm_start=True).fit(X, y)
    for sizes in ((7,), (5, 5)):
        with pytest.raises(ValueError, match="Call fit with warm_start=False"):
            model.set_params(hidden_layer_sizes=sizes).fit(X, y)


def test_angles_where_gradients_vanish():
    constant, target = np.ones((100, 3), np.float32), np.random.default_rng(0).normal(size=100)
    for seed in range(5):
        model = DFARegressor(
            hidden_layer_sizes=(20,),
            activation="identity",
            solver="sgd",
            alpha=0,
            learning_rate_init=0.02,
            max_iter=300,
            tol=0,
            n_iter_no_change=1000,
            track_alignment=True,
            random_state=seed,
        ).fit(constant, target)
        assert np.all((np.array(model.alignment_) >= 0) & (np.array(model.alignment_) <= 180))


def interrupt_at(monkeypatch, owner, name, call):
    """Let a function work until it is called that many times, and then be interrupted."""
    function, calls = getattr(owner, name), []

    def interrupted(*arguments, **options):
        calls.append(name)
        if len(calls) == call:
            raise KeyboardInterrupt
        return function(*arguments, **options)

    monkeypatch.setattr(owner, name, interrupted)


@pytest.mark.filterwarnings("ignore:Training interrupted by user")
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("call", [1, 3])
@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (DFAClassifier, "_feed_back"),
        (skopu.neural_network._optimizers._Adam, "_begin"),
        (sklearn.neural_network._multilayer_perceptron, "shuffle"),
        (DFAClassifier, "_update_no_improvement_count"),
    ],
)
def test_an_interrupt_anywhere_in_the_loop(owner, name, call, early_stopping, monkeypatch):
    model = DFAClassifier((5,), early_stopping=early_stopping)
    before = dict(vars(model))
    with monkeypatch.context() as patch:
        interrupt_at(patch, owner, name, call)
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, y)
    assert vars(model) == before, "half a training is none"


@pytest.mark.filterwarnings("ignore:Training interrupted by user")
def test_an_interrupt_of_further_training(monkeypatch):
    model, whole = (DFAClassifier((5,), random_state=0).fit(X, y) for _ in range(2))
    with monkeypatch.context() as patch:
        interrupt_at(patch, skopu.neural_network._optimizers._Adam, "_step", 7)
        with pytest.raises(KeyboardInterrupt):
            model.partial_fit(X, y)
    assert same(model.partial_fit(X, y), whole.partial_fit(X, y))


def test_targets_too_large_for_float32():
    with pytest.raises(ValueError, match="scale X and y"):
        DFARegressor(max_iter=3).fit(R.astype(np.float32), T[:, 0] * 1e39)


def test_layers_beyond_any_stored_matrix():
    model = DFAClassifier(
        (100_000,), "tanh", max_iter=1, opu=OPU(LayeredMedium()), feedback="optical"
    )
    model.fit(X[:40, 20:24].astype(np.float32), y[:40])
    assert model.coefs_[0].shape == (4, 100_000)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"solver": "lbfgs"}, "solver"),
        ({"feedback": "light"}, "feedback"),
        ({"error_encoding": "binary"}, "error_encoding"),
        ({"ternary_threshold": 1.0}, "ternary_threshold"),
        ({"ternary_threshold": -0.1}, "ternary_threshold"),
        ({"opu": GaussianMedium()}, "opu"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes"),
        ({"feedback": "optical", "opu": LIGHT}, 'Set error_encoding="ternary"'),
        ({"feedback": "optical", "opu": OPU(max_inputs=5)}, "has 5 inputs, 10 were asked"),
        ({"feedback": "optical", "opu": OPU(max_outputs=5)}, "has 5 outputs, 50 were asked"),
    ],
)
def test_bad_input(options, match):
    with pytest.raises(ValueError, match=match):
        DFAClassifier(**{"max_iter": 1, **options}).fit(X, y)


@pytest.mark.parametrize(
    ("data", "target", "match"),
    [
        (X * np.nan, y, "contains NaN"),
        (X, y[:-1], "inconsistent numbers of samples"),
        (X, y + 0.5, "Unknown label type"),
        (X[:0], y[:0], "0 sample"),
        (X[0], y, "2D array"),
    ],
)
def test_bad_data(data, target, match):
    with pytest.raises(ValueError, match=match):
        DFAClassifier(max_iter=1).fit(data, target)


def test_another_training_loop_is_refused(monkeypatch):
    """Should scikit-learn call its backward step in another way, that is said."""
    skopu._utils.private_sklearn.training_loop.cache_clear()
    monkeypatch.setitem(skopu._utils.private_sklearn._HOOKS, "_backprop", ["X", "y"])
    for train in (DFAClassifier().fit, DFAClassifier().partial_fit, DFARegressor().fit):
        with pytest.raises(ImportError, match=r"another one in version .* \(_backprop\)"):
            train(X, y)
    monkeypatch.undo()
    skopu._utils.private_sklearn.training_loop.cache_clear()
    assert skopu._utils.private_sklearn.training_loop().derivatives


def test_optimizers_that_hold_other_names_are_refused(monkeypatch):
    skopu._utils.private_sklearn.training_loop.cache_clear()
    parts = ("velocities", "renamed")
    monkeypatch.setitem(skopu._utils.private_sklearn._OPTIMIZERS, "sgd", parts)
    with pytest.raises(ImportError, match=r"another one in version .* \(renamed\)"):
        DFAClassifier().fit(X, y)
    monkeypatch.undo()
    skopu._utils.private_sklearn.training_loop.cache_clear()
    generator = check_random_state(None)  # NumPy's own, of which nothing is drawn
    state = generator.get_state()[1]
    assert skopu._utils.private_sklearn.training_loop().derivatives
    assert np.array_equal(generator.get_state()[1], state)


def test_warnings_of_scikit_learn_stay():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConvergenceWarning):
            DFAClassifier((5,), max_iter=1).fit(X, y)
