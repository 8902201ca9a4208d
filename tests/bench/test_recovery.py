"""From speckle back to what was shown."""

import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn.exceptions import ConvergenceWarning

from skopu import OPU, Camera, GaussianMedium, LayeredMedium, MeasuredMedium
from skopu.bench import (
    BenchOPU,
    SimulatedBench,
    measure_transmission_matrix,
    recover_inputs,
)


def errors(found, X):
    """Relative error of each row, up to its sign."""
    signs = np.where((found * X).sum(axis=1) < 0, -1, 1)[:, None]
    return np.linalg.norm(signs * found - X, axis=1) / np.linalg.norm(X, axis=1)


@pytest.mark.parametrize("medium", [GaussianMedium(1), LayeredMedium(random_state=2)], ids=str)
@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e6])
def test_signed_rows(medium, scale):
    X = scale * np.random.default_rng(0).normal(size=(3, 60))
    found, residual = recover_inputs(medium, OPU(medium).intensity(X, 180), 60)
    assert errors(found, X).max() < 1e-3
    assert (found.sum(axis=1) >= 0).all()
    assert residual.max() < 1e-3


def test_a_matrix_in_any_unit():
    matrix = 1e4 * GaussianMedium(3).transmission_matrix(40, 120)
    medium = MeasuredMedium(matrix, normalize=None)
    X = np.random.default_rng(0).normal(size=(2, 40))
    found, _ = recover_inputs(medium, abs(X @ matrix.T) ** 2, 40)
    assert errors(found, X).max() < 1e-3


def test_bounds_take_fewer_modes():
    """Zeros and ones from hardly more modes than inputs, where nothing else would do."""
    rng, right = np.random.default_rng(0), []
    for seed in range(10):
        X, medium = rng.integers(2, size=(1, 60)).astype(float), GaussianMedium(seed)
        found, _ = recover_inputs(medium, OPU(medium).intensity(X, 84), 60, bounds=(0, 1))
        right.append(np.array_equal(found.round(), X))
        assert found.min() >= 0
        assert found.max() <= 1
    assert np.mean(right) >= 0.9
    X = rng.random((2, 60))
    found, _ = recover_inputs(medium, OPU(medium).intensity(X, 120), 60, bounds=(0, None))
    assert errors(found, X).max() < 1e-3


@pytest.mark.parametrize("bounds", [(-1, 0), (-0.7, 0.3), (None, -0.1), (-1, 1)])
def test_bounds_of_any_sign(bounds):
    lower = -1 if bounds[0] is None else bounds[0]
    X = np.random.default_rng(0).uniform(lower, bounds[1], size=(3, 40))
    medium = GaussianMedium(1)
    found, _ = recover_inputs(medium, OPU(medium).intensity(X, 120), 40, bounds=bounds)
    assert found.min() >= lower - 1e-3
    assert found.max() <= bounds[1]
    assert errors(found, X).max() < 1e-3


def test_as_many_modes_as_inputs_of_which_some_are_dark():
    X, medium = np.random.default_rng(0).random((5, 30)), GaussianMedium(3)
    readings = OPU(medium, Camera(bits=8)).intensity(X, 30)
    assert (readings == 0).any()
    found, residual = recover_inputs(medium, readings, 30, bounds=(0, 1))
    assert np.isfinite(found).all()
    assert residual.max() < 0.1


def test_sparse_intensities():
    X, medium = np.random.default_rng(0).random((2, 20)), GaussianMedium(1)
    readings = OPU(medium).intensity(X, 60)
    found = recover_inputs(medium, scipy.sparse.csr_array(readings), 20)
    assert np.array_equal(found.X, recover_inputs(medium, readings, 20).X)


def test_too_few_modes_are_told():
    X, medium = np.random.default_rng(0).normal(size=(2, 60)), GaussianMedium(1)
    with pytest.warns(ConvergenceWarning, match="2 of 2 rows do not explain their speckle"):
        recover_inputs(medium, OPU(medium).intensity(X, 90), 60, max_iter=3, max_residual=0.005)
    with pytest.warns(ConvergenceWarning, match="more than one explanation"):
        _, residual = recover_inputs(medium, OPU(medium).intensity(X, 50), 60)
    assert residual.max() < 1e-3


def test_several_starts_find_more():
    found = {1: [], 10: []}
    for seed in range(15):
        X, medium = np.random.default_rng(seed).normal(size=(1, 60)), GaussianMedium(seed)
        for n_init, each in found.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                x, _ = recover_inputs(medium, OPU(medium).intensity(X, 84), 60, n_init=n_init)
            each.append(errors(x, X)[0] < 1e-2)
    assert np.sum(found[10]) > np.sum(found[1])


def test_dark_and_single():
    medium = GaussianMedium(1)
    found, residual = recover_inputs(medium, np.zeros((2, 9)), 3)
    assert not found.any()
    assert not residual.any()
    found, _ = recover_inputs(medium, OPU(medium).intensity([[-3.0]], 4), 1)
    assert found[0, 0] == pytest.approx(3)


def test_what_a_noisy_camera_saw():
    opu = OPU(GaussianMedium(1), Camera(bits=8, photons=1000))
    X = np.random.default_rng(0).integers(2, size=(4, 60)).astype(float)
    found, residual = recover_inputs(opu.medium, opu.intensity(X, 240), 60, bounds=(0, 1))
    assert np.array_equal(found.round(), X)
    assert (residual > 0.005).all()


def test_what_a_bench_showed():
    """By the matrix that was measured on it, of patterns that it was not measured with."""
    opu = BenchOPU(SimulatedBench(n_inputs=64, frame_shape=(60, 60)), reference_size=0)
    medium, _ = measure_transmission_matrix(opu, 32, 150, repeat=4)
    X = np.random.default_rng(0).integers(2, size=(5, 32)).astype(float)
    X[~X.any(axis=1), 0] = 1
    readings = np.maximum(opu.intensity(X, 150), 0)
    found, _ = recover_inputs(medium, readings, 32, bounds=(0, 1))
    assert (found.round() == X).mean() > 0.98


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"medium": "glass"}, "medium must be"),
        ({"intensity": -np.ones((1, 9))}, "negative"),
        ({"intensity": np.full((1, 9), np.nan)}, "NaN"),
        ({"intensity": np.ones(9)}, "2-d"),
        ({"n_inputs": 0}, "n_inputs"),
        ({"bounds": 5}, "bounds"),
        ({"bounds": (1, 0)}, "bounds are empty"),
        ({"bounds": (0, "one")}, "bounds"),
        ({"max_iter": 0}, "max_iter"),
        ({"n_init": 0}, "n_init"),
        ({"max_residual": 0}, "max_residual"),
        ({"tol": 0}, "tol"),
        ({"medium": MeasuredMedium(np.ones((5, 3)))}, "5 output modes"),
    ],
)
def test_bad_input(change, match):
    options = {"medium": GaussianMedium(1), "intensity": np.ones((1, 9)), "n_inputs": 3, **change}
    with pytest.raises(ValueError, match=match):
        recover_inputs(**options)
