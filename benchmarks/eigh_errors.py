"""Are eigenvalues, and Nyström approximations, as wrong as their bounds allow?

    python benchmarks/eigh_errors.py --seeds 3 --figure eigh_errors.png

Symmetric matrices of known eigenvalues are decomposed by `skopu.opu_eigh`, for several tolerances
and both ends of the spectrum, and positive ones approximated by `skopu.opu_nystrom`. For each
decomposition, the largest true error of an eigenvalue (and of a vector) is compared with the
largest bound; for each approximation, the Frobenius norm of the error with its bound, both in units
of the matrix's.
"""

import argparse
import itertools

import numpy as np
from _calibration import compared_sines, draw_errors, largest_sine
from _report import write_table
from svd_errors import SPECTRA as SINGULAR_VALUES
from svd_errors import N, sines

from skopu import opu_eigh, opu_nystrom
from skopu.linalg._svd_errors import ROUNDING

GAUSSIAN = np.random.default_rng(0).normal(size=(300, 300))
SPECTRA = {
    **SINGULAR_VALUES,
    "1 / i, both signs": np.where(N % 2, 1, -1) / N,
    "symmetric Gaussian matrix": np.linalg.eigvalsh(GAUSSIAN + GAUSSIAN.T),
}
ORDERS = {"LM": lambda w: -abs(w), "LA": lambda w: -w, "SA": lambda w: w}
SIZES = 1, 5, 20


def matrices(seeds):
    """Name, seed, eigenvalues and eigenvectors, matrix."""
    for (name, values), seed in itertools.product(SPECTRA.items(), range(seeds)):
        Q = np.linalg.qr(np.random.default_rng(seed).normal(size=(300, 300)))[0]
        A = (Q * values) @ Q.T
        for dtype in (np.float32, np.float64):
            yield name, seed, values, Q, ((A + A.T) / 2).astype(dtype)
        print(name, seed, flush=True)


def eigenvalues(seeds, tolerances):
    cases = []
    for _, seed, values, Q, A in matrices(seeds):
        eps = np.finfo(A.dtype).eps
        for which, k, tol in itertools.product(ORDERS, SIZES, tolerances):
            order = np.argsort(ORDERS[which](values), kind="stable")[:k]
            exact, largest = values[order], abs(values).max()
            # Smaller ones of a positive matrix take its inverse.
            if tol < 500 * eps or abs(exact).min() < 1e-3 * largest:
                continue
            found = opu_eigh(A, k, which=which, tol=tol, random_state=seed)
            known = ROUNDING * eps * largest < 0.1 * tol * abs(exact)
            if known.any():
                # Magnitudes, since equal ones of both signs may come in either order.
                error = abs(abs(found.w) - abs(exact)) / abs(exact)
                angle, apart = sines(found.V, Q[:, order]), found.vector_error_bound < 0.5
                cases.append(
                    {
                        "kind": f"eigenvalues, {which}",
                        "error": max(error[known].max(), eps),
                        "bound": found.error_bound[known].max(),
                        "within": error[known].max() <= tol,
                        "angle": largest_sine(angle[apart], eps),
                        "angle bound": largest_sine(found.vector_error_bound[apart], eps),
                    }
                )
    return cases


def approximations(seeds):
    cases = []
    for _, seed, values, _, A in matrices(4 * seeds):
        if values.min() < 0:
            continue
        for k in (*SIZES, 50):
            found = opu_nystrom(A, k, random_state=seed)
            U = found.U.astype(float)
            size = np.linalg.norm(values)
            error = np.linalg.norm(A - (U * found.s) @ U.T) / size
            case = {"error": error, "bound": found.error_bound / size, "within": True}
            case |= {"angle": np.nan, "angle bound": np.nan}
            cases.append({"kind": "Nyström approximation", **case})
    return cases


def summary(cases):
    rows = []
    for kind in dict.fromkeys(case["kind"] for case in cases):
        chosen = [case for case in cases if case["kind"] == kind]
        ratios = np.array([case["bound"] / case["error"] for case in chosen])
        rows.append(
            {
                "": kind,
                "cases": len(chosen),
                "within tol %": round(100 * float(np.mean([c["within"] for c in chosen])), 1),
                "below the bound %": round(100 * float(np.mean(ratios >= 1)), 1),
                "bound / error, median": round(float(np.median(ratios)), 1),
                **compared_sines(chosen),
            }
        )
    return rows


def draw(pairs, sketches, path):
    panels = [
        (pairs, "error", "bound", "relative error of an eigenvalue"),
        (pairs, "angle", "angle bound", "sine of the angle of an eigenvector"),
        (sketches, "error", "bound", "relative error of a Nyström approximation"),
    ]
    draw_errors(panels, "kind", path)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tol", type=float, nargs="+", default=[0.1, 0.01, 1e-4, 1e-6])
    parser.add_argument("--output", default="eigh_errors.csv", help="CSV file")
    parser.add_argument("--figure", help="PNG file")
    args = parser.parse_args()
    pairs, sketches = eigenvalues(args.seeds, args.tol), approximations(args.seeds)
    write_table(summary(pairs + sketches), args.output)
    if args.figure:
        draw(pairs, sketches, args.figure)


if __name__ == "__main__":
    main()
