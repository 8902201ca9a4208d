import itertools

import networkx
import numpy as np
import pytest
import scipy.sparse
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import LinearOperator, aslinearoperator
from sklearn.exceptions import ConvergenceWarning

from skopu import count_triangles
from skopu.linalg import TraceMethod
from skopu.linalg._exact_triangles import SparseCount, rows_in_pieces

from ..statistics import z_score
from .matrices import Counting, layered, noisy

GRAPHS = {
    "random": networkx.gnp_random_graph(120, 0.1, seed=0),
    "small world": networkx.watts_strogatz_graph(150, 8, 0.1, seed=0),
    "scale free": networkx.powerlaw_cluster_graph(150, 4, 0.5, seed=0),
    "club": networkx.karate_club_graph(),
}


def adjacency(graph, weight=None):
    return networkx.to_scipy_sparse_array(graph, weight=weight, dtype=float, format="csr")


def estimated(A, n_matvecs=200, **options):
    return count_triangles(A, n_matvecs, method="estimate", **options)


def counted(A, **options):
    found = count_triangles(A, method="exact", **options)
    assert found[1:] == (0, 0)
    return found.value


def true_count(graph):
    return sum(networkx.triangles(graph).values()) / 3


@pytest.mark.parametrize("device", [None, layered, noisy], ids=["ideal", "layered", "noisy"])
@pytest.mark.parametrize("graph", ["random", "small world", "scale free"])
def test_agrees_with_networkx(graph, device):
    A, exact = adjacency(GRAPHS[graph]), true_count(GRAPHS[graph])
    n_seeds = 30 if device is noisy else 100
    results = [
        estimated(A, 100, opu=device and device(seed=seed), random_state=seed)
        for seed in range(n_seeds)
    ]
    values, errors, n_matvecs = np.array(results).T
    assert abs(z_score(values, exact)) < 4
    assert np.sqrt(np.mean((values / exact - 1) ** 2)) < 0.1
    assert 0.5 < np.std(values) / np.sqrt(np.mean(errors**2)) < 1.5
    assert np.all(n_matvecs == 100)


@pytest.mark.parametrize("graph", GRAPHS)
def test_exact_with_as_many_vectors_as_nodes(graph):
    A, exact = adjacency(GRAPHS[graph]), true_count(GRAPHS[graph])
    value, error, n_matvecs = estimated(A, 10_000, random_state=0)
    assert np.isclose(value, exact)
    assert error < 1e-6
    assert n_matvecs == 5 * A.shape[0]


@pytest.mark.parametrize(
    "form",
    [
        np.asarray,
        lambda A: A.astype(bool),
        lambda A: A.astype(np.float32),
        scipy.sparse.csc_matrix,
        lambda A: scipy.sparse.coo_array(A.astype(np.int8)),
        aslinearoperator,
    ],
)
def test_forms(form):
    A = adjacency(GRAPHS["club"]).toarray()
    value, _, n_matvecs = estimated(form(A), 1000, random_state=0)
    assert np.isclose(value, 45, rtol=1e-4)
    assert 0 < n_matvecs <= 5 * len(A) + 1


def test_no_triangles():
    assert abs(estimated(np.zeros((5, 5))).value) == 0
    value, error, _ = estimated(adjacency(networkx.path_graph(50)), 60, random_state=0)
    assert abs(value) < 4 * error


def test_no_more_products_than_asked():
    for n_matvecs in (11, 15, 16, 59):
        A = Counting(adjacency(GRAPHS["random"]))
        result = count_triangles(A, n_matvecs, random_state=0)
        assert A.n_matvecs == result.n_matvecs <= n_matvecs


def with_weights(A, seed=0, largest=3.0):
    """The same graph with uniformly distributed weights."""
    A = scipy.sparse.triu(A, 1, "csr")
    A.data = np.random.default_rng(seed).uniform(0, largest, A.nnz)
    return (A + A.T).tocsr()


