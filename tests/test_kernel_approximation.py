"""OpticalRandomFeatures: the kernels they converge to, and their manners."""

import functools
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import threadpoolctl
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skopu import (
    OPU,
    Camera,
    GaussianMedium,
    LayeredMedium,
    MeasuredMedium,
    OpticalRandomFeatures,
    arc_cosine_kernel,
    optical_kernel,
)
from skopu._utils.streams import bit_generator, raw_bytes
from tests.statistics import z_score

X = np.random.default_rng(0).normal(size=(20, 6))


def scaled_rbf_kernel(X):
    """The kernel of gamma="scale"."""
    return rbf_kernel(X, gamma=1 / (X.shape[1] * X.var()))


EXACT = {
    ("speckle", None): optical_kernel,
    ("speckle", 0.5): lambda X: optical_kernel(X, degree=0.5),
    ("speckle", 1): lambda X: optical_kernel(X, degree=1),
    ("speckle", 3): lambda X: optical_kernel(X, degree=3),
    ("arc_cosine", 0): lambda X: arc_cosine_kernel(X, degree=0),
    ("arc_cosine", None): arc_cosine_kernel,
    ("arc_cosine", 2): lambda X: arc_cosine_kernel(X, degree=2),
    ("rbf", None): scaled_rbf_kernel,
}
cases = pytest.mark.parametrize(("kernel", "degree"), EXACT)


def data():
    """Data on which block-structured random matrices are known to fail."""
    rng = np.random.default_rng(5)
    signal = np.sin(np.arange(300) / 7) + 0.1 * rng.normal(size=300)
    return {
        "digits": load_digits().data[:40] / 16,
        "iris": load_iris().data[::4],
        "normal_2d": rng.normal(size=(40, 2)),
        "normal_300d": rng.normal(size=(40, 300)),
        "one_hot": np.eye(40),
        "sparse": rng.normal(size=(40, 1000)) * (rng.random((40, 1000)) < 0.01),
        "constant": np.outer(np.linspace(0.1, 1, 40), np.ones(100)),
        "shifts": np.array([np.roll(signal, shift) for shift in range(40)]),
    }


DATA = data()


@functools.cache
def exact(name, kernel, degree):
    return EXACT[kernel, degree](DATA[name])


def gram_error(name, kernel, degree, n, opu, seed):
    """Error matrix of the approximated kernel over the norm of the exact one."""
    features = OpticalRandomFeatures(n, kernel=kernel, degree=degree, opu=opu, random_state=seed)
    Z, K = features.fit_transform(DATA[name]), exact(name, kernel, degree)
    return (Z @ Z.T - K) / np.linalg.norm(K)


@cases
@pytest.mark.parametrize("medium", [LayeredMedium(), LayeredMedium(2), GaussianMedium()], ids=repr)
def test_unbiased(kernel, degree, medium):
    """Over glasses, the mean of Z Z' is the kernel, also at few features."""
    names = ["iris", "normal_2d", "one_hot"]
    if medium.__class__ is LayeredMedium and medium.n_layers == 2:
        names = ["normal_300d"]  # two layers are meant for data that is spread out
    for name in names:
        errors = np.array(
            [
                gram_error(name, kernel, degree, 6, OPU(medium, random_state=s), s)
                for s in range(250)
            ]
        )
        diagonal = np.trace(errors, axis1=1, axis2=2)
        assert abs(z_score(diagonal, 0)) < 4.5
        assert abs(z_score(errors.sum(axis=(1, 2)), 0)) < 4.5
        assert abs(z_score(errors[:, 0, 1:].sum(axis=1), 0)) < 4.5


# E[(phi(x) phi(y))^2], so that the error of n independent features is known exactly.
SQUARES = {
    ("speckle", None): lambda X: optical_kernel(X, degree=4),
    ("speckle", 0.5): lambda X: optical_kernel(X, degree=1),
    ("speckle", 1): optical_kernel,
    ("speckle", 3): lambda X: optical_kernel(X, degree=6),
    ("arc_cosine", 0): lambda X: 2 * arc_cosine_kernel(X, degree=0),
    ("arc_cosine", None): lambda X: 2 * arc_cosine_kernel(X, degree=2),
    ("rbf", None): lambda X: 1 + scaled_rbf_kernel(X) ** 4 / 2,
}


