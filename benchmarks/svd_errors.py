"""Are singular values as wrong as their bounds allow, and not much less?

    python benchmarks/svd_errors.py --seeds 3 --figure svd_errors.png

Matrices of known singular values are decomposed by `skopu.opu_svd` for several tolerances. For
each decomposition, the largest true error of a value (and of a vector) is compared with the largest
bound. A bound is to hold in 99 % of all cases at least.
"""

import argparse
import itertools

import numpy as np
from _calibration import compared_sines, draw_errors, largest_sine
from _report import write_table

from skopu import opu_svd
from skopu.linalg._svd_errors import ROUNDING

N = np.arange(1, 301.0)
SPECTRA = {
    "1 / i": 1 / N,
    "1 / sqrt(i)": N**-0.5,
    "1 / i^2": N**-2,
    "1 / log(i + 1)": 1 / np.log(N + 1),
    "0.9^i": 0.9**N,
    "ten, then noise": np.where(N <= 10, 20 - N, 0) + np.linspace(1, 0.01, 300),
    "fives of 1 / j": np.repeat(1 / np.arange(1, 61.0), 5),
    "three large, then 1 / i": np.where(N <= 3, 100, 1 / N),
    "1 - i / 300": 1 - (N - 1) / 300,
    "1 to 0.9": np.linspace(1, 0.9, 300),
    "100 from 1 to 0.97, then lower": np.where(N <= 100, 1 - 0.0003 * N, 0.1 * 0.97**N),
    "40 from 1 to 0.999, then noise": np.where(N <= 40, 1 - N / 40e3, 0.3 - 0.001 * N),
    "Gaussian matrix": np.linalg.svd(np.random.default_rng(0).normal(size=(300, 600)))[1],
}
SHAPES = (300, 300), (300, 3000), (1200, 300)


def matrix(shape, values, seed, dtype):
    """Matrix of these singular values, and its vectors."""
    rng = np.random.default_rng(seed)
    U, V = (np.linalg.qr(rng.normal(size=(length, len(values))))[0] for length in shape)
    return ((U * values) @ V.T).astype(dtype), U, V


def sines(found, true):
    """Sines of the angles between corresponding columns."""
    found = found.astype(np.float64)
    return np.linalg.norm(found - true * np.einsum("ij,ij->j", found, true), axis=0)


def measure(seeds, tolerances):
    cases = []
    for (name, values), shape, seed in itertools.product(SPECTRA.items(), SHAPES, range(seeds)):
        for dtype in (np.float32, np.float64):
            A, U, V = matrix(shape, values, seed, dtype)
            eps = np.finfo(dtype).eps
            for k, tol in itertools.product((1, 5, 20, 50), tolerances):
                if tol < 500 * eps:
                    continue
                found = opu_svd(A, k, tol=tol, random_state=seed)
                known = ROUNDING * eps * values[0] < 0.1 * tol * values[:k]
                error = abs(1 - found.s / values[:k])
                angle = np.maximum(sines(found.U, U[:, :k]), sines(found.Vt.T, V[:, :k]))
                apart = found.vector_error_bound < 0.5
                cases.append(
                    {
                        "spectrum": name,
                        "shape": shape,
                        "dtype": np.dtype(dtype).name,
                        "k": k,
                        "tol": tol,
                        "n_iter": found.n_iter,
                        "error": max(error[known].max(), eps),
                        "rounding": (ROUNDING * eps * values[0] / values[:k])[known].max(),
                        "bound": found.error_bound[known].max(),
                        "angle": largest_sine(angle[apart], eps),
                        "angle bound": largest_sine(found.vector_error_bound[apart], eps),
                        "all below": bool(np.all(error <= found.error_bound)),
                    }
                )
        if seed == seeds - 1:
            print(name, shape, len(cases), flush=True)
    return cases


def summary(cases):
    rows = []
    for title in ["all", *SPECTRA]:
        chosen = [case for case in cases if title in ("all", case["spectrum"])]
        ratios = np.array([case["bound"] / case["error"] for case in chosen])
        # What rounding hides, no bound can follow.
        telling = [case["bound"] > 3 * case["rounding"] for case in chosen]
        rows.append(
            {
                "spectrum": title,
                "decompositions": len(chosen),
                "below the bound %": round(100 * float(np.mean(ratios >= 1)), 1),
                "all values below %": round(
                    100 * float(np.mean([case["all below"] for case in chosen])), 1
                ),
                "within tol %": round(
                    100 * float(np.mean([case["error"] <= case["tol"] for case in chosen])), 1
                ),
                "bound / error, median": round(float(np.median(ratios[telling])), 1),
                **compared_sines(chosen),
                "refinements": round(float(np.mean([case["n_iter"] for case in chosen])), 1),
            }
        )
    return rows


def draw(cases, path):
    panels = [
        (cases, "error", "bound", "relative error of a singular value"),
        (cases, "angle", "angle bound", "sine of the angle of a vector"),
    ]
    draw_errors(panels, "spectrum", path)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tol", type=float, nargs="+", default=[0.1, 0.01, 1e-3, 1e-6])
    parser.add_argument("--output", default="svd_errors.csv", help="CSV file")
    parser.add_argument("--figure", help="PNG file")
    args = parser.parse_args()
    cases = measure(args.seeds, args.tol)
    write_table(summary(cases), args.output)
    if args.figure:
        draw(cases, args.figure)


if __name__ == "__main__":
    main()
