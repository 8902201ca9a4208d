import copy
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
import scipy.stats
from scipy.sparse.linalg import LinearOperator, aslinearoperator
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.pairwise import rbf_kernel
from threadpoolctl import threadpool_limits

from skopu import OPU, Camera, GaussianMedium, LayeredMedium, opu_trace
from skopu._utils.threads import own_threads
from skopu.linalg import TRACE_METHODS
from skopu.linalg._leave_one_out import leave_one_out
from skopu.linalg._nystrom import nystrom_sketch
from skopu.linalg._operators import check_operator
from skopu.linalg._random_vectors import probes

from ..statistics import z_score
from .matrices import FORMS, PUBLISHED, Counting, layered, noisy, published, symmetric

METHODS = ["hutchinson", "sketch", "hutch++", "xtrace"]


def estimates(A, n_matvecs=100, n_seeds=200, device=None, **options):
    """Values and standard errors over seeds."""
    results = [
        opu_trace(A, n_matvecs, opu=device and device(seed=seed), random_state=seed, **options)
        for seed in range(n_seeds)
    ]
    assert all(0 < result.n_matvecs <= n_matvecs for result in results)
    values, errors, _ = np.array(results).T
    return values, errors


def estimating(method):
    """That method, with random vectors also where unit vectors would do."""
    method = copy.copy(TRACE_METHODS[method])
    method.unit_vectors = False
    return method


def coverage(A, values, errors, quantile):
    """Fraction of intervals, that many standard errors to each side, which hold the trace."""
    return np.mean(np.abs(values - np.trace(A)) < quantile * errors)


NON_SYMMETRIC = np.random.default_rng(0).normal(size=(40, 40)) + np.diag(np.arange(40.0))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("device", [None, layered, noisy], ids=["ideal", "layered", "noisy"])
@pytest.mark.parametrize(
    "A", [NON_SYMMETRIC, symmetric(np.linspace(-2, 3, 40)), np.diag(np.arange(40.0))]
)
def test_unbiased(A, device, method):
    values, errors = estimates(A, 20, 40 if device is noisy else 200, device, method=method)
    assert abs(z_score(values, np.trace(A))) < 4
    # And the error is about what it is said to be.
    assert 0.7 < np.std(values) / np.sqrt(np.mean(errors**2)) < 1.4


@pytest.mark.parametrize("method", ["hutchinson", "sketch", "xtrace"])
def test_noise_has_no_bias_even_where_it_is_strong(method):
    """Probes of variance 1 + s^2, here about 2, leave the trace of an operator as it is."""

    def device(seed):
        return noisy(seed=seed, photons=None, read_noise=1.0)

    A = np.diag(np.linspace(1, 2, 30))
    raw = device(0).linear(np.eye(30), 3000)
    assert np.mean(raw**2) > 1.5
    for matrix in (A, aslinearoperator(A)):
        values, _ = estimates(matrix, 20, 60, device, method=method)
        assert abs(z_score(values, 45.0)) < 4


@pytest.mark.parametrize("A", [np.eye(60), 2 * np.eye(60), np.diag(np.arange(60.0) % 2)])
@pytest.mark.parametrize("camera", [{"photons": 2, "read_noise": 0.3}, {"photons": 10}], ids=str)
def test_rows_of_a_sketch_that_are_inputs_have_noise_of_their_own(camera, A):
    """The device is shown each input alone for R, and the same again as a row of A."""

    def device(seed):
        return noisy(seed=seed, **{"read_noise": 0.0, **camera})

    for matrix in (A, scipy.sparse.csr_array(A)):
        values, errors = estimates(matrix, 20, 60, device, method="sketch")
        assert abs(z_score(values, np.trace(A))) < 4
        assert 0.7 < np.std(values) / np.sqrt(np.mean(errors**2)) < 1.4


def test_a_digital_sketch_is_as_good():
    """Paired over seeds, errors by light and by NumPy's Gaussian are equally large."""
    A = symmetric(np.linspace(1, 3, 60))
    optical, _ = estimates(A, 20, 50, method="sketch")
    differences = []
    for seed in range(50):
        R = np.random.default_rng(seed).normal(size=(60, 20))
        digital = np.trace(R.T @ A @ R) / 20
        differences.append(abs(optical[seed] - 120) - abs(digital - 120))
    assert abs(z_score(differences, 0)) < 3


@pytest.mark.parametrize("method", METHODS)
def test_a_camera_of_few_bits_does_not_saturate(method):
    def device(seed):
        return noisy(seed=seed, bits=8)

    A = symmetric(np.linspace(1, 3, 100))
    values, errors = estimates(A, 20, 30, device, method=method)
    assert abs(z_score(values, 200)) < 4
    assert 0.6 < np.std(values) / np.sqrt(np.mean(errors**2)) < 1.5