def independent_error(name, case, n):
    """Mean squared relative error of n features of independent Gaussian modes."""
    K = exact(name, *case)
    return np.sum(SQUARES[case](DATA[name]) - K**2) / n / np.sum(K**2)


def squared_errors(name, case, n, medium, n_seeds):
    return [
        np.sum(gram_error(name, *case, n, OPU(medium, random_state=s), s) ** 2)
        for s in range(n_seeds)
    ]


@pytest.mark.parametrize("name", DATA)
def test_error_of_intensity_over_many_blocks(name):
    """Orthogonal modes: at most 0.6 of the error of independent ones."""
    case = "speckle", None
    squares = squared_errors(name, case, 8192, LayeredMedium(), 24)
    assert z_score(squares, 0.6**2 * independent_error(name, case, 8192)) < 4.5


@pytest.mark.parametrize("case", SQUARES)
@pytest.mark.parametrize("name", DATA)
def test_error_at_few_features(name, case):
    """Never above 1.1 of that of independent modes, for any kernel."""
    squares = squared_errors(name, case, 100, LayeredMedium(), 40)
    assert z_score(squares, 1.1**2 * independent_error(name, case, 100)) < 4.5


@pytest.mark.parametrize("case", SQUARES)
def test_error_of_independent_modes(case):
    """The formula that the two tests above measure by."""
    squares = squared_errors("normal_300d", case, 200, GaussianMedium(), 40)
    expected = independent_error("normal_300d", case, 200)
    # Real and imaginary part of a mode are independent, so projections are too.
    assert abs(z_score(squares, expected)) < 4.5


@cases
def test_converges(kernel, degree):
    error = [
        np.linalg.norm(gram_error("digits", kernel, degree, n, None, 0)) for n in (300, 30_000)
    ]
    assert error[1] < error[0] / 5


def test_sphere_correction_is_exact_at_large_n():
    """Without it, the bias of 1 / 1024 is 8 of these standard errors."""
    errors = np.array([gram_error("one_hot", "speckle", None, 60_000, None, s) for s in range(20)])
    assert abs(z_score(np.trace(errors, axis1=1, axis2=2), 0)) < 4.5


@pytest.mark.parametrize(("kernel", "degree"), [*EXACT])
def test_features_are_what_they_say(kernel, degree):
    """Against the explicit matrix of the device."""
    features = OpticalRandomFeatures(11, kernel=kernel, degree=degree, random_state=0).fit(X)
    Z = features.transform(X)
    field = X @ LayeredMedium(random_state=features.opu_.random_state).transmission_matrix(6, 11).T
    projections = np.stack([field.real, field.imag], -1).reshape(20, -1)[:, :11] * np.sqrt(2)
    if kernel == "speckle":
        expected = np.abs(field) ** (2 if degree is None else degree)
    elif kernel == "arc_cosine":
        order = 1 if degree is None else degree
        expected = np.sqrt(2) * (projections > 0) * projections**order
    else:
        words = raw_bytes(bit_generator(features._map.seed, "offs"), 44).view("<u4")
        offsets = 2 * np.pi * words / 2**32
        expected = np.sqrt(2) * np.cos(np.sqrt(2 / (6 * X.var())) * projections + offsets)
    ratio = Z * np.sqrt(11) / np.where(expected == 0, 1, expected)
    assert_allclose(ratio[expected != 0], ratio[0, 0] if expected[0, 0] else ratio.max(), rtol=1e-9)
    assert abs(ratio.max() - 1) < 0.01, "the correction from sphere to Gaussian is small"
    assert_allclose(Z[expected == 0], 0)


@cases
def test_nested_in_n(kernel, degree):
    def features(n):
        model = OpticalRandomFeatures(n, kernel=kernel, degree=degree, random_state=1)
        return model.fit_transform(X) * np.sqrt(n)

    assert_allclose(features(1001)[:, :37], features(37), rtol=1e-9, atol=1e-12)


