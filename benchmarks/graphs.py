"""Graph networks with few labels: direct feedback alignment beside back-propagation.

    python benchmarks/graphs.py --data FOLDER [--graphs cora dblp ...] [--methods ...]

Test accuracy on random splits: 20 nodes a class are trained on, 30 a class decide when to stop
and which weights are kept, all others are the test. Features as they are, and in rows of unit
L1 norm. All else is the default of DFAGraphClassifier; nothing is chosen. Mean and standard
deviation over the splits, which are the same for all methods, and the mean of the differences
from back-propagation with its standard error, in per cent. "first epoch kept" is the smallest
number of epochs after which weights were kept.

FOLDER holds planetoid_NAME.npz for cora, citeseer and pubmed, and graph_nodes_NAME.npz for
amazon_cs and dblp: CSR parts x_data, x_indices, x_indptr, x_shape and adj_indices, adj_indptr
of features and edges, and y, below 0 for nodes of no class.
"""

import argparse
import itertools
import pathlib

import joblib
import numpy as np
import scipy.sparse
from _report import write_table
from dfa_paper import METHODS, options_of
from sklearn.preprocessing import normalize

from skopu import DFAGraphClassifier

GRAPHS = {
    "cora": "planetoid_cora",
    "citeseer": "planetoid_citeseer",
    "pubmed": "planetoid_pubmed",
    "dblp": "graph_nodes_dblp",
    "amazon_cs": "graph_nodes_amazon_cs",
}
N_TRAINED, N_VALIDATION = 20, 30  # of each class


def load(folder, name):
    with np.load(folder / f"{GRAPHS[name]}.npz", allow_pickle=False) as file:
        x_parts = [file[f"x_{part}"].astype(np.int32) for part in ("indices", "indptr")]
        X = scipy.sparse.csr_matrix(
            (file["x_data"].astype(np.float32), *x_parts), tuple(file["x_shape"])
        )
        a_parts = [file[f"adj_{part}"].astype(np.int32) for part in ("indices", "indptr")]
        y = file["y"].astype(int)
    ones = np.ones(len(a_parts[0]), np.float32)
    return X, scipy.sparse.csr_matrix((ones, *a_parts), (len(y), len(y))), y


def split(y, seed):
    """Labels, those to validate with among them, and a mask of the nodes to test."""
    random_state = np.random.RandomState(seed)
    labels, validation = np.full(len(y), -1), np.zeros(len(y), bool)
    for label in np.unique(y[y >= 0]):
        nodes = random_state.permutation(np.flatnonzero(y == label))
        nodes = nodes[: N_TRAINED + N_VALIDATION]
        labels[nodes], validation[nodes[N_TRAINED:]] = label, True
    return labels, validation, (labels == -1) & (y >= 0)


def score(folder, name, rows, method, seed):
    """Accuracy on the test nodes, and the number of epochs of the kept weights."""
    X, adjacency, y = load(folder, name)
    if rows == "L1":
        X = normalize(X, "l1")
    if X.nnz > 0.2 * np.prod(X.shape):
        X = X.toarray()  # products are faster
    labels, validation, tested = split(y, seed)
    model = DFAGraphClassifier(**options_of(method, seed))
    model.fit(X, labels, adjacency, validation_mask=validation)
    accuracy = np.mean(model.transduction_[tested] == y[tested])
    return 100 * accuracy, 1 + int(np.argmin(model.validation_loss_curve_))


def rows_of(name, arguments):
    calls = [*itertools.product(("raw", "L1"), arguments.methods, range(arguments.splits))]
    results = joblib.Parallel(arguments.jobs, return_as="generator")(
        joblib.delayed(score)(arguments.data, name, *call) for call in calls
    )
    found = {}
    for call, (accuracy, epochs) in zip(calls, results, strict=True):
        found.setdefault(call[:2], []).append((accuracy, epochs))
        print(f"{name}, {call}: {accuracy:.2f} after {epochs} epochs", flush=True)
    for (rows, method), values in found.items():
        accuracy, epochs = np.transpose(values)
        reference = found.get((rows, "back-propagation"), values)
        difference = accuracy - np.transpose(reference)[0]
        yield {
            "graph": name,
            "rows": rows,
            "method": method,
            "test accuracy %": float(accuracy.mean()),
            "+-": float(accuracy.std(ddof=1)),
            "difference": float(difference.mean()),
            "standard error": float(difference.std(ddof=1) / np.sqrt(len(difference))),
            "first epoch kept": int(epochs.min()),
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder, see above")
    parser.add_argument("--graphs", nargs="+", default=list(GRAPHS), choices=list(GRAPHS))
    parser.add_argument("--methods", nargs="+", default=list(METHODS)[:3], choices=list(METHODS))
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=-1, help="networks trained at once")
    parser.add_argument("--output", default="graphs.csv")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.graphs:
        rows += rows_of(name, arguments)
        write_table(rows, arguments.output)


if __name__ == "__main__":
    main()
