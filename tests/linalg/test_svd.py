import pickle

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pandas
import pytest
import scipy.sparse
from scipy.sparse.linalg import LinearOperator, aslinearoperator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.extmath import randomized_svd, svd_flip

from skopu import OPU, Camera, GaussianMedium, LayeredMedium, opu_svd
from skopu.linalg import _operator, _operators, svd
from skopu.linalg._svd_errors import krylov_errors, temple

from ..statistics import z_score
from .matrices import FORMS, Counting, layered, noisy, symmetric, with_singular_values

TOL = {np.float32: 1e-5, np.float64: 1e-12}


def assert_orthonormal(U, Vt, dtype):
    for Q in (U, Vt.T):
        assert np.allclose(Q.T @ Q, np.eye(Q.shape[1]), rtol=0, atol=TOL[dtype])


SPECTRA = {
    "slow": np.arange(1, 101) ** -0.5,
    "fast": 0.5 ** np.arange(100.0),
    "condition 1e12": np.logspace(0, -12, 100),
    "rank 5": np.ones(5),
    "repeated": np.r_[np.full(40, 2.0), np.full(60, 1.0)],
    "repeated below a tail": np.r_[np.full(40, 1.0), 0.9 * np.arange(1, 61) ** -0.5],
    "identity": np.ones(100),
    "tiny": np.r_[1e-30, 1e-31],
    "zero": np.zeros(1),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(150, 100), (100, 150)], ids=["tall", "wide"])
@pytest.mark.parametrize("n_iter", [0, 2, "auto"])
@pytest.mark.parametrize("spectrum", SPECTRA)
def test_orthonormal_and_bounded_whatever_the_spectrum(spectrum, n_iter, shape, dtype):
    values = SPECTRA[spectrum]
    A = with_singular_values(*shape, values, dtype)
    U, s, Vt = opu_svd(A, 30, n_iter=n_iter, random_state=0)
    assert U.dtype == s.dtype == Vt.dtype == dtype
    assert (U.shape, s.shape, Vt.shape) == ((shape[0], 30), (30,), (30, shape[1]))
    assert_orthonormal(U, Vt, dtype)
    exact = np.zeros(30)
    exact[: len(values[:30])] = values[:30]
    rounding = 100 * np.finfo(dtype).eps * max(exact[0], 1e-45)
    assert np.all(np.diff(s) <= rounding)
    assert np.all(s <= exact + rounding)  # projections never make them larger
    # s is what A is between the vectors.
    assert np.allclose(U.T @ A @ Vt.T, np.diag(s), rtol=0, atol=10 * rounding)
    if n_iter == "auto":
        assert np.all(s >= 0.9 * exact - rounding)
        assert np.sum(s.astype(float) ** 2) >= 0.998 * np.sum(exact**2)


@pytest.mark.parametrize("shape", [(40, 40), (60, 17), (17, 60), (1, 9), (9, 1), (1, 1)])
def test_full_rank_is_exact(shape):
    A = np.random.default_rng(0).normal(size=shape)
    U, s, Vt = opu_svd(A, min(shape), random_state=0)
    assert np.allclose((U * s) @ Vt, A, atol=1e-12)
    assert np.allclose(s, np.linalg.svd(A, compute_uv=False))
    assert_orthonormal(U, Vt, np.float64)


def test_agrees_with_numpy_including_signs():
    A = with_singular_values(80, 50, 2.0 ** -np.arange(20))
    U, s, Vt = opu_svd(A, 6, n_iter=4, random_state=0)
    exact_U, exact_s, exact_Vt = np.linalg.svd(A, full_matrices=False)
    exact_U, exact_Vt = svd_flip(exact_U, exact_Vt, u_based_decision=False)
    assert np.allclose(s, exact_s[:6])
    assert np.allclose(U, exact_U[:, :6], atol=1e-6)
    assert np.allclose(Vt, exact_Vt[:6], atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [(70, 40), (40, 70)])