@cases
def test_types_of_input(kernel, degree):
    model = OpticalRandomFeatures(50, kernel=kernel, degree=degree, random_state=1)
    Z = model.fit_transform(X)
    assert Z.dtype == np.float64
    single = model.fit_transform(X.astype("f"))
    assert single.dtype == np.float32
    assert_allclose(single, Z, rtol=1e-3, atol=2e-5)
    sparse = np.where(X > 0.5, X, 0)
    for make in (scipy.sparse.csr_array, scipy.sparse.csr_matrix, scipy.sparse.csc_array):
        found = model.fit(make(sparse)).transform(make(sparse))
        assert type(found) is np.ndarray
        assert_allclose(found, model.transform(sparse), atol=1e-12)
    integers = np.array([[255, 1, 0, 7, 200, 255]], dtype=np.uint8)
    assert_allclose(model.transform(integers), model.transform(integers.astype(float)))


def test_data_frames():
    model = OpticalRandomFeatures(5, random_state=0)
    names = list("abcdef")
    frame = pd.DataFrame(X, columns=names)
    Z = model.fit_transform(frame)
    assert_array_equal(model.feature_names_in_, names)
    assert_array_equal(clone(model).fit_transform(pl.DataFrame(X, schema=names)), Z)
    outputs = [f"opticalrandomfeatures{i}" for i in range(5)]
    assert_array_equal(model.get_feature_names_out(), outputs)
    out = model.set_output(transform="pandas").transform(frame)
    assert list(out.columns) == outputs
    assert_array_equal(out.to_numpy(), Z)
    out = model.set_output(transform="polars").transform(frame)
    assert out.columns == outputs


@cases
@pytest.mark.parametrize("noisy", [False, True])
def test_batches_threads_clones_and_pickles(kernel, degree, noisy):
    opu = OPU(camera=Camera(bits=8, photons=100, random_state=1), random_state=2) if noisy else None
    model = OpticalRandomFeatures(30, kernel=kernel, degree=degree, opu=opu, random_state=4)
    model.set_params(gamma=0.2 if kernel == "rbf" else None)  # whatever the data
    Z = model.fit_transform(X)
    assert np.isfinite(Z).all()
    assert_allclose(np.vstack([model.transform(X[:7]), model.transform(X[7:])]), Z, atol=1e-12)
    for n_threads in (1, 3):
        with threadpoolctl.threadpool_limits(n_threads):
            assert_allclose(model.transform(X), Z, atol=1e-12)
    assert_array_equal(clone(model).fit_transform(X), Z)
    assert_array_equal(pickle.loads(pickle.dumps(model)).transform(X), Z)
    assert_array_equal(model.fit(X[:3]).transform(X), Z)


def test_random_state():
    fits = [OpticalRandomFeatures(9, random_state=s).fit_transform(X) for s in (0, 0, 1)]
    assert_array_equal(fits[0], fits[1])
    assert not np.allclose(fits[0], fits[2])
    unseeded = OpticalRandomFeatures(9).fit(X)
    assert isinstance(unseeded.opu_.random_state, int)
    assert_array_equal(unseeded.transform(X), unseeded.transform(X))
    assert not np.allclose(unseeded.transform(X), unseeded.fit_transform(X))
    generator = np.random.RandomState(3)
    model = OpticalRandomFeatures(9, random_state=generator)
    assert not np.allclose(model.fit_transform(X), model.fit_transform(X))


def test_the_device_is_cloned_at_fit():
    opu = OPU(random_state=3)
    model = OpticalRandomFeatures(9, opu=opu).fit(X)
    Z = model.transform(X)
    opu.set_params(random_state=4)
    assert_array_equal(model.transform(X), Z)
    assert not np.allclose(model.fit_transform(X), Z)


def test_parameters_count_at_fit():
    model = OpticalRandomFeatures(10, degree=3, random_state=0).fit(X)
    Z = model.transform(X)
    model.set_params(n=20, kernel="arc_cosine", degree=1)
    assert_array_equal(model.transform(X), Z)
    assert model.fit_transform(X).shape == (20, 20)


