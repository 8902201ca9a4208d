"""Layered and Gaussian media."""

import hashlib
import pickle
import threading

import numpy as np
import pytest
import scipy.sparse
import threadpoolctl
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skopu._utils.streams import bit_generator, circular_gaussian, phase_table, raw_bytes
from skopu.optics import (
    OPU,
    GaussianMedium,
    LayeredMedium,
    MeasuredMedium,
    Medium,
    _engines,
    _products,
)
from skopu.optics import layered as layered_module
from tests.statistics import z_score

MEDIA = [
    LayeredMedium(),
    LayeredMedium(1),
    LayeredMedium(2, 5),
    LayeredMedium(4, 6),
    GaussianMedium(),
    GaussianMedium(7),
]
ids = {"ids": repr}


def measured(n_outputs=1500, n_inputs=900):
    return MeasuredMedium(GaussianMedium(9).transmission_matrix(n_inputs, n_outputs))


@pytest.fixture(params=[*MEDIA, "measured"], ids=str)
def medium(request):
    return measured() if request.param == "measured" else request.param


@pytest.fixture(params=["products", "transforms"])
def way(request, monkeypatch):
    """Both ways of a layered medium to compute a field."""
    cheaper = request.param == "products"
    monkeypatch.setattr(layered_module, "_product_is_cheaper", lambda *_: cheaper)


def rows(n_rows, n_inputs, seed=0):
    return np.random.default_rng(seed).normal(size=(n_rows, n_inputs))