def one_way(A, seed=0):
    """The same graph with edges in one direction, or both."""
    A = A.tocsr().copy()
    A.data *= np.random.default_rng(seed).random(A.nnz) < 0.7
    A.eliminate_zeros()
    return A


def total_of_networkx(A, weighted, directed):
    """What our number is by networkx's coefficients of clustering."""
    kind = networkx.DiGraph if directed else networkx.Graph
    graph = networkx.from_scipy_sparse_array(A, create_using=kind)
    c = np.array(list(networkx.clustering(graph, weight="weight" if weighted else None).values()))
    largest = A.max() if weighted and A.nnz else 1
    degrees = np.array([degree for _, degree in graph.degree()])
    pairs = degrees * (degrees - 1) / 2
    if directed:
        edges = (A != 0).astype(int)
        pairs = 2 * pairs - 2 * np.asarray(edges.multiply(edges.T).sum(axis=1)).ravel()
    return np.sum(c * pairs) / 3 * largest


def by_three_loops(A, weighted, directed):
    """Sum over three nodes, and over the directions of the three edges."""
    total = 0.0
    for i, j, k in itertools.combinations(range(len(A)), 3):
        for a, b, c in itertools.product(*(((x, y), (y, x)) for x, y in ((i, j), (j, k), (k, i)))):
            product = float(A[a]) * float(A[b]) * float(A[c])
            total += product ** (1 / 3) if weighted else product
    return total if directed else total / 8


KINDS = pytest.mark.parametrize(
    ("weighted", "directed"), [(False, False), (True, False), (False, True), (True, True)]
)


def of_kind(A, weighted, directed):
    A = with_weights(A) if weighted else A
    return one_way(A) if directed else A


@KINDS
@pytest.mark.parametrize("graph", GRAPHS)
def test_counts_are_those_of_networkx(graph, weighted, directed):
    A = of_kind(adjacency(GRAPHS[graph]), weighted, directed)
    expected = total_of_networkx(A, weighted, directed)
    for form in (A, A.toarray(), A.tocsc(), A.astype(np.float32)):
        value = counted(form, weighted=weighted, directed=directed)
        assert value == pytest.approx(expected, rel=1e-6 if weighted else 1e-12)
    if not weighted:
        assert counted(A, directed=directed) == round(expected)
    if not (weighted or directed):
        assert counted(A) == true_count(GRAPHS[graph])


