import numpy as np
import pytest
import scipy.sparse
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import aslinearoperator

from skopu import GaussianMedium
from skopu.linalg import opu_spectral_density
from skopu.linalg._gauss_quadrature import christoffel_function, gauss_quadrature, share_up_to
from skopu.linalg._random_vectors import probes
from skopu.optics.opu import resolve_opu

from ..statistics import z_score
from .matrices import FORMS, Counting, layered, noisy, orthogonal, symmetric

N = 60
GAP = np.r_[np.linspace(-1, 1, 40), np.linspace(3, 4, 20)]
RNG = np.random.default_rng(0)
SPECTRA = {
    "uniform": np.linspace(0, 1, 2000),
    "semicircle": scipy.stats.beta(1.5, 1.5).ppf((np.arange(2000) + 0.5) / 2000),
    "gap": np.r_[np.linspace(0, 1, 1200), np.linspace(1.5, 3, 800)],
    "clusters": np.concatenate([RNG.normal(c, 0.01, 500) for c in (0, 1, 1.5, 4)]),
    "low rank and noise": np.r_[np.linspace(5, 9, 5), RNG.normal(0, 0.5, 1995)],
    "five values": np.repeat([-3.0, 0, 1, 2, 7], 400),
}


def diagonal(spectrum):
    return scipy.sparse.diags(spectrum, format="csr")


def seen(n, n_vectors, random_state):
    """Share of each eigenvalue of a diagonal matrix that each random vector sees."""
    opu = resolve_opu(None, random_state, medium=GaussianMedium)
    return probes(opu, n, n_vectors, np.float64).T ** 2 / n


def counts(A, low, high, n_seeds, device=None, **options):
    """Values and standard errors over seeds."""
    found = [
        opu_spectral_density(A, opu=device and device(seed=seed), random_state=seed, **options)
        for seed in range(n_seeds)
    ]
    return np.array([density.count(low, high) for density in found]).T


@pytest.mark.parametrize("n_steps", [4, 7, 20])
def test_quadrature_has_the_moments_of_its_vector(n_steps):
    spectrum = GAP / 4
    found = opu_spectral_density(
        diagonal(spectrum), 5 * n_steps, lanczos_steps=n_steps, random_state=3
    )
    assert found.nodes.shape == found.weights.shape == (5, n_steps)
    for power in range(2 * n_steps):
        exact = seen(N, 5, 3) @ spectrum**power
        np.testing.assert_allclose((found.nodes**power * found.weights).sum(axis=1), exact, 1e-10)


def test_all_steps_find_all_eigenvalues():
    found = opu_spectral_density(symmetric(GAP), 5 * N, lanczos_steps=1000, random_state=0)
    np.testing.assert_allclose(found.nodes, np.tile(GAP, (5, 1)), atol=1e-9)
    x = (GAP[1:] + GAP[:-1]) / 2
    exact = np.cumsum(found.weights, axis=1)[:, :-1].mean(axis=0)
    np.testing.assert_allclose(found.cumulative(x).value, exact, atol=1e-12)


@pytest.mark.parametrize("device", [None, layered, noisy], ids=["ideal", "layered", "noisy"])
def test_counts_beside_gaps_are_unbiased(device):
    options = {"n_matvecs": 60, "lanczos_steps": 15}
    values, errors = counts(symmetric(GAP), 2, np.inf, 60 if device else 300, device, **options)
    assert abs(z_score(values, 20)) < 4
    assert 0.8 < np.std(values) / np.sqrt(np.mean(errors**2)) < 1.25


