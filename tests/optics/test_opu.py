"""The device: modulator, holography, limits, seeds."""

import pickle
import tracemalloc

import numpy as np
import pytest
import scipy.sparse
import scipy.stats
import threadpoolctl
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skopu.optics import OPU, Camera, GaussianMedium, LayeredMedium, MeasuredMedium, flaws
from skopu.optics import camera as camera_module
from skopu.optics._holography import reference_powers
from tests.statistics import z_score

NOISY = Camera(bits=10, photons=300, read_noise=0.02)
# A camera whose noise is far below rounding, so that all of the simulated optics runs.
FAINT = Camera(read_noise=1e-13)


def rows(n_rows=6, n_inputs=30, seed=0):
    return np.random.default_rng(seed).normal(size=(n_rows, n_inputs))


def test_intensity_and_linear_come_from_the_field():
    opu, X = OPU(random_state=1), rows()
    field = opu.field(X, 50)
    assert_allclose(opu.intensity(X, 50), np.abs(field) ** 2)
    both = np.stack([field.real, field.imag], axis=-1).reshape(len(X), -1) * np.sqrt(2)
    assert_allclose(opu.linear(X, 100), both)
    assert_allclose(opu.linear(X, 99), both[:, :99])
    assert_allclose(opu.linear(X, 1), both[:, :1])


def test_default_medium_is_layered_and_random_state_names_it():
    X = rows()
    expected = LayeredMedium(random_state=5).field(X, 20)
    assert_array_equal(OPU(random_state=5).field(X, 20), expected)
    assert_array_equal(OPU(LayeredMedium(), random_state=5).field(X, 20), expected)
    assert_array_equal(OPU(LayeredMedium(random_state=5), random_state=6).field(X, 20), expected)
    assert_array_equal(OPU(random_state=None).field(X, 20), OPU(random_state=0).field(X, 20))


def test_speckle_intensity_is_exponential():
    x = rows(1, 400)
    x /= np.linalg.norm(x)
    read = OPU(random_state=2).intensity(x, 100_000)[0]
    assert scipy.stats.kstest(read[::7], "expon").pvalue > 1e-4
    samples = np.array([OPU(random_state=seed).intensity(x, 2)[0] for seed in range(3000)])
    for column in samples.T:
        assert scipy.stats.kstest(column, "expon").pvalue > 1e-4


def test_linear_is_normal_and_keeps_inner_products():
    X = rows(2, 50)
    samples = np.array([OPU(random_state=seed).linear(X, 4) for seed in range(1500)])
    for i, j in [(0, 0), (0, 1), (1, 1)]:
        assert np.abs(z_score(samples[:, i] * samples[:, j], X[i] @ X[j])).max() < 4.5
    normalised = samples / np.linalg.norm(X, axis=1)[:, None]
    for values in normalised.reshape(len(samples), -1).T:
        assert scipy.stats.kstest(values, "norm").pvalue > 1e-4
    assert abs(z_score(samples[:, 0, 0] * samples[:, 0, 1], 0)) < 4.5


@pytest.mark.parametrize("medium", [LayeredMedium(), GaussianMedium()], ids=str)
@pytest.mark.parametrize("input_bits", [None, 1, 3, 8])
@pytest.mark.parametrize("sparse", [False, True])
def test_holography_equals_the_field_without_noise(medium, input_bits, sparse):
    rng = np.random.default_rng(0)
    largest = 1 if input_bits is None else 2**input_bits - 1
    X = rng.integers(-largest, largest + 1, size=(5, 40)).astype(float)
    X[1] = 0
    if sparse:
        X = scipy.sparse.csr_array(X)
    ideal = OPU(medium, input_bits=input_bits)
    real = OPU(medium, FAINT, input_bits=input_bits)
    scale = largest * 10
    assert_allclose(real.linear(X, 51), ideal.linear(X, 51), atol=1e-9 * scale)
    X = abs(X)
    assert_allclose(real.intensity(X, 51), ideal.intensity(X, 51), atol=1e-9 * scale**2)


