import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import LinearOperator
from sklearn.exceptions import ConvergenceWarning

from skopu.linalg import opu_eigh

from .matrices import FORMS, Counting, symmetric

N = 120
J = np.arange(1, N + 1.0)
SPECTRA = {
    "falling": 1 / J,
    "both signs": np.where(J % 2, 1, -1.3) / J,
    "flat": 2 - J / N,
    "three, then noise": np.r_[5, 4, -3, 0.1 * np.sin(J[3:])],
    "negative": -1 / J,
}
ORDERS = {"LM": lambda w: -abs(w), "LA": lambda w: -w, "SA": lambda w: w}


def exact(spectrum, which, k):
    return spectrum[np.argsort(ORDERS[which](spectrum), kind="stable")][:k]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("tol", [0.1, 1e-3])
@pytest.mark.parametrize("k", [1, 4, 15])
@pytest.mark.parametrize("which", ORDERS)
@pytest.mark.parametrize("spectrum", SPECTRA)
def test_within_the_tolerance_and_the_bound(spectrum, which, k, tol, dtype):
    A = symmetric(SPECTRA[spectrum], dtype)
    expected = exact(SPECTRA[spectrum], which, k)
    found = opu_eigh(A, k, which=which, tol=tol, random_state=0)
    w, V = found
    assert w.dtype == V.dtype == dtype
    # Rounding of the matrix itself is part of neither.
    rounding = 30 * np.finfo(dtype).eps * abs(SPECTRA[spectrum]).max()
    error = abs(abs(w) - abs(expected))
    known = tol * abs(expected) > rounding
    assert np.all(error[known] <= tol * abs(expected[known]))
    # The largest error is below the largest bound, and nearly always each below its own.
    assert np.all(error <= found.error_bound.max() * abs(expected) + rounding)
    assert np.all(error <= 1.2 * found.error_bound * abs(expected) + rounding)
    assert np.allclose(V.T @ V, np.eye(k), atol=1e-5 if dtype == np.float32 else 1e-12)
    assert found.vector_error_bound.shape == (k,)


@pytest.mark.parametrize("which", ORDERS)
@pytest.mark.parametrize("spectrum", ["falling", "both signs", "three, then noise"])
def test_vectors(spectrum, which):
    A, k = symmetric(SPECTRA[spectrum]), 3
    found = opu_eigh(A, k, which=which, vector_tol=1e-4, tol=0.1, random_state=0)
    assert found.vector_error_bound.max() <= 1e-4
    residuals = np.linalg.norm(A @ found.V - found.V * found.w, axis=0)
    assert residuals.max() < 1e-3
    w, V = np.linalg.eigh(A)
    V = V[:, np.argsort(ORDERS[which](w), kind="stable")[:k]]
    cosines = np.sum(V * found.V, axis=0)
    sines = np.linalg.norm(found.V - V * cosines, axis=0)
    assert np.all(sines <= found.vector_error_bound + 1e-12)
    assert np.all(np.max(found.V, axis=0) == np.max(abs(found.V), axis=0))


def test_equal_values_have_no_vectors_of_their_own():
    A = symmetric(np.r_[np.full(4, 3.0), 1 / J[4:]])
    with pytest.warns(ConvergenceWarning, match="not determined"):
        found = opu_eigh(A, 4, vector_tol=0.01, random_state=0)
    assert np.allclose(found.w, 3)
    assert np.all(found.vector_error_bound == 1)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same(form, tmp_path):
    A = symmetric(SPECTRA["falling"])
    expected = opu_eigh(A, 3, tol=1e-6, random_state=3)
    w, V = opu_eigh(FORMS[form](A, tmp_path), 3, tol=1e-6, random_state=3)
    assert np.allclose(w, expected.w)
    assert np.allclose(V, expected.V, atol=1e-3)


@pytest.mark.parametrize("which", ORDERS)
@pytest.mark.parametrize("rank", [0, 1, 2])
def test_low_rank(rank, which):
    spectrum = np.r_[[2.0, -3.0][:rank], np.zeros(50 - rank)]
    w, V = opu_eigh(symmetric(spectrum), 4, which=which, random_state=0)
    assert np.allclose(w, exact(spectrum, which, 4), atol=1e-12)
    assert np.allclose(V.T @ V, np.eye(4), atol=1e-12)