@pytest.mark.parametrize("n_vectors", [5, 20])
def test_interval_covers(n_vectors):
    spectrum = np.r_[np.linspace(0, 1, 140), np.linspace(3, 3.2, 60)]
    options = {"n_matvecs": 12 * n_vectors, "lanczos_steps": 12}
    values, errors = counts(diagonal(spectrum), 2, 4, 200, **options)
    wide = scipy.stats.t.ppf(0.975, n_vectors - 1)
    assert 0.9 < np.mean(abs(values - 60) < wide * errors) < 0.98


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("n_steps", [12, 30])
def test_cumulative_share_against_what_the_vectors_see(spectrum, n_steps):
    """Without the error of random vectors, and better than steps at the nodes."""
    spectrum = np.sort(SPECTRA[spectrum])
    found = opu_spectral_density(
        diagonal(spectrum), 8 * n_steps, lanczos_steps=n_steps, random_state=1
    )
    x = np.linspace(spectrum[0] - 0.01, spectrum[-1] + 0.01, 300)
    exact = (seen(2000, 8, 1) @ (spectrum[:, None] <= x)).mean(axis=0)
    error = np.sqrt(np.mean((found.cumulative(x).value - exact) ** 2))
    pieces = zip(found.nodes, found.weights, strict=True)
    steps = np.mean([(w[:, None] * (nodes[:, None] <= x)).sum(axis=0) for nodes, w in pieces], 0)
    assert error < 0.08 / n_steps
    assert error <= 0.8 * np.sqrt(np.mean((steps - exact) ** 2)) + 1e-12


@pytest.mark.parametrize("spectrum", ["uniform", "semicircle", "gap"])
def test_density_is_the_smoothed_spectrum(spectrum):
    spectrum = SPECTRA[spectrum]
    found = opu_spectral_density(diagonal(spectrum), 240, lanczos_steps=30, random_state=1)
    assert found.resolution == pytest.approx(np.ptp(spectrum) / 30, rel=0.05)
    margin = 10 * found.resolution
    x = np.linspace(spectrum[0] - margin, spectrum[-1] + margin, 400)
    for width in (None, 2 * found.resolution):
        value, error = found.density(x, width)
        smoothed = scipy.stats.norm.pdf(x[:, None], spectrum, width or found.resolution)
        exact = (smoothed @ seen(2000, 8, 1).T).mean(axis=1)
        assert abs(value - exact).max() < 0.02 * exact.max()
        assert abs(value - smoothed.mean(axis=1)).max() < 6 * error.max()
        assert value.sum() * (x[1] - x[0]) == pytest.approx(1, abs=1e-3)


def test_error_of_a_count_is_the_theory():
    """Variance of a share p of random directions: 2 p (1 - p) / (n + 2), over the vectors."""
    values, errors = counts(symmetric(GAP), 2, 5, 300, n_matvecs=60, lanczos_steps=15)
    variance = N**2 * 2 * (1 / 3) * (2 / 3) / (N + 2) / 4
    assert abs(z_score((values - 20) ** 2, variance)) < 4
    assert abs(z_score(errors**2, variance)) < 4


def test_christoffel_function_is_the_largest_weight():
    """Of a point x, it is that of the quadrature which has a node there."""
    rng = np.random.default_rng(0)
    main, beside = rng.normal(size=6), rng.uniform(0.5, 1, size=5)
    x = np.array([-0.7, 0.1, 2.5])
    expected = []
    for node in x:
        last = np.linalg.solve(
            np.diag(main[:-1] - node) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1),
            np.eye(5)[:, -1],
        )[-1]
        nodes, weights = gauss_quadrature(
            np.r_[main[:-1], node + beside[-1] ** 2 * last][np.newaxis], beside[np.newaxis]
        )
        expected.append(weights[0, np.argmin(abs(nodes[0] - node))])
    np.testing.assert_allclose(christoffel_function(main, beside, x), expected)
    nodes, weights = gauss_quadrature(main[np.newaxis], beside[np.newaxis])
    np.testing.assert_allclose(christoffel_function(main, beside, nodes[0]), weights[0])
    far = np.array([-np.inf, -1e300, 1e300, np.inf])
    np.testing.assert_array_equal(christoffel_function(main, beside, far) < 1e-30, True)