@KINDS
@given(data=st.data(), n=st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_counts_by_brute_force(data, n, weighted, directed):
    seed, density = data.draw(st.integers(0, 2**20)), data.draw(st.sampled_from([0, 0.3, 0.7, 1]))
    rng = np.random.default_rng(seed)
    A = np.where(rng.random((n, n)) < density, rng.integers(1, 4, (n, n)) if weighted else 1, 0)
    A = np.triu(A, 1) + (np.tril(A, -1) if directed else np.triu(A, 1).T)
    expected = by_three_loops(A, weighted, directed)
    options = {"weighted": weighted, "directed": directed}
    for form in (A, scipy.sparse.coo_array(A), scipy.sparse.csc_matrix(A.astype(np.uint8))):
        assert counted(form, **options) == pytest.approx(expected, rel=1e-12)
        found = estimated(form, 1000, random_state=seed, **options)  # of the whole space
        assert found.value == pytest.approx(expected, abs=1e-9)


@KINDS
def test_estimates_of_weighted_and_directed_graphs(weighted, directed):
    A = of_kind(adjacency(GRAPHS["scale free"]), weighted, directed)
    options = {"weighted": weighted, "directed": directed}
    expected = total_of_networkx(A, weighted, directed)
    found = [estimated(A, 150, random_state=seed, **options) for seed in range(100)]
    values, errors, _ = np.array(found).T
    assert abs(z_score(values, expected)) < 4
    assert 0.7 < np.std(values) / np.sqrt(np.mean(errors**2)) < 1.3
    dense = estimated(A.toarray(), 150, random_state=0, **options)
    assert dense == pytest.approx(found[0], rel=1e-6)


def test_estimate_of_a_directed_operator():
    A = one_way(adjacency(GRAPHS["scale free"]))
    expected = total_of_networkx(A, False, True)
    found = [
        count_triangles(aslinearoperator(A), 300, directed=True, random_state=seed)
        for seed in range(100)
    ]
    values, errors, n_matvecs = np.array(found).T
    assert abs(z_score(values, expected)) < 4
    assert 0.7 < np.std(values) / np.sqrt(np.mean(errors**2)) < 1.3
    assert np.all(n_matvecs == 300)
    for most in (20, 25, 39, 40):
        watched = Counting(A)
        found = count_triangles(watched, most, directed=True, random_state=0)
        assert watched.n_matvecs == found.n_matvecs == most // 10 * 10


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int64, np.float32, np.float64])
def test_small_dtypes_do_not_overflow(dtype):
    """The complete graph of 200 nodes, with numbers far beyond 127 on the way."""
    A = (np.ones((200, 200)) - np.eye(200)).astype(dtype)
    for form in (A, scipy.sparse.csr_matrix(A), scipy.sparse.coo_array(A)):
        assert counted(form) == 1_313_400
        assert counted(form, directed=True) == 8 * 1_313_400
        assert counted(form, weighted=True) == pytest.approx(1_313_400, rel=1e-12)
        assert estimated(form, 100, random_state=0).value == pytest.approx(1_313_400, rel=1e-3)
    if dtype is not bool:
        assert counted(100 * A, weighted=True) == pytest.approx(131_340_000, rel=1e-6)


def test_entries_given_twice_add_up():
    """As SciPy has them: two halves are a one, and one and one are a weight of two."""
    i, j = np.array([[0, 1, 1, 2, 0, 2], [1, 0, 2, 1, 2, 0]])
    entries = np.repeat(np.ones(6), 2), (np.repeat(i, 2), np.repeat(j, 2))
    twice = scipy.sparse.coo_matrix(entries, (3, 3))
    assert counted(twice / 2) == 1
    assert counted(twice, weighted=True) == pytest.approx(2)
    with pytest.raises(ValueError, match="zeros and ones, unless weighted=True"):
        counted(twice)


def test_zeros_that_are_stored_are_no_edges():
    A = adjacency(GRAPHS["club"])
    filled = scipy.sparse.csr_array(np.ones(A.shape))
    filled.data = A.toarray().ravel()
    assert counted(filled) == 45
    assert counted(filled, weighted=True, directed=True) == pytest.approx(8 * 45)


@pytest.mark.parametrize("size", [1, 50, 10**6])
@pytest.mark.parametrize(
    ("graph", "transposed"),
    [
        (networkx.powerlaw_cluster_graph(200, 6, 0.5, seed=1), False),
        (networkx.corona_product(networkx.complete_graph(10), networkx.empty_graph(50)), True),
    ],
    ids=["paths", "forks"],
)
def test_both_orientations_in_pieces(graph, transposed, size, monkeypatch):
    """Pieces of single rows, of some, and of all."""
    monkeypatch.setattr("skopu.linalg._exact_triangles._PIECES", size)
    A = adjacency(graph)
    assert SparseCount(A).transposed is transposed
    assert counted(A) == true_count(graph)


def test_pieces_are_as_small_as_they_should_be(monkeypatch):
    monkeypatch.setattr("skopu.linalg._exact_triangles._PIECES", 2000)
    monkeypatch.setattr("skopu.linalg._exact_triangles.n_threads", lambda: 2)
    A = adjacency(networkx.powerlaw_cluster_graph(300, 6, 0.5, seed=1))
    slices = rows_in_pieces(A, A)
    assert np.array_equal(np.concatenate([np.arange(300)[rows] for rows in slices]), range(300))
    assert 10 < len(slices) < 100
    assert all((A[rows] @ A).nnz <= 1000 + 300 for rows in slices)