@pytest.mark.parametrize("n_components", [1, 5, N])
def test_all_values_of_a_space_that_is_everything(n_components):
    spectrum = SPECTRA["both signs"]
    found = opu_eigh(symmetric(spectrum), n_components, which="SA", tol=1e-9, random_state=0)
    assert np.allclose(found.w, np.sort(spectrum)[:n_components])


@given(n=st.integers(1, 9), data=st.data(), which=st.sampled_from(sorted(ORDERS)))
@settings(max_examples=40, deadline=None)
def test_any_size(n, data, which):
    k = data.draw(st.integers(1, n))
    rng = np.random.default_rng(n)
    G = rng.normal(size=(n, n))
    A = G + G.T
    w, V = opu_eigh(A, k, which=which, random_state=0)
    assert np.allclose(np.sort(w), np.sort(exact(np.linalg.eigvalsh(A), which, k)))
    assert np.allclose(A @ V, V * w)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_large_and_small_numbers(scale):
    spectrum = SPECTRA["both signs"]
    found = opu_eigh(symmetric(spectrum) * scale, 3, tol=1e-6, random_state=0)
    assert np.allclose(found.w / scale, exact(spectrum, "LM", 3))
    assert found.error_bound.max() < 1e-6


def test_products_are_counted_and_no_transposed_ones_needed():
    A = symmetric(SPECTRA["falling"])
    operator = Counting(A)
    found = opu_eigh(operator, 3, n_iter=4, random_state=0)
    assert operator.n_matvecs == 13 * (4 + 2)  # with the sketch
    assert found.n_iter == 4
    plain = LinearOperator(A.shape, matvec=lambda x: A @ x, dtype=float)
    assert np.allclose(opu_eigh(plain, 3, n_iter=4, random_state=0).w, found.w)
    assert np.isinf(opu_eigh(A, 3, n_iter=1, random_state=0).error_bound).all()


@pytest.mark.parametrize("spike", [1.03, 1.1])
@pytest.mark.parametrize("n", [2000, 20_000])
def test_a_value_above_many_that_are_equal(n, spike):
    """Their residuals are small before it is seen."""
    values = np.ones(n)
    values[7] = spike
    for seed in range(3):
        found = opu_eigh(scipy.sparse.diags(values, format="csr"), 1, random_state=seed)
        assert abs(1 - found.w[0] / spike) <= min(found.error_bound[0], 0.01)


@pytest.mark.parametrize("tol", [0.1, 0.01, 1e-4])
@pytest.mark.parametrize("which", ORDERS)
@pytest.mark.parametrize("width", [1e-6, 1e-3, 0.1])
def test_more_nearly_equal_values_than_the_sketch_has_columns(width, which, tol):
    """Blocks hold a part of them, which looks as if it were all."""
    for size in (12, 40, 100):
        rest = 0.5 * 0.97 ** np.arange(150 - size)
        spectrum = np.r_[np.linspace(1, 1 - width, size), rest]
        for k in (1, 5, 20):
            expected = exact(spectrum, which, k)
            found = opu_eigh(symmetric(spectrum), k, which=which, tol=tol, random_state=0)
            errors = abs(found.w - expected) / expected
            assert np.all(errors <= found.error_bound + 1e-12)
            assert np.all(errors <= tol + 1e-12)


def test_a_small_value_below_many_nearly_equal_ones():
    spectrum = np.r_[1 - 1e-3 * np.arange(100), np.logspace(-1, -8, 20)]
    for seed in range(5):
        found = opu_eigh(symmetric(spectrum), 1, which="SA", random_state=seed)
        assert abs(found.w[0] - 1e-8) <= max(found.error_bound[0] * found.w[0], 1e-14)
        assert np.isclose(found.w[0], 1e-8, rtol=0.01)


def test_bad_input():
    A = symmetric(SPECTRA["flat"])
    with pytest.raises(ValueError, match="symmetric"):
        opu_eigh(np.triu(A), 3, random_state=0)
    with pytest.raises(ValueError, match="at most 120"):
        opu_eigh(A, 121)
    with pytest.raises(ValueError, match="one of"):
        opu_eigh(A, 3, which="SM")
    with pytest.raises(ValueError, match="float64"):
        opu_eigh(A.astype(np.float32), 3, tol=1e-7)
    with pytest.raises(ValueError, match="auto"):
        opu_eigh(A, 3, n_iter="many")
    with pytest.raises(ValueError, match="square"):
        opu_eigh(A[:, :4], 3)
