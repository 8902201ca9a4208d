"""Past memory: a medium of a terabyte, growth with size, Dask, and a matrix on disk.

    python benchmarks/scale.py [--tasks terabyte growth dask disk] [--folder FOLDER]

- terabyte: 1000 rows of 10^6 inputs to 10^6 speckle features (complex64, the medium's matrix
  would take 8 TB), eight rows at a time.
- growth: seconds of one row, of eight or more, for d = n = 2^10 to 2^21, over d log d,
  relative to 2^14; --figure draws it.
- dask: `OpticalRandomFeatures.transform` of a Dask array of 16 blocks by one worker process
  of one thread, and by two; of one block, and of the same rows without Dask.
- disk: rank 20 of a float32 matrix in a file of --gigabytes, written to --folder first, by
  `OPUTruncatedSVD.fit` on the memory map and by one pass of `partial_fit`.

Each runs in a process of its own. "peak MiB" is anonymous memory, which leaves pages of
mapped files out, beyond that of the process before.
"""

import argparse
import multiprocessing
import os
import pathlib
import tempfile
import threading
import time

import numpy as np
from _memory import resident
from _report import write_table

from skopu import OpticalRandomFeatures, OPUTruncatedSVD


class Peak:
    """Most anonymous memory while it watches, in MiB beyond that at its start."""

    def __enter__(self):
        self.before = self.most = resident("RssAnon")
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self):
        while not self._done.wait(0.02):
            self.most = max(self.most, resident("RssAnon"))

    def __exit__(self, *error):
        self._done.set()
        self._thread.join()
        self.mib = self.most - self.before


def row(what, seconds, peak=float("nan"), note=""):
    return {"what": what, "s": seconds, "peak MiB": peak, "note": note}


def terabyte(arguments):
    rng = np.random.default_rng(0)
    d = n = 10**6
    features = OpticalRandomFeatures(n, random_state=0)
    seconds = 0.0
    with Peak() as peak:
        for start in range(0, arguments.rows, 8):
            X = rng.random((min(8, arguments.rows - start), d), np.float32)
            begin = time.perf_counter()
            if start == 0:
                features.fit(X)
            features.transform(X)
            seconds += time.perf_counter() - begin
    note = f"{arguments.rows / seconds:.3g} rows a second"
    yield row(f"{arguments.rows} rows, 10^6 to 10^6", seconds, peak.mib, note=note)


