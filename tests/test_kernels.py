"""Exact kernels against integrals, closed forms and scikit-learn's callers."""

import mpmath
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.svm import SVC

from skopu.kernels import KERNELS, arc_cosine_kernel, optical_kernel
from tests.statistics import z_score

X = np.random.default_rng(0).normal(size=(9, 5))
Y = np.random.default_rng(1).normal(size=(4, 5))
BOTH = [
    *((optical_kernel, degree) for degree in (0.5, 1, 2, 3, 7.5)),
    *((arc_cosine_kernel, degree) for degree in (0, 1, 2)),
]
cases = pytest.mark.parametrize(("kernel", "degree"), BOTH)


def features(kernel, degree, X, rng, n):
    r = rng.normal(size=(X.shape[1], n))
    if kernel is optical_kernel:
        return np.abs(X @ (r + 1j * rng.normal(size=r.shape)) / np.sqrt(2)) ** degree
    return np.sqrt(2) * np.heaviside(X @ r, 0.5) * (X @ r) ** degree


# Powers above 3 have moments too heavy-tailed to sample.
@pytest.mark.parametrize(("kernel", "degree"), [case for case in BOTH if case[1] <= 3])
def test_is_the_mean_product_of_features(kernel, degree):
    points = np.vstack([X[:3] / 2, -X[:1], np.zeros((1, 5))])
    Z = features(kernel, degree, points, np.random.default_rng(2), 400_000)
    expected = kernel(points, degree=degree)
    for i in range(len(points)):
        for j in range(i + 1):
            products = Z[i] * Z[j]
            if products.std() < 1e-12:
                assert_allclose(products[0], expected[i, j], atol=1e-12)
            else:
                assert abs(z_score(products, expected[i, j])) < 4.5


def test_speckle_closed_forms():
    dots, norms = X @ Y.T, np.outer(np.linalg.norm(X, axis=1), np.linalg.norm(Y, axis=1))
    assert_allclose(optical_kernel(X, Y), norms**2 + dots**2)
    four = norms**4 * (4 + 16 * (dots / norms) ** 2 + 4 * (dots / norms) ** 4)
    assert_allclose(optical_kernel(X, Y, degree=4), four)


def test_degree_one_is_elliptic():
    for found, x in zip(optical_kernel(X, Y, degree=1), X, strict=True):
        for value, y in zip(found, Y, strict=True):
            norm = np.linalg.norm(x) * np.linalg.norm(y)
            m = (x @ y / norm) ** 2
            expected = norm * (mpmath.ellipe(m) - (1 - m) / 2 * mpmath.ellipk(m))
            assert_allclose(value, float(expected), rtol=1e-12)


@pytest.mark.parametrize("degree", [0.1, 1, 1.5, 2, 3, 6, 11])
def test_hypergeometric_at_all_angles(degree):
    for c in (0, 1e-8, 0.3, 0.9, 0.99, 1 - 1e-6, 1 - 1e-12):
        x, y = np.array([[1.0, 0]]), np.array([[c, np.sqrt(1 - c**2)]])
        exact = mpmath.gamma(1 + degree / 2) ** 2
        exact *= mpmath.hyp2f1(-degree / 2, -degree / 2, 1, c**2)
        assert_allclose(optical_kernel(x, y, degree=degree)[0, 0], float(exact), rtol=1e-10)


def test_arc_cosine_closed_forms():
    norms = np.outer(np.linalg.norm(X, axis=1), np.linalg.norm(Y, axis=1))
    c = X @ Y.T / norms
    theta = np.arccos(c)
    s = np.sin(theta)
    assert_allclose(arc_cosine_kernel(X, Y, degree=0), 1 - theta / np.pi)
    assert_allclose(arc_cosine_kernel(X, Y), norms * (s + (np.pi - theta) * c) / np.pi)
    two = norms**2 * (3 * s * c + (np.pi - theta) * (1 + 2 * c**2)) / np.pi
    assert_allclose(arc_cosine_kernel(X, Y, degree=2), two)


@cases
def test_coincident_opposite_and_zero_vectors(kernel, degree):
    x = np.full((1, 3), 0.1)  # its cosine with itself rounds to something else than 1
    same, opposite = kernel(x, degree=degree)[0, 0], kernel(x, -x, degree=degree)[0, 0]
    assert_allclose(kernel(x, x.copy(), degree=degree)[0, 0], same, rtol=1e-7)
    if kernel is optical_kernel:
        assert_allclose(opposite, same)
    else:
        assert_allclose(same, [1, 0.03, 3 * 0.03**2][degree], rtol=1e-14)
        assert_allclose(opposite, 0, atol=1e-7)
    zero = np.zeros((1, 3))
    expected = 0.5 if (kernel, degree) == (arc_cosine_kernel, 0) else 0
    for pair in ((zero, x), (x, zero), (zero, zero), (zero, None)):
        assert_allclose(kernel(*pair, degree=degree), expected, atol=1e-15)


