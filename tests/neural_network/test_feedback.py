"""What the output error tells hidden layers: encoding, projection, angles."""

import hypothesis
import hypothesis.extra.numpy
import hypothesis.strategies as st
import numpy as np
import pytest

from skopu import OPU, Camera, GaussianMedium, LayeredMedium
from skopu.neural_network.feedback import angle, feedback_device, project_error, ternary
from tests.statistics import z_score

ERROR = np.random.default_rng(0).normal(size=(30, 5))


def test_ternary_by_hand():
    error = np.array([[0.9, -0.5, 0.05, -0.45], [0, 0, 0, 0], [-1e-6, 0, 0, 1e-6]])
    frames, factors = ternary(error, 0.1)
    assert np.array_equal(frames[:3], [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]])
    assert np.array_equal(frames[3:], [[0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]])
    assert np.allclose(factors, [0.95, 0, 1e-6, 0.475, 0, 1e-6])
    assert np.array_equal(ternary(error, 0.95)[0][3], [0, 1, 0, 0])
    assert np.array_equal(ternary(error, 0)[0][0], [1, 0, 1, 0])


@hypothesis.given(
    hypothesis.extra.numpy.arrays(
        np.float64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.floats(-9, 9)
    ),
    st.floats(0, 0.99),
)
@hypothesis.settings(deadline=None, max_examples=60)
def test_ternary_keeps_the_total_of_each_sign(error, threshold):
    frames, factors = ternary(error, threshold)
    assert np.isin(frames, (0, 1)).all()
    positive, negative = np.split(frames * factors[:, None], 2)
    assert np.allclose(positive.sum(axis=1), np.maximum(error, 0).sum(axis=1))
    assert np.allclose(negative.sum(axis=1), np.maximum(-error, 0).sum(axis=1))
    assert not np.any((positive > 0) & (negative > 0))
    assert np.all(positive <= np.where(error > 0, np.inf, 0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("encoding", ["exact", "ternary"])
def test_projection_is_a_product_with_slices_of_one_matrix(encoding, dtype):
    """An explicit matrix of the device, each layer's columns its own."""
    opu, sizes = OPU(GaussianMedium(), random_state=3), [4, 7, 2]
    matrix = opu.linear(np.eye(5), 13)
    shown = ERROR
    if encoding == "ternary":
        frames, factors = ternary(ERROR, 0.2)
        positive, negative = np.split(frames * factors[:, None], 2)
        shown = positive - negative
    parts = project_error(opu, ERROR.astype(dtype), sizes, encoding, 0.2)
    assert [part.dtype for part in parts] == [dtype] * 3
    for part, columns, size in zip(parts, np.split(matrix, [4, 11], axis=1), sizes, strict=True):
        assert np.allclose(part, shown @ columns * np.sqrt(2 / (size + 5)), atol=1e-5)


def test_variance_is_glorots():
    for size in (3, 50):
        squares = [
            np.mean(
                project_error(OPU(GaussianMedium(), random_state=s), np.eye(5), [size], "exact", 0)[
                    0
                ]
                ** 2
            )
            for s in range(200)
        ]
        assert abs(z_score(squares, 2 / (size + 5))) < 4


def test_noise_of_the_camera_is_new_at_each_step():
    opu = OPU(GaussianMedium(), Camera(photons=100), random_state=0)
    first, second, again = (
        project_error(opu, ERROR, [40], "exact", 0, step)[0] for step in (0, 1, 0)
    )
    ideal = project_error(feedback_device(opu, False), ERROR, [40], "exact", 0)[0]
    assert np.array_equal(first, again)
    noise = np.array([first, second]) - ideal
    assert np.all(np.std(noise, axis=(1, 2)) > 0)
    correlation = np.corrcoef(noise.reshape(2, -1))[0, 1]
    assert abs(correlation) * np.sqrt(ERROR.shape[0] * 40) < 4


def test_a_mirror_array_shows_ternary_errors():
    camera = Camera(bits=8, photons=1e6)
    noisy = OPU(GaussianMedium(), camera, input_bits=1, random_state=0)
    ideal = feedback_device(noisy, False)
    assert (ideal.camera, ideal.input_bits) == (None, None)
    seen, exact = (project_error(o, ERROR, [200], "ternary", 0.1)[0] for o in (noisy, ideal))
    assert np.corrcoef(seen.ravel(), exact.ravel())[0, 1] > 0.995


def test_no_hidden_layer_needs_no_light():
    assert project_error(None, ERROR, [], "exact", 0) == []


def test_a_matrix_of_a_hundred_million_entries_is_not_stored(rng):
    import tracemalloc

    error = rng.normal(size=(2, 500)).astype(np.float32)
    tracemalloc.start()
    part = project_error(OPU(LayeredMedium()), error, [200_000], "exact", 0)[0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert part.shape == (2, 200_000)
    assert peak < 0.1 * 500 * 200_000 * 4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_angle(dtype, rng):
    one, other = rng.normal(size=(2, 6, 4)).astype(dtype)
    cosine = np.sum(one * other) / np.linalg.norm(one) / np.linalg.norm(other)
    for size in (1, 1e-30, 1e30):
        assert np.isclose(angle(one * dtype(size), other), np.degrees(np.arccos(cosine)))
    assert angle(one, 3 * one) < 0.1
    assert angle(one, -one) > 179.9
    assert angle(one, 0 * one) == 90


@pytest.mark.parametrize("encoding", ["exact", "ternary"])
def test_a_dark_camera_is_told(encoding):
    with pytest.raises(ValueError, match="nothing but zeros of the error"):
        project_error(OPU(camera=Camera(bits=1, exposure=1e-3)), ERROR, [5], encoding, 0)