def explicit_layers(n_layers, seed, n_inputs, n):
    """The layered medium written out: dense Fourier matrices and diagonal masks."""
    size = LayeredMedium(n_layers).block_size(n_inputs)
    fourier = np.exp(-2j * np.pi * np.outer(np.arange(size), np.arange(size)) / size)

    def phases(layer, block=0):
        raw = raw_bytes(bit_generator(seed, "mask", layer), (block + 1) * size)[block * size :]
        return np.exp(2j * np.pi * raw / 256)

    shared = np.eye(size)
    if n_layers > 1:
        bits = np.unpackbits(raw_bytes(bit_generator(seed, "mask", 0), size), bitorder="little")
        shared = fourier * (1 - 2.0 * bits[:size])
    for layer in range(1, n_layers - 1):
        shared = fourier @ (phases(layer)[:, None] * shared) / np.sqrt(size)
    last = [
        fourier @ (phases(n_layers - 1, block)[:, None] * shared) for block in range(-(-n // size))
    ]
    scale = np.sqrt(size) if n_layers > 1 else 1
    return np.concatenate(last)[:n, :n_inputs] / scale


@pytest.mark.parametrize("n_layers", [1, 2, 3, 4])
@pytest.mark.parametrize("n_inputs", [5, 1100])
def test_layered_medium_is_what_it_says(n_layers, n_inputs, way):
    n = 2500
    expected = explicit_layers(n_layers, 3, n_inputs, n)
    medium = LayeredMedium(n_layers, random_state=3)
    X = rows(4, n_inputs)
    assert_allclose(medium.transmission_matrix(n_inputs, n), expected, atol=1e-12)
    assert_allclose(medium.field(X, n), X @ expected.T, atol=1e-11)


def test_two_dimensional_blocks(monkeypatch):
    """A big block is a Fourier transform over a grid: compare with the explicit sum."""
    monkeypatch.setattr(layered_module, "_product_is_cheaper", lambda *_: False)
    medium, n_inputs = LayeredMedium(1, random_state=1), 20_000
    size = medium.block_size(n_inputs)
    assert size == 20_480
    X = rows(1, n_inputs)
    raw = raw_bytes(bit_generator(1, "mask", 0), size)
    light = np.zeros(size, complex)
    light[:n_inputs] = X[0] * np.exp(2j * np.pi * raw[:n_inputs] / 256)
    expected = np.fft.fft2(light.reshape(128, 160)).ravel()
    assert_allclose(medium.field(X, size)[0], expected, atol=1e-9)


@pytest.mark.parametrize("n_inputs", [3, 1024, 1025])
@pytest.mark.parametrize("n_layers", [2, 3])
def test_blocks_are_unitary(n_layers, n_inputs):
    medium = LayeredMedium(n_layers, random_state=2)
    size = medium.block_size(n_inputs)
    for block in range(2):
        matrix = medium.transmission_matrix(n_inputs, size, start=block * size)
        gram = matrix.conj().T @ matrix / size
        assert_allclose(gram, np.eye(n_inputs), atol=1e-12)


def test_block_size_is_a_fast_length_of_our_own():
    medium = LayeredMedium()
    expected = {1: 1024, 784: 1024, 1024: 1024, 1025: 1152, 1537: 1920, 1921: 2048}
    expected |= {2049: 2304, 1_039_680: 2**20, 2**21: 2**21}
    assert {d: medium.block_size(d) for d in expected} == expected
    for n_inputs in range(1024, 9000):
        assert n_inputs <= medium.block_size(n_inputs) < 1.26 * n_inputs


def test_field_is_product_with_transmission_matrix(medium, way):
    X = rows(7, 900)
    field = medium.field(X, 1300, start=150)
    matrix = medium.transmission_matrix(900, 1300, start=150)
    assert matrix.shape == (1300, 900)
    assert_allclose(field, X @ matrix.T, atol=1e-11)


def test_modes_are_nested(medium, way):
    X = rows(3, 40)
    field = medium.field(X, 1500)
    for n, start in [(1, 0), (1000, 0), (200, 1023), (3, 1490)]:
        assert_allclose(medium.field(X, n, start), field[:, start : start + n], atol=1e-12)


def test_inputs_are_nested(medium):
    """Dark inputs behind the others change nothing."""
    X = rows(3, 40)
    assert_allclose(medium.field(np.pad(X, [(0, 0), (0, 60)]), 50), medium.field(X, 50), atol=1e-12)


def test_operator_and_its_adjoint(medium):
    operator = medium.as_linear_operator(300, 1200)
    rng = np.random.default_rng(0)
    x = rng.normal(size=300) + 1j * rng.normal(size=300)
    y = rng.normal(size=1200) + 1j * rng.normal(size=1200)
    matrix = medium.transmission_matrix(300, 1200)
    assert operator.shape == matrix.shape
    assert operator.dtype == np.complex128
    assert_allclose(np.vdot(y, operator @ x), np.vdot(operator.H @ y, x), rtol=1e-10)
    assert_allclose(operator @ x, matrix @ x, atol=1e-10)
    assert_allclose(operator.H @ y, matrix.conj().T @ y, atol=1e-10)
    several = rng.normal(size=(1200, 3))
    assert_allclose(operator.H @ several, matrix.conj().T @ several, atol=1e-10)
    assert_allclose(operator @ several[:300], matrix @ several[:300], atol=1e-10)
    assert_allclose(operator @ x[:, None], matrix @ x[:, None], atol=1e-10)


def test_float32_stays_float32(medium, way):
    X = rows(5, 300)
    field = medium.field(X.astype(np.float32), 1100)
    assert field.dtype == np.complex64
    reference = medium.field(X, 1100)
    assert reference.dtype == np.complex128
    error = np.linalg.norm(field - reference, axis=1) / np.linalg.norm(reference, axis=1)
    assert error.max() < 1e-6


@pytest.mark.parametrize("make", [scipy.sparse.csr_array, scipy.sparse.csc_matrix])
def test_sparse_is_dense(medium, way, make):
    X = rows(40, 60) * (np.random.default_rng(1).random((40, 60)) < 0.2)
    X[3] = 0
    assert_allclose(medium.field(make(X), 1100), medium.field(X, 1100), atol=1e-11)


def test_duplicate_entries_of_sparse_input_add_up():
    X = scipy.sparse.csr_array((np.array([1.0, 2.0]), np.array([1, 1]), np.array([0, 2])), (1, 4))
    expected = LayeredMedium().field(np.array([[0, 3.0, 0, 0]]), 5)
    assert_allclose(LayeredMedium().field(X, 5), expected)
    assert X.nnz == 2, "the input must be left as it is"


def test_sparse_input_is_never_dense_as_a_whole(monkeypatch):
    shapes = []
    whole = scipy.sparse.csr_array.toarray

    def spy(self, *args, **kwargs):
        shapes.append(self.shape)
        return whole(self, *args, **kwargs)

    monkeypatch.setattr(scipy.sparse.csr_array, "toarray", spy)
    X = scipy.sparse.csr_array(scipy.sparse.random(3000, 2000, density=0.01, random_state=0))
    LayeredMedium().field(X, 2048)
    assert shapes
    assert max(shape[0] for shape in shapes) <= 64


def test_same_whatever_the_batch_and_the_threads(medium, way):
    X = rows(150, 200)
    with threadpoolctl.threadpool_limits(1):
        one = medium.field(X, 1100)
    with threadpoolctl.threadpool_limits(2):
        two = medium.field(X, 1100)
    assert_allclose(one, two, atol=1e-12)
    assert_allclose(medium.field(X[100:101], 1100), one[100:101], atol=1e-12)


def test_several_threads_share_a_medium(medium):
    X, results = rows(20, 100), {}

    def work(n):
        results[n] = medium.field(X, n)

    threads = [threading.Thread(target=work, args=(n,)) for n in (200, 300, 400, 500)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, field in results.items():
        assert_allclose(field, results[500][:, :n], atol=1e-12)


def test_clone_and_pickle_are_the_same_glass(medium):
    X = rows(3, 30)
    field = medium.field(X, 100)
    assert_array_equal(clone(medium).field(X, 100), field)
    assert_array_equal(pickle.loads(pickle.dumps(medium)).field(X, 100), field)


@pytest.mark.parametrize("kind", [LayeredMedium, GaussianMedium])
def test_nothing_survives_set_params(kind):
    X, medium = rows(3, 30), kind(random_state=1)
    first = medium.field(X, 100)
    medium.set_params(random_state=2)
    assert_array_equal(medium.field(X, 100), kind(random_state=2).field(X, 100))
    assert not np.allclose(medium.field(X, 100), first)
    medium.set_params(random_state=None)
    assert_array_equal(medium.field(X, 100), kind(random_state=0).field(X, 100))


def test_gaussian_block_is_kept_within_budget_and_not_pickled():
    medium = GaussianMedium()
    medium.field(rows(2, 30), 100)
    assert medium._kept[1].nbytes <= medium._KEPT_BYTES
    assert len(pickle.dumps(medium)) < 1000
    kept = medium._kept[1]
    medium.field(rows(2, 30), 60)
    assert medium._kept[1] is kept, "fewer modes are served by what is kept"
    medium._KEPT_BYTES = 10
    medium.field(rows(2, 30), 200)
    assert medium._kept[1] is kept, "a block over the budget must not be kept"


@pytest.mark.parametrize("make", [np.asarray, scipy.sparse.csr_array])
def test_blocks_of_long_inputs_are_made_piece_by_piece(make, monkeypatch):
    X, medium = rows(50, 3000), GaussianMedium(1)
    X[:, 1000:2500] = 0
    expected = X @ medium.transmission_matrix(3000, 70, start=11).T
    asked = []
    block = GaussianMedium.matrix_block

    def matrix_block(self, n_inputs, inputs, modes, **options):
        asked.append((inputs.stop - inputs.start) * len(modes))
        return block(self, n_inputs, inputs, modes, **options)

    monkeypatch.setattr(_products, "BLOCK_ENTRIES", 32 * 700)
    monkeypatch.setattr(GaussianMedium, "matrix_block", matrix_block)
    medium = GaussianMedium(1)
    assert_allclose(medium.field(make(X), 70, start=11), expected, atol=1e-11)
    assert_allclose(
        medium.as_linear_operator(3000, 70).H @ np.ones(70),
        GaussianMedium(1).transmission_matrix(3000, 70).conj().T @ np.ones(70),
        atol=1e-11,
    )
    assert max(asked[:-1]) <= 32 * 700


class FastTransforms(_engines.SciPyTransforms):
    nanoseconds = 2.6


def test_few_modes_do_not_pay_for_whole_blocks(monkeypatch):
    """By the rule, an SVD's sketch is a product and wide features are transforms."""

    def cheaper(X, n):
        return layered_module._product_is_cheaper(LayeredMedium(), X, range(n))

    for engine in ("scipy", "numba"):
        monkeypatch.setenv("SKOPU_ENGINE", engine)
        monkeypatch.setitem(_engines._outcomes, np.dtype("f4"), (FastTransforms, None))
        assert cheaper(np.empty((2000, 784), "f"), 10)
        assert cheaper(np.empty((128, 10), "f"), 1024)
        assert cheaper(np.empty((1, 10), "f"), 1024)  # a block that is kept
        assert cheaper(np.empty((2000, 4), "f"), 10_000)
        assert cheaper(np.empty((2000, 60), "f"), 10_000) == (engine == "scipy")
        assert not cheaper(np.empty((2000, 784), "f"), 10_000)
        assert not cheaper(np.empty((1, 2**20), "f"), 2**20)
        assert not cheaper(scipy.sparse.random(2000, 4000, density=0.1, dtype="f"), 10_000)
    monkeypatch.setattr(layered_module, "_transform", None)
    LayeredMedium().field(rows(2000, 784).astype("f"), 5)  # makes the block backwards


class LongBlocks(LayeredMedium):
    def block_size(self, n_inputs):
        return 2048


def test_a_subclass_has_a_block_of_its_own():
    """Small blocks are kept for the next call: those of LayeredMedium alone."""
    X = rows(5, 8)
    LayeredMedium().transmission_matrix(8, 20)
    medium = LongBlocks()
    matrix = medium.transmission_matrix(8, 20)
    assert not np.allclose(matrix, LayeredMedium().transmission_matrix(8, 20))
    lit = medium.field(rows(2000, 8), 4096)  # by transforms, or by a block of its own
    assert_allclose(lit[:, :20], rows(2000, 8) @ matrix.T, atol=1e-12)
    assert_allclose(medium.field(X, 20), X @ matrix.T, atol=1e-12)


class Lens(Medium):
    """A medium of one's own, as short as can be."""

    def matrix_block(self, n_inputs, inputs, modes, *, dtype, seed):
        outer = np.outer(np.arange(n_inputs)[inputs], modes)
        return np.exp(2j * np.pi * outer / 7 + seed).astype(dtype)


def test_a_medium_of_ones_own():
    X = rows(5, 8)
    expected = X @ np.exp(2j * np.pi * np.outer(np.arange(8), np.arange(20)) / 7)
    assert_allclose(Lens().field(X, 20), expected)
    assert_allclose(OPU(Lens(), random_state=0).intensity(X, 20), np.abs(expected) ** 2)
    adjoint = Lens().as_linear_operator(8, 20).H
    matrix = Lens().transmission_matrix(8, 20)
    assert_allclose(adjoint @ np.ones(20), matrix.conj().T @ np.ones(20), atol=1e-12)


@pytest.mark.parametrize("make", [np.asarray, scipy.sparse.csr_array])
def test_products_in_many_blocks(make, monkeypatch):
    """Blocks, pieces of modes and pieces of rows meet at their borders."""
    X, medium = rows(150, 30), GaussianMedium(1)
    expected = X @ medium.transmission_matrix(30, 500, start=11).T
    monkeypatch.setattr(_products, "BLOCK_ENTRIES", 30 * 100)
    monkeypatch.setattr(_products, "_FEW_OUTPUTS", 0)
    monkeypatch.setattr(_products, "_PRODUCT_PIECE", 64 * 41)
    monkeypatch.setattr(_products, "_PRODUCT_MODES", 41)
    assert_allclose(GaussianMedium(1).field(make(X), 500, start=11), expected, atol=1e-12)
    expected = X @ medium.transmission_matrix(30, 500).T
    opu = OPU(medium)
    assert_allclose(opu.intensity(make(X), 500), abs(expected) ** 2, atol=1e-12)
    parts = np.sqrt(2) * expected.view(float)
    assert_allclose(opu.linear(make(X), 999), parts[:, :999], atol=1e-12)


def test_long_inputs_of_a_gaussian_medium_are_made_in_chunks():
    medium = GaussianMedium(5)
    options = {"dtype": np.complex64, "seed": 5}
    long = medium.matrix_block(40_000, slice(0, 40_000), range(3, 40), **options)
    short = medium.matrix_block(20, slice(0, 20), range(3, 40), **options)
    assert_array_equal(long[:20], short)
    assert_array_equal(
        long[20_001:39_000],
        medium.matrix_block(40_000, slice(20_001, 39_000), range(3, 40), **options),
    )
    raw = raw_bytes(bit_generator(5, "gaus"), 4 * 40_000 * 32)
    entries = circular_gaussian(raw, np.complex64).reshape(-1, 32)
    assert_array_equal(long[:, :29], entries[:, 3:])


# Moments. Every sample is another piece of glass, so samples are independent.


@pytest.mark.parametrize("make", [LayeredMedium, GaussianMedium])
@pytest.mark.parametrize("n_inputs", [1, 20])
def test_moments_of_the_field(make, n_inputs):
    x = rows(1, n_inputs)
    x /= np.linalg.norm(x)
    fields = np.array([make(random_state=seed).field(x, 3)[0] for seed in range(2000)])
    powers = np.abs(fields) ** 2
    for part in (fields.real, fields.imag, (fields**2).real, (fields**2).imag):
        assert np.abs(z_score(part, 0)).max() < 4.5
    assert np.abs(z_score(powers, 1)).max() < 4.5
    assert np.abs(z_score(powers**2, 2)).max() < 4.5
    products = fields[:, :1] * fields[:, 1:].conj()
    assert np.abs(z_score(products.real, 0)).max() < 4.5
    assert np.abs(z_score(products.imag, 0)).max() < 4.5


def test_gaussian_entries():
    matrix = GaussianMedium(4).transmission_matrix(400, 500)
    samples = matrix.ravel()
    for part in (samples.real, samples.imag):
        for power, expected in [(1, 0), (2, 1 / 2), (3, 0), (4, 3 / 4), (6, 15 / 8)]:
            assert abs(z_score(part**power, expected)) < 4.5
    assert abs(z_score(samples.real * samples.imag, 0)) < 4.5
    neighbours = (matrix[1:] * matrix[:-1].conj()).ravel()
    assert abs(z_score(neighbours.real, 0)) < 4.5
    neighbours = (matrix[:, 1:] * matrix[:, :-1].conj()).ravel()
    assert abs(z_score(neighbours.real, 0)) < 4.5


def test_amplitude_table_has_the_moments_of_a_rayleigh_law():
    """All 65536 amplitudes at once leave no room for a variance that is a little off."""
    levels = np.arange(65536, dtype="<u2")
    raw = np.column_stack([levels, np.zeros_like(levels)]).ravel().view(np.uint8)
    amplitudes = np.abs(circular_gaussian(raw, np.complex128))
    assert_allclose(np.mean(amplitudes**2), 1, atol=1e-7)
    assert_allclose(np.mean(amplitudes**4), 2, rtol=2e-4)
    assert_allclose(np.mean(amplitudes), np.sqrt(np.pi) / 2, rtol=1e-5)


def test_data_drawn_from_the_same_seed_is_independent_of_the_glass():
    matrix = GaussianMedium(0).transmission_matrix(300, 300)
    assert abs(z_score(matrix.real.ravel() * np.random.default_rng(0).normal(size=90_000), 0)) < 4.5
    legacy = np.random.RandomState(0).normal(size=90_000)
    assert abs(z_score(matrix.real.ravel() * legacy, 0)) < 4.5
    others = GaussianMedium(1).transmission_matrix(300, 300)
    assert abs(z_score((matrix * others.conj()).real.ravel(), 0)) < 4.5


# Golden values: the same glass on every machine and with every version.


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def test_golden_bits():
    assert phase_table(8, np.complex128)[[0, 64, 128, 192]].tolist() == [1, 1j, -1, -1j]
    assert_allclose(np.abs(phase_table(16, np.complex128)), 1, rtol=1e-14)
    angles = np.exp(2j * np.pi * np.arange(65536) / 65536)
    assert_allclose(phase_table(16, np.complex128), angles, atol=1e-14)
    found = {
        "mask": digest(raw_bytes(bit_generator(0, "mask", 2), 5000)),
        "phases": digest(phase_table(16, np.complex128)),
        "gaussian": digest(GaussianMedium(0).transmission_matrix(50, 70, start=20)),
        "gaussian32": digest(
            GaussianMedium(1).matrix_block(
                30, slice(0, 30), range(5, 90), dtype=np.complex64, seed=1
            )
        ),
    }
    assert found == GOLDEN_BITS


def test_golden_fields():
    X = np.cos(np.arange(12.0)).reshape(2, 6)
    for medium, expected in GOLDEN_FIELDS:
        for dtype, tolerance in [(np.float64, 1e-13), (np.float32, 1e-6)]:
            field = medium.field(X.astype(dtype), 3, start=1500)
            error = np.abs(field - expected).max(axis=1) / np.linalg.norm(X, axis=1)
            assert error.max() < tolerance


GOLDEN_BITS = {
    "mask": "b58fb440c2d4036b",
    "phases": "28fcd4dfcef56a2b",
    "gaussian": "46c8fc1f5d851c9d",
    "gaussian32": "b788c31c86117eb0",
}
GOLDEN_FIELDS = [
    (
        LayeredMedium(),
        [
            [
                (-0.8357995412308495 - 0.09891870455336244j),
                (-0.6185453468448253 - 0.42450849753459763j),
                (-0.5548430828785551 - 0.26781707603538973j),
            ],
            [
                (-0.10615571677535024 + 0.697576711165691j),
                (-0.2989136492727894 - 0.07525733649074728j),
                (-0.692030825058067 - 0.17744291905180587j),
            ],
        ],
    ),
    (
        LayeredMedium(n_layers=2, random_state=7),
        [
            [
                (-1.5134908088818406 - 1.1820884858461342j),
                (1.163046126250886 - 0.9588758496506677j),
                (1.4729014703312686 + 0.2918183723794957j),
            ],
            [
                (-0.9753040819948267 - 0.9818466434820232j),
                (0.9759844452583522 - 0.9774697529478733j),
                (1.8441727467740172 + 0.0443688719190001j),
            ],
        ],
    ),
    (
        LayeredMedium(n_layers=1, random_state=8),
        [
            [
                (2.136880442367061 - 0.1696023766235088j),
                (2.1334708748772417 - 0.2021755040650604j),
                (2.12932288502227 - 0.23483517957741523j),
            ],
            [
                (2.1552739652122246 - 0.425389132200506j),
                (2.144796737742469 - 0.46012180486178345j),
                (2.133530718086169 - 0.4946967449232153j),
            ],
        ],
    ),
    (
        GaussianMedium(random_state=0),
        [
            [
                (1.6537569677850132 + 1.0054620329747939j),
                (0.7794125392850119 + 2.940857740215892j),
                (-1.354495484888077 + 0.026209355317038902j),
            ],
            [
                (1.5183971265653482 + 0.787318804967696j),
                (0.23358106413459717 + 3.1883453707419744j),
                (-1.3196174430429122 + 0.05938989129108149j),
            ],
        ],
    ),
]


@settings(max_examples=60, deadline=None)
@given(
    n_rows=st.integers(1, 70),
    n_inputs=st.integers(1, 40),
    n=st.integers(1, 2500),
    start=st.integers(0, 3000),
    n_layers=st.integers(1, 4),
    seed=st.integers(0, 2**128 - 1),
    dtype=st.sampled_from([np.float64, np.float32, np.uint8, bool, np.float16]),
)
def test_any_shape(n_rows, n_inputs, n, start, n_layers, seed, dtype):
    X = np.random.default_rng(1).integers(0, 2, size=(n_rows, n_inputs)).astype(dtype)
    medium = LayeredMedium(n_layers, random_state=seed)
    field = medium.field(X, n, start)
    assert field.shape == (n_rows, n)
    matrix = medium.transmission_matrix(n_inputs, n, start)
    single = dtype in (np.float32, np.float16)
    assert field.dtype == (np.complex64 if single else np.complex128)
    assert_allclose(field, X.astype(float) @ matrix.T, atol=1e-4 if single else 1e-11)


# Bad input.


@pytest.mark.parametrize("n", [0, -1, 2.0, True, "3", None])
def test_bad_counts(medium, n):
    with pytest.raises(ValueError, match="n must be an integer of at least 1"):
        medium.field(np.ones((1, 3)), n)
    with pytest.raises(ValueError, match="n_inputs must be an integer of at least 1"):
        medium.transmission_matrix(n, 3)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[1.0, np.nan]], "NaN or infinity"),
        (scipy.sparse.csr_array([[1.0, np.inf]]), "NaN or infinity"),
        ([[1.0, 1j]], "real and imaginary parts"),
        ([["a", "b"]], "real numbers"),
        (np.array([["a", 1]], dtype=object), "real numbers"),
        (np.array([["2", 1]], dtype=object), "real numbers"),
        ([1.0, 2.0], "2-d"),
        (np.ones((0, 3)), "at least one row"),
        (np.ones((3, 0)), "at least one row"),
    ],
)
def test_bad_rows(medium, X, message):
    with pytest.raises(ValueError, match=message):
        medium.field(X, 5)