def test_every_form_gives_the_same(form, shape, tmp_path):
    A = with_singular_values(*shape, np.arange(1, 41) ** -1.0)
    A[abs(A) < 0.01] = 0
    expected = opu_svd(A, 5, random_state=3)
    result = opu_svd(FORMS[form](A, tmp_path), 5, random_state=3)
    for part, expected_part in zip(result, expected, strict=True):
        assert np.allclose(part, expected_part, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, bool, np.float16, np.longdouble])
def test_other_dtypes(dtype, tmp_path):
    A = (np.random.default_rng(0).random((60, 30)) * 3).astype(dtype)
    expected = opu_svd(A.astype(float), 4, random_state=0)
    on_disk = FORMS["map"](A, tmp_path)
    for matrix in (A, on_disk, on_disk[:, ::-1][:, ::-1]):
        for part, expected_part in zip(opu_svd(matrix, 4, random_state=0), expected, strict=True):
            assert part.dtype == expected_part.dtype
            assert np.allclose(part, expected_part, atol=1e-5)


def test_pieces_of_a_matrix(monkeypatch, tmp_path):
    """A matrix read in many pieces gives what one piece gives."""
    A = with_singular_values(90, 60, np.arange(1, 61) ** -1.0)
    expected = opu_svd(A, 5, random_state=0)
    monkeypatch.setattr(_operator, "_PIECE_BYTES", 60 * 8 * 7)
    monkeypatch.setattr("skopu.linalg._tall_blocks._CHUNK", 1)
    for form in ("array", "column order", "map", "map in column order", "csr"):
        result = opu_svd(FORMS[form](A, tmp_path), 5, random_state=0)
        for part, expected_part in zip(result, expected, strict=True):
            assert np.allclose(part, expected_part, atol=1e-9)


@pytest.mark.parametrize("n_iter", [0, 1, 3])
def test_passes(n_iter):
    A = Counting(np.random.default_rng(0).normal(size=(50, 40)))
    opu_svd(A, 5, n_iter=n_iter, n_oversamples=4, random_state=0)
    assert A.calls == [("A", 9), ("A.T", 9)] * (n_iter + 1)
    operator = _operators.check_operator(A.A)
    result = svd.truncated_svd(operator, OPU(GaussianMedium()), 5, 4, n_iter)
    assert result.n_iter == n_iter
    assert operator.n_passes == 2 * n_iter + 2
    assert operator.n_matvecs == 9 * operator.n_passes


def test_auto_stops_early_where_the_spectrum_falls_and_late_where_not():
    n_iter = [
        svd.truncated_svd(
            _operators.check_operator(with_singular_values(300, 200, values)),
            OPU(GaussianMedium()),
            20,
            10,
            "auto",
        ).n_iter
        for values in (0.3 ** np.arange(30.0), np.arange(1, 201) ** -0.3)
    ]
    assert n_iter[0] <= 2
    assert 4 <= n_iter[1] <= 10


@pytest.mark.parametrize("exponent", [-0.5, -1, -2])
@pytest.mark.parametrize("shape", [(300, 250), (250, 300)])
def test_residual_is_no_larger_than_randomized_svd(exponent, shape):
    A = with_singular_values(*shape, np.arange(1, 251.0) ** exponent)
    best = np.linalg.norm(np.arange(26, 251.0) ** exponent)
    ours, theirs = (
        [
            np.linalg.norm(A - (U * s) @ Vt) / best - 1
            for U, s, Vt in (decompose(seed) for seed in range(5))
        ]
        for decompose in (
            lambda seed: opu_svd(A, 25, random_state=seed),
            lambda seed: randomized_svd(A, 25, random_state=seed),
        )
    )
    assert np.mean(ours) < np.mean(theirs) + 2e-4


