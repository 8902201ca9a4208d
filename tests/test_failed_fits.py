"""A fit that fails or is interrupted leaves the estimator exactly as it was."""

import numpy as np
import pytest

from skopu import (
    OPUPCA,
    DFAClassifier,
    DFAGraphClassifier,
    DFARegressor,
    OpticalRandomFeatures,
    OpticalRidge,
    OpticalRidgeClassifier,
    OPUTraceEstimator,
    OPUTruncatedSVD,
)
from skopu.optics import GaussianMedium, LayeredMedium

# Estimator, targets of 30 samples, and what it answers of samples once it is fitted.
X = np.random.default_rng(0).normal(size=(30, 6))
CLASSES = np.arange(30) % 3
NUMBERS = X[:, 0]
CASES = [
    (OpticalRandomFeatures(20), None, "transform"),
    (OpticalRidge(20, alphas=[0.1, 1, 10], kernel="arc_cosine"), NUMBERS, "predict"),
    (OpticalRidge(20, solver="cg"), NUMBERS, "predict"),
    (OpticalRidgeClassifier(20), CLASSES, "decision_function"),
    (OPUPCA(2), None, "transform"),
    (OPUTruncatedSVD(2), None, "transform"),
    (DFAClassifier((8,), max_iter=3), CLASSES, "predict_proba"),
    (DFARegressor(hidden_layer_sizes=(8,), max_iter=3), NUMBERS, "predict"),
    (DFAClassifier((8,), max_iter=3, warm_start=True), CLASSES, "predict_proba"),
    (DFAGraphClassifier((8,), max_iter=3), CLASSES, "predict_proba"),
    (OPUTraceEstimator(20), None, None),
]
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:The best of alphas"),
    pytest.mark.filterwarnings("ignore:Training interrupted by user"),  # by scikit-learn's loop
]


def state(estimator):
    """All attributes, as text that tells arrays apart to the last bit."""

    def told(value):
        if isinstance(value, np.ndarray):
            return value.dtype.str, value.shape, value.tobytes()
        if isinstance(value, list | tuple):
            return [told(entry) for entry in value]
        return repr(value)

    # Objects that change inside are shown by what the estimator answers.
    return {name: told(v) for name, v in vars(estimator).items() if not name.startswith("_")}


def fitted(estimator, y):
    data = X @ X.T if isinstance(estimator, OPUTraceEstimator) else X
    return data, estimator.set_params(random_state=0).fit(data, *([] if y is None else [y]))


@pytest.mark.parametrize(("estimator", "y", "method"), CASES, ids=lambda value: repr(value)[:50])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_interrupted_in_the_light(estimator, y, method, error, monkeypatch):
    """The second fit, to other data and with other glass, is interrupted in its propagation."""
    data, model = fitted(estimator, y)
    before = state(model)
    answer = getattr(model, method)(data) if method else None
    model.set_params(random_state=1)
    calls = []

    def fail(self, *args, **options):
        calls.append(self)
        raise error("in the middle")

    with monkeypatch.context() as patch:
        for medium in (GaussianMedium, LayeredMedium):
            patch.setattr(medium, "propagate", fail)
            patch.setattr(medium, "read", fail)
        if isinstance(model, OpticalRandomFeatures):  # its fit needs no light
            patch.setattr(LayeredMedium, "block_size", fail)
        # The loop of scikit-learn's networks keeps an interrupt to itself, and ours tells.
        hidden = error is KeyboardInterrupt and isinstance(model, DFAClassifier | DFARegressor)
        with pytest.raises(error, match=None if hidden else "in the middle"):
            model.fit(2 * data, *([] if y is None else [y]))
    assert calls
    model.set_params(random_state=0)
    assert state(model) == before
    if method:
        assert np.array_equal(getattr(model, method)(data), answer)


@pytest.mark.parametrize(("estimator", "y", "method"), CASES, ids=lambda value: repr(value)[:50])
def test_refused_data_of_another_width(estimator, y, method):
    _, model = fitted(estimator, y)
    before = state(model)
    bad = np.full((30, 4), np.nan)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(bad, *([] if y is None else [y]))
    assert state(model) == before


def test_a_batch_that_overflows_is_forgotten():
    svd = OPUTruncatedSVD(2, random_state=0).partial_fit(X)
    before, answer = state(svd), svd.transform(X)
    with pytest.raises(ValueError, match=r"overflow|range|[Ss]cale"):
        svd.partial_fit(X * 1e160)
    assert state(svd) == before
    assert np.array_equal(svd.transform(X), answer)
    again = OPUTruncatedSVD(2, random_state=0).partial_fit(X).partial_fit(X[::-1])
    assert np.array_equal(svd.partial_fit(X[::-1]).components_, again.components_)
