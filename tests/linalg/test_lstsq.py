import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
from scipy.sparse.linalg import LinearOperator
from sklearn.exceptions import ConvergenceWarning

from skopu import OPU, Camera, GaussianMedium, opu_lstsq
from skopu.linalg._sign_embedding import SignEmbedding

from .matrices import FORMS, layered, noisy, orthogonal, with_singular_values


@pytest.mark.parametrize("condition", [1, 1e5, 1e10])
@pytest.mark.parametrize("noise", [0, 1e-3])
@pytest.mark.parametrize("shape", [(3000, 20), (100, 20), (25, 20), (20, 20), (50, 1), (1, 1)])
def test_full_accuracy_whatever_the_condition(shape, noise, condition, rng):
    """The error is what a backward error of LSQR's tolerance explains, and no more."""
    m, n = shape
    sizes = np.logspace(0, -np.log10(condition), n)
    A = with_singular_values(m, n, sizes)
    b = A @ np.ones(n) + noise * rng.normal(size=m)
    result = opu_lstsq(A, b, random_state=0)
    U, V = orthogonal(m, n, 1), orthogonal(n, n, 2)  # of which A is made
    exact = V @ (U.T @ b / sizes)
    best = np.linalg.norm(b - U @ (U.T @ b))
    # LSQR stops at 10 eps of a Frobenius norm, that of n columns with a spectral norm near 1.
    # The solution of (A + E) x = b with |E| <= d |A| has, to first order in d and with |A| = 1,
    # |A (x - exact)| <= d (|exact| + condition * best), and condition times that of x - exact
    # (Wedin 1973). Rounding of A and b alone is a d of about eps.
    eps = np.finfo(float).eps
    bound = 10 * np.sqrt(n) * eps * (np.linalg.norm(exact) + sizes[0] / sizes[-1] * best)
    error = V.T @ (result.x - exact)
    assert np.linalg.norm(sizes * error) <= bound
    assert np.linalg.norm(error) <= bound * sizes[0] / sizes[-1]
    # Two ways to sum up b - A x differ by their roundings.
    residual = np.linalg.norm(b - A @ result.x)
    rounding = 2 * n * eps * np.linalg.norm(A) * np.linalg.norm(result.x)
    assert np.isclose(np.sqrt(result.residues), residual, rtol=m * eps, atol=rounding)
    assert result.rank == n
    assert result.n_iter < 100


@pytest.mark.parametrize("opu", [OPU(GaussianMedium()), noisy(), layered(n_layers=2)])
def test_noise_costs_iterations_not_accuracy(opu, rng):
    A = with_singular_values(500, 15, np.logspace(0, -1, 15))
    b = rng.normal(size=500)
    result = opu_lstsq(A, b, opu=opu)
    best = np.linalg.norm(b - A @ scipy.linalg.lstsq(A, b)[0])
    assert np.isclose(np.linalg.norm(b - A @ result.x), best, rtol=1e-9)


def test_too_few_iterations_are_told(monkeypatch, rng):
    monkeypatch.setattr("skopu.linalg.lstsq._MOST_ITERATIONS", 5)
    A = with_singular_values(500, 15, np.logspace(0, -9, 15))
    with pytest.warns(ConvergenceWarning, match="preconditioner is too rough") as warned:
        opu_lstsq(A, rng.normal(size=(500, 2)), opu=noisy())
    assert len(warned) == 1
    assert warned[0].filename == __file__


def test_rank_deficient_gives_the_shortest_solution(rng):
    A = with_singular_values(400, 12, np.arange(1, 8.0))
    b = rng.normal(size=400)
    result = opu_lstsq(A, b, random_state=0)
    assert result.rank == 7
    assert np.allclose(result.x, scipy.linalg.lstsq(A, b)[0], atol=1e-10)
    zero = opu_lstsq(np.zeros((9, 2)), np.ones(9))
    assert (zero.rank, zero.residues) == (0, 9)
    assert np.array_equal(zero.x, [0, 0])