def test_error_of_hutchinson_is_the_theory():
    """Of unit-length probes: sqrt(2 / m) times the Frobenius norm without the mean part."""
    spectrum = np.r_[np.ones(10), -np.ones(10), np.zeros(40)]
    A, n, m = symmetric(spectrum), 60, 25
    values, _ = estimates(A, m, 1000, method="hutchinson")
    variance = 2 * n / (n + 2) * np.sum(spectrum**2) / m
    assert abs(z_score(np.square(values), variance)) < 4


RAMP = np.linspace(3, 1, 300)
STEP = np.r_[np.ones(15), 1e-3 * np.ones(285)]
KERNEL = rbf_kernel(load_digits().data[:300] / 16)
MATRICES = {
    "flat": symmetric(RAMP),
    "power": symmetric(np.arange(1, 301.0) ** -2),
    "geometric": symmetric(0.7 ** np.arange(300)),
    "step": symmetric(STEP),
    "ramp": np.diag(RAMP),
    "diagonal step": np.diag(STEP),
    "kernel": KERNEL,
}


@pytest.mark.parametrize("device", [None, layered], ids=["ideal", "layered"])
@pytest.mark.parametrize("matrix", MATRICES)
def test_interval_of_xtrace_covers(matrix, device):
    A = MATRICES[matrix]
    values, errors = estimates(A, 60, 100 if device else 200, device)
    assert 0.87 < coverage(A, values, errors, 1.96) < 0.995


@pytest.mark.parametrize("power", [0, 0.5, 1, 2])
@pytest.mark.parametrize("n_matvecs", [40, 120])
def test_interval_of_xtrace_covers_where_the_space_is_large(power, n_matvecs):
    """Up to 60 of 100 dimensions, which all values share."""
    A = symmetric(np.arange(1, 101.0) ** -power if power else np.linspace(1, 2, 100))
    values, errors = estimates(A, n_matvecs, 300, method=estimating("xtrace"))
    wide = scipy.stats.t.ppf(0.975, n_matvecs / 2 - 1)
    assert 0.9 < coverage(A, values, errors, wide) < 0.99


@pytest.mark.parametrize("method", ["xtrace", "xnystrace"])
@pytest.mark.parametrize("rank", [28, 30, 40])
def test_interval_covers_near_the_rank(method, rank):
    """Equal eigenvalues, of which 25 vectors miss a few: their values are then correlated."""
    A = symmetric(np.r_[np.ones(rank), np.zeros(100 - rank)])
    n_matvecs = 50 if method == "xtrace" else 25
    values, errors = estimates(A, n_matvecs, 400, method=method)
    # No less than the 93 % that are promised less 3 standard errors of 400 seeds.
    assert 0.89 < coverage(A, values, errors, scipy.stats.t.ppf(0.975, 24)) < 0.985


@pytest.mark.parametrize("power", [0.1, 1, 3])
@pytest.mark.parametrize("n_matvecs", [30, 48, 57])
def test_interval_of_xnystrace_covers_with_nearly_as_many_vectors_as_rows(power, n_matvecs):
    """Values share what the vectors leave of the trace, which is of 30, 12 or 3 dimensions."""
    A = np.diag(np.arange(1, 61.0) ** -power)
    values, errors = estimates(A, n_matvecs, 300, method="xnystrace")
    wide = scipy.stats.t.ppf(0.975, n_matvecs - 1)
    # No less than 93 % less 2.5 standard errors of 300 seeds, nor more than 97 % plus as many.
    assert 0.895 < coverage(A, values, errors, wide) < 0.995
    assert 0.85 < np.std(values) / np.sqrt(np.mean(errors**2)) < 1.15


@pytest.mark.parametrize("matrix", MATRICES)
def test_interval_of_xnystrace_covers(matrix):
    A = MATRICES[matrix]
    values, errors = estimates(A, 40, 300, method="xnystrace")
    wide = scipy.stats.t.ppf(0.975, 39)
    assert 0.89 < coverage(A, values, errors, wide) < 0.985
    assert abs(z_score(values, np.trace(A))) < 4


@pytest.mark.parametrize(
    ("matrix", "times"), [("flat", 0.8), ("power", 0.9), ("geometric", 0.1), ("kernel", 0.8)]
)
def test_xnystrace_is_more_accurate_than_xtrace(matrix, times):
    A = MATRICES[matrix]
    values, _ = estimates(A, 40, 100, method="xnystrace")
    worse, _ = estimates(A, 40, 100)
    assert np.std(values) < times * np.std(worse)


