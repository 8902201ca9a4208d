"""The camera's laws of noise, its exposure and its digits."""

import itertools

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal

from skopu._utils.streams import Generators, row_keys
from skopu.optics import Camera
from tests.statistics import z_score

SPECKLE = np.random.default_rng(0).exponential(size=(4, 5000))


def test_ideal_camera_reads_what_is_there():
    assert_allclose(Camera().read(SPECKLE), SPECKLE, rtol=1e-14)
    assert Camera().read(SPECKLE.astype("f")).dtype == np.float32


@pytest.mark.parametrize("photons", [3, 1e6])
def test_shot_noise_is_poisson(photons):
    level = 1.7
    camera = Camera(photons=photons, exposure=0.5)
    read = camera.read(np.full((1, 40_000), level))[0]
    variance = level / photons / 0.5
    assert abs(z_score(read, level)) < 4.5
    assert abs(z_score((read - level) ** 2, variance)) < 4.5
    assert_allclose(read * 0.5 * photons, np.rint(read * 0.5 * photons), atol=1e-6)


def test_read_noise_is_normal_in_units_of_signal():
    read = Camera(read_noise=0.2, exposure=4.0).read(np.full((1, 40_000), 3.0))[0]
    error = (read - 3.0) * 4 / 0.2
    for power, expected in [(1, 0), (2, 1), (3, 0), (4, 3)]:
        assert abs(z_score(error**power, expected)) < 4.5


def test_quantisation_rounds_to_the_nearest_count():
    camera = Camera(bits=4, exposure=1.0)
    intensity = np.linspace(0, 12, 1000)[None]
    counts = camera.read(intensity, counts=True)
    assert counts.dtype == np.uint16
    assert_array_equal(counts, np.rint(np.minimum(intensity, 10) * 1.5))
    read = camera.read(intensity)
    assert_allclose(read, counts / 1.5)
    inside = intensity < 10
    assert np.abs(read - intensity)[inside].max() <= 10 / 15 / 2 + 1e-12
    assert read.max() == 10, "saturated"


def test_more_bits_cost_less_error():
    errors = [np.abs(Camera(bits=bits).read(SPECKLE) - SPECKLE).mean() for bits in (2, 4, 8, 16)]
    assert all(b < a / 3 for a, b in itertools.pairwise(errors))


def test_averaging_frames_reduces_noise_as_the_root_of_their_number():
    camera = Camera(photons=50)
    once = camera.read(SPECKLE) - SPECKLE
    often = camera.read(SPECKLE, repeat=16) - SPECKLE
    assert abs(z_score((16 * often**2 - once**2).ravel(), 0)) < 4.5
    correlation = once * often
    assert abs(z_score(correlation.ravel(), (once**2).mean() / 16)) < 4.5
    assert Camera(bits=8).read(SPECKLE, counts=True, repeat=2).dtype == np.float64


def test_auto_exposure_reads_a_row_alike_at_any_brightness_and_in_any_batch():
    camera = Camera(bits=8, photons=200, read_noise=0.1, random_state=3)
    together = camera.read(SPECKLE * np.array([[1], [1e-6], [1e6], [0]]))
    for row, factor in enumerate([1, 1e-6, 1e6, 0]):
        alone = camera.read(SPECKLE[row : row + 1] * factor)
        assert_array_equal(together[row : row + 1], alone)
        error = (alone - SPECKLE[row] * factor)[0]
        assert np.abs(error).mean() <= 0.2 * factor
    assert_array_equal(together[3], 0)
    assert_array_equal(Camera().read([[0, 1e-310]]), 0)


def test_noise_is_keyed_by_seed_and_content():
    camera = Camera(photons=10, random_state=1)
    read = camera.read(SPECKLE)
    assert_array_equal(camera.read(SPECKLE[::-1])[::-1], read)
    assert_array_equal(camera.read(np.vstack([SPECKLE[:1]] * 2)), np.vstack([read[:1]] * 2))
    assert not np.array_equal(Camera(photons=10, random_state=2).read(SPECKLE), read)
    assert_array_equal(
        Camera(photons=10).read(SPECKLE), Camera(photons=10, random_state=0).read(SPECKLE)
    )


def test_row_keys_see_values_not_storage():
    X = np.array([[0, 1.5, 0, -2], [0, 0, 0, 0], [1.5, 0, -2, 0]])
    keys = row_keys(X)
    assert len(set(keys)) == 3
    assert row_keys(X.astype("f")) == keys
    assert row_keys(np.where(X == 0, -0.0, X)) == keys
    stored_zero = scipy.sparse.csr_array(
        (np.array([1.5, 0.0, -2, 1.5, -2]), np.array([1, 2, 3, 0, 2]), np.array([0, 3, 3, 5]))
    )
    assert row_keys(stored_zero) == keys
    assert row_keys(np.asfortranarray(X)) == keys


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"bits": 0}, "bits of Camera"),
        ({"bits": 17}, "bits of Camera"),
        ({"bits": 8.0}, "bits of Camera"),
        ({"exposure": 0}, "exposure of Camera"),
        ({"exposure": "long"}, "exposure of Camera"),
        ({"photons": 0}, "photons of Camera"),
        ({"photons": np.inf}, "photons of Camera"),
        ({"read_noise": -1}, "read_noise of Camera"),
        ({"read_noise": np.nan}, "read_noise of Camera"),
        ({"random_state": -1}, "random_state of Camera"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        Camera(**parameters).read(SPECKLE)


def test_bad_input():
    with pytest.raises(ValueError, match=r"1e\+20 photons.*Lower photons or exposure"):
        Camera(exposure=1.0, photons=1e12).read([[1e8]])
    with pytest.raises(ValueError, match="negative"):
        Camera().read([[1.0, -1.0]])
    with pytest.raises(ValueError, match="without bits"):
        Camera().read(SPECKLE, counts=True)
    with pytest.raises(ValueError, match="repeat"):
        Camera().read(SPECKLE, repeat=0)


def test_generators_in_turns_are_those_made_anew():
    generators = Generators(5)
    for path in [("shot", 3, 0), ("read", 2**127 + 1, 7), ("shot", 3, 0), ("efct", 1, 2, 3)]:
        draws = [
            (
                generator.integers(9, dtype=np.uint32),
                generator.poisson(7, 3),
                generator.normal(size=3),
            )
            for generator in (generators(*path), Generators(5)(*path))
        ]
        for one, other in zip(*draws, strict=True):
            assert_array_equal(one, other)
