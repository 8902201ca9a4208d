"""Flaws of light, glass and sensor."""

import pickle

import numpy as np
import pytest
import scipy.sparse
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skopu import OpticalRandomFeatures
from skopu.optics import OPU, Camera, GaussianMedium, LayeredMedium, MeasuredMedium, flaws
from skopu.optics.camera_effects import FULL_SCALE
from tests.statistics import z_score

LINEAR = [
    flaws.FlawedMedium,
    flaws.Crosstalk,
    flaws.UnevenLight,
    flaws.UnscatteredLight,
    flaws.Grains,
    flaws.PartialCoherence,
]
INWARDS = [
    flaws.PartialCoherence,
    flaws.UnscatteredLight,
    flaws.Grains,
    flaws.Crosstalk,
    flaws.UnevenLight,
]
INSIDE = [LayeredMedium(), GaussianMedium(3)]
SENSOR = [flaws.DarkLevel, flaws.PixelGain, flaws.Nonlinearity, flaws.DefectivePixels]


def rows(n_rows=6, n_inputs=30, seed=0):
    return np.random.default_rng(seed).normal(size=(n_rows, n_inputs))


@pytest.fixture(params=LINEAR)
def flaw(request):
    return request.param


@pytest.mark.parametrize("inside", INSIDE, ids=str)
def test_field_is_the_product_with_the_matrix(flaw, inside):
    inside = GaussianMedium(4) if flaw is flaws.Grains else inside
    medium, X = flaw(inside), rows()
    matrix = medium.transmission_matrix(30, 70)
    field = medium.field(X, 70)
    assert_allclose(field, X @ matrix.T, atol=1e-12)
    assert_allclose(medium.field(X, 20, start=50), field[:, 50:], atol=1e-12)
    assert_allclose(medium.field(scipy.sparse.csr_array(X), 70), field, atol=1e-12)
    assert medium.field(X.astype(np.float32), 70).dtype == np.complex64
    assert_allclose(medium.field(X.astype(np.float32), 70), field, atol=1e-4)
    assert_allclose(medium.field(X[2:3], 70), field[2:3], atol=1e-12)
    block = medium.matrix_block(
        30, slice(7, 12), range(3, 9), dtype=np.complex64, seed=medium.glass_seed()
    )
    if isinstance(inside, GaussianMedium):
        assert_allclose(block, matrix[3:9, 7:12].T, atol=1e-6)


@pytest.mark.parametrize("inside", INSIDE, ids=str)
def test_adjoint(flaw, inside):
    inside = GaussianMedium(4) if flaw is flaws.Grains else inside
    operator, rng = flaw(inside).as_linear_operator(30, 40), np.random.default_rng(0)
    u = rng.normal(size=30) + 1j * rng.normal(size=30)
    v = rng.normal(size=40) + 1j * rng.normal(size=40)
    assert_allclose(np.vdot(v, operator @ u), np.vdot(operator.H @ v, u))


def test_measured_glass_may_have_flaws(flaw):
    matrix = GaussianMedium().transmission_matrix(30, 200)
    opu = OPU(flaw(MeasuredMedium(matrix)), Camera(bits=10, photons=500))
    assert opu.intensity(rows(), 50).shape == (6, 50)
    with pytest.raises(ValueError, match="30 inputs and 200 output modes"):
        opu.intensity(rows(), 201)


def test_light_is_neither_made_nor_lost(flaw):
    """Rows of random signs, over pieces of glass, against their norm, and what is expected."""
    powers, expected = [], []
    for seed in range(40):
        X = np.sign(rows(8, 49, seed))
        medium = flaw(GaussianMedium(seed))
        power = np.zeros((8, 300))
        medium.read(X, "intensity", power)
        powers.append(power.mean() / 49)
        expected.append(power.mean(axis=1) / medium.mean_intensity(X))
    assert abs(z_score(powers, 1)) < 4
    if flaw is flaws.UnscatteredLight:  # what each row has of it lies at modes of its own
        expected = np.mean(expected, axis=1)
    assert abs(z_score(expected, 1)).max() < 4.5


