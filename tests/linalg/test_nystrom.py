import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import aslinearoperator

from skopu.linalg import opu_nystrom
from skopu.linalg._orthonormal import small_svd

from .matrices import FORMS, Counting, symmetric

N = 100
J = np.arange(1, N + 1.0)
SPECTRA = {"power": J**-1.5, "geometric": 0.8**J, "flat": 2 - J / N, "low rank": (J <= 5) * 3.0}


def error_of(A, found):
    return A - (found.U.astype(float) * found.s) @ found.U.T.astype(float)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 8, 30, N])
@pytest.mark.parametrize("spectrum", SPECTRA)
def test_approximates_from_below_within_the_bound(spectrum, k, dtype):
    A = symmetric(SPECTRA[spectrum], dtype)
    for seed in range(5):
        found = opu_nystrom(A, k, random_state=seed)
        assert found.U.dtype == found.s.dtype == dtype
        assert found.U.shape == (N, k)
        assert found.n_matvecs == min(k + 10, N)
        error = error_of(A.astype(float), found)
        rounding = 1e-11 if dtype == np.float64 else 1e-3
        assert np.linalg.eigvalsh((error + error.T) / 2).min() > -rounding
        assert np.linalg.norm(error) <= found.error_bound + rounding
        assert np.linalg.norm(error) > 0.2 * found.error_bound - rounding
        assert np.allclose(found.U.T @ found.U, np.eye(k), atol=rounding)
        assert np.all(np.diff(found.s) <= 0)


@pytest.mark.parametrize("spectrum", ["power", "geometric", "flat"])
def test_trace_of_the_error(spectrum):
    """That without one vector, which is a little larger."""
    A = symmetric(SPECTRA[spectrum])
    ratios = []
    for seed in range(40):
        found = opu_nystrom(A, 20, random_state=seed)
        ratios.append(np.trace(error_of(A, found)) / found.trace_error)
    assert 0.88 < np.mean(ratios) < 1.0


def test_is_the_textbook_formula():
    A = symmetric(SPECTRA["power"])
    counting = Counting(A)
    found = opu_nystrom(counting, 15, n_oversamples=0, random_state=0)
    assert counting.n_matvecs == 15
    # Any basis of the same span gives the same: U spans A X.
    X = np.linalg.solve(A, found.U)
    Y = A @ X
    assert np.allclose((found.U * found.s) @ found.U.T, Y @ np.linalg.solve(X.T @ Y, Y.T))


def test_nearly_the_best():
    A = symmetric(SPECTRA["geometric"])
    found = opu_nystrom(A, 10, random_state=0)
    best = np.linalg.norm(np.sort(SPECTRA["geometric"])[: N - 10])
    assert np.linalg.norm(error_of(A, found)) < 1.2 * best


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same(form, tmp_path):
    A = symmetric(SPECTRA["power"])
    expected = opu_nystrom(A, 5, random_state=3)
    found = opu_nystrom(FORMS[form](A, tmp_path), 5, random_state=3)
    assert np.allclose(found.s, expected.s)
    assert np.isclose(found.error_bound, expected.error_bound)


@given(n=st.integers(1, 8), data=st.data())
@settings(max_examples=30, deadline=None)
def test_any_size(n, data):
    k = data.draw(st.integers(1, n))
    G = np.random.default_rng(n).normal(size=(n, n))
    found = opu_nystrom(G @ G.T, k, random_state=0)
    assert np.linalg.norm(error_of(G @ G.T, found)) <= found.error_bound + 1e-12


@pytest.mark.parametrize("scale", [0, 1e-200, 1e200])
def test_large_and_small_numbers(scale):
    found = opu_nystrom(scale * symmetric(SPECTRA["low rank"]), 5, random_state=0)
    assert np.allclose(found.s, 3 * scale)
    assert found.error_bound <= 1e-12 * scale or scale == 0


def test_bad_input():
    with pytest.raises(ValueError, match="positive semi-definite"):
        opu_nystrom(symmetric(np.linspace(-1, 2, 60)), 30, random_state=0)
    with pytest.raises(ValueError, match="symmetric"):
        opu_nystrom(np.triu(np.ones((20, 20))), 5, random_state=0)
    with pytest.raises(ValueError, match="at most 20"):
        opu_nystrom(np.eye(20), 21)
    with pytest.raises(ValueError, match="complex"):
        opu_nystrom(aslinearoperator(1j * np.eye(20)), 5)


def test_where_numpy_finds_no_decomposition(monkeypatch):
    """Its LAPACK routine does not converge for some matrices of equal values."""
    A = np.random.default_rng(0).normal(size=(5, 5))
    expected = small_svd(A)

    def fail(*args, **options):
        raise np.linalg.LinAlgError("SVD did not converge")

    monkeypatch.setattr(np.linalg, "svd", fail)
    for found, before in zip(small_svd(A), expected, strict=True):
        assert np.allclose(abs(found), abs(before))