@pytest.mark.parametrize("rank", [5, 100])
@pytest.mark.parametrize("n_matvecs", [98, 99, 100])
def test_xnystrace_from_as_many_vectors_as_rows(n_matvecs, rank):
    """Which are ill-conditioned; a positive matrix is not to be taken for an indefinite one."""
    A = symmetric(np.where(np.arange(100) < rank, 0.7 ** np.arange(100), 0))
    values, errors = estimates(A, n_matvecs, 40, method=estimating("xnystrace"))
    assert np.all(abs(values - np.trace(A)) < 4 * errors)
    assert errors.max() < 1e-12


@pytest.mark.parametrize("shape", ["indefinite", "not symmetric", "negative"])
def test_xnystrace_takes_positive_matrices_alone(shape):
    A = np.linspace(-1, 3, 60) if shape == "indefinite" else np.linspace(1, 2, 60)
    A = NON_SYMMETRIC if shape == "not symmetric" else symmetric(A)
    A = -A if shape == "negative" else A
    with pytest.raises(ValueError, match=r"positive semi-definite|symmetric"):
        opu_trace(A, 39, method="xnystrace", random_state=0)
    with pytest.raises(ValueError, match=r"f\(A\) must be positive semi-definite.*xtrace"):
        opu_trace(
            symmetric(np.linspace(0.1, 2, 60)), 400, method="xnystrace", function="log",
            lanczos_steps=10, random_state=0,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("matrix", "error"), [("flat", 7e-3), ("power", 2e-3), ("geometric", 1e-5), ("step", 1e-4)]
)
def test_accuracy_of_xtrace(matrix, error):
    A = MATRICES[matrix]
    values, _ = estimates(A, 60, 50)
    assert np.sqrt(np.mean((values / np.trace(A) - 1) ** 2)) < error
    worse, _ = estimates(A, 60, 50, method="hutchinson")
    if matrix != "flat":
        assert np.std(worse) > 5 * np.std(values)


PRODUCTS = {"hutchinson": 1, "xnystrace": 1, "xtrace": 2, "hutch++": 3}  # for each vector
IN_A_SPACE = ["hutch++", "xtrace", "xnystrace"]


def relative_errors(matrix, method, n_vectors, n_seeds=40):
    """Of estimates from that many vectors, (n_vectors, n_seeds)."""
    A = published(matrix)
    products = PRODUCTS[method] * np.asarray(n_vectors)
    values = [estimates(A, m, n_seeds, method=method)[0] for m in products]
    return abs(np.array(values) / np.trace(A) - 1)


@pytest.mark.parametrize("method", PRODUCTS)
def test_published_flat_spectrum(method):
    """A space has nothing to find: all are as Hutchinson's, with as many vectors."""
    spectrum = PUBLISHED["flat"]
    n, m = len(spectrum), 60 // PRODUCTS[method]
    variance = 2 * n / (n + 2) * np.sum((spectrum - spectrum.mean()) ** 2) / m
    errors = relative_errors("flat", method, [m], 100)[0] * spectrum.sum()
    assert abs(z_score(errors**2 / variance, 1)) < 3


@pytest.mark.parametrize("method", IN_A_SPACE)
def test_published_power_law(method):
    """Beyond k of i^-2, the Frobenius norm is as k^-3/2, and its share of a trace as k^-2."""
    n_vectors = [10, 20, 40, 80] if method == "xtrace" else [12, 24, 48]
    errors = relative_errors("poly", method, n_vectors)
    x = np.repeat(np.log(n_vectors), errors.shape[1])
    fit = scipy.stats.linregress(x, np.log(errors.ravel()))
    assert abs(fit.slope + 2) < 4 * fit.stderr
    assert fit.stderr < 0.2


@pytest.mark.parametrize("method", IN_A_SPACE)
def test_published_exponential(method):
    """Each vector more takes the next of 0.7^i away, up to slower factors."""
    n_vectors = np.array([10, 20, 30, 40, 50])
    errors = relative_errors("exp", method, n_vectors, 20)
    fit = np.polyfit(n_vectors, np.log(errors).mean(axis=1), 1)
    assert 0.8 < fit[0] / np.log(0.7) < 1.2
    plain = relative_errors("exp", "hutchinson", n_vectors[:1], 20)
    assert errors[0].mean() < 0.5 * plain.mean()


@pytest.mark.parametrize(
    ("method", "n_vectors", "times"),
    [("hutch++", 60, 1e-3), ("xtrace", 60, 1e-3), ("xnystrace", 100, 0.1)],
)
def test_published_step(method, n_vectors, times):
    """Errors collapse once there are more vectors than ones, of which there are 50."""
    few, many = relative_errors("step", method, [40, n_vectors], 20).mean(axis=1)
    plain = relative_errors("step", "hutchinson", [40 * PRODUCTS[method]], 20).mean()
    assert 0.4 < few / plain < 2.5
    assert many < times * few