@pytest.mark.parametrize("seed", [-1, 2**128, 1.0, True, "x", np.random.RandomState(0)])
@pytest.mark.parametrize("kind", [LayeredMedium, GaussianMedium])
def test_bad_seed(kind, seed):
    with pytest.raises(ValueError, match=f"random_state of {kind.__name__}"):
        kind(random_state=seed).field(np.ones((1, 3)), 5)


@pytest.mark.parametrize("n_layers", [0, -1, 1.5, None])
def test_bad_number_of_layers(n_layers):
    with pytest.raises(ValueError, match="n_layers must be an integer"):
        LayeredMedium(n_layers).field(np.ones((1, 3)), 5)


def test_integers_are_what_they_are():
    X = np.array([[255, 1]], dtype=np.uint8)
    assert_array_equal(LayeredMedium().field(X, 9), LayeredMedium().field(X.astype(float), 9))
    values, zeros = np.array([255, 1], dtype=np.uint8), np.array([0, 0])
    expected = LayeredMedium().field([[256.0]], 9)
    for twice in (
        scipy.sparse.coo_array((values, (zeros, zeros))),
        scipy.sparse.csr_array((values, zeros, np.array([0, 2])), (1, 1)),
    ):
        assert_array_equal(LayeredMedium().field(twice, 9), expected)


def test_own_threads_lifts_its_limit_however_holders_leave():
    from skopu._utils.threads import n_threads, own_threads

    with threadpoolctl.threadpool_limits(3):
        first, second = own_threads(), own_threads()
        assert first.__enter__() == 3
        assert second.__enter__() == 3
        assert n_threads() == 1
        first.__exit__(None, None, None)
        assert n_threads() == 1
        second.__exit__(None, None, None)
        assert n_threads() == 3
