"""Random features: skopu against what else a user could pick.

    python benchmarks/features.py                 # the sizes below, all contestants
    python benchmarks/features.py --grid          # skopu's kernels against RBFSampler, all sizes
    python benchmarks/features.py --error 0.02    # seconds until the kernel error is that

Rows are standard normal float32. For each size, contestants take turns, with a short rest
in between, since OpenBLAS's threads go on spinning for a while after a product. A time is that of
a call, or of the middle one of five where calls are short; times are
medians (of one round for who takes longer than 3 seconds), "vs" columns are ratios of
medians within the run (above 1: faster than that peer). "fit" draws the random matrix,
where there is one. Peak memory is that of a fresh process beyond its input, output
included. The kernel error is that of 200 rows, relative, in the Frobenius norm, against the
contestant's own exact kernel.

With ``--error``, each contestant's number of features grows by the square root of 2 until its
kernel error, in the mean over seeds, is small enough; "seconds" are those of fit and transform
with that many. Rows are handwritten digits then, scaled to an rms norm of 1.

Figures of a processor without AVX-512 can be had on one that has it:
``NPY_DISABLE_CPU_FEATURES="AVX512F AVX512CD AVX512_SKX" OPENBLAS_CORETYPE=Haswell``.

lightonml 1.4.3 asks for a numexpr that does not install on Python 3.11; with
``pip install --no-deps lightonml`` it takes part. It sees the signs of the rows, since it
takes binary input only.
"""

import argparse
import time
import warnings

import numpy as np
from _memory import peak_memory
from _report import write_table
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_digits
from sklearn.kernel_approximation import Nystroem, PolynomialCountSketch, RBFSampler
from sklearn.metrics.pairwise import linear_kernel, polynomial_kernel, rbf_kernel
from sklearn.random_projection import GaussianRandomProjection

from skopu import (
    OPU,
    GaussianMedium,
    LayeredMedium,
    MeasuredMedium,
    OpticalRandomFeatures,
    arc_cosine_kernel,
    optical_kernel,
)

try:
    from lightonml import OPU as LightOnOPU
except ImportError:
    LightOnOPU = None

SIZES = [
    (64, 1000),
    (64, 10_000),
    (64, 65_536),
    (784, 1000),
    (784, 10_000),
    (784, 65_536),
    (4096, 1000),
    (4096, 10_000),
    (16_384, 16_384),
    (65_536, 1000),
    (65_536, 10_000),
    (65_536, 65_536),
]
GRID = (8, 30, 64, 128, 256, 784, 4096, 16_384, 65_536), (300, 1000, 3000, 10_000, 65_536)
KERNELS = "speckle 2", "arc-cosine 1", "rbf"
N_ERROR_ROWS = 200
MATRIX_LIMIT = 2**28  # entries of a matrix that a contestant may hold: 1 to 2 GiB


class TwoProducts(TransformerMixin, BaseEstimator):
    """The plain way: two stored real matrices, products squared and summed."""

    def __init__(self, n):
        self.n = n

    def fit(self, X, y=None):
        rng = np.random.default_rng(0)
        shape = X.shape[1], self.n
        scale = np.float32((2 * np.sqrt(self.n)) ** -0.5)
        self.real_ = rng.standard_normal(shape, np.float32) * scale
        self.imaginary_ = rng.standard_normal(shape, np.float32) * scale
        return self

    def transform(self, X):
        return (X @ self.real_) ** 2 + (X @ self.imaginary_) ** 2


class LightOnML(TransformerMixin, BaseEstimator):
    """lightonml's simulated device on the signs of X."""

    def __init__(self, n):
        self.n = n

    def fit(self, X, y=None):
        self.opu_ = LightOnOPU(self.n, max_n_features=X.shape[1], simulated=True, disable_pbar=True)
        self.opu_.fit1d(n_features=X.shape[1])
        self.scale_ = X.shape[1] / 2 / np.sqrt(self.n)
        return self

    def transform(self, X):
        return np.asarray(self.opu_.transform((X > 0).astype(np.uint8))) * np.float32(self.scale_)