@pytest.mark.parametrize("form", FORMS)
def test_every_form(form, tmp_path, rng):
    A = with_singular_values(700, 5, np.arange(1, 6.0))
    b = rng.normal(size=700)
    result = opu_lstsq(FORMS[form](A, tmp_path), b, random_state=0)
    assert np.allclose(result.x, scipy.linalg.lstsq(A, b)[0])


@pytest.mark.parametrize("dtype", [np.float32, np.int8, bool])
def test_dtypes(dtype, rng):
    A = np.floor(rng.random((300, 6)) * 2).astype(dtype)
    b = rng.normal(size=300).astype(np.float32)
    result = opu_lstsq(A, b, random_state=0)
    assert result.x.dtype == np.float64
    assert np.allclose(result.x, scipy.linalg.lstsq(A.astype(float), b)[0], atol=1e-4)
    assert np.isclose(result.residues, np.square(b - A @ result.x).sum(), rtol=1e-12)


def test_several_targets(rng):
    A, B = rng.normal(size=(300, 6)), rng.normal(size=(300, 3))
    result = opu_lstsq(A, B, random_state=0)
    expected, residues, _, _ = scipy.linalg.lstsq(A, B)
    assert np.allclose(result.x, expected)
    assert np.allclose(result.residues, residues)
    assert opu_lstsq(A, B[:, :1]).x.shape == (6, 1)


def test_one_row_is_never_lost():
    A = np.zeros((100, 1))
    A[7] = 3
    for seed in range(600):
        assert np.isclose(opu_lstsq(A, 2 * A[:, 0], random_state=seed).x[0], 2)


def test_rank_in_single_precision(rng):
    A = with_singular_values(200, 12, np.arange(1, 8.0))
    b = rng.normal(size=200)
    result = opu_lstsq(A.astype(np.float32), b, random_state=0)
    assert result.rank == 7
    assert np.allclose(result.x, scipy.linalg.lstsq(A, b)[0], atol=1e-5)


@pytest.mark.parametrize("condition", [1e3, 1e6])
@pytest.mark.parametrize("shape", [(2000, 200), (400, 20)])
def test_single_precision_keeps_what_its_entries_know(shape, condition):
    """The rank is SciPy's, and the solution that of the rounded entries."""
    m, n = shape
    spectrum = np.logspace(0, -np.log10(condition), n)
    A = with_singular_values(m, n, spectrum).astype(np.float32)
    noise = np.random.default_rng(1).normal(size=m)
    for b in (A @ np.ones(n), A @ np.ones(n) + 1e-3 * noise):
        result = opu_lstsq(A, b, random_state=0)
        assert result.rank == scipy.linalg.lstsq(A, b.astype(np.float32))[2] == n
        reference = scipy.linalg.lstsq(A.astype(np.float64), b)[0]
        residual, best = (np.linalg.norm(b - A @ y) for y in (result.x, reference))
        assert residual <= best * (1 + 1e-9) + 1e-12
        assert np.allclose(result.x, reference, rtol=1e-6, atol=1e-6 * abs(reference).max())


@pytest.mark.parametrize("n_projections", [None, 60])
@pytest.mark.parametrize("rank", [1, 10, 59])
def test_rounded_entries_add_no_rank(rank, n_projections):
    spectra = np.ones(rank), np.logspace(0, -2, rank)
    for seed, spectrum in enumerate(spectra):
        A = with_singular_values(1500, 60, spectrum, np.float32)
        b = np.random.default_rng(seed).normal(size=1500)
        result = opu_lstsq(A, b, n_projections=n_projections, random_state=seed)
        assert result.rank == rank
        exact = with_singular_values(1500, 60, spectrum)
        expected = scipy.linalg.lstsq(exact, b, cond=1e-10)[0]
        assert np.allclose(result.x, expected, atol=1e-3 * abs(expected).max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e-18, 1e100, 1e200, 1e300])