@cases
@pytest.mark.parametrize("scale", [1e-250, 1e250])
@pytest.mark.parametrize("make", [np.asarray, scipy.sparse.csr_array])
def test_lengths_whose_squares_are_no_floats(kernel, degree, scale, make):
    found = kernel(make(X * scale), make(Y / scale), degree=degree)
    assert_allclose(found, kernel(X, Y, degree=degree))


@cases
def test_symmetric_positive_semidefinite(kernel, degree):
    gram = kernel(np.vstack([X, X[:2], -X[:1]]), degree=degree)
    assert_allclose(gram, gram.T, rtol=1e-12)
    assert np.linalg.eigvalsh(gram)[0] > -1e-6 * np.abs(gram).max()


@cases
def test_float32_and_sparse(kernel, degree):
    expected = kernel(X, Y, degree=degree)
    single = kernel(X.astype("f"), Y.astype("f"), degree=degree)
    assert single.dtype == np.float32
    assert_allclose(single, expected, rtol=1e-5)
    assert kernel(X.astype("f"), degree=degree).dtype == np.float32
    for make in (scipy.sparse.csr_array, scipy.sparse.csr_matrix):
        found = kernel(make(X), make(Y), degree=degree)
        assert type(found) is np.ndarray
        assert_allclose(found, expected)
        assert_allclose(kernel(make(X), degree=degree), kernel(X, degree=degree), rtol=1e-7)


@pytest.mark.parametrize("kernel", [optical_kernel, arc_cosine_kernel])
def test_as_kernel_of_scikit_learn(kernel):
    y = np.arange(9) % 2
    gram = kernel(X)
    assert_allclose(pairwise_kernels(X, Y, metric=kernel), kernel(X, Y))
    by_call = KernelRidge(kernel=kernel).fit(X, y).predict(Y)
    by_matrix = KernelRidge(kernel="precomputed").fit(gram, y).predict(kernel(Y, X))
    assert_allclose(by_call, by_matrix)
    by_call = SVC(kernel=kernel).fit(X, y).decision_function(Y)
    by_matrix = SVC(kernel="precomputed").fit(gram, y).decision_function(kernel(Y, X))
    assert_allclose(by_call, by_matrix)
    Z = Nystroem(kernel=kernel, n_components=9, random_state=0).fit_transform(X)
    assert_allclose(Z @ Z.T, gram, atol=1e-6)


def test_single_samples_give_a_float():
    value = optical_kernel(X[0], Y[0])
    assert isinstance(value, float)
    assert value == optical_kernel(X[:1], Y[:1])[0, 0]


@pytest.mark.parametrize("degree", [0, -1, np.nan, np.inf, True, "2", None])
def test_bad_degree_of_speckle(degree):
    with pytest.raises(ValueError, match="degree of the speckle kernel"):
        optical_kernel(X, degree=degree)


@pytest.mark.parametrize("degree", [3, -1, 1.0, True, "1", None])
def test_bad_degree_of_arc_cosine(degree):
    with pytest.raises(ValueError, match="degree of the arc_cosine kernel"):
        arc_cosine_kernel(X, degree=degree)


@pytest.mark.parametrize("kernel", [optical_kernel, arc_cosine_kernel])
@pytest.mark.parametrize(
    "pair", [(X[0],), (X, Y[:, :3]), (X * np.nan,), (X * 1j,), (X[:0],), (X, Y[0])]
)
def test_bad_input(kernel, pair):
    with pytest.raises(ValueError, match=r".+"):
        kernel(*pair)


@settings(max_examples=50, deadline=None)
@given(
    n_x=st.integers(1, 6),
    n_y=st.integers(1, 6),
    n_features=st.integers(1, 6),
    scale=st.sampled_from([1e-100, 1e-8, 1.0, 1e8]),
    case=st.sampled_from(BOTH),
)
def test_bounded_by_the_norms(n_x, n_y, n_features, scale, case):
    """Cauchy-Schwarz for any data."""
    kernel, degree = case
    rng = np.random.default_rng(0)
    A, B = (scale * rng.integers(-2, 3, size=(n, n_features)) for n in (n_x, n_y))
    value = kernel(A, B, degree=degree)
    diagonals = [np.array([kernel(row, row, degree=degree) for row in rows]) for rows in (A, B)]
    assert value.shape == (n_x, n_y)
    assert (value >= 0).all()
    assert (value <= np.sqrt(diagonals[0])[:, None] * np.sqrt(diagonals[1]) * (1 + 1e-6)).all()


@pytest.mark.parametrize("name", ["speckle", "arc_cosine"])
def test_exact_kernels_of_the_default_degree(name, rng):
    X = rng.normal(size=(4, 3))
    function = {"speckle": optical_kernel, "arc_cosine": arc_cosine_kernel}[name]
    assert_allclose(KERNELS[name].exact(X), function(X))
