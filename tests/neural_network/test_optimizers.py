"""Updates in place are scikit-learn's own updates."""

import copy

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from skopu.neural_network._optimizers import add_scaled, in_place

OPTIMIZERS = {
    "adam": lambda params: AdamOptimizer(params, 0.01, 0.8, 0.99, 1e-6),
    "sgd": lambda params: SGDOptimizer(params, 0.1, "invscaling", 0.9, False, 0.4),
    "nesterov": lambda params: SGDOptimizer(params, 0.1, "adaptive", 0.8, True),
    "plain": lambda params: SGDOptimizer(params, 0.1, momentum=0),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_agrees_with_scikit_learn(name, dtype, monkeypatch, rng):
    monkeypatch.setattr("skopu.neural_network._optimizers._PIECE", 7)
    params = [rng.normal(size=shape).astype(dtype) for shape in ((5, 8), (8, 3), (8,), (1,))]
    theirs, ours = copy.deepcopy(params), copy.deepcopy(params)
    reference = OPTIMIZERS[name](theirs)
    optimizer = in_place(OPTIMIZERS[name](ours))
    kept = [id(param) for param in ours]
    for step in range(6):
        grads = [rng.normal(size=param.shape).astype(dtype) for param in params]
        reference.update_params(theirs, grads)
        optimizer.update_params(ours, copy.deepcopy(grads))
        reference.iteration_ends(10 * step)
        optimizer.iteration_ends(10 * step)
    assert [id(param) for param in ours] == kept
    for our, their, start in zip(ours, theirs, params, strict=True):
        assert our.dtype == dtype
        assert np.allclose(our, their, rtol=1e-5 if dtype == np.float32 else 1e-13)
        assert np.all(abs(our - start) > 1e-6)


def test_stopping_is_left_to_scikit_learn():
    params = [np.zeros(3)]
    adaptive = in_place(SGDOptimizer(params, 0.1, "adaptive"))
    assert not adaptive.trigger_stopping("", False)
    assert adaptive.optimizer.learning_rate == pytest.approx(0.02)
    assert in_place(AdamOptimizer(params)).trigger_stopping("", False)


def test_add_scaled(rng):
    array, other = rng.normal(size=(300, 211)), rng.normal(size=(300, 211))
    expected = array + 0.3 * other
    add_scaled(array, 0.3, other)
    assert np.allclose(array, expected)
