"""The kernel machine paper: MNIST by ridge regression on optical random features.

    python benchmarks/kernel_paper.py --data mnist.npz
    python benchmarks/kernel_paper.py --data mnist.npz --train 10000 --exact

Does a device, ideal or noisy, do as well as the kernel that its features converge to, as
A. Saade et al., "Random projections through multiple optical scattering: approximating
kernels at the speed of light", ICASSP 2016, found? ``--exact`` fits the exact kernels too,
which takes a matrix of samples by samples, so give it ``--train``. RBFSampler is what a user
of scikit-learn would take instead.

The file holds x_train, y_train, x_test and y_test: 60000 and 10000 images of 784 pixels,
0 to 255, and their digits. ``sklearn.datasets.fetch_openml("mnist_784")`` has them. A mirror
array shows binary pixels, those above one half.

The ridge strength is chosen on the last sixth of the training images, with the first seed,
among powers of ten; then all of them are fitted. Features are made in blocks and folded into
normal equations, so they are never all in memory. The test images are looked at once.
``--more`` adds the seeds that the rows of the CSV file lack, with the strengths chosen then.
"""

import argparse
import time

import matplotlib.pyplot as plt
import numpy as np
from _camera import NOISY
from _mnist import images
from _normal_equations import NormalEquations
from _report import joined, read_csv, write_table
from sklearn.kernel_approximation import RBFSampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import Binarizer, FunctionTransformer, KernelCenterer, LabelBinarizer

from skopu import OPU, GaussianMedium, OpticalRandomFeatures
from skopu.kernels import arc_cosine_kernel, optical_kernel

BLOCK = 5000
STRENGTHS = [float(f"1e{power}") for power in range(-9, 1)]
GAMMA = 0.02


def speckle(n, seed, degree=2, opu=None):
    return OpticalRandomFeatures(n, degree=degree, opu=opu, random_state=seed)


def noisy(n, seed):
    return speckle(n, seed, opu=OPU(camera=NOISY, input_bits=1, random_state=seed))


def imperfect(n, seed):
    """On glass of independent entries, as the machine's was."""
    opu = OPU.aurora(seed, flaws=True).set_params(medium__medium=GaussianMedium())
    return speckle(n, seed, opu=opu)


# Each with the exact kernel of its features, named once for each kernel.
MACHINES = {
    "speckle": (speckle, optical_kernel),
    "speckle, noisy 8-bit camera": (noisy, None),
    "speckle, as imperfect as the real machine": (imperfect, None),
    "speckle, degree 1": (
        lambda n, seed: speckle(n, seed, degree=1),
        lambda X, Y: optical_kernel(X, Y, degree=1),
    ),
    "arc-cosine": (
        lambda n, seed: OpticalRandomFeatures(n, kernel="arc_cosine", random_state=seed),
        arc_cosine_kernel,
    ),
    "rbf": (
        lambda n, seed: OpticalRandomFeatures(n, kernel="rbf", gamma=GAMMA, random_state=seed),
        lambda X, Y: rbf_kernel(X, Y, gamma=GAMMA),
    ),
    "RBFSampler": (
        lambda n, seed: RBFSampler(n_components=n, gamma=GAMMA, random_state=seed),
        None,
    ),
}


def blocks(transformer, X, y):
    for start in range(0, len(X), BLOCK):
        yield transformer.transform(X[start : start + BLOCK]), y[start : start + BLOCK]


def accuracy(model, transformer, X, y):
    coefficients, intercepts = model
    right = [np.argmax(Z @ coefficients + intercepts, 1) == t for Z, t in blocks(transformer, X, y)]
    return float(np.mean(np.concatenate(right)))


def choose(strengths, score):
    """The strength of the best score, from the largest on until it gets worse."""
    scores = {}
    for strength in sorted(strengths, reverse=True):
        scores[strength] = score(strength)
        if scores[strength] < max(scores.values()) - 1e-3:
            break
    return max(scores, key=scores.get)


def by_features(make, seeds, data, strengths):
    """Test accuracies of several seeds, the chosen strength and the seconds of one fit."""
    X, y, X_test, y_test = data
    split = len(X) - len(X) // 6
    accuracies, seconds = [], []
    strength = strengths[0] if len(strengths) == 1 else None
    for seed in seeds:
        start = time.perf_counter()
        transformer = make(seed).fit(X[:1])
        equations = NormalEquations(transformer.transform(X[:1]).shape[1])
        for Z, targets in blocks(transformer, X[:split], y[:split]):
            equations.add(Z, targets)
        if strength is None:
            started = time.perf_counter()
            strength = choose(
                strengths,
                lambda candidate, equations=equations, transformer=transformer: accuracy(
                    equations.solve(candidate), transformer, X[split:], y[split:]
                ),
            )
            start += time.perf_counter() - started
        for Z, targets in blocks(transformer, X[split:], y[split:]):
            equations.add(Z, targets)
        model = equations.solve(strength)
        seconds.append(time.perf_counter() - start)
        accuracies.append(accuracy(model, transformer, X_test, y_test))
    return accuracies, strength, float(np.median(seconds))


