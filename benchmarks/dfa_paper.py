"""The papers' tables of training by light: MNIST and citation graphs.

    python benchmarks/dfa_paper.py --data FOLDER [--tasks mnist graphs]

Test accuracy of back-propagation, of direct feedback alignment (DFA) with the exact and with
the ternary error, and of the latter through an 8-bit camera with shot and read noise: mean
and standard deviation over seeds. Back-propagation on MNIST is scikit-learn's MLPClassifier.

All choices are made on validation data, for each method: on MNIST the learning rate, by the
last 10,000 of the training images; on a graph the width, dropout and weight decay, by its
validation nodes, which also choose the weights that are kept. Networks on MNIST train with
that learning rate, then for a few epochs with a tenth of it.

FOLDER holds mnist.npz (x_train, y_train, x_test, y_test), or planetoid_NAME.npz for cora,
citeseer and pubmed: CSR parts x_data, x_indices, x_indptr, x_shape and adj_indices, adj_indptr
of features and edges, y, and the public split idx_train, idx_val, idx_test.

The papers' figures: J. Launay et al., "Light-in-the-loop: using a photonics co-processor for
scalable training of neural networks", 2020 (MNIST), and "Hardware beyond backpropagation: a
photonic co-processor for direct feedback alignment", 2020; for back-propagation on graphs,
T. N. Kipf and M. Welling, "Semi-supervised classification with graph convolutional networks",
ICLR 2017.
"""

import argparse
import itertools
import pathlib
import warnings

import numpy as np
import scipy.sparse
from _report import write_table
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import normalize

from skopu import OPU, Camera, DFAClassifier, DFAGraphClassifier, GaussianMedium

CAMERA = Camera(bits=8, photons=1000, read_noise=0.01)
TERNARY = {"feedback": "dense", "error_encoding": "ternary"}
METHODS = {
    "back-propagation": {"feedback": "backprop"},
    "DFA": {"feedback": "dense"},
    "DFA, ternary": TERNARY,
    "DFA, ternary, 8-bit camera": {**TERNARY, "feedback": "optical"},
}
GRID = [  # the first is Kipf and Welling's
    {"hidden_layer_sizes": (width,), "dropout": dropout, "alpha": alpha}
    for width, dropout, alpha in [
        (16, 0.5, 5e-4),
        (64, 0.8, 5e-4),
        (64, 0.8, 1e-4),
        (256, 0.8, 5e-4),
        (256, 0.8, 1e-4),
    ]
]
PUBLISHED = {
    ("mnist 1024-1024", "DFA"): "97.6",
    ("mnist 1024-1024", "DFA, ternary, 8-bit camera"): "95.8",
    ("cora", "back-propagation"): "81.5",
    ("citeseer", "back-propagation"): "70.3",
    ("pubmed", "back-propagation"): "79.0",
}


def light(seed):
    return OPU(GaussianMedium(), CAMERA, input_bits=1, random_state=seed)


def mnist(folder):
    with np.load(folder / "mnist.npz", allow_pickle=False) as file:
        parts = [file[name] for name in ("x_train", "y_train", "x_test", "y_test")]
    for i in (0, 2):
        parts[i] = parts[i].reshape(-1, 784).astype(np.float32) / 255
    return parts


