import networkx
import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import aslinearoperator

from skopu import count_triangles

from ..statistics import z_score
from .matrices import Counting, layered, noisy

GRAPHS = {
    "random": networkx.gnp_random_graph(120, 0.1, seed=0),
    "small world": networkx.watts_strogatz_graph(150, 8, 0.1, seed=0),
    "scale free": networkx.powerlaw_cluster_graph(150, 4, 0.5, seed=0),
    "club": networkx.karate_club_graph(),
}


def adjacency(graph):
    return networkx.to_scipy_sparse_array(graph, weight=None, dtype=float, format="csr")


def true_count(graph):
    return sum(networkx.triangles(graph).values()) / 3


@pytest.mark.parametrize("device", [None, layered, noisy], ids=["ideal", "layered", "noisy"])
@pytest.mark.parametrize("graph", ["random", "small world", "scale free"])
def test_agrees_with_networkx(graph, device):
    A, exact = adjacency(GRAPHS[graph]), true_count(GRAPHS[graph])
    n_seeds = 30 if device is noisy else 100
    results = [
        count_triangles(A, 100, opu=device and device(seed=seed), random_state=seed)
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
    value, error, n_matvecs = count_triangles(A, 10_000, random_state=0)
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
    value, _, n_matvecs = count_triangles(form(A), 1000, random_state=0)
    assert np.isclose(value, 45, rtol=1e-4)
    assert n_matvecs <= 5 * len(A) + 1


def test_no_triangles():
    assert abs(count_triangles(np.zeros((5, 5))).value) == 0
    value, error, _ = count_triangles(adjacency(networkx.path_graph(50)), 60, random_state=0)
    assert abs(value) < 4 * error


def test_no_more_products_than_asked():
    for n_matvecs in (11, 15, 16, 59):
        A = Counting(adjacency(GRAPHS["random"]))
        result = count_triangles(A, n_matvecs, random_state=0)
        assert A.n_matvecs == result.n_matvecs <= n_matvecs


A = adjacency(GRAPHS["club"])


@pytest.mark.parametrize(
    ("matrix", "n_matvecs", "match"),
    [
        (2 * A, 50, "zeros and ones: weights"),
        (A.toarray() * 0.5, 50, "zeros and ones: weights"),
        (A + scipy.sparse.eye(34), 50, "self-loops"),
        (scipy.sparse.triu(A), 50, "symmetric"),
        (np.triu(A.toarray()), 50, "symmetric"),
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
            "zeros and ones: weights",
        ),
    ],
)
def test_bad_input(matrix, n_matvecs, match):
    with pytest.raises(ValueError, match=match):
        count_triangles(matrix, n_matvecs)