def kernel_score(kernel, X, y, X_test, y_test):
    """Test accuracy of ridge regression with the exact kernel, as a function of its strength."""
    K = kernel(X, X)
    centerer = KernelCenterer().fit(K)
    centred, centred_test = centerer.transform(K), centerer.transform(kernel(X_test, X))
    targets = LabelBinarizer(neg_label=-1).fit_transform(y)
    mean = targets.mean(axis=0)

    def score(strength):
        model = KernelRidge(alpha=strength * np.trace(K) / len(K), kernel="precomputed")
        found = model.fit(centred, targets - mean).predict(centred_test) + mean
        return float(np.mean(np.argmax(found, axis=1) == y_test))

    return score


def by_kernel(kernel, data, strengths):
    """Test accuracy of ridge regression with the exact kernel, the strength and the seconds."""
    X, y, X_test, y_test = (part.astype(np.float64) for part in data)
    split = len(X) - len(X) // 6
    strength = choose(strengths, kernel_score(kernel, X[:split], y[:split], X[split:], y[split:]))
    start = time.perf_counter()
    found = kernel_score(kernel, X, y, X_test, y_test)(strength)
    return [found], strength, time.perf_counter() - start


def draw(rows, path):
    """Test error against the number of features, with the exact kernels as lines."""
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    for name, marker in zip(MACHINES, "osPv^Dx", strict=True):
        chosen = [row for row in rows if row["features"] == name]
        points = [row for row in chosen if row["n"] != "exact"]
        if not points:
            continue
        line = axes.errorbar(
            [row["n"] for row in points],
            [row["test error %"] for row in points],
            [row["std %"] for row in points],
            marker=marker,
            capsize=4,
            label=name,
            alpha=0.8,
        )
        for row in (row for row in chosen if row["n"] == "exact"):
            axes.axhline(
                row["test error %"],
                color=line[0].get_color(),
                linestyle=(0, (1 + 2 * "osPv^Dx".index(marker), 2)),
                label=f"exact kernel of {name}",
            )
    axes.set(
        xscale="log",
        yscale="log",
        title=f"MNIST, {rows[0]['train']:,} training images, {rows[0]['pixels']} pixels",
        xlabel="number of features (camera pixels)",
        ylabel="test error (%)",
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter("{x:g}")
    axes.set_xticks(sorted({row["n"] for row in rows[1:] if row["n"] != "exact"}), minor=False)
    axes.set_xticks([], minor=True)
    axes.legend(loc="upper right")
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="path of the .npz file")
    parser.add_argument("--n", type=int, nargs="+", default=[300, 1000, 3000, 10_000])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--machines", nargs="+", choices=MACHINES, default=list(MACHINES))
    parser.add_argument("--strengths", type=float, nargs="+", default=STRENGTHS)
    parser.add_argument("--pixels", choices=["float", "binary"], default="binary")
    parser.add_argument("--train", type=int, default=60_000, help="images that are trained on")
    parser.add_argument("--exact", action="store_true", help="the exact kernels, too")
    parser.add_argument("--more", action="store_true", help="add the seeds that rows lack")
    parser.add_argument("--output", default="kernel_paper.csv")
    parser.add_argument("--figure", default="kernel_paper.png")
    arguments = parser.parse_args()

    X, y, X_test, y_test = images(arguments.data)
    if arguments.pixels == "binary":
        X, X_test = (Binarizer(threshold=0.5).transform(part) for part in (X, X_test))
    data = X[: arguments.train], y[: arguments.train].astype(int), X_test, y_test.astype(int)
    rows = read_csv(arguments.output) if arguments.more else []
    before = {(row["features"], row["n"]): row for row in rows}

    def report(name, n, measured):
        accuracies, strength, seconds = measured
        errors = [100 * (1 - accuracy) for accuracy in accuracies]
        known = before.get((name, n), {"test error %": 0.0, "std %": 0.0, "seeds": 0})
        mean, spread = joined(known["test error %"], known["std %"], known["seeds"], errors)
        before[name, n] = {
            "features": name,
            "pixels": arguments.pixels,
            "train": len(data[0]),
            "n": n,
            "seeds": known["seeds"] + len(errors),
            "test error %": mean,
            "std %": spread,
            "test accuracy %": round(100 - mean, 3),
            "ridge strength": strength,
            "fit s": known.get("fit s", round(seconds, 1)),
        }
        print(before[name, n], flush=True)

    def measure(name, n, make, seeds):
        known = before.get((name, n))
        seeds = range(known["seeds"] if known else 0, seeds)
        strengths = [known["ridge strength"]] if known else arguments.strengths
        if seeds:
            report(name, n, by_features(make, seeds, data, strengths))

    measure("raw pixels", X.shape[1], lambda seed: FunctionTransformer(), 1)
    for name in arguments.machines:
        make, kernel = MACHINES[name]
        for n in arguments.n:
            measure(name, n, lambda seed, n=n, make=make: make(n, seed), arguments.seeds)
        if arguments.exact and kernel is not None and (name, "exact") not in before:
            report(name, "exact", by_kernel(kernel, data, arguments.strengths))
    rows = [*before.values()]
    draw(rows, arguments.figure)
    write_table(rows, arguments.output)


if __name__ == "__main__":
    main()
