"""Direct feedback alignment against back-propagation: time per epoch and peak memory.

    python benchmarks/dfa.py [--samples 60000] [--depths 2 10] [--widths 1024]

scikit-learn's MLPClassifier and DFAClassifier train one epoch at equal settings, float32,
784 random inputs, tanh, Adam, batches of 128; what is learnt has no bearing on time. They
take turns, with a short rest in between; times are medians. "in place" is back-propagation
with DFAClassifier's optimizer, which tells its share of the gain. "depth" counts hidden layers,
"as fast" is the back-propagation's time over the contestant's, "part" its inverse. Peak
memory is that of a fresh process beyond the data.
"""

import argparse
import time
import warnings

import numpy as np
from _camera import NOISY
from _memory import peak_memory
from _report import write_table
from sklearn.neural_network import MLPClassifier

from skopu import OPU, DFAClassifier, GaussianMedium

LIGHT = OPU(GaussianMedium(), NOISY, input_bits=1)


class _UpdatedInPlace(MLPClassifier):
    """Back-propagation with the optimizer of DFAClassifier."""

    _optimizer = DFAClassifier._optimizer


CONTESTANTS = {
    "back-propagation": (MLPClassifier, {}),
    "back-propagation, in place": (_UpdatedInPlace, {}),
    "DFA": (DFAClassifier, {}),
    "DFA, ternary": (DFAClassifier, {"error_encoding": "ternary"}),
    "DFA, ternary, 8-bit camera": (
        DFAClassifier,
        {"error_encoding": "ternary", "feedback": "optical", "opu": LIGHT},
    ),
}


def _data(n_samples):
    rng = np.random.default_rng(0)
    return rng.random((n_samples, 784), np.float32), rng.integers(10, size=n_samples)


def _prepare(name, depth, width, n_samples):
    make, options = CONTESTANTS[name]
    model = make((width,) * depth, "tanh", batch_size=128, max_iter=1, random_state=0, **options)
    return model, *_data(n_samples)


def _train(prepared):
    model, X, y = prepared
    return model.fit(X, y)


def race(depth, width, arguments):
    seconds = {name: [] for name in arguments.only or CONTESTANTS}
    X, y = _data(arguments.samples)
    for _ in range(arguments.rounds):
        for name, times in seconds.items():
            model = _prepare(name, depth, width, 1)[0]
            time.sleep(0.3)
            start = time.perf_counter()
            model.fit(X, y)
            times.append(time.perf_counter() - start)
    reference = np.median(seconds["back-propagation"])
    for name, times in seconds.items():
        row = {
            "depth": depth,
            "width": width,
            "method": name,
            "s per epoch": float(np.median(times)),
            "as fast": float(reference / np.median(times)),
            "part": float(np.median(times) / reference),
            "peak MiB": peak_memory(_prepare, _train, name, depth, width, 1280),
        }
        print(row, flush=True)
        yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--samples", type=int, default=6400)
    parser.add_argument("--depths", type=int, nargs="+", default=[2, 4, 10])
    parser.add_argument("--widths", type=int, nargs="+", default=[256, 1024, 4096])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", help="names of contestants, all by default")
    parser.add_argument("--output", default="dfa.csv")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = [
        row
        for width in arguments.widths
        for depth in arguments.depths
        for row in race(depth, width, arguments)
    ]
    write_table(rows, arguments.output)


if __name__ == "__main__":
    main()