def test_sparse_integers_given_twice_do_not_wrap():
    values, zeros = np.array([255, 1], dtype=np.uint8), np.array([0, 0])
    twice = scipy.sparse.coo_array((values, (zeros, zeros)))
    model = OpticalRandomFeatures(random_state=0).fit([[1.0]])
    assert_allclose(model.transform(twice), model.transform([[256.0]]))


def test_measured_medium():
    matrix = GaussianMedium(3).transmission_matrix(6, 500)
    Z = OpticalRandomFeatures(500, opu=OPU(MeasuredMedium(matrix))).fit_transform(X)
    rms = np.sqrt(np.mean(np.abs(matrix) ** 2))
    assert_allclose(Z * np.sqrt(500), np.abs(X @ matrix.T / rms) ** 2)


def test_read_noise_below_zero_gives_no_nan():
    opu = OPU(camera=Camera(read_noise=3.0))
    for degree in (0.5, 1, 3):
        Z = OpticalRandomFeatures(500, degree=degree, opu=opu).fit_transform(X)
        assert np.isfinite(Z).all()
        assert (Z >= 0).all()


def test_in_a_pipeline_and_grid_search():
    digits, y = load_digits(return_X_y=True)
    digits = digits.astype("f") / 16
    pipeline = make_pipeline(
        OpticalRandomFeatures(opu=OPU(camera=Camera(bits=1))), RidgeClassifier()
    )
    grid = {
        "opticalrandomfeatures__n": [10, 500],
        "opticalrandomfeatures__opu__camera__bits": [1, 8],
    }
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2).fit(digits[:900], y[:900])
    best = search.best_params_
    assert best == {
        "opticalrandomfeatures__n": 500,
        "opticalrandomfeatures__opu__camera__bits": 8,
    }
    assert search.score(digits[900:], y[900:]) > 0.9


def test_ridge_on_many_features_is_kernel_ridge():
    y = X[:, 0] ** 2 - X[:, 1]
    Z = OpticalRandomFeatures(200_000, random_state=0).fit_transform(X)
    K = optical_kernel(X)
    expected = K @ np.linalg.solve(K + np.eye(20), y)
    assert_allclose(Ridge(fit_intercept=False).fit(Z, y).predict(Z), expected, rtol=0.1, atol=0.05)