@pytest.mark.parametrize("medium", [LayeredMedium(), GaussianMedium()], ids=str)
@pytest.mark.parametrize("input_bits", [None, 1, 3])
@pytest.mark.parametrize("sparse", [False, True])
def test_an_internal_reference_gives_real_parts(medium, input_bits, sparse):
    rng = np.random.default_rng(0)
    largest = 1 if input_bits is None else 2**input_bits - 1
    X = rng.integers(-largest, largest + 1, size=(5, 40)).astype(float)
    X[1] = 0
    options = {"input_bits": input_bits, "holography": "internal_reference"}
    ideal, faint = OPU(medium, **options), OPU(medium, FAINT, **options)
    field = OPU(medium).field(X, 51)
    light = scipy.sparse.csr_array(X) if sparse else X
    assert_allclose(ideal.linear(light, 51), np.sqrt(2) * field.real, atol=1e-12 * largest)
    assert_allclose(faint.linear(light, 51), ideal.linear(X, 51), atol=1e-9 * largest * 10)
    assert ideal.linear(light.astype(np.float32), 51).dtype == np.float32


def test_an_internal_reference_has_no_intensity_of_planes():
    opu = OPU(input_bits=4, holography="internal_reference")
    for ask in (lambda: opu.intensity(np.ones((1, 3)), 5), lambda: opu.exposures(5)):
        with pytest.raises(ValueError, match="only real parts"):
            ask()
    assert opu.exposures(7, "linear", signed=True) == 7 * 8 * 2
    assert OPU(holography="internal_reference").intensity(np.ones((1, 3)), 5).shape == (1, 5)


def test_an_internal_reference_with_shot_noise_is_unbiased():
    x, n = rows(1, 30), 2000
    power, glass = float(np.sum(x**2)), LayeredMedium(random_state=0)
    options = {"holography": "internal_reference"}
    exact = OPU(glass, **options).linear(x, n)[0]
    opus = [OPU(glass, Camera(photons=100), random_state=s, **options) for s in range(60)]
    error = np.array([opu.linear(x, n)[0] for opu in opus]) - exact
    assert abs(z_score(error.mean(axis=1), 0)) < 4.5
    field = OPU(glass).field(x, n)[0]
    reference = power * reference_powers(0, n)
    counted = abs(field + np.sqrt(reference)) ** 2 + abs(field) ** 2
    expected = counted * (2.25 * power / 100) / (2 * reference)
    assert abs(z_score((error**2 / expected).mean(axis=1), 1)) < 4.5


def test_powers_of_an_internal_reference():
    powers = reference_powers(3, 100_000)
    assert_array_equal(reference_powers(3, 1000), powers[:1000])
    assert scipy.stats.kstest(powers[::7] - 0.25, "expon").pvalue > 1e-4


@pytest.mark.parametrize("holography", ["phase_shifting", "internal_reference"])
@pytest.mark.parametrize("input_bits", [None, 1, 4])
def test_noise_depends_on_the_row_alone(input_bits, holography):
    """Any batch, order, type, storage and number of threads; fewer outputs are a part."""
    opu = OPU(camera=NOISY, input_bits=input_bits, random_state=3, holography=holography)
    X = np.random.default_rng(0).integers(0, 2, size=(30, 20)).astype(float)
    X[4] = 0
    planes = holography == "internal_reference" and input_bits == 4  # they have no intensity
    for read in (opu.linear,) if planes else (opu.intensity, opu.linear):
        whole = read(X, 1500)
        assert_array_equal(read(X[7:9], 1500), whole[7:9])
        assert_array_equal(read(X[::-1], 1500)[::-1], whole)
        assert_array_equal(read(X, 1500), whole)
        assert_allclose(read(scipy.sparse.csr_array(X), 1500), whole, rtol=1e-9, atol=1e-9)
        for n_threads in (1, 3):
            with threadpoolctl.threadpool_limits(n_threads):
                assert_array_equal(read(X, 1500), whole)
        assert_allclose(read(X, 70), whole[:, :70], rtol=1e-9, atol=1e-9)
        assert_array_equal(pickle.loads(pickle.dumps(opu)).linear(X, 9), opu.linear(X, 9))
        single = read(X.astype("f"), 1500)
        assert single.dtype == np.float32
        assert_allclose(single, whole, rtol=1e-6)


