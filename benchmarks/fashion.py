"""Fashion-MNIST as the machine that was sold classified it: what its imperfections cost.

    python benchmarks/fashion.py --data fashion_mnist.npz
    python benchmarks/fashion.py --data fashion_mnist.npz --powers --n 1000 10000

J. Ohana et al., "Kernel computations from large-scale random features obtained by optical
processing units", ICASSP 2020, and its authors' data, give test accuracies of ridge regression on
|r.x|^2, for a simulation and for the machine itself. Pixels above 10 are shown as light. The two
numbers of ``OPU.aurora(flaws=True)`` that no data sheet gives, crosstalk of mirrors and photons a
pixel, were chosen on the sizes marked "fitted", with ``--fit``; the others are predictions.

The file holds x_train, y_train, x_test and y_test: 60000 and 10000 images of 28 x 28 pixels,
0 to 255, and their classes. ``sklearn.datasets.fetch_openml("Fashion-MNIST")`` has them.

The bias of the published kernel is shown as sixteen mirrors that are always lit. The camera has
one exposure for all images, and features are in units of their mean. The glass has independent
entries, as real glass has; the modes of a layered medium are a little better at few features. The
ridge strength is the one power of ten with which our ideal device has the published simulation's
accuracies.

``--powers`` measures the ideal device beside the published simulations of |r.x|^2 and |r.x|^4.
There the strength is chosen for each power and size on the last sixth of the training images, with
a seed that is not in the table. ``--more`` adds the seeds that the rows of the CSV file lack.
"""

import argparse
import pathlib

import numpy as np
from _normal_equations import NormalEquations
from _report import joined, read_csv, write_csv

from skopu import OPU, GaussianMedium

PUBLISHED = {  # features: simulated, real
    100: (76.74, 77.22),
    300: (81.85, 81.35),
    1000: (85.05, 83.94),
    3000: (86.85, 85.86),
    10_000: (88.21, 86.91),
    20_000: (88.42, 87.30),
}
SIMULATED = {  # power, features
    (2, 1000): 85.05,
    (2, 10_000): 88.21,
    (4, 1000): 84.81,
    (4, 10_000): 88.07,
}
FITTED = (300, 1000, 10_000)
ALPHA, BIAS, SHAPE, BLOCK = 100.0, 16, (29, 28), 5000
ALPHAS = [10.0**power for power in range(-1, 5)]


def images(path):
    """Rows of zeros and ones, the mirrors of the bias at their end, and classes."""
    with np.load(path, allow_pickle=False) as file:
        parts = [file[name] for name in ("x_train", "y_train", "x_test", "y_test")]
    for i in (0, 2):
        lit = parts[i].reshape(len(parts[i]), -1) > 10
        parts[i] = np.pad(lit, ((0, 0), (0, BIAS)), constant_values=True).astype(np.float32)
    return parts


def ideal(seed):
    return OPU.aurora(seed).set_params(camera=None, medium=GaussianMedium())


def flawed(seed):
    glass = {"medium__medium": GaussianMedium(), "medium__shape": SHAPE}
    return OPU.aurora(seed, flaws=True).set_params(**glass)


def changed(amplitude, photons):
    """Device with other numbers than the preset's, to fit them."""

    def make(seed):
        return flawed(seed).set_params(medium__amplitude=amplitude, camera__photons=photons)

    return make


DEVICES = {"ideal device": ideal, "as imperfect as the real machine": flawed}


def blocks(n):
    return (slice(start, start + BLOCK) for start in range(0, n, BLOCK))


def accuracies(make, n, seed, data, alphas=(ALPHA,), power=2):
    """Test accuracies in % by ridge strength, in units of the mean feature's square."""
    X, y, X_test, y_test = data
    opu = make(seed)
    if opu.camera is not None:
        expected = opu.medium.mean_intensity(X[:1000]).mean()
        opu.set_params(camera__exposure=float(1 / expected))

    def features(X):
        return opu.intensity(X, n) ** (power // 2)

    unit = features(X[:1000]).mean()
    equations = NormalEquations(n)
    for rows in blocks(len(X)):
        equations.add(features(X[rows]) / unit, y[rows])
    tested = [(features(X_test[rows]) / unit, y_test[rows]) for rows in blocks(len(X_test))]
    found = {}
    for alpha in alphas:
        coefficients, intercepts = equations.solve(alpha * n / np.trace(equations.gram))
        right = [(Z @ coefficients + intercepts).argmax(axis=1) == t for Z, t in tested]
        found[alpha] = 100 * float(np.mean(np.concatenate(right)))
    return found


def by_device(sizes):
    """What the main table compares: a maker, a strength and what is in its row."""
    for n in sizes:
        for (name, make), published in zip(DEVICES.items(), PUBLISHED[n], strict=True):
            used = "fitted" if n in FITTED and make is flawed else "predicted"
            row = {"features": n, "power": 2, "device": name, "published": published}
            yield make, ALPHA, row | {"used": used if make is flawed else ""}


def by_power(sizes, data):
    """The same of the ideal device alone, with strengths chosen on validation data."""
    X, y = data[:2]
    split = len(X) - len(X) // 6
    parts = X[:split], y[:split], X[split:], y[split:]
    for power, n in SIMULATED:
        if n not in sizes:
            continue
        validated = accuracies(ideal, n, 1000, parts, ALPHAS, power)
        print(f"power {power}, {n} features: {validated}", flush=True)
        row = {"features": n, "power": power, "device": "ideal device"}
        row |= {"published": SIMULATED[power, n], "used": ""}
        yield ideal, max(validated, key=validated.get), row


def fit(sizes, data):
    for amplitude in (0.1, 0.15, 0.2):
        for photons in (15, 20, 30):
            make = changed(amplitude, photons)
            found = {n: accuracies(make, n, 0, data)[ALPHA] for n in FITTED if n in sizes}
            misses = {n: round(value - PUBLISHED[n][1], 2) for n, value in found.items()}
            print(f"amplitude {amplitude}, photons {photons}: misses {misses}", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", required=True, help="fashion_mnist.npz")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--n", type=int, nargs="+", default=list(PUBLISHED))
    parser.add_argument(
        "--fit", action="store_true", help="try numbers on the sizes that are fitted"
    )
    parser.add_argument("--powers", action="store_true", help="the ideal device at powers 2 and 4")
    parser.add_argument("--more", action="store_true", help="add the seeds that rows lack")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("fashion.csv"))
    args = parser.parse_args()
    data = images(args.data)
    if args.fit:
        fit(args.n, data)
        return
    keys = ("features", "power", "device")
    before = read_csv(args.output) if args.more else []
    before = {tuple(row[key] for key in keys): row for row in before}
    for make, alpha, row in by_power(args.n, data) if args.powers else by_device(args.n):
        key = tuple(row[name] for name in keys)
        old = before.get(key, {"test accuracy %": 0.0, "+-": 0.0, "seeds": 0})
        seeds = range(old["seeds"], args.seeds)
        new = [
            accuracies(make, row["features"], s, data, (alpha,), row["power"])[alpha] for s in seeds
        ]
        mean, spread = joined(old["test accuracy %"], old["+-"], old["seeds"], new)
        row |= {"test accuracy %": mean, "+-": spread, "seeds": old["seeds"] + len(new)}
        print(row, flush=True)
        before[key] = row
        write_csv([*before.values()], args.output)


if __name__ == "__main__":
    main()