def test_xtrace_is_its_definition():
    """Each vector left out in turn, by decompositions of the others."""
    n, m = 30, 6
    A = NON_SYMMETRIC[:n, :n]
    X = np.random.default_rng(0).normal(size=(n, m))
    expected, forms, outside = [], [], []
    for i in range(m):
        Q, _ = np.linalg.qr(A @ np.delete(X, i, axis=1))
        rest = X[:, i] - Q @ (Q.T @ X[:, i])
        scale = (n - m + 1) / (rest @ rest)
        outside.append(abs(scale * (rest @ A @ rest)))
        forms.append(Q @ Q.T + scale * np.outer(rest, rest))
        expected.append(np.sum(forms[-1] * A))
    values, widening = leave_one_out(X, A @ X, [(X, A @ X)], lambda Q: [(Q, A @ Q)])
    assert np.allclose(values[0], expected)
    # Were A to look the same from all sides, the variances would be as these squares of norms.
    mean = np.mean(forms, axis=0)
    spread = np.sum((forms - mean) ** 2) / (m - 1) / m
    Q, _ = np.linalg.qr(A @ X)
    inside = np.sum(abs(np.sum(Q * (A @ Q), axis=0)))
    shared = inside / (inside + np.mean(outside))
    expected = np.sqrt(np.sum((mean - np.eye(n)) ** 2) / spread) * (1 + 0.3 * shared)
    assert np.isclose(widening, expected)


def test_xnystrace_is_its_definition():
    n, m = 30, 6
    A = symmetric(np.linspace(0.1, 3, n))
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, m))
    expected = []
    for i in range(m):
        others = np.delete(X, i, axis=1)
        Y = A @ others
        approximation = Y @ np.linalg.solve(others.T @ Y, Y.T)
        Q, _ = np.linalg.qr(others)
        rest = X[:, i] - Q @ (Q.T @ X[:, i])
        outside = rest @ (A - approximation) @ rest * (n - m + 1) / (rest @ rest)
        expected.append(np.trace(approximation) + outside)
    sketch = nystrom_sketch(check_operator(A), X, "")
    inside = np.sum(sketch.B**2) - np.sum(sketch.left_out**2, axis=0)
    assert np.allclose(inside + sketch.missed * (n - m + 1), expected)


@pytest.mark.parametrize("method", ["hutchinson", "hutch++", "xtrace", "xnystrace"])
@pytest.mark.parametrize(
    "A",
    [np.eye(50), np.zeros((30, 30)), np.ones((1, 1)), np.eye(50) * 1e-40, np.eye(50) * 1e100],
    ids=["identity", "zero", "one", "small", "large"],
)
def test_exact_where_nothing_is_random(A, method):
    for way in (method, estimating(method)):
        value, error, n_matvecs = opu_trace(A, 40, method=way, random_state=0)
        assert np.isclose(value, np.trace(A), rtol=1e-12, atol=0)
        assert error <= 1e-12 * np.trace(A)
        assert n_matvecs <= 40


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", ["hutchinson", "hutch++", "xtrace", "xnystrace"])
def test_exact_with_as_many_products_as_rows(method, form, tmp_path):
    A = FORMS[form](NON_SYMMETRIC, tmp_path)
    for n_matvecs in (40, 41, 1000):
        for rtol in (None, 1e-30):
            value, error, made = opu_trace(A, n_matvecs, method=method, rtol=rtol)
            assert made == 40
            assert np.isclose(value, np.trace(NON_SYMMETRIC), rtol=1e-14, atol=0)
            assert 0 < error < 1e-12


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_unit_vectors_are_shown_in_pieces(dtype, monkeypatch):
    monkeypatch.setattr("skopu.linalg._operator._PIECE_BYTES", 40 * 8 * 7)
    A = Counting(NON_SYMMETRIC.astype(dtype))
    value, error, made = opu_trace(A, 40)
    assert made == A.n_matvecs == 40
    assert len(A.calls) > 2
    exact = np.trace(NON_SYMMETRIC)
    assert abs(value - exact) < error < 10 * np.finfo(dtype).eps * exact


def test_an_exact_trace_of_zero_is_as_small_as_rounding():
    """Whose error no multiple of it covers; and it is none to warn of."""
    A = np.diag([0.1, 0.2, -0.3])
    value, error, made = opu_trace(A, 10, rtol=0.01)
    assert 0 < abs(value) < error < 1e-14
    assert made == 3


def test_exact_with_fewer_rows_than_a_method_takes_products():
    assert opu_trace(np.diag([1.0, 2.0, 4.0]), 3).value == 7
    with pytest.raises(ValueError, match="at least 3 products"):
        opu_trace(np.eye(3), 2)