def test_a_sketch_alone_is_randomized_svd_of_numpy():
    """Paired over seeds, one sketch by light and one by NumPy are equally good."""
    A = with_singular_values(120, 90, np.arange(1, 91) ** -0.7)
    differences = []
    for seed in range(50):
        U, s, Vt = opu_svd(A, 10, n_iter=0, random_state=seed)
        optical = np.linalg.norm(A - (U * s) @ Vt)
        omega = np.random.default_rng(seed).normal(size=(90, 20))
        Q, _ = np.linalg.qr(A @ omega)
        u, s, Vt = np.linalg.svd(Q.T @ A, full_matrices=False)
        digital = np.linalg.norm(A - (Q @ u[:, :10] * s[:10]) @ Vt[:10])
        differences.append(optical - digital)
    assert abs(z_score(differences, 0)) < 3


def test_noise_costs_a_sketch_more_than_iterations():
    A = with_singular_values(120, 90, np.arange(1, 91) ** -0.7)

    def loss(opu, n_iter):
        _, s, _ = opu_svd(A, 10, n_iter=n_iter, opu=opu)
        exact = np.arange(1, 11) ** -0.7
        return 1 - np.sum(s**2) / np.sum(exact**2)

    seeds = range(30)
    devices = [(OPU(GaussianMedium(), random_state=seed), noisy(seed=seed)) for seed in seeds]
    sketched, refined = (
        np.array([[loss(opu, n_iter) for opu in pair] for pair in devices]) for n_iter in (0, 3)
    )
    assert z_score(sketched[:, 1] - sketched[:, 0], 0) > 4  # the noise is real
    assert np.mean(refined[:, 1] - refined[:, 0]) < 1e-4


@pytest.mark.parametrize(
    "opu", [layered(), layered(n_layers=2), noisy(LayeredMedium()), noisy(), OPU(input_bits=8)]
)
def test_any_device(opu):
    A = np.random.default_rng(0).integers(0, 4, (300, 200)).astype(float)
    exact = np.linalg.svd(A, compute_uv=False)[:4]
    for matrix in (A, aslinearoperator(A)):
        assert np.allclose(opu_svd(matrix, 4, n_iter=6, opu=opu)[1], exact, rtol=1e-3)


def test_same_seed_same_result_whatever_the_threads():
    from threadpoolctl import threadpool_limits

    A = scipy.sparse.random(300, 200, 0.1, "csr", random_state=0)
    with threadpool_limits(4):
        expected = opu_svd(A, 5, random_state=1)
        again = opu_svd(A, 5, random_state=1)
        other = opu_svd(A, 5, random_state=2)
    assert all(np.array_equal(*pair) for pair in zip(again, expected, strict=True))
    assert not np.array_equal(other[0], expected[0])
    with threadpool_limits(1):
        alone = opu_svd(A, 5, random_state=1)
    for part, expected_part in zip(alone, expected, strict=True):
        assert np.allclose(part, expected_part, atol=1e-10)


@hypothesis.given(
    st.integers(1, 30), st.integers(1, 30), st.integers(1, 30), st.integers(0, 12), st.data()
)
@hypothesis.settings(deadline=None, max_examples=60)
def test_any_shape(m, n, n_components, n_oversamples, data):
    n_components = min(n_components, m, n)
    n_iter = data.draw(st.sampled_from(["auto", 0, 1]))
    rank = data.draw(st.integers(0, min(m, n)))
    rng = np.random.default_rng(0)
    A = rng.normal(size=(m, rank)) @ rng.normal(size=(rank, n))
    U, s, Vt = opu_svd(A, n_components, n_oversamples=n_oversamples, n_iter=n_iter, random_state=0)
    assert_orthonormal(U, Vt, np.float64)
    if n_components >= rank:
        assert np.allclose((U * s) @ Vt, A, atol=1e-9)


A = np.random.default_rng(0).normal(size=(30, 20))
WITH_NAN = A.copy()
WITH_NAN[3, 4] = np.nan


