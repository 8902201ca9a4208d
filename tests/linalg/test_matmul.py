import itertools
import re
import warnings

import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import LinearOperator, aslinearoperator
from sklearn.exceptions import ConvergenceWarning

from skopu import OPU, Camera, GaussianMedium, LayeredMedium, opu_matmul

from ..statistics import z_score
from .matrices import FORMS, Counting, layered, memory_map, noisy

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


NEAR = A[:, :2] + 0.5 * np.random.default_rng(2).normal(size=(60, 2))


def relative(left, right, error):
    return error / np.linalg.norm(left.T @ right)


@pytest.mark.parametrize("rtol", [0.3, 0.1])
@pytest.mark.parametrize("right", [A, NEAR, NEAR[:, :1]], ids=["gram", "two", "one"])
def test_stopping_does_not_spoil_the_error(right, rtol):
    """Squares of errors over those that are said have the mean one, and no bias."""
    results = [opu_matmul(A, right, 50_000, rtol=rtol, random_state=seed) for seed in range(150)]
    errors = np.array([result.value - A.T @ right for result in results])
    reported = np.array([result.standard_error for result in results])
    assert abs(z_score(np.square(errors).sum(axis=(1, 2)) / np.square(reported), 1)) < 4
    assert np.all(np.abs(z_score(errors, 0)) < 4.5)
    # It is what was asked for, and not by far less.
    assert np.mean(relative(A, right, reported)) < 1.05 * rtol
    if rtol == 0.1:
        assert np.mean(relative(A, right, reported)) > 0.7 * rtol


@pytest.mark.parametrize("device", [layered, noisy])
def test_rounds_by_other_devices(device):
    results = [opu_matmul(A, A, 20_000, rtol=0.1, opu=device(seed=seed)) for seed in range(30)]
    squares = [np.sum((found.value - A.T @ A) ** 2) / found.standard_error**2 for found in results]
    if device is noisy:
        assert abs(z_score(squares, 1)) < 4.5
    else:
        assert np.mean(squares) < 1.1


def test_rounds_are_together_one_estimate(monkeypatch):
    """As if all projections had been asked for at once; the last are not more than was said."""
    asked = []
    project = OPU.project

    def watch(self, X, n, *args, **options):
        asked.append(n)
        return project(self, X, n, *args, **options)

    monkeypatch.setattr(OPU, "project", watch)
    found = opu_matmul(A, B, 100_000, rtol=0.1, random_state=0)
    assert len(asked) > 2
    made = asked[::2]
    assert made == asked[1::2] == sorted(made)
    assert made[0] == 100
    assert all(more <= 2 * n for n, more in itertools.pairwise(made))
    at_once = opu_matmul(A, B, made[-1], random_state=0)
    assert np.allclose(found.value, at_once.value, rtol=1e-12)
    assert found.standard_error == pytest.approx(at_once.standard_error, rel=1e-12)
    enough = opu_matmul(A, B, made[-1], rtol=0.1, random_state=0)
    assert np.array_equal(enough.value, found.value)


def test_products_with_an_operator_are_not_repeated():
    left, right = Counting(A), Counting(NEAR)
    found = opu_matmul(left, right, 50_000, rtol=0.1, random_state=0)
    expected = opu_matmul(A, NEAR, 50_000, rtol=0.1, random_state=0)
    assert np.allclose(found.value, expected.value)
    assert left.n_matvecs == right.n_matvecs
    at_once = opu_matmul(A, NEAR, left.n_matvecs, random_state=0)
    assert np.allclose(found.value, at_once.value)


def test_an_error_that_cannot_be_reached_is_told():
    with pytest.warns(ConvergenceWarning, match=r"not rtol=0.001, after 300 proj.* about") as told:
        found = opu_matmul(A, A, 300, rtol=1e-3, random_state=0)
    needed = float(re.search(r"about (\S+) would do", str(told[0].message)).group(1))
    gram = A.T @ A
    exact = (np.sum(A**2) ** 2 + np.sum(gram**2)) / np.sum(gram**2) / 1e-6
    assert needed == pytest.approx(exact, rel=0.3)
    at_once = opu_matmul(A, A, 300, random_state=0)
    assert np.allclose(found.value, at_once.value)
    with pytest.warns(ConvergenceWarning, match="after 20 projections"):
        opu_matmul(A, A, 20, rtol=0.01, random_state=0)
    with pytest.warns(ConvergenceWarning, match="after 300 projections"):
        opu_matmul(A, A, 300, rtol=1e-200, random_state=0)


def test_a_product_of_zero_has_no_relative_error():
    left, right = np.kron(np.eye(2), A[:30])[:, :4], np.kron(np.eye(2), A[:30])[:, 4:]
    assert not (left.T @ right).any()
    n_told = 0
    for seed in range(20):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            found = opu_matmul(left, right, 1000, rtol=0.1, random_state=seed)
        assert len(told) == 1
        assert found.standard_error > 0
        n_told += "too near to zero" in str(told[0].message)
    assert n_told > 0
    nothing = opu_matmul(0 * A, B, 1000, rtol=0.1)  # which is sure
    assert nothing.standard_error == 0
    assert not nothing.value.any()


@pytest.mark.parametrize("exponent", [-500, 500])
def test_rounds_of_large_and_small_numbers(exponent):
    expected = opu_matmul(A, A, 10_000, rtol=0.1, random_state=0)
    found = opu_matmul(
        np.ldexp(A, exponent), np.ldexp(A, exponent), 10_000, rtol=0.1, random_state=0
    )
    assert np.allclose(np.ldexp(found.value, -2 * exponent), expected.value)


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
        (A, B, {"rtol": 0}, "rtol must be a positive number, or None, got 0"),
        (A, B, {"rtol": -0.1}, "rtol must be a positive number, or None"),
        (A, B, {"rtol": np.nan}, "rtol must be a positive number, or None, got nan"),
    ],
)
def test_bad_input(left, right, options, match):
    with pytest.raises(ValueError, match=match):
        opu_matmul(left, right, **{"n_components": 5, **options})