def test_a_camera_is_exposed_for_the_light_that_comes():
    x = np.ones((1, 784))
    medium = flaws.Crosstalk(GaussianMedium(), amplitude=0.2)
    assert medium.mean_intensity(x)[0] > 2 * 784
    readings = OPU(medium, Camera(bits=8)).intensity(x, 5000)
    assert abs(readings.mean() / medium.mean_intensity(x)[0] - 1) < 0.05


def test_crosstalk_by_hand():
    x, amplitude = np.zeros((1, 12)), 0.1
    x[0, 5] = 1  # of a grid of 3 x 4
    light = np.zeros((3, 4))
    light[1, 1] = 1
    light[0, 1] = light[2, 1] = light[1, 0] = light[1, 2] = amplitude
    # Of 12 mirrors, 17 pairs are neighbours.
    light /= np.sqrt(1 + amplitude**2 * 2 * 17 / 12)
    glass = GaussianMedium(2)
    found = flaws.Crosstalk(glass, amplitude=amplitude, shape=(3, 4)).field(x, 50)
    assert_allclose(found, glass.field(light.reshape(1, 12), 50))
    square = flaws.Crosstalk(glass, amplitude=amplitude)  # 3 x 4 holds 12
    assert_allclose(square.field(x, 50), found)
    one = flaws.Crosstalk(glass).field(np.ones((1, 1)), 5)
    assert_allclose(one, glass.field(np.ones((1, 1)), 5))


def test_uneven_light_by_hand():
    x = rows(1, 9)
    beam = np.exp(-np.array([1, 0.5, 1, 0.5, 0, 0.5, 1, 0.5, 1]) / 0.7**2)
    beam /= np.sqrt(np.mean(beam**2))
    glass = GaussianMedium(2)
    assert_allclose(flaws.UnevenLight(glass, width=0.7).field(x, 50), glass.field(x * beam, 50))
    lines = flaws.UnevenLight(glass, width=0.7, shape=(1, 9)).field(x, 50)
    assert not np.allclose(lines, glass.field(x * beam, 50))


def test_unscattered_light_is_a_fourier_transform():
    x, glass = rows(1, 20), GaussianMedium(2)
    found = flaws.UnscatteredLight(glass, share=0.3).field(x, 45)
    straight = (found - np.sqrt(0.7) * glass.field(x, 45)) / np.sqrt(0.3)
    assert_allclose(
        np.sort_complex(straight[0, :20].round(9)), np.sort_complex(np.fft.fft(x[0]).round(9))
    )
    assert_allclose(straight[:, 20:40], straight[:, :20], atol=1e-9)
    other = flaws.UnscatteredLight(GaussianMedium(3), share=0.3).field(x, 20)
    other = (other - np.sqrt(0.7) * GaussianMedium(3).field(x, 20)) / np.sqrt(0.3)
    assert not np.allclose(other, straight[:, :20])


@pytest.mark.parametrize("size", [0.5, 2, 5])
def test_grains_are_as_large_as_they_say(size):
    distances = np.array([1, 2, 3, 5, 8])
    found = []
    for seed in range(30):
        x = rows(1) / np.linalg.norm(rows(1))  # intensities have mean 1 and variance 1
        readings = OPU(flaws.Grains(GaussianMedium(seed), size=size)).intensity(x, 3000)[0] - 1
        found.append([(readings[:-d] * readings[d:]).mean() for d in distances])
    weights = np.exp(-np.square(np.arange(-40, 41) * np.sqrt(2 * np.log(2)) / size) / 2)
    overlap = np.array([(weights[:-d] * weights[d:]).sum() for d in distances])
    expected = (overlap / np.square(weights).sum()) ** 2
    if size in distances:
        assert abs(expected[list(distances).index(size)] - 0.5) < 0.01
    assert abs(z_score(found, expected)).max() < 4.5