@pytest.mark.parametrize(("method", "function"), [("sketch", None), ("xtrace", "exp")])
def test_never_by_unit_vectors(method, function):
    """The paper's estimate, and functions, whose Lanczos process is not exact for them either."""
    A = symmetric(np.linspace(1, 2, 30))
    options = {"method": method, "function": function, "lanczos_steps": 10}
    first, second = (opu_trace(A, 600, random_state=seed, **options) for seed in (0, 1))
    assert first.value != second.value
    assert first.n_matvecs > 30


def test_rounds_end_with_unit_vectors():
    """A round of as many products as rows is exact, and not followed by another."""
    A = symmetric(np.linspace(-1, 2, 100))
    found = opu_trace(A, 10_000, rtol=1e-4, method="hutchinson", random_state=0)
    assert abs(found.value - 50) < found.standard_error < 1e-10
    assert found.n_matvecs == 60 + 100


@pytest.mark.parametrize("exponent", [-560, -120, 500, 900])
@pytest.mark.parametrize("function", [None, "log", "inv", "sqrt"])
@pytest.mark.parametrize("method", METHODS)
def test_error_of_large_and_small_numbers(method, function, exponent):
    """Powers of two, which leave all digits as they are."""
    spectrum = np.linspace(1, 5, 60)
    options = {"method": method, "function": function, "lanczos_steps": 15, "random_state": 0}
    n_matvecs = 300 if function else 30
    result = opu_trace(symmetric(np.ldexp(spectrum, exponent)), n_matvecs, **options)
    if function == "log":  # adds, so that the matrix is another
        exact = np.log(spectrum).sum() + 60 * exponent * np.log(2)
        assert abs(result.value - exact) < 4 * result.standard_error < 0.01 * abs(exact)
    else:
        expected = opu_trace(symmetric(spectrum), n_matvecs, **options)
        unit = 2.0 ** ({None: 1, "inv": -1, "sqrt": 0.5}[function] * exponent)
        assert np.allclose(np.divide(result[:2], unit), expected[:2], rtol=1e-6)


@pytest.mark.parametrize("function", ["log", "sqrt"])
def test_functions_of_the_smallest_floats(function):
    A = np.diag(np.linspace(1e-40, 5e-40, 60)).astype(np.float32)
    with pytest.raises(ValueError, match=r"not finite at 1e-40, .* or overflows float32"):
        opu_trace(A, 600, function="inv", lanczos_steps=15, random_state=0)
    result = opu_trace(A, 600, function=function, lanczos_steps=15, random_state=0)
    exact = FUNCTIONS[function](np.diag(A).astype(float)).sum()
    assert abs(result.value - exact) < 4 * result.standard_error + 1e-4 * abs(exact)
    assert result.standard_error > 0


@pytest.mark.parametrize("scale", [1e-170, 1e155])
def test_symmetry_is_checked_of_large_and_small_numbers(scale):
    A = symmetric(np.linspace(1, 5, 60)) * scale
    opu_trace(A, 400, function="sqrt", random_state=0)
    with pytest.raises(ValueError, match="must be symmetric"):
        opu_trace(np.triu(A), 400, function="sqrt", random_state=0)


