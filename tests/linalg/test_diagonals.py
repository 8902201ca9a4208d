import numpy as np
import pytest
import scipy.sparse
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import LinearOperator, aslinearoperator
from sklearn.exceptions import ConvergenceWarning

from skopu.linalg import opu_diagonal
from skopu.linalg.diagonals import _in_space_and_outside

from ..statistics import z_score
from .matrices import FORMS, Counting, layered, noisy, published, symmetric

METHODS = ["xdiag", "hutchinson"]
N = 80
NON_SYMMETRIC = np.random.default_rng(0).normal(size=(N, N)) + np.diag(np.arange(N) / 8)
SPECTRA = {
    "flat": np.linspace(1, 2, N),
    "power": np.arange(1, N + 1.0) ** -1.5,
    "geometric": 0.8 ** np.arange(N),
    "step": np.r_[np.ones(12), np.full(N - 12, 0.01)],
}


def estimates(A, n_seeds, device=None, **options):
    found = [
        opu_diagonal(A, opu=device and device(seed=seed), random_state=seed, **options)
        for seed in range(n_seeds)
    ]
    return np.array([f.value for f in found]), np.array([f.standard_error for f in found])


@pytest.mark.parametrize("device", [None, layered, noisy], ids=["ideal", "layered", "noisy"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("A", [NON_SYMMETRIC, symmetric(SPECTRA["flat"])], ids=["any", "symmetric"])
def test_unbiased(A, method, device):
    values, _ = estimates(A, 60 if device else 300, device, method=method, n_matvecs=24)
    # The largest of 80 z-scores exceeds 4.5 in one run of 2000.
    assert abs(z_score(values, A.diagonal())).max() < 4.5


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("method", METHODS)
def test_interval_covers(spectrum, method):
    A = symmetric(SPECTRA[spectrum])
    values, errors = estimates(A, 60, method=method, n_matvecs=40)
    n_values = 20 if method == "xdiag" else 40
    wide = scipy.stats.t.ppf(0.975, n_values - 1)
    # Ten vectors, a half, do not reach the step.
    least = 0.88 if (spectrum, method) == ("step", "xdiag") else 0.91
    assert least < np.mean(abs(values - A.diagonal()) < wide * errors) < 0.98


@pytest.mark.parametrize("spectrum", ["power", "geometric"])
def test_xdiag_is_far_more_accurate_where_the_spectrum_falls(spectrum):
    A = symmetric(SPECTRA[spectrum])
    better, worse = (
        np.sqrt(np.mean((estimates(A, 20, method=m, n_matvecs=40)[0] - A.diagonal()) ** 2))
        for m in METHODS
    )
    assert better < 0.2 * worse


def test_error_of_hutchinson_is_the_theory():
    """The squares of the other entries of each row, over the number of products."""
    A = symmetric(SPECTRA["power"])
    values, _ = estimates(A, 400, method="hutchinson", n_matvecs=10)
    variances = (np.sum(A**2, axis=1) - A.diagonal() ** 2) / 10
    assert abs(z_score((values - A.diagonal()) ** 2 / variances, 1)).max() < 4.5


def published_errors(matrix, method, products):
    """Mean relative errors of the whole diagonal, for each number of products."""
    A = published(matrix)
    values = np.array([estimates(A, 10, method=method, n_matvecs=m)[0] for m in products])
    errors = np.linalg.norm(values - A.diagonal(), axis=-1) / np.linalg.norm(A.diagonal())
    return errors.mean(axis=1)


def test_published_spectra():
    """Where XTrace is the better one for a trace, XDiag is for a diagonal, and at the same rate."""
    products = np.array([20, 40, 80, 160])
    plain, power = (published_errors("poly", method, products) for method in METHODS[::-1])
    assert abs(np.polyfit(np.log(products), np.log(plain), 1)[0] + 0.5) < 0.1
    assert abs(np.polyfit(np.log(products), np.log(power), 1)[0] + 2) < 0.2
    exponential = published_errors("exp", "xdiag", products)
    rate = np.polyfit(products, np.log(exponential), 1)[0]
    assert 0.9 < 2 * rate / np.log(0.7) < 1.1
    before, after = published_errors("step", "xdiag", [80, 120])  # 40 and 60 vectors, 50 ones
    assert after < before / 20
    plain, flat = (published_errors("flat", method, [20]) for method in METHODS[::-1])
    assert 1 < flat / plain < 2


def test_xdiag_is_its_definition():
    """Each vector left out in turn, by decompositions of the others."""
    rng = np.random.default_rng(0)
    A, m = NON_SYMMETRIC[:30, :30], 6
    X = np.sign(rng.normal(size=(30, m)))
    expected = []
    for i in range(m):
        Q, _ = np.linalg.qr(A @ np.delete(X, i, axis=1))
        image = A @ X[:, i]
        expected.append(np.diag(Q @ (Q.T @ A)) + X[:, i] * (image - Q @ (Q.T @ image)))
    Q, R = np.linalg.qr(A @ X)
    value, error = _in_space_and_outside(X, Q, R, A.T @ Q, 1e-16)
    assert np.allclose(value, np.mean(expected, axis=0))
    assert np.allclose(error, np.std(expected, axis=0, ddof=1) / np.sqrt(m))


@pytest.mark.parametrize("method", METHODS)
def test_low_rank_and_identity(method):
    A = symmetric(np.r_[5.0, -3, 1, np.zeros(57)]) if method == "xdiag" else 3 * np.eye(60)
    value, error, _ = opu_diagonal(A, 30, method=method, random_state=0)
    assert np.allclose(value, A.diagonal(), atol=1e-12)
    assert error.max() < 1e-12


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", METHODS)
def test_every_form_gives_the_same(form, method, tmp_path):
    expected = opu_diagonal(NON_SYMMETRIC, 21, method=method, random_state=3)
    result = opu_diagonal(FORMS[form](NON_SYMMETRIC, tmp_path), 21, method=method, random_state=3)
    assert np.allclose(result.value, expected.value)
    assert np.allclose(result.standard_error, expected.standard_error)


@pytest.mark.parametrize("method", METHODS)
def test_dtypes(method):
    double = opu_diagonal(NON_SYMMETRIC, 30, method=method, random_state=0)
    single = opu_diagonal(NON_SYMMETRIC.astype(np.float32), 30, method=method, random_state=0)
    whole = opu_diagonal((8 * NON_SYMMETRIC).astype(int), 30, method=method, random_state=0)
    assert single.value.dtype == single.standard_error.dtype == np.float32
    assert whole.value.dtype == double.value.dtype == np.float64
    assert np.allclose(single.value, double.value, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_products_are_counted_and_never_more_than_asked(method):
    A = Counting(NON_SYMMETRIC)
    for n_matvecs in (4, 21, 79, 80, 500):
        A.calls.clear()
        result = opu_diagonal(A, n_matvecs, method=method, random_state=0)
        assert result.n_matvecs == A.n_matvecs <= n_matvecs


def test_a_symmetric_operator_needs_no_transposed_products():
    A = symmetric(SPECTRA["power"])
    operator = LinearOperator(A.shape, matvec=lambda x: A @ x, dtype=float)
    assert np.allclose(
        opu_diagonal(operator, 30, random_state=0).value,
        opu_diagonal(A, 30, random_state=0).value,
    )
    B = LinearOperator(A.shape, matvec=lambda x: NON_SYMMETRIC @ x, dtype=float)
    with pytest.raises(ValueError, match="rmatvec"):
        opu_diagonal(B, 30, random_state=0)
    assert opu_diagonal(B, 30, method="hutchinson", random_state=0).n_matvecs == 30


@given(n=st.integers(1, 12), n_matvecs=st.integers(4, 30), method=st.sampled_from(METHODS))
@settings(max_examples=40, deadline=None)
def test_any_size(n, n_matvecs, method):
    A = NON_SYMMETRIC[:n, :n]
    value, error, taken = opu_diagonal(A, n_matvecs, method=method, random_state=0)
    assert value.shape == error.shape == (n,)
    if n_matvecs >= n:
        assert np.array_equal(value, A.diagonal())
        assert error.max() < 1e-13
        assert taken == n


FUNCTIONS = {
    "inv": np.reciprocal,
    "log": np.log,
    "exp": np.exp,
    "callable": lambda x: x / (1 + x),
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("method", METHODS)
def test_functions(function, method):
    spectrum = np.linspace(1, 4, N)
    A = symmetric(spectrum)
    exact = symmetric(FUNCTIONS[function](spectrum)).diagonal()
    asked = FUNCTIONS[function] if function == "callable" else function
    options = {"method": method, "function": asked, "lanczos_steps": 15}
    values, errors = estimates(A, 20, n_matvecs=600, **options)
    n_values = 20 if method == "xdiag" else 40
    wide = scipy.stats.t.ppf(0.975, n_values - 1)
    assert 0.89 < np.mean(abs(values - exact) < wide * errors) < 0.99
    all_units = opu_diagonal(scipy.sparse.csr_array(A), 15 * N, **options)
    assert np.allclose(all_units.value, exact)


def test_a_function_that_has_not_converged_has_no_error():
    A = symmetric(np.logspace(0, 9, N))
    with pytest.warns(ConvergenceWarning, match="too few"):
        found = opu_diagonal(A, 240, function="inv", lanczos_steps=6, random_state=0)
    assert np.isinf(found.standard_error).all()


def test_bad_input():
    A = symmetric(SPECTRA["flat"])
    with pytest.raises(ValueError, match="must be one of"):
        opu_diagonal(A, method="plain")
    with pytest.raises(ValueError, match="at least 4"):
        opu_diagonal(A, 3)
    with pytest.raises(ValueError, match="square"):
        opu_diagonal(A[:, :5])
    with pytest.raises(ValueError, match="NaN"):
        opu_diagonal(np.where(np.eye(N) > 0, np.nan, A))
    with pytest.raises(ValueError, match="symmetric"):
        opu_diagonal(aslinearoperator(NON_SYMMETRIC), function="exp")


@pytest.mark.parametrize("method", ["xdiag", "hutchinson"])
@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e200])
def test_errors_of_large_and_small_numbers(scale, method):
    A = np.diag(np.arange(1, 25.0)) + 0.1
    expected = opu_diagonal(A, 12, method=method, random_state=0)
    found = opu_diagonal(scale * A, 12, method=method, random_state=0)
    assert np.allclose(found.value / scale, expected.value)
    assert np.allclose(found.standard_error / scale, expected.standard_error)