def test_half_of_a_node_lies_up_to_it():
    nodes, weights = np.array([0.0, 1, 3]), np.array([0.2, 0.5, 0.3])
    np.testing.assert_allclose(share_up_to(nodes, weights, weights, nodes), [0.1, 0.45, 0.85])
    x = np.array([-1, 0.5, 2, 4])
    np.testing.assert_allclose(share_up_to(nodes, weights, 0 * x, x), [0, 0.2, 0.7, 1])
    np.testing.assert_allclose(share_up_to(nodes, weights, 0.1 + 0 * x, x), [0.05, 0.2, 0.7, 0.95])


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same(form, tmp_path):
    options = {"n_matvecs": 100, "lanczos_steps": 12, "random_state": 3}
    A = symmetric(GAP)
    expected = opu_spectral_density(A, **options)
    found = opu_spectral_density(FORMS[form](A, tmp_path), **options)
    np.testing.assert_allclose(found.nodes, expected.nodes, atol=1e-9)
    np.testing.assert_allclose(found.weights, expected.weights, atol=1e-9)
    assert found.n_rows == N
    assert found.n_matvecs == expected.n_matvecs == 96


def test_groups_of_vectors_give_the_same(monkeypatch):
    """Also where some Krylov spaces are exhausted, and groups end after different steps."""
    for A in (symmetric(GAP), np.kron(np.eye(20), np.diag([1.0, 2, 5]))):
        expected = opu_spectral_density(A, 100, lanczos_steps=10, random_state=0)
        with monkeypatch.context() as patched:
            patched.setattr("skopu.linalg._tridiagonal._BASIS_BYTES", 3 * 10 * N * 8)
            found = opu_spectral_density(A, 100, lanczos_steps=10, random_state=0)
        x = np.linspace(-2, 6, 30) + 0.01
        for method in ("cumulative", "density"):
            for one, other in zip(
                getattr(found, method)(x), getattr(expected, method)(x), strict=True
            ):
                np.testing.assert_allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("n_matvecs", [24, 100, 119])
def test_products_are_counted_and_never_more_than_asked(n_matvecs):
    A = Counting(symmetric(GAP))
    found = opu_spectral_density(A, n_matvecs, lanczos_steps=12, random_state=0)
    assert found.n_matvecs == A.n_matvecs == n_matvecs // 12 * 12
    few = Counting(np.diag(np.repeat([1.0, 2, 3], 20)))
    assert opu_spectral_density(few, 120, lanczos_steps=12).n_matvecs == few.n_matvecs == 30