@pytest.mark.parametrize("method", ["hutch++", "xtrace"])
def test_exact_for_low_rank(method):
    A = symmetric(np.r_[5.0, -3.0, 1.0, np.zeros(60)])
    value, error, _ = opu_trace(A, 30, method=method, random_state=0)
    assert np.isclose(value, 3, atol=1e-10)
    assert error < 1e-9


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", METHODS)
def test_every_form_gives_the_same(form, method, tmp_path):
    A = NON_SYMMETRIC
    expected = opu_trace(A, 21, method=method, random_state=3)
    result = opu_trace(FORMS[form](A, tmp_path), 21, method=method, random_state=3)
    if method == "sketch" and form == "operator":  # has no rows to show
        assert result.n_matvecs == expected.n_matvecs
    else:
        assert np.allclose(result, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("method", METHODS)
def test_dtypes(method, dtype):
    A = NON_SYMMETRIC.astype(dtype)
    value, error, _ = opu_trace(A, 30, method=method, random_state=0)
    expected, expected_error, _ = opu_trace(A.astype(float), 30, method=method, random_state=0)
    assert type(value) is type(error) is float
    assert np.isclose(value, expected, rtol=1e-4)
    assert np.isclose(error, expected_error, rtol=1e-3)


@pytest.mark.parametrize("function", [None, "log"])
@pytest.mark.parametrize("n_matvecs", [20, 21, 22, 23, 37, 100])
@pytest.mark.parametrize("method", METHODS)
def test_products_are_counted_and_never_more_than_asked(method, n_matvecs, function):
    A = Counting(symmetric(np.linspace(1, 2, 60)))
    result = opu_trace(
        A, n_matvecs, method=method, function=function, lanczos_steps=5, random_state=0
    )
    assert result.n_matvecs == A.n_matvecs <= n_matvecs
    exact = n_matvecs > 60 and method != "sketch" and function is None
    assert A.n_matvecs > (60 if exact else n_matvecs) - (10 if function else 2)


FUNCTIONS = {
    "log": np.log,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "inv": np.reciprocal,
    "callable": lambda x: x / (1 + x),
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("method", [*METHODS, "xnystrace"])
def test_functions(function, method):
    spectrum = np.linspace(1.5, 4, 80)
    A = symmetric(spectrum)
    exact = FUNCTIONS[function](spectrum).sum()
    asked = FUNCTIONS[function] if function == "callable" else function
    values, errors = estimates(A, 400, 60, method=method, function=asked, lanczos_steps=15)
    assert abs(z_score(values, exact)) < 4
    assert 0.6 < np.std(values) / np.sqrt(np.mean(errors**2)) < 1.5


def test_functions_are_exact_on_the_whole_space():
    spectrum = np.array([1.0, 2.0, 5.0, 9.0])
    A = symmetric(spectrum)
    for function, exact in FUNCTIONS.items():
        asked = exact if function == "callable" else function
        value, error, _ = opu_trace(A, 80, function=asked, random_state=0)
        assert np.isclose(value, exact(spectrum).sum(), rtol=1e-12)
        assert error < 1e-10


def test_function_of_a_matrix_times_a_vector():
    from skopu.linalg._lanczos import MatrixFunction

    A = symmetric(np.linspace(1, 3, 60))
    X = np.random.default_rng(0).normal(size=(60, 7))
    X[:, 3] = 0
    product = MatrixFunction(check_operator(A), "sqrt", 30).matmat(X)
    assert np.allclose(product, scipy.linalg.sqrtm(A) @ X, atol=1e-10)


@pytest.mark.parametrize("method", ["hutchinson", "hutch++", "xtrace"])
@pytest.mark.parametrize(("function", "n_steps"), [("log", 8), ("log", 16), ("sqrt", 8)])
def test_too_few_steps_show_in_the_error(function, n_steps, method):
    """With an ill-conditioned matrix the truncation error is within what is reported."""
    spectrum = np.logspace(-6, 0, 200)
    value, error, _ = opu_trace(
        symmetric(spectrum),
        40 * n_steps,
        method=method,
        function=function,
        lanczos_steps=n_steps,
        random_state=0,
    )
    assert abs(value - FUNCTIONS[function](spectrum).sum()) < 2 * error


def test_far_too_few_steps_are_told():
    A = symmetric(np.logspace(-8, 0, 200))
    with pytest.warns(ConvergenceWarning, match="12 Lanczos steps are too few"):
        result = opu_trace(A, 480, function="inv", lanczos_steps=12, random_state=0)
    assert result.standard_error == np.inf


SPECTRA = {
    "powers of ten": np.logspace(0, -10, 200),
    "power law": np.arange(1, 201.0) ** -4,
    "one far below": np.r_[1e-10, np.logspace(0, -2, 199)],
    "some far below": np.r_[np.linspace(1, 2, 5) * 1e-10, np.logspace(0, -2, 195)],
    "cluster far below": np.r_[np.linspace(1, 2, 20) * 1e-10, np.linspace(1, 2, 180)],
    "line": np.linspace(1e-8, 1, 200),
    "three clusters": np.concatenate([s * np.linspace(1, 1.1, 66) for s in (1, 1e-3, 1e-6)]),
    "well-conditioned": np.linspace(1, 30, 200),
}


@pytest.mark.filterwarnings("ignore:.*Lanczos steps are too few:UserWarning")
@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("function", ["inv", "log"])
def test_error_covers_what_too_few_steps_leave_out(function, spectrum):
    """Or it is infinite, and there is a warning; also where forms rest before they go on."""
    eigenvalues = SPECTRA[spectrum]
    A, exact = np.diag(eigenvalues), FUNCTIONS[function](eigenvalues).sum()
    for n_steps in (6, 12, 20, 40):
        for seed in range(3):
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                value, error, _ = opu_trace(
                    A,
                    30 * n_steps,
                    method="hutchinson",
                    function=function,
                    lanczos_steps=n_steps,
                    random_state=seed,
                )
            assert (error == np.inf) == bool(warned)
            assert abs(value - exact) < 5 * error
    if spectrum == "well-conditioned":
        assert error < 0.1 * exact


def test_converged_to_rounding_is_converged():
    """Changes by rounding, which a large condition magnifies, are none to warn of."""
    spectrum = np.r_[np.linspace(1, 2, 5) * 1e-4, np.linspace(1, 1.001, 195)]
    for function in ("inv", "log"):
        exact = FUNCTIONS[function](spectrum).sum()
        value, error, _ = opu_trace(
            np.diag(spectrum), 4000, function=function, lanczos_steps=60, random_state=0
        )
        assert abs(value - exact) < 4 * error < 4 * abs(exact)


@pytest.mark.parametrize("method", ["hutchinson", "hutch++", "xtrace"])
def test_few_products_follow_student(method):
    A = symmetric(np.arange(1, 101.0) ** -1)
    values, errors = estimates(A, 20, 400, method=method)
    n_values = {"hutchinson": 20, "hutch++": 8, "xtrace": 10}[method]
    wide = scipy.stats.t.ppf(0.975, n_values - 1)
    assert 0.9 < coverage(A, values, errors, wide) < 0.99


def test_low_rank_semidefinite_has_a_square_root():
    A = np.outer(np.arange(20.0), np.arange(20.0))
    value, error, _ = opu_trace(A, 100, function="sqrt", random_state=0)
    assert np.isclose(value, np.linalg.norm(np.arange(20.0)))
    assert error < 1e-6


def test_probes_of_a_layered_device_are_one_mode_of_each_block():
    opu = OPU(LayeredMedium(), Camera(bits=12), random_state=3)
    spread = opu.with_independent_modes(40, 6)
    size = opu.block_size(40)
    X = np.random.default_rng(0).normal(size=(2, 40))
    medium = LayeredMedium(random_state=3)
    for i in range(3):
        assert np.allclose(spread.field(X, 3)[:, i], medium.field(X, 1, start=i * size)[:, 0])
    assert spread.camera is opu.camera
    gaussian = OPU(GaussianMedium())
    assert gaussian.with_independent_modes(40, 6) is gaussian


def test_probes_have_the_length_of_signs():
    for device in (noisy(), layered(), OPU(GaussianMedium())):
        X = probes(device, 50, 7, np.float64)
        assert np.allclose(np.square(X).sum(axis=0), 50)


S = symmetric(np.linspace(1, 5, 20))


@pytest.mark.parametrize(
    ("matrix", "options", "match"),
    [
        (np.ones((3, 4)), {}, "must be square"),
        (S, {"n_matvecs": 0}, "n_matvecs must be an integer of at least 1"),
        (S, {"n_matvecs": 3}, "at least 4, got 3"),
        (S, {"rtol": 0}, "rtol must be a positive number, or None"),
        (S, {"rtol": "1e-3"}, "rtol must be a positive number, or None"),
        (S, {"n_matvecs": 1, "method": "hutchinson"}, "at least 2, got 1"),
        (S, {"n_matvecs": 79, "function": "log"}, "at least 80, got 79"),
        (S, {"method": "exact"}, "method must be one of"),
        (S, {"function": "cos"}, "function must be None, a callable or one of"),
        (S, {"function": "log", "lanczos_steps": 1}, "lanczos_steps"),
        (S - 3 * np.eye(20), {"function": "log"}, "needs positive eigenvalues"),
        (S - 3 * np.eye(20), {"function": "sqrt"}, "needs eigenvalues of at least 0"),
        (S - 3 * np.eye(20), {"function": "inv"}, "needs a definite matrix"),
        (np.zeros((20, 20)), {"function": "log"}, "needs positive eigenvalues"),
        (np.zeros((20, 20)), {"function": "inv"}, "needs a definite matrix"),
        (S - 3 * np.eye(20), {"function": np.log}, "function is not finite at -"),
        (S, {"function": lambda x: x[:1]}, "same shape"),
        (S, {"function": lambda x: 1j * x}, "real array"),
        (S, {"function": lambda x: x.astype(object)}, "got dtype object .* numpy.asarray"),
        (S, {"function": lambda x: x.astype(str)}, "got dtype <U32 .* Make it return numbers"),
        (np.triu(S), {"function": "log"}, "must be symmetric"),
        (aslinearoperator(np.triu(S)), {"function": "exp"}, "must be symmetric"),
        (S * np.nan, {}, "A product with A contains NaN"),
        (S * 1j, {}, "must be real"),
        (np.empty((0, 0)), {}, "at least one row"),
        (
            S,
            {"n_matvecs": 10, "opu": OPU(LayeredMedium(), max_outputs=2000)},
            "hold 2 independent modes",
        ),
        (
            S,
            {"n_matvecs": 10, "opu": OPU(camera=Camera(bits=1, exposure=0.01))},
            "nothing but zeros",
        ),
        (S, {"n_matvecs": 19, "opu": OPU(camera=Camera(bits=1))}, "Give it more bits"),
        (np.ma.masked_greater(S, 2), {}, "masked entries"),
    ],
)
def test_bad_input(matrix, options, match):
    with pytest.raises(ValueError, match=match):
        opu_trace(matrix, **{"n_matvecs": 100, "random_state": 0, **options})


@pytest.mark.parametrize("function", [None, "exp"])
@pytest.mark.parametrize("method", METHODS)
def test_an_operator_may_overwrite_its_argument(method, function):
    def overwrite(X):
        Y = S @ X
        X[:] = np.nan
        return Y

    A = LinearOperator(S.shape, matvec=overwrite, matmat=overwrite, dtype=S.dtype)
    options = {"method": method, "function": function, "random_state": 0}
    for n_matvecs in (200,) if function else (19, 200):
        expected = opu_trace(aslinearoperator(S), n_matvecs, **options)
        assert opu_trace(A, n_matvecs, **options) == expected


@pytest.mark.parametrize("function", [None, "log"])
@pytest.mark.parametrize("method", ["hutchinson", "hutch++", "xtrace"])
def test_sparse_products_share_a_pool(method, function, monkeypatch):
    pools = []

    class Pool(ThreadPoolExecutor):
        def __init__(self, *args):
            pools.append(self)
            super().__init__(*args)

    monkeypatch.setattr("skopu._utils.threads.ThreadPoolExecutor", Pool)
    with threadpool_limits(3), own_threads():  # so that the device makes no pool
        n_matvecs = 200 if function else 19  # 20 take unit vectors
        opu_trace(scipy.sparse.csr_array(S), n_matvecs, method=method, function=function)
    assert len(pools) == 1


def test_threads_of_a_sparse_matrix_nest():
    A = check_operator(scipy.sparse.csr_array(S))
    X = np.random.default_rng(0).normal(size=(20, 3))
    with A.threads():
        with A.threads():
            assert np.allclose(A.matmat(X), S @ X)
        assert np.allclose(A.matmat(X), S @ X)
    assert np.allclose(A.matmat(X), S @ X)
    # And of two threads, the first in is the first out.
    barrier, left = threading.Barrier(2), threading.Event()

    def first():
        with A.threads():
            barrier.wait()
        left.set()

    def second():
        with A.threads():
            barrier.wait()
            left.wait()
            return A.matmat(X)

    with ThreadPoolExecutor(2) as pool:
        pool.submit(first)
        assert np.allclose(pool.submit(second).result(), S @ X)
    assert np.allclose(A.matmat(X), S @ X)


def test_negative_definite_has_an_inverse():
    value, error, _ = opu_trace(-S, 400, function="inv", random_state=0)
    assert abs(value + np.sum(1 / np.linspace(1, 5, 20))) < 4 * error
    assert error < 0.3


DECAYING = symmetric(np.arange(1, 301.0) ** -0.7)


@pytest.mark.parametrize("method", METHODS)
def test_products_are_spent_until_the_error_is_small(method):
    found = [
        opu_trace(DECAYING, 30_000, rtol=rtol, method=method, random_state=0)
        for rtol in (0.1, 0.01, 0.002)
    ]
    for estimate, rtol in zip(found, (0.1, 0.01, 0.002), strict=True):
        assert estimate.standard_error <= rtol * estimate.value
    assert found[0].n_matvecs <= 60
    assert found[0].n_matvecs < found[1].n_matvecs <= found[2].n_matvecs < 30_000


@pytest.mark.parametrize("method", ["hutchinson", "hutch++", "xtrace"])
def test_stopping_does_not_spoil_the_interval(method):
    exact, n_seeds = np.trace(DECAYING), 200
    errors = np.empty((n_seeds, 2))
    for seed in range(n_seeds):
        found = opu_trace(DECAYING, 5000, rtol=0.02, method=method, random_state=seed)
        errors[seed] = abs(found.value - exact), found.standard_error
    covered = np.mean(errors[:, 0] < scipy.stats.t(20).ppf(0.975) * errors[:, 1])
    assert (covered - 0.95) / np.sqrt(0.95 * 0.05 / n_seeds) > -3


def test_functions_in_rounds():
    exact = np.log(np.arange(1, 301.0) ** -0.7).sum()
    found = opu_trace(DECAYING, 20_000, rtol=0.01, function="log", random_state=0)
    assert found.standard_error <= 0.01 * abs(found.value)
    assert abs(found.value - exact) < 4 * found.standard_error
    assert found.n_matvecs < 20_000


def test_an_error_that_cannot_be_reached_is_told():
    with pytest.warns(ConvergenceWarning, match="and not rtol=1e-06, after .* Raise n_matvecs"):
        found = opu_trace(DECAYING, 500, rtol=1e-6, method="hutchinson", random_state=0)
    assert 250 < found.n_matvecs <= 500
    assert found.standard_error > 1e-6 * found.value
    with pytest.warns(ConvergenceWarning, match="and not rtol=1e-200"):
        opu_trace(DECAYING, 500, rtol=1e-200, random_state=0)
    with pytest.warns(ConvergenceWarning, match="after 4 products"):
        assert opu_trace(np.zeros((9, 9)) + np.diag([1, -1] + [0] * 7), 4, rtol=0.1).n_matvecs <= 4
