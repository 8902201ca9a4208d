import tracemalloc

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import LinearOperator, aslinearoperator, lsqr
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge

from skopu import OPU, Camera, GaussianMedium, opu_lstsq
from skopu.linalg._sign_embedding import SignEmbedding

from .matrices import (
    FORMS,
    Counting,
    layered,
    memory_map,
    noisy,
    orthogonal,
    with_singular_values,
)


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
    assert isinstance(opu_lstsq(A.T, B[:6, 0]).residues, float)
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


def filtered(A, b, damp=0, weights=None, cond=1e-10):
    """Solution by a singular value decomposition of A itself, its rows weighted."""
    roots = np.sqrt(np.ones(len(A)) if weights is None else weights)
    U, s, Vt = np.linalg.svd(roots[:, None] * A, full_matrices=False)
    kept = s > cond * s[0]
    targets = U.T @ (roots * b.T).T
    factors = np.divide(s, s * s + damp * damp, out=np.zeros_like(s), where=kept)
    return Vt.T @ (factors * targets.T).T


WIDE = [(20, 3000), (20, 100), (20, 25), (1, 50), (1, 2)]


@pytest.mark.parametrize("condition", [1, 1e5, 1e10])
@pytest.mark.parametrize("shape", WIDE)
def test_the_shortest_solution_of_fewer_rows(shape, condition):
    """As accurate as what is known of A lets it be."""
    m, n = shape
    sizes = np.logspace(0, -np.log10(condition), m)
    A = with_singular_values(m, n, sizes)
    V = orthogonal(n, m, 2)  # of which A is made
    exact = V @ np.ones(m)
    b = A @ exact
    result = opu_lstsq(A, b, random_state=0)
    # A relative change d of A makes one of up to 2 d condition in the shortest solution (Wedin
    # 1973), and LSQR, whose system is in the coordinates of U, stops at 10 eps of Frobenius norms.
    eps = np.finfo(float).eps
    bound = 2 * 10 * np.sqrt(m) * eps * np.linalg.norm(exact) * sizes[0] / sizes[-1]
    assert np.linalg.norm(result.x - exact) <= bound
    assert np.linalg.norm(V @ (V.T @ result.x) - result.x) <= bound  # no part that A maps to 0
    assert np.linalg.norm(b - A @ result.x) <= 20 * m * eps * np.linalg.norm(exact)
    assert result.residues <= (20 * m * eps * np.linalg.norm(exact)) ** 2
    assert result.rank == m
    assert result.n_iter < 100


@settings(max_examples=60, deadline=None)
@given(
    m=st.integers(1, 120),
    n=st.integers(1, 120),
    rank=st.integers(1, 120),
    n_targets=st.integers(1, 3),
    damp=st.sampled_from([0, 1e-3, 1, 1e3]),
    weighted=st.booleans(),
    dtype=st.sampled_from([np.float64, np.float32]),
    seed=st.integers(0, 100),
)
def test_any_shape_rank_damp_and_weights(m, n, rank, n_targets, damp, weighted, dtype, seed):
    draws = np.random.default_rng(seed)
    rank = min(m, n, rank)
    A = with_singular_values(m, n, draws.uniform(1, 10, rank), dtype)
    b = draws.normal(size=(m, n_targets))
    weights = draws.integers(1, 4, m) if weighted else None
    options = {"damp": damp, "sample_weight": weights, "random_state": seed}
    result = opu_lstsq(A, b, **options)
    expected = filtered(A.astype(float), b, damp, weights, cond=1e-5)
    # Rounded entries have other null spaces than exact ones, by their eps.
    tol = abs(expected).max() * (1e-8 if dtype is np.float64 else 1e-3)
    assert result.rank == rank
    assert np.allclose(result.x, expected, rtol=0, atol=tol)
    each = np.ones(m) if weights is None else weights
    residues = (each[:, None] * np.square(b - A @ result.x)).sum(axis=0)
    assert np.allclose(result.residues, residues, rtol=1e-9, atol=1e-20)
    assert result.n_iter < 100