def contestants(d, n):
    """Maker of a transformer and exact kernel, by name."""

    def optical(medium=None, kernel="speckle", **options):
        return OpticalRandomFeatures(n, kernel=kernel, opu=OPU(medium), random_state=0, **options)

    def measured():
        return optical(MeasuredMedium(GaussianMedium().transmission_matrix(d, n).astype("c8")))

    result = {
        "RBFSampler": (lambda: RBFSampler(gamma=1 / d, n_components=n, random_state=0), rbf_kernel),
        "two products": (lambda: TwoProducts(n), optical_kernel),
        "GaussianRandomProjection": (
            lambda: GaussianRandomProjection(n, random_state=0),
            linear_kernel,
        ),
        "PolynomialCountSketch": (
            lambda: PolynomialCountSketch(degree=2, coef0=0, n_components=n, random_state=0),
            lambda X: polynomial_kernel(X, degree=2, gamma=1, coef0=0),
        ),
        "Nystroem": (
            lambda: Nystroem(gamma=1 / d, n_components=n, random_state=0),
            rbf_kernel,
        ),
        "skopu speckle 2, layered": (optical, optical_kernel),
        "skopu speckle 2, two layers": (lambda: optical(LayeredMedium(2)), optical_kernel),
        "skopu speckle 2, Gaussian": (lambda: optical(GaussianMedium()), optical_kernel),
        "skopu speckle 2, measured": (measured, optical_kernel),
        "skopu speckle 1, layered": (
            lambda: optical(degree=1),
            lambda X: optical_kernel(X, degree=1),
        ),
        "skopu arc-cosine 1, layered": (lambda: optical(kernel="arc_cosine"), arc_cosine_kernel),
        "skopu rbf, layered": (lambda: optical(kernel="rbf", gamma=1 / d), rbf_kernel),
    }
    if LightOnOPU is not None:
        result["lightonml, simulated"] = (
            lambda: LightOnML(n),
            lambda X: optical_kernel((X > 0).astype(np.float32)),
        )
    holders = [name for name in result if not name.startswith("skopu")] + [
        "skopu speckle 2, measured"
    ]
    if d * n > MATRIX_LIMIT:
        for name in holders:
            if name != "PolynomialCountSketch":
                result.pop(name, None)
    if d * n > 4 * MATRIX_LIMIT:
        result.pop("skopu speckle 2, Gaussian")  # in memory, but for hours
    return result


def make_rows(d, n, n_rows):
    return np.random.default_rng(0).standard_normal((n_rows, d), np.float32)


def kernel_error(transformer, kernel, X):
    X = X[:N_ERROR_ROWS]
    Z, exact = transformer.transform(X).astype(np.float64), kernel(X.astype(np.float64))
    return float(np.linalg.norm(Z @ Z.T - exact) / np.linalg.norm(exact))


def timed(function, X):
    """Seconds of a call; of the middle one of five, if calls are short."""
    time.sleep(0.2)
    calls = []
    while len(calls) < 5 and sum(calls) < 0.2:
        start = time.perf_counter()
        function(X)
        calls.append(time.perf_counter() - start)
    return float(np.median(calls))


def _prepare(name, d, n, n_rows):
    make, _ = contestants(d, n)[name]
    return make, make_rows(d, n, n_rows)


def _fit_transform(prepared):
    make, X = prepared
    return make().fit(X).transform(X)