def test_independent_modes_of_grains_are_apart():
    opu = OPU(flaws.Grains(GaussianMedium(0), size=2))
    assert opu.block_size(30) == 1  # they are no blocks of modes that are orthogonal
    assert opu.medium.mode_spacing(30) > 8
    spaced = opu.with_independent_modes(30, 4000)
    fields = spaced.field(rows(1), 2000)[0]
    assert abs(z_score((fields[1:] * fields[:-1].conj()).real, 0)) < 4.5


@pytest.mark.parametrize("n_speckles", [1, 2, 5])
def test_partial_coherence_lowers_the_contrast(n_speckles):
    x, pooled = rows(1) / np.linalg.norm(rows(1)), []
    for seed in range(30):
        opu = OPU(flaws.PartialCoherence(GaussianMedium(seed), n_speckles))
        pooled.append(opu.intensity(x, 2000)[0])
    variances = np.square(np.array(pooled) - 1).mean(axis=1)
    assert abs(z_score(variances, 1 / n_speckles)) < 4.5
    law = scipy.stats.gamma(n_speckles, scale=1 / n_speckles)
    assert scipy.stats.kstest(np.ravel(pooled)[::7], law.cdf).pvalue > 1e-4
    # Holography reads the first speckle of each pixel.
    inside = GaussianMedium(29).field(x, 50 * n_speckles)[:, ::n_speckles]
    assert_allclose(opu.field(x, 50), inside, atol=1e-12)
    assert_allclose(opu.linear(x, 100)[:, ::2], np.sqrt(2) * inside.real, atol=1e-12)


@pytest.mark.parametrize("flaw", [flaws.Crosstalk, flaws.UnscatteredLight, flaws.UnevenLight])
def test_a_mode_of_a_measured_matrix_gives_two_projections(flaw):
    matrix = GaussianMedium(3).transmission_matrix(20, 100)
    opu, X = OPU(flaw(MeasuredMedium(matrix))), rows(4, 20)
    projections = opu.linear(X, 200)
    field = opu.field(X, 100)
    assert_allclose(projections[:, ::2], np.sqrt(2) * field.real, atol=1e-12)
    assert_allclose(projections[:, 1::2], np.sqrt(2) * field.imag, atol=1e-12)
    with pytest.raises(ValueError, match="100"):
        opu.linear(X, 201)


@pytest.mark.parametrize(
    "flaw", [flaws.Crosstalk, flaws.UnscatteredLight, flaws.Grains, flaws.Drift]
)
def test_partial_coherence_inside_of_other_flaws(flaw):
    X, inside = rows(4), GaussianMedium(3)
    opu = OPU(flaw(flaws.PartialCoherence(inside, n_speckles=3)))
    readings = opu.intensity(X, 40_000)
    contrasts = readings.std(axis=1) / readings.mean(axis=1)
    assert abs(contrasts - 1 / np.sqrt(3)).max() < 0.05
    nested = OPU(flaw(flaws.PartialCoherence(flaws.PartialCoherence(inside, 3), 2)))
    readings = nested.intensity(X, 40_000)
    contrasts = readings.std(axis=1) / readings.mean(axis=1)
    assert abs(contrasts - 1 / np.sqrt(6)).max() < 0.05


def test_kernels_on_glass_with_grains():
    """Grains are no blocks of a sphere: scales of features are those of independent modes."""
    x = rows(1) / np.linalg.norm(rows(1))
    for degree, expected in ((2, 2), (4, 24)):
        found = []
        for seed in range(40):
            opu = OPU(flaws.Grains(GaussianMedium(seed), size=1))
            features = OpticalRandomFeatures(n=3000, degree=degree, opu=opu).fit_transform(x)
            found.append((features**2).sum())
        assert abs(z_score(found, expected)) < 4


def test_what_has_no_field_has_no_planes():
    opu = OPU(flaws.Crosstalk(flaws.PartialCoherence()), input_bits=3)
    with pytest.raises(ValueError, match="more than one field"):
        opu.intensity(np.ones((1, 9)), 5)
    assert opu.linear(np.ones((1, 9)), 5).shape == (1, 5)
    opu.set_params(medium__medium__n_speckles=1)
    assert opu.intensity(np.ones((1, 9)), 5).shape == (1, 5)