def _train_mnist(method, width, rate, epochs, seed, X, y):
    options = dict(METHODS[method])
    make = MLPClassifier if options["feedback"] == "backprop" else DFAClassifier
    if make is MLPClassifier:
        options = {}
    elif options["feedback"] == "optical":
        options["opu"] = light(seed)
    model = make(
        (width, width),
        "tanh",
        batch_size=128,
        random_state=seed,
        warm_start=True,
        tol=0,
        n_iter_no_change=epochs + 1,
        **options,
    )
    few = max(1, epochs // 3)
    model.set_params(max_iter=epochs - few, learning_rate_init=rate).fit(X, y)
    return model.set_params(max_iter=few, learning_rate_init=rate / 10).fit(X, y)


def mnist_rows(arguments):
    X, y, X_test, y_test = mnist(arguments.data)
    for width, method in itertools.product(arguments.widths, arguments.methods):
        rates = arguments.rates
        if len(rates) > 1:
            scores = [
                _train_mnist(
                    method, width, rate, arguments.epochs, 1000, X[:-10_000], y[:-10_000]
                ).score(X[-10_000:], y[-10_000:])
                for rate in rates
            ]
            print(f"{method}, {width}: validation {dict(zip(rates, scores, strict=True))}")
            rates = [rates[int(np.argmax(scores))]]
        accuracies = [
            _train_mnist(method, width, rates[0], arguments.epochs, seed, X, y).score(
                X_test, y_test
            )
            for seed in range(arguments.mnist_seeds)
        ]
        yield _row(f"mnist {width}-{width}", method, f"rate {rates[0]:g}", accuracies)


def graph(folder, name):
    with np.load(folder / f"planetoid_{name}.npz", allow_pickle=False) as file:
        x_parts = [file[f"x_{part}"] for part in ("data", "indices", "indptr")]
        a_parts = [file[f"adj_{part}"].astype(np.int32) for part in ("indices", "indptr")]
        X = scipy.sparse.csr_matrix(
            (x_parts[0].astype(np.float32), *(part.astype(np.int32) for part in x_parts[1:])),
            tuple(file["x_shape"]),
        )
        y = file["y"].astype(int)
        splits = [file[f"idx_{part}"].astype(int) for part in ("train", "val", "test")]
    adjacency = scipy.sparse.csr_matrix((np.ones(len(a_parts[0]), np.float32), *a_parts))
    return normalize(X, "l1"), adjacency, y, splits


def _train_graph(method, seed, data, **options):
    X, adjacency, y, (train, validation, _) = data
    labels, mask = np.full(len(y), -1), np.zeros(len(y), bool)
    labels[train], labels[validation], mask[validation] = y[train], y[validation], True
    options = {**METHODS[method], **options, "random_state": seed}
    if options["feedback"] == "optical":
        options["opu"] = light(seed)
    model = DFAGraphClassifier(**options)
    return model.fit(X, labels, adjacency, validation_mask=mask)


def graph_rows(arguments):
    for name in ("cora", "citeseer", "pubmed"):
        data = graph(arguments.data, name)
        y, (_, _, test) = data[2], data[3]
        for method in arguments.methods:
            scores = [
                np.mean(
                    [
                        max(_train_graph(method, seed, data, **options).validation_scores_)
                        for seed in range(1000, 1003)
                    ]
                )
                for options in GRID
            ]
            chosen = GRID[int(np.argmax(scores))]
            accuracies = []
            for seed in range(arguments.graph_seeds):
                model = _train_graph(method, seed, data, **chosen)
                accuracies.append(np.mean(model.transduction_[test] == y[test]))
            yield _row(name, method, " ".join(map(str, chosen.values())), accuracies)


def _row(task, method, chosen, accuracies):
    row = {
        "task": task,
        "method": method,
        "chosen": chosen,
        "seeds": len(accuracies),
        "test accuracy %": float(100 * np.mean(accuracies)),
        "+-": float(100 * np.std(accuracies)),
        "published": PUBLISHED.get((task, method), "-"),
    }
    print(row, flush=True)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder, see above")
    parser.add_argument("--tasks", nargs="+", default=["mnist", "graphs"])
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--widths", type=int, nargs="+", default=[256, 1024])
    parser.add_argument("--rates", type=float, nargs="+", default=[3e-4, 1e-3])
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--mnist-seeds", type=int, default=3)
    parser.add_argument("--graph-seeds", type=int, default=10)
    parser.add_argument("--output", default="dfa_paper.csv")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = [*graph_rows(arguments)] if "graphs" in arguments.tasks else []
    rows += mnist_rows(arguments) if "mnist" in arguments.tasks else []
    write_table(rows, arguments.output)


if __name__ == "__main__":
    main()