def test_noise_is_fresh_for_each_exposure_and_seed():
    X = rows()
    opu = OPU(LayeredMedium(random_state=0), NOISY, random_state=0)
    exact = OPU().intensity(X, 4000)
    once, often = (opu.intensity(X, 4000, repeat=repeat) - exact for repeat in (1, 9))
    assert np.mean(often**2) < np.mean(once**2) / 5
    other = clone(opu).set_params(random_state=1).intensity(X, 4000) - exact
    assert abs(z_score((once * other).ravel(), 0)) < 4.5
    exact = OPU().linear(X, 4000)
    once, often = (opu.linear(X, 4000, repeat=repeat) - exact for repeat in (1, 9))
    assert np.mean(often**2) < np.mean(once**2) / 5
    real, imaginary = once[:, ::2], once[:, 1::2]
    assert abs(z_score((real * imaginary).ravel(), 0)) < 4.5


def test_holography_with_shot_noise_is_unbiased():
    """Variance of a difference of two Poisson frames, over the reference's factor."""
    x = rows(1, 30)
    power = float(np.sum(x**2))
    exact = OPU().linear(x, 2000)[0]
    opus = [
        OPU(LayeredMedium(random_state=0), Camera(photons=100), random_state=s) for s in range(60)
    ]
    error = np.array([opu.linear(x, 2000)[0] for opu in opus]) - exact
    assert abs(z_score(error.mean(axis=1), 0)) < 4.5
    mean_intensity = np.abs(OPU().field(x, 1000)[0]) ** 2
    # Frames hold |y|^2 + a^2 -+ 2 a Re y: the sum of the two is their noise.
    per_photon = 2 * power / 100
    expected = 2 * np.repeat(2 * (mean_intensity + power), 2) * per_photon / (16 * power)
    assert abs(z_score((error**2 / expected).mean(axis=1), 1)) < 4.5


def test_opu_shares_its_parts_and_clones_keep_the_glass():
    opu = OPU(GaussianMedium(2), NOISY, input_bits=None, random_state=8)
    X = rows()
    assert_array_equal(clone(opu).linear(X, 30), opu.linear(X, 30))
    opu.set_params(medium__random_state=3)
    assert_array_equal(opu.field(X, 30), GaussianMedium(3).field(X, 30))
    opu.set_params(medium=None, camera=None)
    assert_array_equal(opu.intensity(X, 30), OPU(random_state=8).intensity(X, 30))


@pytest.mark.parametrize("scale", [0.01, 7])
def test_exposure_follows_a_medium_that_is_not_normalised(scale):
    matrix = scale * GaussianMedium(1).transmission_matrix(30, 500)
    X = rows()
    for read in ("intensity", "linear"):
        exact = getattr(OPU(MeasuredMedium(matrix, normalize=None)), read)(X, 500)
        opu = OPU(MeasuredMedium(matrix, normalize=None), Camera(bits=12, photons=1e4))
        error = getattr(opu, read)(X, 500) - exact
        assert np.linalg.norm(error) < 0.03 * np.linalg.norm(exact)


def test_single_precision_rows_read_alike_in_any_batch():
    """Poisson numbers take as many draws as they need: rounding must not change it."""
    X = rows(600, 64).astype("f")
    opu = OPU(GaussianMedium(0), Camera(photons=100))
    whole = opu.intensity(X, 1000)
    for row in range(0, 600, 37):
        assert_array_equal(opu.intensity(X[row : row + 1], 1000)[0], whole[row])