def test_flaws_that_do_not_go_together():
    for medium, match in (
        (flaws.UnscatteredLight(flaws.Crosstalk()), "Crosstalk cannot be inside"),
        (flaws.Drift(flaws.Grains(flaws.Drift(GaussianMedium()))), "Drift cannot be inside"),
        (flaws.Grains(LayeredMedium()), "around a GaussianMedium"),
        (flaws.Drift(MeasuredMedium(np.ones((9, 9)))), "no other glass"),
    ):
        with pytest.raises(ValueError, match=match):
            OPU(medium).intensity(np.ones((1, 9)), 5)


def test_a_narrow_beam_lights_the_middle():
    power = flaws.UnevenLight(width=0.01).mean_intensity(np.eye(16))
    assert_allclose(power.reshape(4, 4)[1:3, 1:3], 4)
    assert_allclose(power.sum(), 16)


def test_drift_around_partial_coherence_has_one_clock():
    drift = flaws.Drift(flaws.PartialCoherence(GaussianMedium(3), n_speckles=3), rate=0.1)
    opu, X = OPU(drift), np.repeat(rows(1), 8, axis=0)
    readings = opu.intensity(X, 500)
    later = opu.intensity(X, 500)
    whole = clone(opu).intensity(np.repeat(rows(1), 16, axis=0), 500)
    assert_allclose(np.concatenate([readings, later]), whole)


def test_drift_follows_the_clock():
    rate, x = 0.03, rows(1)
    kept = []
    for seed in range(30):
        opu = OPU(flaws.Drift(GaussianMedium(seed), rate=rate))
        fields = np.concatenate([opu.field(np.repeat(x, 10, axis=0), 300) for _ in range(4)])
        power = np.mean(abs(fields) ** 2)
        kept.append((fields[0].conj() * fields).real.mean(axis=1) / power)
        assert_allclose(fields[0], GaussianMedium(seed).field(x, 300)[0])
    times = np.array([1, 10, 39])
    assert abs(z_score(np.array(kept)[:, times], np.cos(rate * times))).max() < 4.5
    assert_array_equal(clone(opu).field(x, 9), GaussianMedium(29).field(x, 9))  # a new clock
    assert not np.array_equal(pickle.loads(pickle.dumps(opu)).field(x, 9), clone(opu).field(x, 9))


def test_flaws_go_around_each_other():
    medium = GaussianMedium(1)
    for flaw in INWARDS:
        medium = flaw(medium)
    opu = OPU(medium, Camera(bits=8, photons=50, effects=[effect() for effect in SENSOR]))
    X = (rows(20, 40) > 0).astype(float)
    readings = opu.intensity(X, 300)
    assert_array_equal(opu.intensity(X[5:7], 300), readings[5:7])
    assert_allclose(opu.intensity(X, 100), readings[:, :100], rtol=1e-9)
    assert_array_equal(clone(opu).intensity(X, 300), readings)
    assert_array_equal(pickle.loads(pickle.dumps(opu)).intensity(X, 300), readings)
    opu.set_params(medium__medium__medium__size=1.0)
    assert not np.array_equal(opu.intensity(X, 300), readings)
    names = OpticalRandomFeatures(n=5, opu=opu).get_params()
    assert "opu__medium__medium__medium__size" in names


def test_defaults_can_be_reached():
    features = OpticalRandomFeatures(n=5, opu=OPU(flaws.Crosstalk()))
    features.set_params(opu__medium__medium__random_state=7)
    assert features.opu.medium.medium.random_state == 7


