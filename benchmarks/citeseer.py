"""Does DFA beat back-propagation on CiteSeer? Other seeds, widths and splits than in dfa_paper.py.

    python benchmarks/citeseer.py --data FOLDER

The public split, with many seeds, and random splits of the same size, one a seed: 20 nodes a class
to train on, 500 to stop by and 1000 to test. Both methods have the same width; dropout and weight
decay are those that both chose in dfa_paper.py. Differences are DFA's values less
back-propagation's, paired by seed, with standard errors; losses are cross-entropies without
dropout.

FOLDER holds planetoid_citeseer.npz: see dfa_paper.py.
"""

import argparse
import pathlib
import warnings

import numpy as np
from _report import write_table
from dfa_paper import graph

from skopu import DFAGraphClassifier


def random_split(y, seed):
    rng = np.random.default_rng(10**6 + seed)
    nodes = rng.permutation(np.flatnonzero(y >= 0))
    trained = np.concatenate([nodes[y[nodes] == label][:20] for label in range(y.max() + 1)])
    others = nodes[~np.isin(nodes, trained)]
    return trained, others[:500], others[500:1500]


def measure(X, adjacency, y, split, width, seed):
    """Test accuracy in %, loss on the test nodes and loss on the trained ones, of both methods."""
    trained, validation, tested = split
    labels, mask = np.full(len(y), -1), np.zeros(len(y), bool)
    labels[trained], labels[validation], mask[validation] = y[trained], y[validation], True
    found = []
    for feedback in ("backprop", "dense"):
        model = DFAGraphClassifier(
            (width,), dropout=0.8, alpha=2e-3, feedback=feedback, random_state=seed
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X, labels, adjacency, validation_mask=mask)
        accuracy = 100 * np.mean(model.transduction_[tested] == y[tested])
        losses = [
            -np.log(model.label_distributions_[nodes, y[nodes]]).mean()
            for nodes in (tested, trained)
        ]
        found.append([accuracy, *losses])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder, see above")
    parser.add_argument("--seeds", type=int, default=20, help="on the public split")
    parser.add_argument("--splits", type=int, default=40, help="random ones")
    parser.add_argument("--output", default="citeseer.csv")
    arguments = parser.parse_args()
    X, adjacency, y, public = graph(arguments.data, "citeseer")
    rows = []
    for name, n in (("public", arguments.seeds), ("random", arguments.splits)):
        for width in (64, 256):
            splits = [public if name == "public" else random_split(y, s) for s in range(n)]
            runs = [measure(X, adjacency, y, part, width, s) for s, part in enumerate(splits)]
            found = np.array(runs)
            difference = found[:, 1] - found[:, 0]
            row = {"split": name, "width": width, "seeds": n}
            row["back-propagation %"] = round(float(found[:, 0, 0].mean()), 2)
            for i, quantity in enumerate(("accuracy", "test loss", "training loss")):
                row[quantity] = round(float(difference[:, i].mean()), 4)
                spread = difference[:, i].std(ddof=1) / np.sqrt(n)
                row[f"{quantity} +-"] = round(float(spread), 4)
            rows.append(row)
            print(row, flush=True)
    write_table(rows, arguments.output)


if __name__ == "__main__":
    main()
