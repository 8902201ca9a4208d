"""Networks trained by direct feedback alignment as scikit-learn's estimators, by skorch."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

torch = pytest.importorskip("torch")
skorch = pytest.importorskip("skorch")

from torch import nn

from skopu import OPU, Camera, GaussianMedium
from skopu.torch import DirectFeedback

NOISY = OPU(GaussianMedium(), Camera(bits=8, photons=1000), input_bits=1, random_state=2)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def perceptron(n_inputs=64, n_outputs=10):
    return nn.Sequential(nn.Linear(n_inputs, 100), nn.Tanh(), nn.Linear(100, n_outputs))


def classifier(**options):
    return skorch.NeuralNetClassifier(
        DirectFeedback,
        module__model=perceptron,
        module__random_state=0,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=0.01,
        max_epochs=10,
        train_split=None,
        verbose=0,
        **options,
    )


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


def test_classifier(digits):
    X, y = digits
    net = classifier().fit(X[:1400], y[:1400])
    assert net.score(X[1400:], y[1400:]) > 0.85
    assert np.allclose(net.predict_proba(X[1400:]).sum(axis=1), 1, atol=1e-5)
    again = pickle.loads(pickle.dumps(net))
    assert np.array_equal(again.predict(X), net.predict(X))


def test_second_fit_begins_anew(digits):
    X, y = digits
    net = clone(classifier())
    torch.manual_seed(1)
    first = net.fit(X[:300], y[:300]).predict_proba(X)
    torch.manual_seed(1)
    assert np.array_equal(net.fit(X[:300], y[:300]).predict_proba(X), first)


def test_grid_search_in_a_pipeline(digits):
    X, y = digits
    grid = {
        "neuralnetclassifier__module__error_encoding": ["exact", "ternary"],
        "neuralnetclassifier__module__feedback": ["dense", "backprop"],
    }
    pipeline = make_pipeline(StandardScaler(), classifier())
    search = GridSearchCV(pipeline, grid, cv=2).fit(X[:600], y[:600])
    assert search.cv_results_["mean_test_score"].min() > 0.8
    assert search.best_estimator_.score(X[600:], y[600:]) > 0.85


def test_noisy_device(digits):
    X, y = digits
    options = {"feedback": "optical", "error_encoding": "ternary", "opu": NOISY}
    net = classifier(**{f"module__{name}": value for name, value in options.items()})
    assert cross_val_score(net, X, y, cv=2).mean() > 0.85
    net.fit(X[:200], y[:200])
    assert net.module_.n_steps == 10 * 2


def test_regressor():
    X, y = load_diabetes(return_X_y=True)
    X, y = X.astype(np.float32) * 20, ((y - y.mean()) / y.std()).astype(np.float32)[:, None]
    net = skorch.NeuralNetRegressor(
        DirectFeedback,
        module__model=lambda: perceptron(10, 1),
        module__random_state=0,
        optimizer=torch.optim.Adam,
        lr=0.003,
        max_epochs=30,
        train_split=None,
        verbose=0,
    )
    assert net.fit(X[:300], y[:300]).score(X[300:], y[300:]) > 0.3


def test_no_more_training_where_it_diverged(digits):
    """The weights are those of the last step before it."""
    X, y = digits
    net = classifier().set_params(lr=1e30, optimizer=torch.optim.SGD)
    net.set_params(
        module__model=lambda: nn.Sequential(nn.Linear(64, 9), nn.ReLU(), nn.Linear(9, 10))
    )
    with pytest.raises(ValueError, match="training has diverged"):
        net.fit(X, y)
