"""The matrix measured from intensities, against the glass itself."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer

from skopu import (
    OPU,
    Camera,
    GaussianMedium,
    LayeredMedium,
    MeasuredMedium,
    OpticalRandomFeatures,
)
from skopu.bench import BenchOPU, SimulatedBench, measure_transmission_matrix


def alignment(measured, true):
    """Cosine of the angle between rows, whatever their phase and conjugation."""
    norms = np.linalg.norm(measured, axis=1) * np.linalg.norm(true, axis=1)
    cosines = [abs((rows * true).sum(axis=1)) / norms for rows in (measured, measured.conj())]
    return np.maximum(*cosines)


@pytest.mark.parametrize("medium", [GaussianMedium(), LayeredMedium()])
@pytest.mark.parametrize("n_inputs", [1, 2, 7, 64, 100])
@pytest.mark.parametrize(("n_references", "phase_steps"), [(3, False), (5, False), (3, True)])
def test_without_noise_it_is_the_glass(medium, n_inputs, n_references, phase_steps):
    options = {"n_references": n_references, "reference_size": 5, "n_test": 5}
    options["phase_steps"] = phase_steps
    found, report = measure_transmission_matrix(OPU(medium), n_inputs, 60, **options)
    true = medium.transmission_matrix(n_inputs + 5 * n_references, 60)[:, :n_inputs]
    assert found.matrix.dtype == np.complex64
    assert alignment(found.matrix, true).min() > 0.999
    assert np.allclose(
        np.linalg.norm(found.matrix, axis=1), np.linalg.norm(true, axis=1), rtol=0.01
    )
    X = np.random.default_rng(0).integers(2, size=(20, n_inputs))
    expected = abs(X @ true.T) ** 2
    scale = np.square(true.real).mean() * n_inputs
    assert np.allclose(OPU(found).intensity(X, 60), expected, rtol=1e-2, atol=1e-3 * scale)
    assert report.correlation > 0.999
    assert report.n_test == 5


def test_dark_modes_are_dark():
    """No light and no noise: zeros, where 0 / 0 would make the whole report zero."""
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(100, 200, 2)) @ [1, 1j]
    matrix[7] = 0
    opu = OPU(MeasuredMedium(matrix, normalize=None), Camera(bits=8, photons=1000), input_bits=1)
    medium, report = measure_transmission_matrix(opu, 64, 100)
    assert report.correlation > 0.98
    assert np.array_equal(np.flatnonzero(~medium.matrix.any(axis=1)), [7])
    assert np.isnan(measure_transmission_matrix(opu, 64, 1)[1].correlation)


def test_number_of_frames():
    opu = OPU(input_bits=1)
    _, report = measure_transmission_matrix(opu, 20, 10, n_references=3, n_test=4, repeat=2)
    steady = 16 * 2 * (3 + 3 + 4)  # references, pairs of them, and all inputs beside each and alone
    assert report.n_frames == steady + 2 * (32 * 4 + 4)
    options = {"n_references": 3, "n_test": 4, "repeat": 2, "phase_steps": True}
    _, report = measure_transmission_matrix(OPU(), 20, 10, **options)
    assert report.n_frames == 16 * 2 * (3 + 3) + 2 * (32 * 6 + 4)


@pytest.mark.parametrize("on_a_bench", [False, True])
def test_phase_steps_measure_better(on_a_bench):
    errors = []
    for seed in range(6):
        opu = OPU(GaussianMedium(), Camera(photons=300), random_state=seed)
        if on_a_bench:
            small = {"frame_shape": (40, 40), "grain": 2, "random_state": seed}
            bench = SimulatedBench(n_inputs=2 * 32, modulation="phase", photons=300, **small)
            opu = BenchOPU(bench, reference_size=0)
        for phase_steps in (False, True):
            options = {"phase_steps": phase_steps, "random_state": seed, "n_test": 16}
            _, report = measure_transmission_matrix(opu, 16, 60, **options)
            errors.append(1 - report.correlation)
    gains = np.log(np.divide(errors[::2], errors[1::2]))
    assert gains.mean() > 4 * gains.std(ddof=1) / np.sqrt(6)


def test_more_light_and_more_frames_measure_better():
    def errors(photons, repeat):
        found = []
        for seed in range(6):
            opu = OPU(GaussianMedium(), Camera(photons=photons), input_bits=1, random_state=seed)
            options = {"repeat": repeat, "n_test": 16, "random_state": seed}
            _, report = measure_transmission_matrix(opu, 64, 300, **options)
            found.append(1 - report.correlation)
        return np.mean(found), np.std(found, ddof=1) / np.sqrt(6)

    dim, bright, often = errors(100, 1), errors(10_000, 1), errors(100, 8)
    for better in (bright, often):
        assert dim[0] - better[0] > 4 * np.hypot(dim[1], better[1])


def test_features_of_the_measured_matrix_score_as_on_the_bench():
    X, y = load_digits(return_X_y=True)
    X = Binarizer(threshold=7).transform(X)
    bench = SimulatedBench(n_inputs=64 + 8 * 8)
    opu = BenchOPU(bench, reference_size=0)
    medium, report = measure_transmission_matrix(opu, 64, 500, repeat=2)
    assert report.correlation > 0.97
    scores = []
    for device in (opu, OPU(medium)):
        model = make_pipeline(OpticalRandomFeatures(n=500, opu=device), RidgeClassifier())
        scores.append(model.fit(X[::2], y[::2]).score(X[1::2], y[1::2]))
    standard_error = np.sqrt(scores[0] * (1 - scores[0]) * 2 / len(X[1::2]))
    assert abs(scores[0] - scores[1]) < 4 * standard_error


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"opu": "bench"}, "opu must be"),
        ({"n_inputs": 0}, "n_inputs"),
        ({"n_modes": 1.5}, "n_modes"),
        ({"n_references": 2}, "n_references"),
        ({"reference_size": 0}, "reference_size"),
        ({"repeat": 0}, "repeat"),
        ({"n_test": 1}, "n_test"),
        ({"opu": OPU(input_bits=1), "phase_steps": True}, "Leave phase_steps out"),
        ({"opu": OPU(max_inputs=20)}, "has 20 inputs, 30"),
        ({"opu": OPU(max_outputs=4)}, "has 4 outputs, 5"),
    ],
)
def test_bad_arguments(wrong, match):
    arguments = {"opu": OPU(), "n_inputs": 6, "n_modes": 5, "reference_size": 3, **wrong}
    with pytest.raises(ValueError, match=match):
        measure_transmission_matrix(**arguments)
