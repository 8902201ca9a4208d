"""Fashion-MNIST as the machine that was sold classified it: what its imperfections cost.

    python benchmarks/fashion.py --data fashion_mnist.npz --seeds 3

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
"""

import argparse

import numpy as np
from _normal_equations import NormalEquations
from _report import write_table

from skopu import OPU, GaussianMedium

PUBLISHED = {  # features: simulated, real
    100: (76.74, 77.22),
    300: (81.85, 81.35),
    1000: (85.05, 83.94),
    3000: (86.85, 85.86),
    10_000: (88.21, 86.91),
    20_000: (88.42, 87.30),
}
FITTED = (300, 1000, 10_000)
ALPHA, BIAS, SHAPE, BLOCK = 100.0, 16, (29, 28), 5000


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


def changed(share, photons):
    """Device with other numbers than the preset's, to fit them."""

    def make(seed):
        return flawed(seed).set_params(medium__share=share, camera__photons=photons)

    return make


def accuracy(make, n, seed, data):
    X, y, X_test, y_test = data
    opu = make(seed)
    if opu.camera is not None:
        expected = opu.medium.mean_intensity(X[:1000]).mean()
        opu.set_params(camera__exposure=float(1 / expected))
    unit = opu.intensity(X[:1000], n).mean()
    equations = NormalEquations(n)
    for rows in (slice(start, start + BLOCK) for start in range(0, len(X), BLOCK)):
        equations.add(opu.intensity(X[rows], n) / unit, y[rows])
    coefficients, intercepts = equations.solve(ALPHA * n / np.trace(equations.gram))
    found = opu.intensity(X_test, n) / unit @ coefficients + intercepts
    return 100 * np.mean(found.argmax(axis=1) == y_test)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", required=True, help="fashion_mnist.npz")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--n", type=int, nargs="+", default=list(PUBLISHED))
    parser.add_argument(
        "--fit", action="store_true", help="try numbers on the sizes that are fitted"
    )
    parser.add_argument("--output", help="CSV file")
    args = parser.parse_args()
    data = images(args.data)
    rows = []
    if args.fit:
        for share in (0.1, 0.15, 0.2):
            for photons in (15, 20, 30):
                make = changed(share, photons)
                found = {n: accuracy(make, n, 0, data) for n in FITTED if n in args.n}
                misses = {n: round(value - PUBLISHED[n][1], 2) for n, value in found.items()}
                print(f"share {share}, photons {photons}: misses {misses}", flush=True)
        return
    for n in args.n:
        row = {"features": n, "published, simulated": PUBLISHED[n][0]}
        for name, make in (("ideal device", ideal), ("as imperfect", flawed)):
            found = [accuracy(make, n, seed, data) for seed in range(args.seeds)]
            spread = f" ± {np.std(found, ddof=1):.2f}" if len(found) > 1 else ""
            row[name] = f"{np.mean(found):.2f}{spread}"
        row |= {
            "published, real": PUBLISHED[n][1],
            "used": "fitted" if n in FITTED else "predicted",
            "seeds": args.seeds,
        }
        print(row, flush=True)
        rows.append(row)
    write_table(rows, args.output)


if __name__ == "__main__":
    main()