@pytest.mark.parametrize("shape", [(400, 12), (40, 12), (12, 40), (12, 400), (30, 30)])
@pytest.mark.parametrize("damp", [0, 1e-9, 0.3])
def test_rank_deficient_on_both_sides(shape, damp, rng):
    """A tiny penalty must not bring back what rounding alone makes."""
    A = with_singular_values(*shape, np.arange(1, 8.0))
    b = rng.normal(size=(shape[0], 2))
    result = opu_lstsq(A, b, damp=damp, random_state=0)
    assert result.rank == 7
    assert np.allclose(result.x, filtered(A, b, damp), rtol=0, atol=1e-13)
    zero = opu_lstsq(0 * A, b, damp=damp)
    assert zero.rank == zero.n_iter == 0
    assert np.allclose(zero.residues, np.square(b).sum(axis=0))
    assert not zero.x.any()


@pytest.mark.parametrize("shape", [(400, 12), (40, 12), (12, 40), (12, 400)])
def test_cond_cuts_off_in_a_gap(shape, rng):
    sizes = np.array([3, 2, 1.5, 1, 1e-6, 5e-7])
    A = with_singular_values(*shape, sizes)
    b = rng.normal(size=shape[0])
    for cond, rank in ((None, 6), (0, 6), (1e-12, 6), (1e-3, 4)):
        result = opu_lstsq(A, b, cond=cond, random_state=0)
        expected, _, rank_of_scipy, _ = scipy.linalg.lstsq(A, b, cond=cond or 1e-14)
        assert result.rank == rank_of_scipy == rank
        # The subspace that is kept is turned by about the ratio of singular values.
        tol = 1e-5 if rank == 4 else 1e-8
        assert np.allclose(result.x, expected, rtol=0, atol=tol * abs(expected).max())


def test_cond_may_trust_rounded_entries():
    """What seems rounding of a float32 matrix may be known exactly."""
    A = np.diag([1, 1e-9]).astype(np.float32)
    for matrix in (np.vstack([A, A]), np.hstack([A, A])):
        b = np.ones(len(matrix))
        assert opu_lstsq(matrix, b).rank == 1
        result = opu_lstsq(matrix, b, cond=1e-12)
        assert result.rank == 2
        expected = np.linalg.lstsq(matrix.astype(float), b, rcond=1e-12)[0]
        assert np.allclose(result.x, expected)