def operator(**products):
    return LinearOperator(
        dtype=float,
        shape=A.shape,
        **{"matvec": A.__matmul__, "rmatvec": A.T.__matmul__, **products},
    )


@pytest.mark.parametrize(
    ("matrix", "options", "match"),
    [
        (A, {"n_components": 0}, "n_components must be an integer of at least 1"),
        (A, {"n_components": 21}, "at most 20"),
        (A, {"n_components": 2.0}, "n_components must be an integer"),
        (A, {"n_iter": -1}, "n_iter"),
        (A, {"n_iter": "fast"}, "n_iter"),
        (A, {"n_oversamples": -1}, "n_oversamples"),
        (A, {"opu": GaussianMedium()}, "opu must be an OPU"),
        (A, {"opu": OPU(input_bits=1)}, "input_bits=1"),
        (WITH_NAN, {}, "A contains NaN"),
        (scipy.sparse.csr_matrix(WITH_NAN), {}, "A contains NaN"),
        (aslinearoperator(WITH_NAN), {}, "A product with A contains NaN"),
        (A * 1j, {}, "A must be real"),
        (aslinearoperator(A * 1j), {}, "A must be real"),
        (scipy.sparse.csr_matrix(A * 1j), {}, "A must be real"),
        (operator(matvec=lambda x: 1j * (A @ x)), {}, "is complex"),
        (operator(rmatvec=None), {}, "no transposed products"),
        (operator(matmat=lambda X: (A @ X)[1:]), {}, "Fix its matvec"),
        (operator(rmatmat=lambda X: (A.T @ X)[:, 1:]), {}, "Fix its matvec"),
        (operator(rmatmat=lambda X: np.nan * (A.T @ X)), {}, "transposed product with A contains"),
        (np.empty((0, 3)), {}, "at least one row"),
        (np.empty((3, 0)), {}, "one column"),
        (A[0], {}, "2-d"),
        (np.array([["a", "b"]]), {}, "real numbers"),
        (np.array([["a", 1.0]], object), {}, "there is text"),
        (np.ma.masked_less(A, 0), {}, "masked entries"),
        (A, {"opu": OPU(camera=Camera(bits=1, exposure=0.01))}, "nothing but zeros"),
        (aslinearoperator(A), {"opu": OPU(camera=Camera(bits=1, exposure=0.01))}, "zeros"),
    ],
)
def test_bad_input(matrix, options, match):
    with pytest.raises(ValueError, match=match):
        opu_svd(matrix, **{"n_components": 3, **options})


@pytest.mark.parametrize("n_iter", [0, 2, "auto"])
def test_operators_that_give_back_what_they_were_given(n_iter):
    """A view or a read-only array is not written to; matvec alone is enough."""

    def frozen(X):
        X = X[::-1]
        X.flags.writeable = False
        return X

    same = {name: lambda X: X for name in ("matvec", "rmatvec", "matmat", "rmatmat")}
    flipped = {**same, "matmat": frozen, "rmatmat": frozen}
    scaled = {"matvec": lambda x: 2 * x, "rmatvec": lambda x: 2 * x}
    for products, size in ((same, 1), (flipped, 1), (scaled, 2)):
        operator = LinearOperator((60, 60), dtype=float, **products)
        U, s, Vt = opu_svd(operator, 5, n_iter=n_iter, random_state=0)
        assert_orthonormal(U, Vt, np.float64)
        assert np.allclose(s, size)


def test_operator_of_zeros_with_matvec_alone():
    zero = LinearOperator((9, 7), matvec=lambda x: np.zeros(9), rmatvec=lambda x: np.zeros(7))
    U, s, Vt = opu_svd(zero, 2)
    assert_orthonormal(U, Vt, np.float64)
    assert np.array_equal(s, [0, 0])