def test_dark_level_and_nonlinearity():
    signal = np.array([[0.0, 1.0, 5.0, 10.0, 50.0]])
    camera = Camera(exposure=1.0)
    assert_allclose(
        clone(camera).set_params(effects=[flaws.DarkLevel(0.3)]).read(signal), signal + 0.3
    )
    bent = clone(camera).set_params(effects=[flaws.Nonlinearity(0.1)]).read(signal)
    assert_allclose(bent, [[0, 0.99, 4.75, 9, 9]])


def test_gains_are_of_the_pixels():
    signal = np.ones((3, 100_000))
    camera = Camera(exposure=1.0, effects=[flaws.PixelGain(0.1)])
    gains = camera.read(signal)
    assert_array_equal(gains[0], gains[2])
    assert_array_equal(camera.read(signal[:, :50]), gains[:, :50])
    assert abs(z_score(gains[0], 1)) < 4.5
    assert scipy.stats.kstest(gains[0, ::7], scipy.stats.norm(1, 0.1).cdf).pvalue > 1e-4
    camera.set_params(effects=[flaws.PixelGain(0.1, random_state=1)])
    assert not np.array_equal(camera.read(signal), gains)


def test_defective_pixels_stay_where_they_are():
    camera = Camera(exposure=1.0, effects=[flaws.DefectivePixels(hot=0.01, dead=0.02)])
    readings = camera.read(np.ones((2, 100_000)))
    assert_array_equal(readings[0], readings[1])
    for value, share in ((FULL_SCALE, 0.01), (0, 0.02), (1, 0.97)):
        assert (
            scipy.stats.binomtest(int((readings[0] == value).sum()), 100_000, share).pvalue > 1e-5
        )


@pytest.mark.parametrize(
    "wrong",
    [
        flaws.Crosstalk("glass"),
        flaws.Crosstalk(amplitude=1.0),
        flaws.Crosstalk(shape=(2, 2)),
        flaws.Crosstalk(shape=5),
        flaws.UnevenLight(width=0),
        flaws.UnevenLight(shape=(0, 100)),
        flaws.UnscatteredLight(share=-0.1),
        flaws.Grains(size=0),
        flaws.PartialCoherence(n_speckles=0),
        flaws.Drift(rate=0),
    ],
    ids=repr,
)
def test_wrong_media(wrong):
    for ask in (OPU(wrong).intensity, OPU(wrong, Camera(photons=10)).linear, wrong.field):
        with pytest.raises(ValueError, match=type(wrong).__name__):
            ask(np.ones((1, 30)), 5)


@pytest.mark.parametrize(
    "wrong",
    [
        flaws.DarkLevel(-1),
        flaws.DarkLevel(10),
        flaws.PixelGain(1.0),
        flaws.PixelGain(random_state=-1),
        flaws.Nonlinearity(0.5),
        flaws.DefectivePixels(hot="many"),
        flaws.DefectivePixels(hot=0.6, dead=0.6),
    ],
    ids=repr,
)
def test_wrong_effects(wrong):
    with pytest.raises(ValueError, match=type(wrong).__name__):
        Camera(effects=[wrong]).read(np.ones((1, 3)))


def test_aurora_with_flaws():
    opu = OPU.aurora(random_state=3, flaws=True)
    X = (rows(5, 784) > 0).astype(float)
    counts = opu.intensity(X, 20_000) / opu.medium.mean_intensity(X)[:, None] * 25.5
    assert_allclose(counts, counts.round(), atol=1e-6)
    assert counts.min() >= 8  # as in published frames, most of which lies below 60
    assert 0.8 < (counts < 60).mean() < 0.97
    assert counts.max() > 150
    assert opu.max_outputs == 2_219_520


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(LINEAR),
    n_rows=st.integers(1, 5),
    n_inputs=st.integers(1, 20),
    n=st.integers(1, 50),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_any_shape(kind, n_rows, n_inputs, n, dtype):
    X = rows(n_rows, n_inputs).astype(dtype)
    opu = OPU(kind())
    readings = opu.intensity(X, n)
    assert readings.shape == (n_rows, n)
    assert readings.dtype == dtype
    assert np.isfinite(readings).all()
    assert opu.linear(X, n).shape == (n_rows, n)