def test_cost_is_that_of_the_multiplications():
    """Paths from each node to larger ones, or pairs of larger neighbours, by hand."""
    A = adjacency(networkx.complete_graph(10))
    multiplications = sum(k * (9 - k) for k in range(10))
    assert SparseCount(A).cost == pytest.approx(8 * multiplications / 90)
    assert SparseCount(adjacency(networkx.empty_graph(5))).cost == 0


def test_auto_takes_what_costs_less():
    sparse, dense = adjacency(GRAPHS["small world"]), networkx.complete_graph(150)
    assert count_triangles(sparse, 100).n_matvecs == 0
    assert count_triangles(adjacency(dense), 11, random_state=0).n_matvecs == 10
    assert count_triangles(np.ones((30, 30)) - np.eye(30), 11).n_matvecs == 0
    large = np.ones((400, 400)) - np.eye(400)
    assert count_triangles(large, 100, random_state=0).n_matvecs == 100
    assert count_triangles(large, 1000, rtol=0.01).n_matvecs == 0
    assert count_triangles(aslinearoperator(sparse), 100, random_state=0).n_matvecs > 0
    with_estimate = count_triangles(sparse, 100, method="estimate", random_state=0)
    assert with_estimate.n_matvecs == 100


ROUNDS = {
    "power law": networkx.powerlaw_cluster_graph(400, 8, 0.4, seed=0),
    "random": networkx.gnp_random_graph(300, 0.1, seed=0),
    "blocks": networkx.stochastic_block_model([100] * 4, 0.02 + 0.2 * np.eye(4), seed=0),
}


def test_products_are_spent_until_the_error_is_small():
    A = adjacency(ROUNDS["power law"])
    found = [estimated(A, 2000, rtol=rtol, random_state=0) for rtol in (0.2, 0.02, 0.005)]
    for estimate, rtol in zip(found, (0.2, 0.02, 0.005), strict=True):
        assert estimate.standard_error <= rtol * estimate.value
    assert found[0].n_matvecs == 150
    assert found[0].n_matvecs < found[1].n_matvecs < found[2].n_matvecs <= 2000


def test_rounds_have_vectors_of_their_own(monkeypatch):
    seen = []

    def watch(A, n, opu):
        seen.append(probes(A, n, opu))
        return seen[-1]

    probes = TraceMethod.probes
    monkeypatch.setattr(TraceMethod, "probes", staticmethod(watch))
    estimated(adjacency(ROUNDS["power law"]), 2000, rtol=0.005, random_state=0)
    assert len(seen) > 1
    together = np.hstack(seen)
    cosines = together.T @ together / len(together)
    assert abs(cosines - np.eye(len(cosines))).max() < 0.5


@pytest.mark.parametrize("graph", ROUNDS)
def test_stopping_does_not_spoil_the_interval(graph):
    A, exact, n_seeds = adjacency(ROUNDS[graph]), true_count(ROUNDS[graph]), 100
    found = [estimated(A, 2000, rtol=0.02, random_state=seed) for seed in range(n_seeds)]
    values, errors, n_matvecs = np.array(found).T
    assert np.all(errors <= 0.02 * values)
    assert len(set(n_matvecs)) > 1
    n_covered = np.sum(abs(values - exact) < 1.96 * errors)
    assert scipy.stats.binomtest(int(n_covered), n_seeds, 0.95).pvalue > 1e-3


def test_an_error_that_cannot_be_reached_is_told():
    A = adjacency(ROUNDS["power law"])
    with pytest.warns(ConvergenceWarning, match="and not rtol=1e-06, after .* Raise n_matvecs"):
        found = estimated(A, 300, rtol=1e-6, random_state=0)
    assert 0 < found.n_matvecs <= 300
    with pytest.warns(ConvergenceWarning, match="of the number, and not rtol=0.1"):
        found = estimated(adjacency(networkx.path_graph(200)), 600, rtol=0.1, random_state=0)
    assert found.n_matvecs <= 600
    assert estimated(np.zeros((5, 5)), rtol=0.1).value == 0  # which is sure