def test_scale_of_the_targets(scale, dtype):
    """Each column by itself, and zeros give zeros."""
    draws = np.random.default_rng(5)
    A = draws.normal(size=(300, 6)).astype(dtype)
    B = draws.normal(size=(300, 3))
    expected = scipy.linalg.lstsq(A.astype(np.float64), B)[0]
    result = opu_lstsq(A, B * [scale, 0, 1], random_state=0)
    assert np.allclose(result.x / [scale, 1, 1], expected * [1, 0, 1], rtol=1e-9, atol=1e-12)
    if 1e-100 < scale < 1e150:
        residue = np.square(B[:, 0] - A @ expected[:, 0]).sum()
        assert np.isclose(result.residues[0] / scale / scale, residue)
    assert np.array_equal(opu_lstsq(A, 0 * B[:, 0], random_state=0).x, np.zeros(6))


def test_rows_that_carry_all_the_weight(rng):
    """A few rows hold whole columns: sums of rows must not mix them up."""
    A = np.zeros((5000, 30))
    A[rng.choice(5000, 30, replace=False), np.arange(30)] = 1e6
    A += rng.normal(size=A.shape) * 1e-3
    b = rng.normal(size=5000)
    result = opu_lstsq(A, b, random_state=0)
    assert np.allclose(result.x, scipy.linalg.lstsq(A, b)[0], rtol=1e-6, atol=1e-15)
    assert result.n_iter < 100


def test_each_row_enters_four_sums_with_random_signs():
    signs = SignEmbedding(40, 3000, 0).columns(slice(0, 3000)).toarray()
    assert np.all(np.sum(signs != 0, axis=0) == 4)
    assert set(np.unique(signs)) == {-0.5, 0, 0.5}
    assert np.all(np.abs(signs.sum(axis=1)) < 4.5 * np.sqrt(np.square(signs).sum(axis=1)))
    counts = np.sum(signs != 0, axis=1)
    assert np.all(np.abs(counts - 300) < 4.5 * np.sqrt(300))
    assert np.array_equal(signs, SignEmbedding(40, 3000, 0).columns(slice(0, 3000)).toarray())
    whole = SignEmbedding(40, 3000, 0)
    for start, stop in ((0, 1), (7, 8), (7, 3000), (1024, 1025), (1001, 2000)):
        assert np.array_equal(whole.columns(slice(start, stop)).toarray(), signs[:, start:stop])
    b = np.arange(3000.0)
    assert np.allclose(whole @ b, signs @ b)
    assert not np.array_equal(signs, SignEmbedding(40, 3000, 1).columns(slice(0, 3000)).toarray())


A = np.random.default_rng(0).normal(size=(30, 4))
b = np.random.default_rng(1).normal(size=30)


@pytest.mark.parametrize(
    ("matrix", "target", "options", "match"),
    [
        (A, b[:5], {}, "one row for each of the 30 rows"),
        (A, b[:, None, None], {}, "1-d or 2-d"),
        (A, np.empty((30, 0)), {}, "b must have"),
        (A, b * np.nan, {}, "b contains NaN"),
        (A * np.nan, b, {}, "A contains NaN"),
        (A, np.ma.masked_less(b, 0), {}, "b has masked entries"),
        (A, b, {"opu": OPU(camera=Camera(bits=1, exposure=1e-9))}, "nothing but zeros"),
        (A, b, {"opu": OPU(input_bits=1)}, "but A contains"),
        (np.vstack([A] * 20) * np.nan, np.tile(b, 20), {}, "A contains NaN"),
        (A * 1j, b, {}, "A must be real"),
        (A, b * 1j, {}, "b must be real"),
        (A, ["a"] * 30, {}, "b must hold real"),
        (A, b, {"n_projections": 3}, "n_projections must be at least 4"),
        (scipy.sparse.csr_matrix((0, 4)), b[:0], {}, "at least one row"),
        (LinearOperator((30, 4), matvec=lambda x: A @ x, dtype=float), b, {}, "no transposed"),
    ],
)
def test_bad_input(matrix, target, options, match):
    with pytest.raises(ValueError, match=match):
        opu_lstsq(matrix, target, **options)
