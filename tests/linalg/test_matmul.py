import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from skopu import OPU, Camera, GaussianMedium, LayeredMedium, opu_matmul

from ..statistics import z_score
from .matrices import FORMS, layered, memory_map, noisy

A = np.random.default_rng(0).normal(size=(60, 4))
B = np.random.default_rng(1).normal(size=(60, 3))


def device_errors(A, B, n_components, device, n_seeds=100):
    results = [
        opu_matmul(A, B, n_components, opu=device and device(seed=seed), random_state=seed)
        for seed in range(n_seeds)
    ]
    return (
        np.array([result.value - A.T @ B for result in results]),
        np.array([result.standard_error for result in results]),
    )


@pytest.mark.parametrize("device", [None, layered, noisy], ids=["ideal", "layered", "noisy"])
@pytest.mark.parametrize("right", [A, B], ids=["gram", "product"])
def test_unbiased_with_the_error_reported(right, device):
    """Also where both are the same matrix, whose noise is then not the same."""
    errors, reported = device_errors(A, right, 50, device)
    assert np.all(np.abs(z_score(errors, 0)) < 4.5)
    squared = np.square(errors).sum(axis=(1, 2))
    if device is not layered:
        assert abs(z_score(squared - np.square(reported), 0)) < 4.5
    else:
        assert np.mean(squared) < 1.1 * np.mean(np.square(reported))


def test_error_is_the_theory():
    errors, _ = device_errors(A, B, 80, None, 400)
    expected = (np.sum(A**2) * np.sum(B**2) + np.sum((A.T @ B) ** 2)) / 80
    assert abs(z_score(np.square(errors).sum(axis=(1, 2)), expected)) < 4


def test_strong_noise_in_a_gram_matrix_has_no_bias():
    def device(seed):
        return noisy(seed=seed, photons=None, read_noise=1.0)

    errors, _ = device_errors(A, A, 40, device, 60)
    raw = [np.square(device(seed).linear(A.T, 40)).mean(axis=1) for seed in range(60)]
    assert np.all(z_score(np.array(raw) - np.square(A).sum(axis=0), 0) > 4.5)
    assert np.all(np.abs(z_score(errors, 0)) < 4.5)


def test_noise_is_independent_whoever_holds_the_seed():
    for camera_seed, device_seed in ((None, None), (None, 3), (5, 3)):
        opu = noisy(GaussianMedium(1), seed=device_seed, random_state=camera_seed)
        value = opu_matmul(A[:, :1], A[:, :1], 300, opu=opu).value
        first = opu.linear(A[:, :1].T, 300)
        assert not np.isclose(value, first @ first.T / 300)


def test_noise_of_a_device_of_bit_planes_is_independent():
    """The frames of signed bit planes are many; none of A's may be one of B's."""
    values = []
    signs = np.random.default_rng(3).choice([-3.0, -1.0, 0.0, 2.0], (60, 1))
    for seed in range(80):
        opu = OPU(GaussianMedium(), Camera(photons=3), input_bits=2, random_state=seed)
        values.append(opu_matmul(signs, signs, 20, opu=opu).value[0, 0])
    assert abs(z_score(values, np.sum(signs**2))) < 4


def test_a_digital_sketch_is_as_good():
    """Paired over seeds, errors by light and by NumPy's Gaussian are equally large."""
    optical, _ = device_errors(A, B, 30, None, 50)
    differences = []
    for seed in range(50):
        S = np.random.default_rng(seed).normal(size=(30, 60))
        digital = (S @ A).T @ (S @ B) / 30 - A.T @ B
        differences.append(np.linalg.norm(optical[seed]) - np.linalg.norm(digital))
    assert abs(z_score(differences, 0)) < 3


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same(form, tmp_path):
    expected = opu_matmul(A, B, 20, random_state=0)
    result = opu_matmul(FORMS[form](A, tmp_path), B, 20, random_state=0)
    assert np.allclose(result.value, expected.value)
    assert np.isclose(result.standard_error, expected.standard_error)


@pytest.mark.parametrize("order", ["C", "F"])
def test_integers_are_shown_piece_by_piece(order, tmp_path, monkeypatch):
    monkeypatch.setattr("skopu.linalg._operator._PIECE_BYTES", 8 * 60 * 3)
    counts = np.random.default_rng(0).integers(-9, 9, (60, 10)).astype(np.int8)
    expected = opu_matmul(counts.astype(float), B, 20, random_state=0).value
    shown = []
    project = OPU.project

    def watch(self, X, *args, **options):
        shown.append(X.shape[0])
        return project(self, X, *args, **options)

    monkeypatch.setattr(OPU, "project", watch)
    on_disk = memory_map(counts, tmp_path / "map", order)
    assert np.allclose(opu_matmul(on_disk, B, 20, random_state=0).value, expected)
    assert shown == [3, 3, 3, 1, 3]


def test_error_of_large_and_small_numbers():
    expected = opu_matmul(A, B, 50, random_state=0).standard_error
    for scale in (1e-150, 1e150):
        error = opu_matmul(A * scale, B * scale, 50, random_state=0).standard_error
        assert np.isclose(error / scale / scale, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype(dtype):
    assert opu_matmul(A.astype(dtype), B.astype(dtype), 5).value.dtype == dtype
    assert opu_matmul(A, B.astype(dtype), 5).value.dtype == np.float64


@pytest.mark.parametrize(
    ("left", "right", "options", "match"),
    [
        (A, B[:5], {}, "same number of rows, got 60 and 5"),
        (A, B, {"n_components": 0}, "n_components"),
        (A, B * np.nan, {}, "B contains NaN"),
        (A * 1e-170, B * 1e-170, {}, "too small for float64, .* Scale A or B up"),
        ((A * 1e-22).astype("f4"), (B * 1e-22).astype("f4"), {}, "too small for float32"),
        (A * 1e200, B * 1e200, {}, "The product A.T @ B contains NaN or infinity, or overflows"),
        (A, B, {"opu": OPU(camera=Camera(bits=1, exposure=1e-9))}, "nothing but zeros"),
        (A * 1j, B, {}, "A must be real"),
        (A, np.empty((60, 0)), {}, "B must be 2-d, with at least one row"),
        (scipy.sparse.csr_matrix(A * np.inf), B, {}, "A contains NaN or infinity"),
        (
            A,
            LinearOperator((60, 3), matvec=lambda x: B @ x, dtype=float),
            {},
            "B gives no transposed",
        ),
        (A, B, {"opu": OPU(LayeredMedium(), max_inputs=10)}, "10 inputs"),
        (aslinearoperator(A), B, {"opu": 3}, "opu must be"),
    ],
)
def test_bad_input(left, right, options, match):
    with pytest.raises(ValueError, match=match):
        opu_matmul(left, right, **{"n_components": 5, **options})