A = adjacency(GRAPHS["club"])


@pytest.mark.parametrize(
    ("matrix", "n_matvecs", "match"),
    [
        (2 * A, 50, "zeros and ones, unless weighted=True"),
        (A.toarray() * 0.5, 50, "zeros and ones, unless weighted=True"),
        (A + scipy.sparse.eye(34), 50, "self-loops"),
        (scipy.sparse.triu(A), 50, "symmetric, unless directed=True"),
        (np.triu(A.toarray()), 50, "symmetric, unless directed=True"),
        (aslinearoperator(np.triu(A.toarray())), 50, "symmetric"),
        (A[:5], 50, "square"),
        (A, 10, "at least 11"),
        (A, 2.5, "integer"),
        (A * np.nan, 50, "zeros and ones"),
        (
            scipy.sparse.csr_matrix(
                (np.repeat(A.data, 2), np.repeat(A.indices, 2), 2 * A.indptr), A.shape
            ),
            50,
            "zeros and ones, unless weighted=True",
        ),
    ],
)
def test_bad_input(matrix, n_matvecs, match):
    with pytest.raises(ValueError, match=match):
        count_triangles(matrix, n_matvecs)


NOT_ITS_TRANSPOSE = LinearOperator(
    (34, 34), lambda x: A @ x, lambda x: np.roll(x, 1, 0), dtype=float
)


@pytest.mark.parametrize(
    ("matrix", "options", "match"),
    [
        (A, {"method": "exakt"}, 'method must be "auto", "exact" or "estimate", got'),
        (A, {"rtol": 0}, "rtol must be a positive number, or None"),
        (A, {"rtol": np.nan}, "rtol must be a positive number, or None"),
        (A, {"opu": 3}, "opu must be"),
        (aslinearoperator(A), {"method": "exact"}, "known only through products"),
        (aslinearoperator(A), {"weighted": True}, "takes cube roots of the entries"),
        (aslinearoperator(A), {"directed": True, "n_matvecs": 19}, "at least 20 .* got 19"),
        (LinearOperator((34, 34), lambda x: A @ x), {"directed": True}, "no transposed products"),
        (NOT_ITS_TRANSPOSE, {"directed": True}, "what it gives as its transpose must be symm"),
        (-A, {"weighted": True}, "negative weights"),
        (-A.toarray(), {"weighted": True}, "negative weights"),
        (A * np.nan, {"weighted": True}, "NaN or infinity"),
        (np.full((34, 34), np.inf), {"weighted": True}, "NaN or infinity"),
        (A * 1e308, {"weighted": True}, "overflows. Scale the weights"),
        (2 * A, {"directed": True}, "zeros and ones, unless weighted=True"),
        (scipy.sparse.triu(A), {"weighted": True}, "symmetric, unless directed=True"),
        (A + scipy.sparse.eye(34), {"weighted": True, "directed": True}, "self-loops"),
        (np.empty((0, 0)), {}, "at least one row"),
    ],
)
def test_bad_options(matrix, options, match):
    with pytest.raises(ValueError, match=match):
        count_triangles(matrix, **{"random_state": 0, **options})


@pytest.mark.parametrize("scale", [1e-300, 1e-80, 1e18, 1e80])
def test_weights_of_any_size(scale):
    weights = np.triu(np.random.default_rng(0).random((60, 60)), 1)
    weights += weights.T
    options = {"weighted": True, "method": "estimate", "random_state": 0}
    expected = count_triangles(weights, 100, **options)
    found = count_triangles(scale * weights, 100, **options)
    assert np.allclose(found.value / scale, expected.value, rtol=1e-10)
    assert np.allclose(found.standard_error / scale, expected.standard_error, rtol=1e-6)
