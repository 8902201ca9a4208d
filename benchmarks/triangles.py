"""Counting triangles: an estimate against exact counts, where each of them pays.

    python benchmarks/triangles.py [--data FOLDER]

Sparse graphs are counted exactly by `count_triangles` with method="exact", dense ones by a product
of NumPy in float32. Graphs without a matrix are operators, of which an exact count takes a
product for each node. For each: the time of the exact count over that of an estimate with 200
products (the median of pairs in turns; above 1 the estimate is faster), whether method="auto"
counts, the relative error of the estimate (root mean square over seeds), and the mean standard
error that it says. FOLDER holds graphs as ``graph_*.npz`` (indices and indptr
of the CSR adjacency matrix, n_triangles).
"""

import argparse
import statistics
import time

import numpy as np
import scipy.sparse
from _graphs import counted_graphs
from _report import write_table
from scipy.sparse.linalg import LinearOperator

from skopu import count_triangles


def count_sparse(A):
    return count_triangles(A, method="exact").value


def count_dense(A):
    return float(np.vdot(A @ A, A)) / 6


def count_operator(A):
    total = 0.0
    for start in range(0, A.shape[0], 1000):
        unit = np.zeros((A.shape[0], min(1000, A.shape[0] - start)))
        unit[start + np.arange(unit.shape[1]), np.arange(unit.shape[1])] = 1
        once = A.matmat(unit)
        total += np.vdot(once, A.matmat(once))
    return total / 6


def random_graph(n, degree, seed=0):
    """Nodes of unequal degree, as scale-free networks have them."""
    rng = np.random.default_rng(seed)
    weights = (1 + np.arange(n)) ** -0.4
    ends = rng.choice(n, (2, n * degree // 2), p=weights / weights.sum())
    ends = ends[:, ends[0] != ends[1]]
    A = scipy.sparse.coo_matrix((np.ones(ends.shape[1]), ends), (n, n)).tocsr()
    A = A.maximum(A.T)
    A.data[:] = 1
    return A


def dense_graph(n, part=0.3, seed=0):
    """Communities of nodes, joined by a part of all edges."""
    rng = np.random.default_rng(seed)
    near = np.equal.outer(*2 * [np.arange(n) * 10 // n])
    A = np.triu(rng.random((n, n), np.float32) < part * (1 + near), 1)
    return (A + A.T).astype(np.float32)


def bipartite_complement(n, groups=20):
    """Nodes are joined unless they share a group: all of it known by the groups alone."""
    member = scipy.sparse.csr_matrix((np.ones(n), (np.arange(n), np.arange(n) % groups)))

    def multiply(X):
        return np.broadcast_to(X.sum(axis=0), X.shape) - member @ (member.T @ X)

    return LinearOperator((n, n), multiply, multiply, multiply, float, multiply)


def graphs(folder):
    for name, A, _ in counted_graphs(folder) if folder else []:
        yield name, A, count_sparse
    for n, degree in ((10_000, 20), (100_000, 20), (10_000, 200), (10_000, 1000)):
        yield f"sparse, {n} nodes of degree {degree}", random_graph(n, degree), count_sparse
    for n in (1000, 3000, 10_000):
        yield f"dense, {n} nodes", dense_graph(n), count_dense
    for n in (3000, 10_000):
        yield f"operator, {n} nodes", bipartite_complement(n), count_operator


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", default="triangles.csv")
    arguments = parser.parse_args()
    rows = []
    for name, A, count in graphs(arguments.data):
        ratios, times, errors, said = [], [], [], []
        for seed in range(arguments.repeats):
            start = time.perf_counter()
            exact = count(A)
            middle = time.perf_counter()
            estimate = count_triangles(A, 200, method="estimate", random_state=seed)
            times.append(time.perf_counter() - middle)
            ratios.append((middle - start) / times[-1])
            errors.append((estimate.value - exact) / exact)
            said.append(estimate.standard_error / exact)
        rows.append(
            {
                "graph": name,
                "triangles": int(exact),
                "seconds, estimate": statistics.median(times),
                "exact over estimate": statistics.median(ratios),
                "auto counts": count_triangles(A, 200, random_state=0).n_matvecs == 0,
                "rms error": float(np.sqrt(np.mean(np.square(errors)))),
                "standard error": float(np.mean(said)),
            }
        )
        print(name, flush=True)
    write_table(rows, arguments.output)


if __name__ == "__main__":
    main()
