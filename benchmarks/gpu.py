"""Projections and estimators on a GPU, through PyTorch.

    SCIPY_ARRAY_API=1 python benchmarks/gpu.py [--device cuda] [--data mnist.npz]

- projections: whole intensities a second of batches of binary rows, three layers, float32,
  read by an ideal and by an eight-bit camera, up to the size of the appliance that was sold,
  which made 1500 to 1900 a second (340 at full size by other accounts). A few rows are
  compared with float64 on the CPU: the largest error over the rms field, or the part of
  eight-bit readings that differ, all of them at the edge of two counts.
- features: rows a second of OpticalRandomFeatures, beside the same from a stored matrix: two
  real products, squared and added (as fast as a GPU can do it with a matrix at hand), and
  the peak memory of both.
- svd: seconds of OPUTruncatedSVD and of torch.svd_lowrank (defaults, which are less accurate),
  with the energy found over that of a full decomposition.
- ridge: seconds of OpticalRidgeClassifier.fit on MNIST (see ridge.py), by a Gram matrix and by
  conjugate gradients with features kept where they fit in half of the GPU's memory, with test
  accuracy; and for the first, the part of test predictions that are a CPU's. Without --data,
  on made-up classes.
- training: images a second of 224 x 224 through steps of VGG16, by PyTorch's back-propagation
  and by direct feedback alignment, and the peak memory of a step (see torch_dfa.py for more).

Times are medians of interleaved rounds after a warm-up (of ridge, of one), by device events.
``--device cpu`` tries the script without a GPU, on sizes made smaller.
"""

import argparse
import functools
import time

import numpy as np
import sklearn
import torch
from _mnist import images
from _report import write_table
from sklearn.base import clone
from sklearn.datasets import make_classification
from torch_dfa import vgg_step

from skopu import OPU, Camera, OpticalRandomFeatures, OpticalRidgeClassifier, OPUTruncatedSVD

SIZES = [(2**14, 2**14), (2**17, 2**17), (2**20, 2**20), (1_039_680, 2_219_520)]
CAMERAS = {"ideal": None, "8 bits": Camera(bits=8)}


def seconds(functions, rounds, device):
    """Median seconds of each function, in interleaved rounds."""
    times = [[] for _ in functions]
    for number in range(rounds + 1):  # the first warms up
        for function, found in zip(functions, times, strict=True):
            elapsed = _time(function, device)
            if number:
                found.append(elapsed)
    return [float(np.median(found)) for found in times]


def _time(function, device):
    if device == "cpu":
        start = time.perf_counter()
        function()
        return time.perf_counter() - start
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    function()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1000


def peak(function, device):
    """GiB of the GPU's memory beyond what is there, at the peak of a call."""
    if device == "cpu":
        return float("nan")
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    function()
    return (torch.cuda.max_memory_allocated() - before) / 2**30