def test_bit_planes_are_shown_one_by_one():
    """So that memory does not grow with their number."""
    X = np.random.default_rng(0).integers(0, 2**16, size=(30, 3000)).astype(float)
    opu = OPU(camera=NOISY, input_bits=16)
    tracemalloc.start()
    opu.linear(X, 4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * X.nbytes


def test_exposures_count_frames():
    assert OPU().exposures(7) == 7
    assert OPU().exposures(7, "linear") == 28
    assert OPU().exposures(7, "linear", signed=True) == 28, "phases show signs in one frame"
    assert OPU(input_bits=1).exposures(7) == 7
    assert OPU(input_bits=1).exposures(7, "linear") == 28
    assert OPU(input_bits=1).exposures(7, "linear", signed=True) == 56
    assert OPU(input_bits=8).exposures(7) == 7 * 8 * 4
    assert OPU(input_bits=8).exposures(7, repeat=3) == 7 * 8 * 4 * 3
    assert OPU().exposures(0) == 0
    with pytest.raises(ValueError, match="kind"):
        OPU().exposures(7, "phase")
    with pytest.raises(ValueError, match="Signed input"):
        OPU(input_bits=1).exposures(7, signed=True)


@pytest.mark.parametrize(
    ("input_bits", "signed"), [(None, False), (1, False), (1, True), (3, True)]
)
@pytest.mark.parametrize("holography", ["phase_shifting", "internal_reference"])
def test_exposures_are_the_frames_that_are_taken(input_bits, signed, holography, monkeypatch):
    frames = []
    detect = camera_module._detect

    def count(chain, signals, *arguments):
        frames.extend(signals)
        return detect(chain, signals, *arguments)

    monkeypatch.setattr(camera_module, "_detect", count)
    opu = OPU(camera=NOISY, input_bits=input_bits, holography=holography)
    X = np.array([[1.0, -1.0 if signed else 0.0], [1.0, 1.0]])
    opu.linear(X, 10, repeat=2)
    assert len(frames) == opu.exposures(2, "linear", signed=signed, repeat=2)
    frames.clear()
    if holography == "phase_shifting" or input_bits != 3:
        opu.intensity(abs(X), 10)
        assert len(frames) == opu.exposures(2)


def test_ideal_camera_takes_no_frames(monkeypatch):
    monkeypatch.setattr(Camera, "read_frames", None)
    OPU(camera=Camera(), input_bits=8).linear(np.array([[255, 3]]), 10)
    OPU(input_bits=8).intensity(np.array([[255, 3]]), 10)


def test_aurora_has_the_limits_of_the_appliance():
    opu = OPU.aurora(random_state=4)
    assert (opu.input_bits, opu.camera.bits, opu.random_state) == (1, 8, 4)
    one = scipy.sparse.csr_array(([1.0], [0], [0, 1]), (1, 1_039_680))
    read = opu.intensity(one.astype(np.float32), 2_219_520)
    assert read.shape == (1, 2_219_520)
    assert read.dtype == np.float32
    assert len(np.unique(read)) <= 256
    with pytest.raises(ValueError, match="2219520 outputs, 2219521 were asked for"):
        opu.intensity(one, 2_219_521)
    assert opu.max_inputs == 1_039_680
    with pytest.raises(ValueError, match="1039680 inputs, 1039681 were asked for"):
        opu.intensity(scipy.sparse.csr_array((1, 1_039_681)), 1)


@pytest.mark.parametrize(
    ("input_bits", "X", "message"),
    [
        (1, [[0, 0.5, 2, 3, 4]], r"0 and 1, but X contains 0.5, 2.0, 3.0. .*Binarizer"),
        (1, [[0, -1]], "0 and 1, but X contains -1"),
        (4, [[16, 1]], "integers 0 to 15, but X contains 16.*rint"),
        (4, [[2.9999999, 1]], "contains 2.9999999"),
        (4, [[-1, 1]], "contains -1.0. Negative values have no intensity.*linear"),
    ],
)
def test_modulator_says_what_it_cannot_show(input_bits, X, message):
    for data in (np.array(X, float), scipy.sparse.csr_array(np.array(X, float))):
        with pytest.raises(ValueError, match=message):
            OPU(input_bits=input_bits).intensity(data, 5)


def test_signed_input_is_for_linear_only():
    X = np.array([[-1.0, 0.0, 1.0]])
    assert_allclose(OPU(input_bits=1).linear(X, 5), OPU().linear(X, 5))
    with pytest.raises(ValueError, match="with either sign, but X contains -2"):
        OPU(input_bits=1).linear(2 * X, 5)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"medium": "glass"}, "medium of OPU"),
        ({"medium": LayeredMedium}, "medium of OPU"),
        ({"camera": 8}, "camera of OPU"),
        ({"camera": Camera(bits=0)}, "bits of Camera"),
        ({"input_bits": 0}, "input_bits of OPU"),
        ({"input_bits": 17}, "input_bits of OPU"),
        ({"input_bits": True}, "input_bits of OPU"),
        ({"random_state": -1}, "random_state of OPU"),
        ({"random_state": np.random.RandomState(0)}, "Draw an integer"),
        ({"max_inputs": 0}, "max_inputs of OPU"),
        ({"holography": "digital"}, "holography of OPU"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        OPU(**parameters).intensity(np.ones((1, 3)), 5)


@pytest.mark.parametrize("n", [0, -1, 2.0, True])
@pytest.mark.parametrize("method", ["field", "intensity", "linear"])
def test_bad_n(n, method):
    with pytest.raises(ValueError, match="n must be an integer"):
        getattr(OPU(), method)(np.ones((1, 3)), n)


def test_more_than_the_measured_medium_has():
    opu = OPU(MeasuredMedium(np.ones((10, 4))))
    assert opu.linear(np.ones((1, 4)), 20).shape == (1, 20)
    with pytest.raises(ValueError, match="4 inputs and 10 output modes"):
        opu.linear(np.ones((1, 4)), 21)
    with pytest.raises(ValueError, match="4 inputs and 10 output modes"):
        opu.intensity(np.ones((1, 5)), 3)


@settings(max_examples=40, deadline=None)
@given(
    n_rows=st.integers(1, 20),
    n_inputs=st.integers(1, 20),
    n=st.integers(1, 1100),
    input_bits=st.sampled_from([None, 1, 5]),
    noisy=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64, np.int8, bool]),
)
def test_any_shape(n_rows, n_inputs, n, input_bits, noisy, dtype):
    X = np.random.default_rng(0).integers(0, 2, size=(n_rows, n_inputs)).astype(dtype)
    opu = OPU(camera=NOISY if noisy else None, input_bits=input_bits)
    for read in (opu.intensity, opu.linear):
        result = read(X, n)
        assert result.shape == (n_rows, n)
        assert result.dtype == (np.float32 if dtype is np.float32 else np.float64)
        assert np.isfinite(result).all()