@pytest.mark.parametrize(
    ("scale", "dtype"),
    [(1e155, np.float64), (1e-200, np.float64), (1e25, np.float32), (1e-25, np.float32)],
)
def test_large_and_small_numbers(scale, dtype):
    A = symmetric(np.r_[np.full(40, 2.0), np.ones(80)] * scale, dtype)
    U, s, Vt = opu_svd(A, 30, random_state=0)
    assert_orthonormal(U, Vt, dtype)
    assert np.allclose(s / scale, 2, rtol=1e-5)


def test_large_sparse_numbers_without_a_warning():
    A = 1e19 * np.random.default_rng(0).normal(size=(300, 40))
    for scaled in (A.astype(np.float32), 1e141 * A):
        found = opu_svd(scipy.sparse.csr_array(scaled), 3, random_state=0)
        exact = np.linalg.svd(scaled.astype(float), compute_uv=False)[:3]
        assert np.allclose(found.s, exact, rtol=0.01)


def test_frames_of_several_dtypes_and_operators_without_one():
    frame = pandas.DataFrame({"a": [True, False, True], "b": [0.5, 1.5, 3.0]})
    exact = np.linalg.svd(frame.to_numpy(float), compute_uv=False)
    assert np.allclose(opu_svd(frame, 2)[1], exact)
    silent = aslinearoperator(frame.to_numpy(float))
    silent.dtype = None
    assert np.allclose(opu_svd(silent, 2)[1], exact)


def test_entries_given_twice_add_up():
    A = scipy.sparse.random(50, 30, 0.2, "csr", random_state=0)
    twice = scipy.sparse.csr_matrix(
        (np.repeat(A.data, 2) * np.tile([0.3, 0.7], A.nnz), np.repeat(A.indices, 2), 2 * A.indptr),
        A.shape,
    )
    assert twice.nnz == 2 * A.nnz
    assert np.allclose(opu_svd(twice, 4, random_state=0)[1], opu_svd(A, 4, random_state=0)[1])
    assert twice.nnz == 2 * A.nnz


def test_a_device_given_leaves_global_random_state():
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    opu_svd(A, 2, opu=OPU(GaussianMedium()))
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_symmetric_matrix_with_negative_eigenvalues():
    A = symmetric(np.r_[3.0, -2.0, 1.0, np.zeros(20)])
    _, s, _ = opu_svd(A, 3, random_state=0)
    assert np.allclose(s, [3, 2, 1])


@pytest.mark.parametrize("tol", [0.1, 1e-3, 1e-8])
@pytest.mark.parametrize("exponent", [-0.3, -1, -3])
def test_values_are_within_their_bounds_and_these_within_tol(exponent, tol):
    values = np.arange(1, 201.0) ** exponent
    for seed in range(5):
        A = with_singular_values(300, 200, values)
        found = opu_svd(A, 12, tol=tol, random_state=seed)
        errors = abs(1 - found.s / values[:12])
        assert np.all(errors <= found.error_bound)
        assert np.all(found.error_bound <= tol * (1 + 1e-6))
        assert len(found.error_bound) == len(found.vector_error_bound) == 12


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("vector_tol", [None, 0.01])
@pytest.mark.parametrize("shape", [(200, 1000), (1000, 200)], ids=["wide", "tall"])
def test_nearly_equal_values_in_any_precision(shape, vector_tol, dtype):
    """Each refinement adds little to those before, so that overlaps would grow."""
    for seed in range(3):
        noise = np.random.default_rng(seed).normal(size=shape).astype(dtype)
        narrow = with_singular_values(*shape, np.linspace(1, 0.9, 200), dtype)
        for A in (noise, narrow):
            exact = np.linalg.svd(A.astype(float), compute_uv=False)[:10]
            found = opu_svd(A, 10, vector_tol=vector_tol, random_state=seed)
            assert np.all(abs(1 - found.s / exact) <= found.error_bound)
            assert_orthonormal(found.U, found.Vt, dtype)
            # The vectors are as good as the values.
            lengths = np.linalg.norm(A @ found.Vt.T.astype(float), axis=0)
            assert np.allclose(lengths, found.s, rtol=0.01)


