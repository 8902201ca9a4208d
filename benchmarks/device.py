"""The device by itself: one huge projection, the import, and threads in a grid search.

    python benchmarks/device.py

Times are medians. Peak memory is that of a fresh process beyond the input (Linux).
"""

import argparse
import subprocess
import sys
import time

import numpy as np
from _memory import forget_peak, resident
from _report import write_table
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skopu import OPU, LayeredMedium, OpticalRandomFeatures

PROJECTIONS = {
    "2^20 to 2^20, three layers": (2**20, 2**20, lambda: OPU()),
    "2^20 to 2^20, two layers": (2**20, 2**20, lambda: OPU(LayeredMedium(2))),
    "1,039,680 to 2,219,520, Aurora's medium": (1_039_680, 2_219_520, lambda: OPU()),
    "1,039,680 to 2,219,520, OPU.aurora()": (1_039_680, 2_219_520, OPU.aurora),
}


def projection(name, rounds):
    """Seconds and peak MiB of the intensity of one row of random bits, printed."""
    d, n, make = PROJECTIONS[name]
    x = np.random.default_rng(0).integers(0, 2, (1, d)).astype(np.float32)
    opu, seconds = make(), []
    forget_peak()
    before = resident("VmRSS")
    for _ in range(rounds):
        start = time.perf_counter()
        opu.intensity(x, n)
        seconds.append(time.perf_counter() - start)
    print(float(np.median(seconds)), resident("VmHWM") - before)


def seconds_of(code):
    timed = f"import time; start = time.perf_counter(); {code}; print(time.perf_counter() - start)"
    return float(subprocess.check_output([sys.executable, "-c", timed]))


def grid_search(n_jobs):
    X, y = load_digits(return_X_y=True)
    search = GridSearchCV(
        make_pipeline(OpticalRandomFeatures(random_state=0), RidgeClassifier()),
        {"opticalrandomfeatures__n": [3000, 5000, 10_000]},
        cv=5,
        n_jobs=n_jobs,
    )
    start = time.perf_counter()
    search.fit((X / 16).astype(np.float32), y)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--projection", choices=PROJECTIONS, help=argparse.SUPPRESS)
    parser.add_argument("--output", default="device.csv")
    arguments = parser.parse_args()
    if arguments.projection:
        return projection(arguments.projection, arguments.rounds)
    rows = []
    for name in PROJECTIONS:
        command = [sys.executable, __file__, "--projection", name]
        command += ["--rounds", str(arguments.rounds)]
        median, peak = map(float, subprocess.check_output(command).split())
        rows.append({"what": name, "s": median, "peak MiB": peak})
    imports = {"import sklearn.base": [], "import skopu": []}
    searches = {1: [], 2: []}
    for _ in range(arguments.rounds):
        for code, times in imports.items():
            times.append(seconds_of(code))
    grid_search(2)  # starts the workers
    for _ in range(3):
        for n_jobs, times in searches.items():
            times.append(grid_search(n_jobs))
    none = float("nan")
    for code, times in imports.items():
        rows.append({"what": code, "s": float(np.median(times)), "peak MiB": none})
    for n_jobs, times in searches.items():
        what = f"GridSearchCV over n, digits, n_jobs={n_jobs}"
        rows.append({"what": what, "s": float(np.median(times)), "peak MiB": none})
    write_table(rows, arguments.output)


if __name__ == "__main__":
    main()