@pytest.mark.parametrize("medium", [LayeredMedium(), GaussianMedium(), flaws.Crosstalk()], ids=str)
@pytest.mark.parametrize("kind", ["intensity", "linear"])
@pytest.mark.parametrize("n", [1, 7, 40])
@pytest.mark.parametrize("holography", ["phase_shifting", "internal_reference"])
def test_vjp_is_the_derivative_of_readings(medium, holography, n, kind, rng):
    opu = OPU(medium, holography=holography, random_state=3)
    X, cotangents = rng.normal(size=(4, 6)), rng.normal(size=(4, n))
    read = getattr(opu, kind)
    gradient = opu.vjp(X, cotangents, kind)
    for j in range(6):
        step = 1e-4 * np.eye(6)[j]
        # Readings are at most quadratic: central differences are exact.
        change = (read(X + step, n) - read(X - step, n)) / 2e-4
        assert_allclose(gradient[:, j], np.sum(cotangents * change, axis=1), atol=1e-7)


def test_vjp_keeps_float32_and_is_nothing_in_the_dark():
    X = np.zeros((2, 5), np.float32)
    gradient = OPU().vjp(X, np.full((2, 3), np.inf, np.float32), "intensity")
    assert gradient.dtype == np.float32
    assert not gradient.any()


def test_no_vjp_of_glass_that_drifts():
    opu = OPU(flaws.Crosstalk(flaws.Drift()))
    with pytest.raises(ValueError, match="has changed since X was read"):
        opu.vjp(np.ones((1, 3)), np.ones((1, 2)), "linear")


def test_no_vjp_without_a_field():
    opu = OPU(flaws.PartialCoherence(n_speckles=2))
    with pytest.raises(ValueError, match="more than one field"):
        opu.vjp(np.ones((1, 3)), np.ones((1, 2)), "intensity")