# Bad input.


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n": 0}, "n' parameter"),
        ({"n": -3}, "n' parameter"),
        ({"n": 10.0}, "n' parameter"),
        ({"n": True}, "n must be an integer"),
        ({"kernel": "poly"}, "kernel' parameter"),
        ({"degree": 0}, "positive number"),
        ({"degree": -1}, "degree' parameter"),
        ({"degree": np.nan}, "degree"),
        ({"degree": "2"}, "degree' parameter"),
        ({"kernel": "arc_cosine", "degree": 3}, "0, 1 or 2"),
        ({"kernel": "arc_cosine", "degree": 1.5}, "0, 1 or 2"),
        ({"kernel": "rbf", "degree": 2}, "has no degree"),
        ({"gamma": 1.0}, "has no gamma"),
        ({"kernel": "rbf", "gamma": 0}, "gamma' parameter"),
        ({"opu": "laser"}, "opu' parameter"),
        ({"opu": LayeredMedium()}, "opu' parameter"),
        ({"random_state": "x"}, "random_state' parameter"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        OpticalRandomFeatures(**parameters).fit(X)


@pytest.mark.parametrize(
    "bad",
    [X * np.nan, X - np.inf, X * 1j, X[0], X[:0], [["a", "b"]], scipy.sparse.csr_array(X * np.nan)],
)
def test_bad_input(bad):
    with pytest.raises(ValueError, match=r".+"):
        OpticalRandomFeatures().fit(bad)
    with pytest.raises(ValueError, match=r".+"):
        OpticalRandomFeatures().fit(X).transform(bad)


def test_bad_order_of_calls():
    with pytest.raises(ValueError, match="not fitted yet"):
        OpticalRandomFeatures().transform(X)
    with pytest.raises(ValueError, match="expecting 6 features"):
        OpticalRandomFeatures().fit(X).transform(X[:, :5])


def test_device_refuses_at_transform_what_it_cannot_show():
    model = OpticalRandomFeatures(opu=OPU(input_bits=1)).fit(X)
    with pytest.raises(ValueError, match="Binarizer"):
        model.transform(X)


@pytest.mark.parametrize(
    ("opu", "message"),
    [
        (OPU(MeasuredMedium(np.ones((10, 6)))), "10 output modes"),
        (OPU(MeasuredMedium(np.ones((11, 5)))), "5 inputs"),
        (OPU(LayeredMedium(1.5)), "n_layers"),
        (OPU(LayeredMedium(random_state=-1)), "random_state of LayeredMedium"),
        (OPU(camera=Camera(bits=99)), "bits of Camera"),
        (OPU(max_outputs=10), "10 outputs, 11 were asked for"),
        (OPU(max_inputs=5), "5 inputs, 6 were asked for"),
    ],
)
def test_device_that_cannot_work_is_refused_at_fit(opu, message):
    with pytest.raises(ValueError, match=message):
        OpticalRandomFeatures(n=11, opu=opu).fit(X)


@settings(max_examples=60, deadline=None)
@given(
    n_rows=st.integers(1, 12),
    n_features=st.integers(1, 12),
    n=st.integers(1, 1300),
    case=st.sampled_from([*EXACT]),
    dtype=st.sampled_from([np.float32, np.float64, np.int64, np.uint8, bool]),
)
def test_any_shape(n_rows, n_features, n, case, dtype):
    data = np.random.default_rng(0).integers(0, 2, size=(n_rows, n_features)).astype(dtype)
    Z = OpticalRandomFeatures(n, kernel=case[0], degree=case[1]).fit_transform(data)
    assert Z.shape == (n_rows, n)
    assert Z.dtype == (np.float32 if dtype is np.float32 else np.float64)
    assert np.isfinite(Z).all()


def test_global_generator_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    OpticalRandomFeatures(random_state=0).fit_transform(X)
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


LARGE = load_digits().data[:50] / 16


@pytest.mark.parametrize("opu", [None, OPU(camera=Camera(bits=8, photons=100))])
@pytest.mark.parametrize("kernel", ["speckle", "arc_cosine", "rbf"])
def test_transform_into_a_memory_map(kernel, opu, tmp_path):
    data = LARGE.astype(np.float32)
    features = OpticalRandomFeatures(70, kernel=kernel, opu=opu, random_state=0).fit(data)
    out = np.lib.format.open_memmap(tmp_path / "z.npy", "w+", np.float32, (50, 70))
    assert features.transform(data, out=out) is out
    out.flush()
    assert np.array_equal(np.load(tmp_path / "z.npy"), features.transform(data))


def test_out_that_does_not_suit(tmp_path):
    features = OpticalRandomFeatures(64).fit(LARGE)
    path = tmp_path / "z.npy"
    np.save(path, np.zeros((50, 64)))
    for out, match in [
        (np.empty((50, 63)), r"out must be an array of float64 of shape \(50, 64\), got float64"),
        (np.empty((50, 64), np.float32), "got float32"),
        ([0.0], r"got \[0.0\]"),
        (np.load(path, mmap_mode="r"), 'cannot be written to. Open a memory map with mode "r'),
        (LARGE, "out overlaps X"),
    ]:
        with pytest.raises(ValueError, match=match):
            features.transform(LARGE, out=out)


@pytest.mark.parametrize("scale", [1e200, 1e155, 1e-160])
def test_a_variance_out_of_range(scale, rng):
    with pytest.raises(ValueError, match="variance of X is out of the range"):
        OpticalRandomFeatures(9, kernel="rbf").fit(scale * rng.normal(size=(20, 6)))


def test_a_width_out_of_the_range_of_float32(rng):
    X = (1e-40 * rng.normal(size=(20, 6))).astype(np.float32)
    with pytest.raises(ValueError, match="out of the range of float32"):
        OpticalRandomFeatures(9, kernel="rbf").fit_transform(X)
    wide = OpticalRandomFeatures(9, kernel="rbf", random_state=0)
    assert_allclose(wide.fit_transform(1e40 * X.astype(float)), wide.fit_transform(X.astype(float)))
