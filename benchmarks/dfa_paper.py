"""The papers' tables of training by light: MNIST and citation graphs.

    python benchmarks/dfa_paper.py --data FOLDER [--tasks mnist-256 mnist-1024 cora ...]

Test accuracy of back-propagation, of direct feedback alignment (DFA) with the exact and with
the ternary error, and of the latter through an 8-bit camera with shot and read noise: mean
and standard deviation over seeds. Back-propagation on MNIST is scikit-learn's MLPClassifier.

All choices are made on validation data, for each method: on MNIST the learning rate, by the
last 10,000 of the training images, then all 60,000 are trained on; on a graph the width,
dropout and weight decay, by the loss on its validation nodes, which also chooses the weights
that are kept.
Seeds that choose are not among those of the table. Pixels go from 0 to 1, less their mean.
Networks on MNIST train with their learning rate in rounds of four epochs, each of which
restarts Adam, and at last three epochs with a tenth of that rate. ``--more`` adds the seeds that
the rows of the CSV file lack, with what was chosen then.

FOLDER holds mnist.npz (x_train, y_train, x_test, y_test), and planetoid_NAME.npz for cora,
citeseer and pubmed: CSR parts x_data, x_indices, x_indptr, x_shape and adj_indices, adj_indptr
of features and edges, y, and the public split idx_train, idx_val, idx_test.

The papers' figures: J. Launay et al., "Light-in-the-loop: using a photonics co-processor for
scalable training of neural networks", 2020 (MNIST), and "Hardware beyond backpropagation: a
photonic co-processor for direct feedback alignment", 2020; for back-propagation on graphs,
T. N. Kipf and M. Welling, "Semi-supervised classification with graph convolutional networks",
ICLR 2017.
"""

import argparse
import functools
import itertools
import pathlib
import warnings

import joblib
import numpy as np
import scipy.sparse
from _camera import NOISY
from _mnist import images
from _report import joined, read_csv, write_table
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import normalize

from skopu import OPU, DFAClassifier, DFAGraphClassifier, GaussianMedium

TERNARY = {"feedback": "dense", "error_encoding": "ternary"}
METHODS = {
    "back-propagation": {"feedback": "backprop"},
    "DFA": {"feedback": "dense"},
    "DFA, ternary": TERNARY,
    "DFA, ternary, 8-bit camera": {**TERNARY, "feedback": "optical"},
}
RATES = [{"learning_rate_init": rate} for rate in (1e-4, 3e-4, 1e-3, 3e-3)]
NETWORKS = [
    {"hidden_layer_sizes": (width,), "dropout": dropout, "alpha": alpha}
    for width, dropout, alpha in [
        (16, 0.5, 1e-2),  # about those of Kipf and Welling, for rows of unit L1 norm
        *itertools.product((64, 256), (0.8, 0.9), (1e-2, 2e-3)),
    ]
]
PUBLISHED = {
    ("mnist-1024", "DFA"): "97.6",
    ("mnist-1024", "DFA, ternary, 8-bit camera"): "95.8",
    ("cora", "back-propagation"): "81.5",
    ("citeseer", "back-propagation"): "70.3",
    ("pubmed", "back-propagation"): "79.0",
}


def light(seed):
    return OPU(GaussianMedium(), NOISY, input_bits=1, random_state=seed)


def options_of(method, seed):
    options = {**METHODS[method], "random_state": seed}
    if options["feedback"] == "optical":
        options["opu"] = light(seed)
    return options


def mnist(folder):
    X, y, X_test, y_test = images(folder / "mnist.npz")
    mean = X.mean(dtype=np.float64).astype(np.float32)
    return X - mean, y, X_test - mean, y_test


def mnist_score(folder, width, rounds, method, chosen, seed, test):
    """Accuracy of a network with two hidden layers on the test or the validation images."""
    X, y, X_test, y_test = mnist(folder)
    if not test:
        X, X_test, y, y_test = X[:-10_000], X[-10_000:], y[:-10_000], y[-10_000:]
    options = options_of(method, seed)
    make = DFAClassifier
    if options["feedback"] == "backprop":
        make = MLPClassifier
        del options["feedback"]
    model = make(
        (width, width),
        "tanh",
        batch_size=128,
        max_iter=4,
        warm_start=True,
        **chosen,
        **options,
    )
    for _ in range(rounds):
        model.fit(X, y)
    model.set_params(max_iter=3, learning_rate_init=chosen["learning_rate_init"] / 10)
    return model.fit(X, y).score(X_test, y_test)


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