@pytest.mark.parametrize("tol", [0.1, 0.01, 1e-4])
@pytest.mark.parametrize("tail", [1e-3, 0.1, 0.9])
@pytest.mark.parametrize("width", [1e-6, 1e-3, 0.1])
def test_more_nearly_equal_values_than_the_sketch_has_columns(width, tail, tol):
    """Blocks hold a part of them, which looks as if it were all."""
    for size in (12, 40, 100):
        lower = tail * (1 - width) * 0.97 ** np.arange(150 - size)
        values = np.r_[np.linspace(1, 1 - width, size), lower]
        A = with_singular_values(150, 200, values)
        for k in (1, 5, 20):
            found = opu_svd(A, k, tol=tol, random_state=0)
            errors = abs(found.s - values[:k])
            assert np.all(errors <= found.error_bound * values[:k] + 1e-12)
            assert np.all(errors <= tol * values[:k] + 1e-12)


@pytest.mark.parametrize("rest", ["falling", "flat"])
@pytest.mark.parametrize(("n_alike", "width"), [(20, 0), (40, 1e-4), (100, 1e-3)])
def test_more_copies_than_a_block_has_columns(n_alike, width, rest):
    """In a large matrix, where witnesses see the mean of all others."""
    n, k = 2000, min(n_alike, 40)
    number = np.arange(1, n - n_alike + 1.0)
    lower = 0.9 * number**-0.1 if rest == "falling" else np.full(len(number), 0.8)
    values = np.r_[np.linspace(1, 1 - width, n_alike), lower]
    A = scipy.sparse.diags(np.random.default_rng(0).permutation(values), format="csr")
    found = opu_svd(A, k, random_state=0)
    errors = abs(1 - found.s / values[:k])
    assert np.all(errors <= found.error_bound)
    assert errors.max() <= 0.01


@pytest.mark.parametrize("spike", [1.03, 1.1])
@pytest.mark.parametrize("n", [2000, 20_000])
def test_a_value_above_many_that_are_alike(n, spike):
    """Their residuals are small before it is seen."""
    values = np.linspace(1, 0.99, n)
    values[7] = spike
    for seed in range(3):
        found = opu_svd(scipy.sparse.diags(values, format="csr"), 1, random_state=seed)
        assert abs(1 - found.s[0] / spike) <= min(found.error_bound[0], 0.01)


def test_singular_values_that_numpy_does_not_find(monkeypatch):
    """NumPy's algorithm does not converge for some matrices."""
    A = with_singular_values(60, 50, 0.8 ** np.arange(50))

    def fails(*arguments, **options):
        raise np.linalg.LinAlgError("SVD did not converge")

    expected = opu_svd(A, 3, random_state=0)
    monkeypatch.setattr(np.linalg, "svd", fails)
    assert np.allclose(opu_svd(A, 3, random_state=0).s, expected.s)


def test_residuals_are_those_of_the_space_without_its_last_block():
    B = np.random.default_rng(0).normal(size=(9, 12))
    theta, v = np.linalg.eigh(B[:, :8].T @ B[:, :8])
    theta, v = theta[::-1][:3], np.pad(v[:, ::-1][:, :3], [(0, 4), (0, 0)])
    squares = np.linalg.svd(B, compute_uv=False)[:3] ** 2
    residuals = np.linalg.norm(B.T @ (B @ v) - theta * v, axis=0)
    assert np.allclose(krylov_errors(B, 3, 4, 3)[1], residuals / squares)


