"""Ridge classification of MNIST on features made block by block, against stored ones.

    python benchmarks/ridge.py --data mnist.npz [--n 10000 20000] [--large 100000]

`OpticalRidgeClassifier` beside scikit-learn's `RidgeClassifier` on stored features of the
same device, float32: seconds of fit (features included in all), peak memory of a fresh
process beyond the images, test accuracy, and the part of test predictions that are equal.
"cg" has working_memory for all features, so that it makes them once. Each n is measured by
as many interleaved rounds as asked for. --large is fitted by `OpticalRidgeClassifier` alone,
once, with its penalty chosen among --alphas.

The file holds x_train, y_train, x_test and y_test: 60000 and 10000 images of 784 pixels,
0 to 255, and their digits. ``sklearn.datasets.fetch_openml("mnist_784")`` has them.
"""

import argparse
import functools
import time

import numpy as np
import sklearn
from _memory import forget_peak, peak_memory, resident
from _mnist import images
from _report import write_table
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline

from skopu import OpticalRandomFeatures, OpticalRidgeClassifier


def _stored(n, kernel, alpha):
    features = OpticalRandomFeatures(n, kernel=kernel, random_state=0)
    return make_pipeline(features, RidgeClassifier(alpha))


def _optical(n, kernel, alphas, solver="auto"):
    return OpticalRidgeClassifier(n, kernel=kernel, alphas=alphas, solver=solver, random_state=0)


# What makes each, and the working_memory in MiB that it has.
CONTESTANTS = {
    "RidgeClassifier": (_stored, 1024),
    "OpticalRidgeClassifier": (_optical, 1024),
    "the same, cg": (functools.partial(_optical, solver="cg"), 2**16),
}


def _prepare(name, n, kernel, alpha, path):
    make, memory = CONTESTANTS[name]
    return make(n, kernel, alpha), memory, *images(path)[:2]


def _fit(prepared):
    model, memory, X, y = prepared
    with sklearn.config_context(working_memory=memory):
        return model.fit(X, y)


def race(n, arguments):
    X, y, X_test, y_test = images(arguments.data)
    seconds, predictions = {name: [] for name in CONTESTANTS}, {}
    for _ in range(arguments.rounds):
        for name, (make, memory) in CONTESTANTS.items():
            time.sleep(0.3)
            start = time.perf_counter()
            model = _fit((make(n, arguments.kernel, arguments.alpha), memory, X, y))
            seconds[name].append(time.perf_counter() - start)
            predictions[name] = np.concatenate(
                [model.predict(part) for part in np.array_split(X_test, 10)]
            )
            del model
    reference = np.median(seconds["RidgeClassifier"])
    for name, times in seconds.items():
        yield {
            "n": n,
            "method": name,
            "alpha": arguments.alpha,
            "s": float(np.median(times)),
            "as fast": float(reference / np.median(times)),
            "peak MiB": peak_memory(
                _prepare, _fit, name, n, arguments.kernel, arguments.alpha, arguments.data
            ),
            "test accuracy %": float(100 * np.mean(predictions[name] == y_test)),
            "equal %": float(100 * np.mean(predictions[name] == predictions["RidgeClassifier"])),
        }


def large(n, arguments):
    X, y, X_test, y_test = images(arguments.data)
    model = _optical(n, arguments.kernel, arguments.alphas).set_params(verbose=1)
    forget_peak()
    before, start = resident("VmRSS"), time.perf_counter()
    model.fit(X, y)
    seconds, peak = time.perf_counter() - start, resident("VmHWM") - before
    return {
        "n": n,
        "method": "OpticalRidgeClassifier",
        "alpha": float(model.alpha_),
        "s": seconds,
        "as fast": float("nan"),
        "peak MiB": peak,
        "test accuracy %": float(100 * model.score(X_test, y_test)),
        "equal %": float("nan"),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="path of the .npz file")
    parser.add_argument("--n", type=int, nargs="*", default=[10_000, 20_000])
    parser.add_argument("--large", type=int, nargs="*", default=[100_000])
    parser.add_argument("--kernel", default="arc_cosine")
    parser.add_argument("--alpha", type=float, default=1.0)
    parser.add_argument("--alphas", type=float, nargs="+", default=[1.0, 10.0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", default="ridge.csv")
    arguments = parser.parse_args()
    rows = []
    for n in arguments.n:
        for row in race(n, arguments):
            print(row, flush=True)
            rows.append(row)
    for n in arguments.large:
        rows.append(large(n, arguments))
        print(rows[-1], flush=True)
    write_table(rows, arguments.output)


if __name__ == "__main__":
    main()