@given(
    n=st.integers(1, 12),
    n_steps=st.integers(4, 20),
    n_vectors=st.integers(2, 5),
    n_values=st.integers(1, 4),
)
@settings(max_examples=60, deadline=None)
def test_any_size_and_multiplicity(n, n_steps, n_vectors, n_values):
    spectrum = np.arange(n) % n_values
    Q = orthogonal(n, n)
    A = (Q * spectrum) @ Q.T
    found = opu_spectral_density(
        (A + A.T) / 2, n_vectors * n_steps, lanczos_steps=n_steps, random_state=0
    )
    assert found.nodes.shape == (n_vectors * n_steps // min(n, n_steps), min(n, n_steps))
    np.testing.assert_allclose(found.weights.sum(axis=1), 1)
    assert (np.diff(found.nodes, axis=1) >= 0).all()
    assert (found.weights >= 0).all()
    # Moments leave open what lies beyond the nodes, unless no step finds more.
    tol = 1e-12 if n <= n_steps or n_values < n_steps else 0.05
    np.testing.assert_allclose(found.cumulative([-0.5, n_values]).value, [0, 1], atol=tol)
    for estimate in (found.count(0.5, np.inf), found.density([-1, 0.3, 1])):
        assert np.isfinite(estimate).all()


@pytest.mark.parametrize("scale", [0, 1, -2.5, 1e150, 1e-150])
@pytest.mark.parametrize("n", [1, 30])
def test_multiples_of_the_identity(n, scale):
    found = opu_spectral_density(scale * np.eye(n), 500, random_state=0)
    unit = abs(scale) or 1
    np.testing.assert_allclose(found.nodes, scale, rtol=1e-14)
    assert found.count(scale - unit / 2, scale + unit / 2) == pytest.approx((n, 0), abs=1e-9)
    assert found.resolution == pytest.approx(unit / found.nodes.shape[1], rel=1e-12, abs=0)
    np.testing.assert_allclose(
        found.density(scale).value * found.resolution, 1 / np.sqrt(2 * np.pi), rtol=1e-12
    )


@pytest.mark.parametrize("exponent", [-150, 150])
def test_scale(exponent):
    """Values follow the matrix, also where squares are too large or small for a float."""
    options = {"n_matvecs": 100, "lanczos_steps": 12, "random_state": 3}
    A, unit = symmetric(GAP), 10.0**exponent
    expected = opu_spectral_density(A, **options)
    found = opu_spectral_density(A * unit, **options)
    np.testing.assert_allclose(found.nodes / unit, expected.nodes, atol=1e-9)
    x = np.linspace(-2, 5, 20)
    np.testing.assert_allclose(found.cumulative(x * unit), expected.cumulative(x), atol=1e-9)
    scaled = np.array(found.density(x * unit)) * unit
    np.testing.assert_allclose(scaled, expected.density(x), atol=1e-9)


def test_single_precision():
    options = {"n_matvecs": 200, "lanczos_steps": 12, "random_state": 3}
    expected = opu_spectral_density(symmetric(GAP), **options)
    found = opu_spectral_density(symmetric(GAP, np.float32), **options)
    assert found.nodes.dtype == found.weights.dtype == np.float64
    x = np.linspace(-2, 5, 40)
    np.testing.assert_allclose(found.cumulative(x), expected.cumulative(x), atol=1e-4)


def test_shapes():
    found = opu_spectral_density(symmetric(GAP), 100, lanczos_steps=12, random_state=3)
    value, error = found.count([-2, 0, 2], 5)
    assert value.shape == error.shape == (3,)
    for i, low in enumerate([-2, 0, 2]):
        single = found.count(low, 5)
        assert isinstance(single.value, float)
        assert single == pytest.approx((value[i], error[i]))
    grid = np.linspace(-2, 5, 12).reshape(3, 4)
    assert found.count(grid[:, :1], 9 + grid[:1]).value.shape == (3, 4)
    for method in (found.cumulative, found.density):
        assert method(grid).value.shape == method(grid).standard_error.shape == (3, 4)
        assert isinstance(method(1).value, float)
        assert method(grid).value[1, 2] == pytest.approx(method(grid[1, 2]).value)
    assert found.count(0.3, 0.3) == (0, 0)
    assert found.count(-np.inf, np.inf).value == pytest.approx(N)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda found: found.count(1, 0), r"low must not be above high, got low=1 and high=0"),
        (lambda found: found.count(np.nan, 0), "low must be a number"),
        (lambda found: found.count(0, "much"), "high must be a number"),
        (lambda found: found.cumulative([0, np.inf]), "x must be finite"),
        (lambda found: found.cumulative(1j), "x must be a number"),
        (lambda found: found.density(np.nan), "x must be a number"),
        (lambda found: found.density(0, width=0), "width must be a positive number"),
        (lambda found: found.density(0, width=-1.0), "width must be a positive number"),
    ],
)
def test_bad_questions(call, match):
    found = opu_spectral_density(np.eye(5), 20)
    with pytest.raises(ValueError, match=match):
        call(found)


@pytest.mark.parametrize(
    ("A", "options", "match"),
    [
        (symmetric(GAP)[:, :5], {}, "A must be square"),
        (np.triu(np.ones((9, 9))), {}, "A must be symmetric here"),
        (aslinearoperator(np.triu(np.ones((9, 9)))), {}, "A must be symmetric here"),
        (1j * symmetric(GAP), {}, "A must be real"),
        (np.where(np.eye(N) > 0, np.nan, symmetric(GAP)), {}, "NaN"),
        (np.eye(60), {"n_matvecs": 99}, "n_matvecs must be at least 100, got 99"),
        (np.eye(20), {"n_matvecs": 39}, "n_matvecs must be at least 40, got 39"),
        (np.eye(20), {"n_matvecs": 0}, "n_matvecs must be an integer"),
        (np.eye(20), {"lanczos_steps": 3}, "lanczos_steps must be an integer of at least 4"),
        (np.eye(20), {"opu": "mine"}, "opu must be an OPU"),
    ],
)
def test_bad_input(A, options, match):
    with pytest.raises(ValueError, match=match):
        opu_spectral_density(A, **options)