def growth(arguments):
    sizes = [2**power for power in range(10, 22)]
    times = {size: [] for size in sizes}
    for _ in range(arguments.rounds):
        for size in sizes:
            X = np.random.default_rng(0).random((max(8, 2**21 // size), size), np.float32)
            features = OpticalRandomFeatures(size, random_state=0).fit(X)
            features.transform(X)  # so that memory of this size is at hand
            begin = time.perf_counter()
            features.transform(X)
            times[size].append((time.perf_counter() - begin) / len(X))
    medians = {size: float(np.median(seconds)) for size, seconds in times.items()}
    unit = medians[2**14] / (2**14 * 14)
    for size, seconds in medians.items():
        relative = seconds / (size * np.log2(size)) / unit
        yield row(f"d = n = {size}", seconds, note=f"{relative:.2f} of n log n")
    if arguments.figure:
        draw(medians, unit, arguments.figure)


def draw(medians, unit, path):
    import matplotlib.pyplot as plt

    sizes = np.array(list(medians))
    figure, axes = plt.subplots(figsize=(5, 3.5), layout="constrained")
    axes.loglog(sizes, list(medians.values()), "o-", label="measured")
    axes.loglog(sizes, unit * sizes * np.log2(sizes), "k--", label="proportional to n log n")
    axes.set(xlabel="inputs = outputs", ylabel="seconds per row", title="One row of speckle")
    axes.legend()
    figure.savefig(path, dpi=150)


def _seconds(rounds, *works):
    """Median seconds of each, in turns."""
    times = np.empty((rounds, len(works)))
    for turn in times:
        for i, work in enumerate(works):
            begin = time.perf_counter()
            work()
            turn[i] = time.perf_counter() - begin
    return np.median(times, axis=0).tolist()


def dask(arguments):
    import dask.array as da
    from dask.distributed import Client, LocalCluster
    from threadpoolctl import threadpool_limits

    rows, d, n = 16_000, 784, 10_000
    X = np.random.default_rng(0).random((rows, d), np.float32)
    features = OpticalRandomFeatures(n, random_state=0).fit(X)

    def reduced(chunk):  # so that features need not travel
        return chunk.sum(axis=1, keepdims=True)

    def lazily(n_blocks):
        array = da.random.default_rng(0).random(
            (rows, d), dtype=np.float32, chunks=(rows // n_blocks, d)
        )
        return features.transform(array).map_blocks(reduced, chunks=(rows // n_blocks, 1)).sum()

    block = X[: rows // 4]  # whose features are of the usual size of a chunk, 160 MB
    chunked = da.from_array(block, chunks=block.shape)
    with threadpool_limits(1):
        plain, one_block = _seconds(
            arguments.rounds,
            lambda: features.transform(block).sum(),
            lambda: features.transform(chunked).sum().compute(scheduler="synchronous"),
        )
    yield row("4000 rows by one thread, no Dask", plain)
    yield row(
        "4000 rows by one thread, Dask, one block", one_block, note=f"{one_block / plain - 1:+.1%}"
    )
    alone = None
    for n_workers in (1, 2):
        with (
            LocalCluster(
                n_workers=n_workers, threads_per_worker=1, processes=True, dashboard_address=None
            ) as cluster,
            Client(cluster),
        ):
            lazily(16).compute()  # the workers import skopu
            (seconds,) = _seconds(arguments.rounds, lambda: lazily(16).compute())
        alone = alone or seconds
        note = f"{alone / seconds:.2f} of one worker's throughput"
        yield row(f"{n_workers} workers of one thread, 16 blocks", seconds, note=note)


def disk(arguments):
    columns, rank = 10_000, 20
    rows = int(arguments.gigabytes * 1e9 / (4 * columns))
    path = pathlib.Path(arguments.folder) / "scale.npy"
    rng = np.random.default_rng(0)
    loadings = rng.normal(size=(2 * rank, columns)).astype(np.float32)
    scales = (0.8 ** np.arange(2 * rank)).astype(np.float32)
    matrix = np.lib.format.open_memmap(path, "w+", np.float32, (rows, columns))
    for start in range(0, rows, 5000):
        count = min(5000, rows - start)
        scores = rng.normal(size=(count, 2 * rank)).astype(np.float32) * scales
        matrix[start : start + count] = scores @ loadings
    matrix.flush()
    del matrix
    size = f"{rows} x {columns}, {os.path.getsize(path) / 1e9:.3g} GB"
    try:
        X = np.load(path, mmap_mode="r")
        with Peak() as peak:
            begin = time.perf_counter()
            svd = OPUTruncatedSVD(rank, random_state=0).fit(X)
            seconds = time.perf_counter() - begin
        note = f"{svd.n_passes_} passes"
        yield row(f"fit, {size}", seconds, peak.mib, note=note)
        best = svd.singular_values_
        svd = OPUTruncatedSVD(rank, random_state=0)
        with Peak() as peak:
            begin = time.perf_counter()
            for start in range(0, rows, 10_000):
                svd.partial_fit(X[start : start + 10_000])
            seconds = time.perf_counter() - begin
        energy = float(np.sum(svd.singular_values_**2.0) / np.sum(best**2.0))
        yield row(f"partial_fit, {size}", seconds, peak.mib, note=f"{energy:.5f} of fit's energy")
    finally:
        path.unlink()


TASKS = {"terabyte": terabyte, "growth": growth, "dask": dask, "disk": disk}


def _collect(name, arguments, connection):
    connection.send(list(TASKS[name](arguments)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--gigabytes", type=float, default=20.0)
    parser.add_argument("--folder", default=tempfile.gettempdir())
    parser.add_argument("--figure", help="path of the picture of growth")
    parser.add_argument("--output", default="scale.csv")
    arguments = parser.parse_args()
    rows = []
    context = multiprocessing.get_context("spawn")
    for name in arguments.tasks:
        ours, theirs = context.Pipe()
        process = context.Process(target=_collect, args=(name, arguments, theirs))
        process.start()
        theirs.close()
        found = ours.recv()
        process.join()
        print(*found, sep="\n", flush=True)
        rows += found
    write_table(rows, arguments.output)


if __name__ == "__main__":
    main()