@pytest.mark.parametrize("distance", [1e-3, 0.03, 0.3])
def test_temple_bounds_the_largest_eigenvalue(distance):
    """In two dimensions, the error of a Rayleigh quotient is nearly as large as it may be."""
    rng, shares = np.random.default_rng(0), []
    for size in rng.integers(2, 9, size=50):
        exact = np.sort(rng.normal(size=size))[::-1]
        x = np.r_[1, distance * rng.normal(size=size - 1)]
        x /= np.linalg.norm(x)
        theta = x @ (exact * x)
        residual = np.linalg.norm(exact * x - theta * x)
        gap = theta - exact[1]
        if gap > residual:
            bound = temple(np.array([residual]), np.array([gap]))[0]
            shares.append((exact[0] - theta) / bound)
    assert len(shares) > 10
    assert 0.9 < max(shares) <= 1 + 1e-6


def test_bounds_are_near_what_they_bound():
    """They are those of half a refinement before."""
    ratios = []
    for seed in range(20):
        A = np.random.default_rng(seed).normal(size=(300, 200))
        found = opu_svd(A, 12, tol=0.05, random_state=seed)
        errors = 1 - found.s / np.linalg.svd(A, compute_uv=False)[:12]
        ratios.append(found.error_bound.max() / errors.max())
    assert 1 < np.median(ratios) < 300


@pytest.mark.parametrize("vector_tol", [0.1, 1e-4])
def test_vectors_are_within_their_bounds(vector_tol):
    values = np.arange(1, 201.0) ** -1
    A = with_singular_values(300, 200, values)
    exact_U, _, exact_Vt = np.linalg.svd(A, full_matrices=False)
    for seed in range(5):
        found = opu_svd(A, 6, vector_tol=vector_tol, random_state=seed)
        assert np.all(found.vector_error_bound <= vector_tol)
        for vectors, exact in ((found.U.T, exact_U.T[:6]), (found.Vt, exact_Vt[:6])):
            cosines = np.einsum("ij,ij->i", vectors, exact)
            sines = np.linalg.norm(vectors - cosines[:, None] * exact, axis=1)
            assert np.all(sines <= found.vector_error_bound)


def test_vectors_of_equal_values_are_not_determined():
    A = with_singular_values(60, 50, np.r_[3, 2, 2, 1, np.zeros(9)])
    found = opu_svd(A, 5, random_state=0)
    assert np.all(found.vector_error_bound[[0, 3]] < 1e-6)
    assert np.array_equal(found.vector_error_bound[[1, 2, 4]], [1, 1, 1])
    assert np.isinf(found.error_bound[4])  # relative to what rounding has left of zero, or to zero
    with pytest.warns(ConvergenceWarning, match="some singular values are equal"):
        opu_svd(A, 3, vector_tol=0.01, random_state=0)


def test_too_few_refinements_tell_no_bound():
    A = with_singular_values(60, 50, np.arange(1, 51) ** -1.0)
    assert np.all(np.isinf(opu_svd(A, 5, n_iter=0).error_bound))
    assert np.all(np.isfinite(opu_svd(A, 5, n_iter=2).error_bound))


def test_a_result_survives_pickling():
    found = opu_svd(A, 3, random_state=0)
    again = pickle.loads(pickle.dumps(found))
    assert np.array_equal(again.U, found.U)
    assert np.array_equal(again.error_bound, found.error_bound)
    assert again.n_iter == found.n_iter


@pytest.mark.parametrize(
    ("dtype", "options", "match"),
    [
        (np.float32, {"tol": 1e-5}, "tol=1e-05 is below what products in float32 .* give float64"),
        (np.float64, {"tol": 1e-14}, "tol=1e-14 is below what products in float64 can tell"),
        (np.float32, {"vector_tol": 1e-5}, "vector_tol=1e-05 is below"),
        (np.float64, {"tol": 0}, "tol must be a positive number"),
        (np.float64, {"tol": None}, "tol must be a positive number"),
        (np.float64, {"vector_tol": -1}, "vector_tol must be a positive number, or None"),
    ],
)
def test_tolerances_that_cannot_be_met(dtype, options, match):
    with pytest.raises(ValueError, match=match):
        opu_svd(A.astype(dtype), 3, **options)