def projections(arguments):
    for d, n in SIZES[: 2 if arguments.device == "cpu" else None]:
        rows = max(8, min(4096, arguments.batch_bytes // (4 * (d + n))))
        shown = np.random.default_rng(0).integers(0, 2, (rows, d), dtype=np.uint8)
        X = torch.asarray(shown, device=arguments.device).to(torch.float32)
        for name, camera in CAMERAS.items():
            opu = OPU(camera=camera)
            run = functools.partial(opu.intensity, X, n)
            (taken,) = seconds([run], arguments.rounds, arguments.device)
            some = slice(0, 2)
            exact = opu.intensity(shown[some].astype(np.float64), n)
            found = opu.intensity(X[some], n).cpu().numpy()
            if camera is None:
                error = abs(found - exact).max() / exact.mean()
            else:
                error = np.mean(abs(found - exact) > 1e-3 * exact.mean())
            yield {
                "what": f"{d} -> {n}, camera {name}",
                "rows": rows,
                "s": taken,
                "rows/s": rows / taken,
                "peak GiB": peak(run, arguments.device),
                "accuracy": float(error),
            }


def features(arguments):
    n, d = (1000, 784) if arguments.device == "cpu" else (10_000, 784)
    rows = 1000 if arguments.device == "cpu" else 60_000
    X = torch.rand((rows, d), device=arguments.device)
    transformer = OpticalRandomFeatures(n=n, random_state=0).fit(X)
    real, imag = (torch.randn((d, n), device=arguments.device) for _ in range(2))

    def stored():
        return ((X @ real) ** 2 + (X @ imag) ** 2) / 2

    run = functools.partial(transformer.transform, X)
    for name, function, taken in zip(
        ("OpticalRandomFeatures", "two products"),
        (run, stored),
        seconds([run, stored], arguments.rounds, arguments.device),
        strict=True,
    ):
        yield {
            "what": f"{name}, {d} -> {n}",
            "rows": rows,
            "s": taken,
            "rows/s": rows / taken,
            "peak GiB": peak(function, arguments.device),
            "accuracy": float("nan"),
        }


def svd(arguments):
    m, n = (1000, 500) if arguments.device == "cpu" else (40_000, 8000)
    generator = torch.Generator(arguments.device).manual_seed(0)
    options = {"device": arguments.device, "generator": generator}
    U = torch.linalg.qr(torch.randn((m, n), **options))[0]
    V = torch.linalg.qr(torch.randn((n, n), **options))[0]
    values = torch.arange(1, n + 1, device=arguments.device) ** -0.5
    A = (U * values) @ V.T
    energy = float((values[:100] ** 2).sum())
    del U, V

    def ours():
        return OPUTruncatedSVD(100, random_state=0).fit(A).singular_values_

    def theirs():
        return torch.svd_lowrank(A, q=100)[1]

    for name, function, taken in zip(
        ("OPUTruncatedSVD", "torch.svd_lowrank"),
        (ours, theirs),
        seconds([ours, theirs], arguments.rounds, arguments.device),
        strict=True,
    ):
        yield {
            "what": f"{name}, rank 100 of {m} x {n}",
            "rows": m,
            "s": taken,
            "rows/s": m / taken,
            "peak GiB": peak(function, arguments.device),
            "accuracy": float((function() ** 2).sum()) / energy,
        }


def ridge(arguments):
    X, y, X_test, y_test = _classes(arguments)
    on_gpu = functools.partial(torch.asarray, device=arguments.device)
    sizes = (300, 500) if arguments.device == "cpu" else (10_000, 100_000)
    memory = 2**10
    if arguments.device != "cpu":
        memory = torch.cuda.get_device_properties(0).total_memory // 2**21
    for n, solver in zip(sizes, ("direct", "cg"), strict=True):
        model = OpticalRidgeClassifier(n, kernel="arc_cosine", solver=solver, random_state=0)
        with sklearn.config_context(working_memory=memory):
            run = functools.partial(model.fit, on_gpu(X), y)
            (taken,) = seconds([run], 1, arguments.device)
            used = peak(run, arguments.device)
        predicted = np.concatenate(
            [model.predict(on_gpu(part)) for part in np.array_split(X_test, 20)]
        )
        equal = float("nan")
        if solver == "direct":
            equal = float(np.mean(clone(model).fit(X, y).predict(X_test) == predicted))
        yield {
            "what": f"OpticalRidgeClassifier, {n} features, {solver}",
            "rows": len(X),
            "s": taken,
            "rows/s": len(X) / taken,
            "peak GiB": used,
            "accuracy": float(np.mean(predicted == y_test)),
            "equal": equal,
        }


def _classes(arguments):
    if arguments.data is not None:
        return images(arguments.data)
    n_train, n_test = (1000, 500) if arguments.device == "cpu" else (60_000, 10_000)
    X, y = make_classification(
        n_train + n_test, 784, n_informative=40, n_classes=10, random_state=0
    )
    X = X.astype(np.float32) / 28
    return X[:n_train], y[:n_train], X[n_train:], y[n_train:]


def training(arguments):
    n_images = 1 if arguments.device == "cpu" else 64
    names = ("back-propagation", "DFA")
    steps = [vgg_step(name, arguments.device, n_images) for name in names]
    times = seconds(steps, arguments.rounds, arguments.device)
    for name, step, taken in zip(names, steps, times, strict=True):
        yield {
            "what": f"VGG16, {name}",
            "rows": n_images,
            "s": taken,
            "rows/s": n_images / taken,
            "peak GiB": peak(step, arguments.device),
            "accuracy": float("nan"),
        }


TASKS = {
    "projections": projections,
    "features": features,
    "svd": svd,
    "ridge": ridge,
    "training": training,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--data", help="path of the .npz file of MNIST, see ridge.py")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--batch-bytes", type=int, default=2**34, help="of a batch's rows and what is read of them"
    )
    parser.add_argument("--output", default="gpu.csv")
    arguments = parser.parse_args()
    if arguments.device == "cpu":
        arguments.batch_bytes = 2**26
    elif not torch.cuda.is_available():
        parser.error("PyTorch finds no GPU here; --device cpu tries the script without one.")
    rows = []
    with sklearn.config_context(array_api_dispatch=True):
        for task in arguments.tasks:
            for row in TASKS[task](arguments):
                print(row, flush=True)
                rows.append({**row, "equal": row.get("equal", float("nan"))})
    write_table(rows, arguments.output)
    if arguments.device != "cpu":
        print(f"({torch.cuda.get_device_name()}, PyTorch {torch.__version__})")


if __name__ == "__main__":
    main()