@pytest.mark.parametrize("shape", [(3000, 20), (100, 20), (30, 30), (20, 100), (20, 3000)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("damp", [1e-3, 1, 1e3, 1e8])
def test_damp_is_that_of_ridge_and_lsqr(damp, weighted, shape, rng):
    A, b = rng.normal(size=shape), rng.normal(size=(shape[0], 2))
    weights = rng.random(shape[0]) if weighted else None
    result = opu_lstsq(A, b, damp=damp, sample_weight=weights, random_state=0)
    ridge = Ridge(damp**2, fit_intercept=False, solver="svd").fit(A, b, weights)
    size = abs(ridge.coef_).max()
    assert np.allclose(result.x, ridge.coef_.T, rtol=0, atol=1e-8 * size)
    roots = np.sqrt(np.ones(shape[0]) if weights is None else weights)
    options = {"damp": damp, "atol": 1e-13, "btol": 1e-13, "iter_lim": 10000}
    x = lsqr(roots[:, None] * A, roots * b[:, 0], **options)[0]
    assert np.allclose(result.x[:, 0], x, rtol=0, atol=1e-5 * size)


@pytest.mark.parametrize("condition", [1, 1e5, 1e10])
@pytest.mark.parametrize("damp", [1e-12, 1e-9, 1e-4, 1, 1e5, 1e10, 1e100, 1e300])
@pytest.mark.parametrize("shape", [(3000, 20), (100, 20), (100, 100), (20, 100), (20, 3000)])
def test_full_accuracy_whatever_damp(shape, damp, condition, rng):
    m, n = shape
    sizes = np.logspace(0, -np.log10(condition), min(shape))
    A = with_singular_values(m, n, sizes)
    U, V = orthogonal(m, len(sizes), 1), orthogonal(n, len(sizes), 2)
    b = A @ (V @ np.ones(len(sizes))) + (1e-3 * rng.normal(size=m) if m > n else 0)
    exact = V @ (sizes / np.hypot(sizes, damp) / np.hypot(sizes, damp) * (U.T @ b))
    x, _, rank, n_iter = opu_lstsq(A, b, damp=damp, random_state=0)
    # As without a penalty, for A stacked on damp times the identity.
    best = np.hypot(np.linalg.norm(b - A @ exact), damp * np.linalg.norm(exact))
    largest, smallest = np.hypot(1, damp), np.hypot(sizes[-1], damp)
    norm = np.linalg.norm(exact)
    bound = 10 * np.sqrt(n) * np.finfo(float).eps * (largest / smallest) * (norm + best / smallest)
    assert np.linalg.norm(x - exact) <= bound
    assert np.linalg.norm(x - exact) <= 1e-9 * norm or condition / (1 + damp * condition) > 1e3
    assert rank == len(sizes)
    assert n_iter < 100


@pytest.mark.parametrize("scale", [1e-300, 1e-100, 1e100, 1e300])
@pytest.mark.parametrize("shape", [(300, 6), (50, 6), (6, 50), (6, 300)])
def test_only_ratios_of_weights_matter(shape, scale):
    """Weights, entries and damp of any size, whose products no float might hold."""
    draws = np.random.default_rng(3)
    A, b = draws.normal(size=shape), draws.normal(size=shape[0])
    weights = draws.random(shape[0])
    expected = filtered(A, b, 0.5, weights)
    options = {"sample_weight": weights * scale, "damp": 0.5 * np.sqrt(scale)}
    result = opu_lstsq(A, b, **options)
    assert np.allclose(result.x, expected)
    residue = (weights * np.square(b - A @ expected)).sum()
    assert np.isclose(result.residues / scale, residue)
    for size in (1e-200, 1e200):
        found = opu_lstsq(A * size, b, sample_weight=weights * scale).x
        assert np.allclose(found * size, filtered(A, b, 0, weights))


@pytest.mark.parametrize("form", ["array", "csr", "csc"])
@pytest.mark.parametrize("shape", [(3000, 20), (100, 20), (20, 100), (20, 3000)])
def test_weights_of_many_sizes_are_in_the_sketch(shape, form, tmp_path, rng):
    """Otherwise it would not know columns whose rows all have little weight."""
    m, n = shape
    of_one_size = np.arange(m) % 20
    A, b = rng.normal(size=shape), rng.normal(size=m)
    if m > n:
        A *= of_one_size[:, None] == np.arange(n)
    weights = np.logspace(-12, 0, 20)[of_one_size]
    result = opu_lstsq(FORMS[form](A, tmp_path), b, sample_weight=weights, random_state=0)
    assert np.allclose(result.x, filtered(A, b, 0, weights, cond=0), rtol=1e-6, atol=1e-6)
    assert result.n_iter < 50


@pytest.mark.parametrize("shape", [(300, 6), (50, 6), (30, 30), (6, 50), (6, 300)])
def test_rows_of_weight_zero_are_left_out(shape, rng):
    A, b = rng.normal(size=shape), rng.normal(size=shape[0])
    used = rng.random(shape[0]) < 0.6
    b[~used] = 1e30
    result = opu_lstsq(A, b, sample_weight=used, random_state=0)
    assert np.allclose(result.x, scipy.linalg.lstsq(A[used], b[used])[0])
    assert result.rank == min(used.sum(), shape[1])
    assert result.residues < np.square(b[used]).sum() + 1e-20


@pytest.mark.parametrize("shape", [(2000, 20), (100, 20), (20, 100), (20, 2000)])
@pytest.mark.parametrize("condition", [1, 1e10])
def test_each_right_hand_side_is_solved_as_if_alone(condition, shape, rng):
    sizes = np.logspace(0, -np.log10(condition), min(shape))
    A = with_singular_values(*shape, sizes)
    U, V = orthogonal(shape[0], 20, 1), orthogonal(shape[1], 20, 2)
    fitting = A @ rng.normal(size=(shape[1], 3)) * [1e-200, 1, 1e200]
    noise = 1e-3 * rng.normal(size=(shape[0], 3)) * [1e-250, 1, 1e250]
    extremes = A @ V[:, [0, -1]]
    B = np.hstack([fitting, np.zeros((shape[0], 1)), noise, extremes])
    scales = np.where(B.any(axis=0), np.max(abs(B), axis=0), 1)
    exact = V @ ((U.T @ (B / scales)) / sizes[:, None])
    best = np.linalg.norm(B / scales - A @ exact, axis=0)
    result = opu_lstsq(A, B, random_state=0)
    # As in the tests of one column above.
    bound = 20 * np.sqrt(20) * np.finfo(float).eps * condition
    bound = bound * (np.linalg.norm(exact, axis=0) + condition * best)
    assert np.all(np.linalg.norm(result.x / scales - exact, axis=0) <= bound)
    assert not result.x[:, 3].any()
    assert result.residues[3] == 0
    assert result.n_iter < 100


@pytest.mark.parametrize("options", [{}, {"damp": 0.1}, {"sample_weight": np.arange(500)}])
@pytest.mark.parametrize("transposed", [False, True])
def test_several_right_hand_sides_take_as_many_passes_as_one(transposed, options, rng):
    A = with_singular_values(500, 15, np.logspace(0, -6, 15))
    A, options = (A.T, dict(options)) if transposed else (A, options)
    if "sample_weight" in options:
        options = {"sample_weight": options["sample_weight"][: len(A)] + 1.0}
    B = rng.normal(size=(len(A), 9))
    passes = []
    for b in (B[:, 0], B):
        counting = Counting(A)
        result = opu_lstsq(counting, b, random_state=0, **options)
        n_targets = b[0].size
        assert counting.calls[0] == ("A.T" if transposed else "A", 15)  # the sketch
        assert {columns for _, columns in counting.calls[1:]} == {n_targets}
        assert len(counting.calls) <= 2 * result.n_iter + 4
        passes.append(len(counting.calls))
    assert passes[1] <= passes[0] + 4  # two iterations


@pytest.mark.parametrize("options", [{}, {"damp": 0.5}, {"weighted": True}])
@pytest.mark.parametrize("shape", [(700, 5), (60, 5), (5, 60), (5, 700)])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_every_shape(form, shape, options, tmp_path, rng, monkeypatch):
    monkeypatch.setattr("skopu.linalg._operator._PIECE_BYTES", 8 * 60 * 2)  # several pieces
    A, b = rng.normal(size=shape), rng.normal(size=(shape[0], 2))
    weights = rng.random(shape[0]) if "weighted" in options else None
    damp = options.get("damp", 0)
    given_as = FORMS[form](A, tmp_path)
    result = opu_lstsq(given_as, b, damp=damp, sample_weight=weights, random_state=0)
    assert np.allclose(result.x, filtered(A, b, damp, weights))


@pytest.mark.parametrize("shape", [(300, 6), (50, 6), (6, 50), (6, 300)])
@pytest.mark.parametrize("dtype", [np.float32, np.int8, bool])
def test_dtypes_with_weights(dtype, shape, rng):
    A = np.floor(rng.random(shape) * 2).astype(dtype)
    b, weights = rng.integers(0, 9, shape[0]), rng.integers(1, 5, shape[0])
    result = opu_lstsq(A, b, damp=1, sample_weight=weights, random_state=0)
    assert result.x.dtype == np.float64
    assert np.allclose(result.x, filtered(A.astype(float), b, 1, weights))


def test_arguments_are_left_as_they_are(rng):
    A, weights, b = rng.normal(size=(60, 6)), rng.random(60), rng.normal(size=60)
    for values in (A, weights, b):
        values.flags.writeable = False
    opu_lstsq(A, b, sample_weight=weights, damp=1)
    opu_lstsq(A.T, b[:6], sample_weight=weights[:6], damp=1)


@pytest.mark.parametrize("transposed", [False, True])
def test_weights_do_not_copy_the_matrix(transposed, monkeypatch, rng):
    monkeypatch.setattr("skopu.linalg._operator._PIECE_BYTES", 2**18)
    A = rng.normal(size=(40_000, 30))
    b, weights = rng.normal(size=40_000), rng.random(40_000)
    if transposed:
        A, b, weights = A.T, b[:30], weights[:30]
    opu_lstsq(A, b, sample_weight=weights, damp=1, random_state=0)  # what is made once
    tracemalloc.start()
    opu_lstsq(A, b, sample_weight=weights, damp=1, random_state=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.8 * A.nbytes


@pytest.mark.parametrize("opu", [OPU(GaussianMedium()), noisy(), layered(n_layers=2)])
@pytest.mark.parametrize("damp", [0, 0.1])
def test_noise_costs_iterations_not_accuracy_of_wide_matrices(damp, opu, rng):
    A = with_singular_values(15, 500, np.logspace(0, -1, 15))
    b = rng.normal(size=15)
    result = opu_lstsq(A, b, damp=damp, opu=opu)
    assert np.allclose(result.x, filtered(A, b, damp), rtol=0, atol=1e-9)


def test_columns_that_carry_all_the_weight(rng):
    """As rows of a tall matrix: a few columns hold whole rows of a wide one."""
    A = np.zeros((30, 5000))
    A[np.arange(30), rng.choice(5000, 30, replace=False)] = 1e6
    A += rng.normal(size=A.shape) * 1e-3
    b = rng.normal(size=30)
    result = opu_lstsq(A, b, random_state=0)
    expected = scipy.linalg.lstsq(A, b)[0]
    assert np.allclose(result.x, expected, rtol=1e-6, atol=1e-15)
    assert result.n_iter < 100


@pytest.mark.parametrize("shape", [(3000, 5), (60, 5), (5, 60), (5, 3000)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_nan_within_a_memory_map(order, shape, tmp_path, rng):
    A = rng.normal(size=shape)
    A[shape[0] // 2, shape[1] // 2] = np.nan
    mapped = memory_map(A, tmp_path / "map", order)
    for options in ({}, {"damp": 1}, {"sample_weight": np.ones(shape[0])}):
        with pytest.raises(ValueError, match="A contains NaN"):
            opu_lstsq(mapped, np.ones(shape[0]), **options)


@pytest.mark.parametrize("shape", [(300, 4), (30, 4), (4, 30), (4, 300)])
def test_an_operator_without_transposed_products(shape):
    A = np.ones(shape)
    operator = LinearOperator(shape, matvec=lambda x: A @ x, dtype=float)
    with pytest.raises(ValueError, match="A gives no transposed products"):
        opu_lstsq(operator, np.ones(shape[0]))


def test_a_binary_device_projects_the_rows_of_a_wide_matrix(rng):
    """It could not show the right-hand side, which is not projected here."""
    A = (rng.random((10, 60)) < 0.5).astype(float)
    b = rng.normal(size=10)
    result = opu_lstsq(aslinearoperator(A), b, opu=OPU(input_bits=1))
    assert np.allclose(result.x, scipy.linalg.lstsq(A, b)[0])


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
        (A.T, b[:4], {"n_projections": 3}, "at least 4, the smaller side"),
        (A.T * np.nan, b[:4], {}, "A contains NaN"),
        (A.T, b, {}, "one row for each of the 4 rows"),
        (A, b, {"damp": -1}, "damp must be a number, at least 0 and finite"),
        (A, b, {"damp": np.inf}, "damp must be"),
        (A, b, {"damp": np.nan}, "damp must be"),
        (A, b, {"damp": 1j}, "damp must be"),
        (A, b, {"damp": True}, "damp must be"),
        (A, b, {"cond": 1}, "cond must be a number, at least 0 and less than 1"),
        (A, b, {"cond": -1e-9}, "cond must be"),
        (A, b, {"cond": "auto"}, "cond must be"),
        (A, b, {"sample_weight": b[:4] ** 2}, "one weight for each of the 30 rows"),
        (A, b, {"sample_weight": 2}, "one weight for each of the 30 rows"),
        (A, b, {"sample_weight": np.ones((30, 1))}, "sample_weight must be 1-d"),
        (A, b, {"sample_weight": np.zeros(30)}, "at least one non-zero"),
        (A, b, {"sample_weight": -(b**2)}, "must not be negative"),
        (A, b, {"sample_weight": b * np.nan}, "sample_weight contains NaN"),
        (A, b, {"sample_weight": b * np.inf}, "sample_weight contains NaN or inf"),
        (A, b, {"sample_weight": b * 1j}, "sample_weight must be real"),
        (A, b, {"sample_weight": np.ma.masked_less(b, 0)}, "sample_weight has masked"),
        (scipy.sparse.csr_matrix((0, 4)), b[:0], {}, "at least one row"),
        (LinearOperator((30, 4), matvec=lambda x: A @ x, dtype=float), b, {}, "no transposed"),
    ],
)
def test_bad_input(matrix, target, options, match):
    with pytest.raises(ValueError, match=match):
        opu_lstsq(matrix, target, **options)