def graph_score(folder, name, method, chosen, seed, test):
    """Accuracy of a graph network on the test nodes, or minus the loss on the validation nodes."""
    X, adjacency, y, (train, validation, tested) = graph(folder, name)
    labels, mask = np.full(len(y), -1), np.zeros(len(y), bool)
    labels[train], labels[validation], mask[validation] = y[train], y[validation], True
    model = DFAGraphClassifier(**chosen, **options_of(method, seed))
    model.fit(X, labels, adjacency, validation_mask=mask)
    if not test:
        return -min(model.validation_loss_curve_)
    return np.mean(model.transduction_[tested] == y[tested])


def rows_of(task, score_of, grid, n_choosing, n_seeds, before, arguments):
    """Choose from the grid for each method, then measure, several networks at once."""

    def run(methods_and_choices, seeds, test):
        calls = list(itertools.product(methods_and_choices, seeds))
        scores = joblib.Parallel(arguments.jobs, return_as="generator")(
            joblib.delayed(_quiet)(score_of, method, chosen, seed, test)
            for (method, chosen), seed in calls
        )
        found = []
        for ((method, chosen), seed), score in zip(calls, scores, strict=True):
            part = "test" if test else "validation"
            print(f"{task}, {method}, {chosen}, seed {seed}: {part} {score:.4f}", flush=True)
            found.append(score)
        return np.reshape(found, (len(methods_and_choices), len(seeds)))

    methods = arguments.methods
    known = {row["method"]: row for row in before if row["task"] == task}
    if known:
        names = {" ".join(map(str, options.values())): options for options in grid}
        chosen = [names[str(known[method]["chosen"])] for method in methods]
    else:
        seeds = range(1000, 1000 + n_choosing)
        scores = run([*itertools.product(methods, grid)], seeds, test=False)
        best = scores.mean(axis=1).reshape(len(methods), len(grid)).argmax(axis=1)
        chosen = [grid[i] for i in best]
    n_known = min((row["seeds"] for row in known.values()), default=0)
    accuracies = run([*zip(methods, chosen, strict=True)], range(n_known, n_seeds), test=True)
    for method, options, found in zip(methods, chosen, 100 * accuracies, strict=True):
        old = known.get(method, {"test accuracy %": 0.0, "+-": 0.0})
        mean, spread = joined(old["test accuracy %"], old["+-"], n_known, found)
        yield {
            "task": task,
            "method": method,
            "chosen": " ".join(map(str, options.values())),
            "seeds": n_known + len(found),
            "test accuracy %": mean,
            "+-": spread,
            "published": PUBLISHED.get((task, method), "-"),
        }


def _quiet(function, *arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the epochs are as many as they are
        return function(*arguments)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder, see above")
    parser.add_argument(
        "--tasks", nargs="+", default=["mnist-256", "mnist-1024", "cora", "citeseer", "pubmed"]
    )
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--rounds", type=int, default=3, help="of four epochs on MNIST")
    parser.add_argument("--mnist-seeds", type=int, default=5)
    parser.add_argument("--graph-seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=-1, help="networks trained at once")
    parser.add_argument("--more", action="store_true", help="add the seeds that rows lack")
    parser.add_argument("--output", default="dfa_paper.csv")
    arguments = parser.parse_args()
    before = read_csv(arguments.output) if arguments.more else []
    rows = []
    for task in arguments.tasks:
        if task.startswith("mnist-"):
            width = int(task.removeprefix("mnist-"))
            score_of = functools.partial(mnist_score, arguments.data, width, arguments.rounds)
            rows += rows_of(task, score_of, RATES, 1, arguments.mnist_seeds, before, arguments)
        else:
            score_of = functools.partial(graph_score, arguments.data, task)
            rows += rows_of(task, score_of, NETWORKS, 5, arguments.graph_seeds, before, arguments)
        write_table(rows, arguments.output)


if __name__ == "__main__":
    main()