def race(d, n, rounds, only):
    n_rows = max(64, min(2000, 2**24 // max(d, n)))
    X = make_rows(d, n, n_rows)
    field = contestants(d, n)
    if only:
        field = {name: pair for name, pair in field.items() if name in only}
    if n > n_rows:
        field.pop("Nystroem", None)  # it has at most as many components as samples
    fits, seconds, errors = ({name: [] for name in field} for _ in range(3))
    for round_number in range(rounds):
        for name, (make, kernel) in field.items():
            if round_number and max(fits[name]) + max(seconds[name]) > 3:
                continue
            transformer = make()
            fits[name].append(timed(transformer.fit, X))
            if round_number == 0:  # also a warm-up
                errors[name] = kernel_error(transformer, kernel, X)
            seconds[name].append(timed(transformer.transform, X))
            del transformer
    rows = []
    fit_seconds, medians = (
        {name: float(np.median(times)) for name, times in kind.items()} for kind in (fits, seconds)
    )
    for name, median in medians.items():
        peak = peak_memory(_prepare, _fit_transform, name, d, n, n_rows)
        row = {"d": d, "n": n, "rows": n_rows, "features": name}
        row |= {"fit s": fit_seconds[name], "transform s": median}
        row["us per row"] = 1e6 * median / n_rows
        for peer in ("RBFSampler", "two products"):
            row[f"vs {peer}"] = medians[peer] / median if peer in medians else float("nan")
        if "RBFSampler" in medians:
            total = medians["RBFSampler"] + fit_seconds["RBFSampler"]
            row["vs RBFSampler with fit"] = total / (median + fit_seconds[name])
        else:
            row["vs RBFSampler with fit"] = float("nan")
        row |= {"peak MiB": peak, "output MiB": n_rows * n * X.itemsize / 2**20}
        row["kernel error"] = errors[name]
        rows.append(row)
        print(
            {key: f"{v:.4g}" if isinstance(v, float) else v for key, v in row.items()}, flush=True
        )
    return rows


def race_grid(rounds, n_rows):
    """Rows of a table: RBFSampler's milliseconds, and how often skopu's kernels are as fast."""
    table = []
    for d in GRID[0]:
        for n in (n for n in GRID[1] if d * n <= MATRIX_LIMIT):
            rows_here = min(n_rows, max(64, 2**24 // max(d, n)))
            X, field = make_rows(d, n, rows_here), contestants(d, n)
            names = ("RBFSampler", *(f"skopu {kernel}, layered" for kernel in KERNELS))
            fitted = {name: field[name][0]().fit(X) for name in names}
            seconds = {name: [] for name in names}
            for model in fitted.values():
                model.transform(X)
            for round_number in range(rounds):
                for name, model in fitted.items():
                    if round_number == 0 or seconds[name][0] < 3:
                        seconds[name].append(timed(model.transform, X))
            medians = {name: float(np.median(times)) for name, times in seconds.items()}
            row = {"d": d, "n": n, "rows": rows_here}
            row["RBFSampler ms"] = 1e3 * medians["RBFSampler"]
            for kernel in KERNELS:
                row[kernel] = medians["RBFSampler"] / medians[f"skopu {kernel}, layered"]
            table.append(row)
            print(*(f"{v:.3g}" if isinstance(v, float) else v for v in row.values()), flush=True)
    return table


def race_to_error(error, n_seeds):
    """Rows of a table: features and seconds until the mean kernel error is small enough."""
    X = load_digits().data.astype(np.float32)
    X /= np.sqrt((X**2).sum(axis=1).mean())
    gamma = 1.0

    def optical(medium, kernel="speckle", **options):
        return lambda n, seed: OpticalRandomFeatures(
            n, kernel=kernel, opu=OPU(medium, random_state=seed), random_state=seed, **options
        )

    def rbf(X):
        return rbf_kernel(X, gamma=gamma)

    field = {
        "RBFSampler": (
            lambda n, seed: RBFSampler(gamma=gamma, n_components=n, random_state=seed),
            rbf,
        ),
        "Nystroem": (lambda n, seed: Nystroem(gamma=gamma, n_components=n, random_state=seed), rbf),
        "skopu rbf, layered": (optical(None, "rbf", gamma=gamma), rbf),
        "skopu speckle 2, Gaussian": (optical(GaussianMedium()), optical_kernel),
        "skopu speckle 2, layered": (optical(None), optical_kernel),
        "skopu arc-cosine 1, layered": (optical(None, "arc_cosine"), arc_cosine_kernel),
    }
    table = []
    for name, (make, kernel) in field.items():
        n = 32
        while True:
            errors = [kernel_error(make(n, seed).fit(X), kernel, X) for seed in range(n_seeds)]
            if np.mean(errors) <= error:
                break
            n = int(np.ceil(n * np.sqrt(2)))
        seconds = [timed(make(n, seed).fit_transform, X) for seed in range(n_seeds)]
        table.append({"features": name, "n": n, "seconds": float(np.median(seconds))})
        table[-1]["kernel error"] = float(np.mean(errors))
        table[-1]["standard error"] = float(np.std(errors, ddof=1) / np.sqrt(n_seeds))
        table[-1]["vs RBFSampler"] = table[0]["seconds"] / table[-1]["seconds"]
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sizes", nargs="+", help="d,n pairs such as 784,10000")
    parser.add_argument("--only", nargs="+", help="names of contestants, all by default")
    parser.add_argument("--grid", action="store_true", help="all sizes against RBFSampler")
    parser.add_argument("--rows", type=int, default=2000, help="most rows of the grid")
    parser.add_argument("--error", type=float, help="kernel error to reach, such as 0.02")
    parser.add_argument("--seeds", type=int, default=5, help="with --error")
    parser.add_argument("--output", default="features.csv")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if arguments.grid:
        write_table(race_grid(arguments.rounds, arguments.rows), arguments.output)
        return
    if arguments.error:
        write_table(race_to_error(arguments.error, arguments.seeds), arguments.output)
        return
    sizes = SIZES
    if arguments.sizes:
        sizes = [tuple(map(int, size.split(","))) for size in arguments.sizes]
    rows = [row for d, n in sizes for row in race(d, n, arguments.rounds, arguments.only)]
    write_table(rows, arguments.output)


if __name__ == "__main__":
    main()
