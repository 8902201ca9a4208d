"""Counts from the store, or else from the bench, and what is to be said of them."""

import contextlib
import warnings
from typing import NamedTuple

import numpy as np

from .._utils.checks import check_count
from .._utils.progress import progress_bar
from ._patterns import correlations, encode
from ._recorder import Recorder
from ._store import Store, key_of
from .bench import BenchError

_ANOTHER_GLASS = 0.5  # drift from which on readings have nothing to do with the calibration
_SATURATED = 0.01  # share of readings


class BenchWarning(UserWarning):
    """Something about a bench that results may suffer from."""


class BenchReport(NamedTuple):
    """What a `BenchOPU` has done since it was made or connected.

    Attributes
    ----------
    n_frames : int
        Frames taken, those of the calibration, of the reference and faulty ones included.
    n_stored : int
        Readings that came from the store instead.
    frames_per_second : float
        Rate of the frames taken; 0 if there were none.
    faults : dict
        Blocks of frames that were taken again, by the reason: "timeout", "lost", "repeated",
        "late".
    drift : float
        What the speckle of the reference has lost of its correlation since the calibration, at
        the last block; noise accounted for, so that it may be slightly negative.
    saturated : float
        Share of readings at the camera's full scale.
    """

    n_frames: int
    n_stored: int
    frames_per_second: float
    faults: dict
    drift: float
    saturated: float


class Readings:
    """What a bench has been seen to show, of one device.

    Parameters
    ----------
    bench : Bench
        Where frames come from.
    store : str, path or None
        File that keeps them.
    retries : int
        How often a faulty block is taken again.
    max_drift : float
        From which on a warning is given.
    """

    def __init__(self, bench, store, retries, max_drift):
        self.bench, self.max_drift = bench, max_drift
        self.recorder = Recorder(bench, retries)
        self.store = None if store is None else Store(store)
        self._n_stored = self._n_read = self._n_saturated = 0
        self._drift, self._warned, self._bar = 0.0, set(), None

    def report(self):
        """A `BenchReport`."""
        taken = self.recorder
        rate = taken.n_frames / taken.seconds if taken.seconds else 0.0
        saturated = self._n_saturated / max(self._n_read, 1)
        counts = taken.n_frames, self._n_stored
        return BenchReport(*counts, rate, dict(taken.faults), self._drift, saturated)

    @contextlib.contextmanager
    def task(self, n_frames, verbose):
        """One task at a time, with a bar; what was taken again is named in the end."""
        with self.bench.lock:
            if self._bar is not None:  # within another one
                yield
                return
            before = self.recorder.faults.copy()
            with progress_bar(verbose, n_frames, "bench", " frames") as self._bar:
                try:
                    yield
                finally:
                    self._bar = None
            again = self.recorder.faults - before
            if again:
                named = ", ".join(f"{count} {fault}" for fault, count in sorted(again.items()))
                warnings.warn(
                    f"{again.total()} blocks of frames were faulty and were taken again: {named}. "
                    "See the report() of the device.",
                    BenchWarning,
                    stacklevel=3,
                )

    def intensities(self, amplitudes, n, calibration, *, repeat=1, exposure=0):
        """Mean intensities at the first n pixels in use, of several frames of each row."""
        total = 0
        for number in range(exposure, exposure + check_count(repeat, "repeat")):
            counts = self._counts(amplitudes, number, calibration)[:, :n]
            total = total + calibration.intensities(counts)
        return total / repeat

    def _counts(self, amplitudes, number, calibration):
        """Counts of all pixels in use, in float64: exposure of that number of each row."""
        counts = np.empty((len(amplitudes), len(calibration.pixels)))
        keys, found = list(range(len(amplitudes))), {}
        if self.store is not None:
            patterns = encode(amplitudes, self.bench)
            keys = [key_of(calibration, pattern, number) for pattern in patterns]
            found = self.store.load(keys)
        missing = {}  # where each key occurs first
        for i, key in enumerate(keys):
            if key not in found:
                missing.setdefault(key, i)
        self._n_stored += len(keys) - len(missing)
        self._bar(len(keys) - len(missing))
        shown = np.array(list(missing.values()), int)
        if len(shown):
            self.bench.expose(calibration.exposure)
        for rows, block, reference in self.recorder.record(amplitudes[shown], calibration):
            self._look_at(block, reference, calibration)
            if self.store is not None:
                self.store.save([keys[i] for i in shown[rows]], block)
            counts[shown[rows]] = block
            self._bar(len(block))
        for i, key in enumerate(keys):
            if key in found:
                counts[i] = found[key]
            elif missing[key] != i:
                counts[i] = counts[missing[key]]
        return counts

    def _look_at(self, block, reference, calibration):
        """Note drift and saturation of a block, and warn of each once."""
        known = calibration.reference_intensity[None]
        found = float(correlations(calibration.intensities(reference)[None], known)[0])
        # The known one is all but free of noise, the new one is the mean of two frames.
        ceiling = (2 * calibration.agreement / (1 + calibration.agreement)) ** 0.5
        self._drift = 1 - found / ceiling
        if self._drift > _ANOTHER_GLASS:
            raise BenchError(
                f"The speckle of the reference has a correlation of {found:.2f} with that of the "
                "calibration: this is another glass, or it was moved. Fit again after "
                "opu.calibrate(), which leaves older readings in the store aside."
            )
        uncertain = 5 / (ceiling * len(reference) ** 0.5)  # of a correlation of so many pixels
        if self._drift > self.max_drift + uncertain * (1 - found**2):
            self._warn_once(
                "drift",
                f"The glass has drifted: the speckle of the reference has lost {self._drift:.1%} "
                "of its correlation since the calibration. Readings from before and after belong "
                "to different matrices; calibrate and fit again, or raise max_drift.",
            )
        self._n_read += block.size
        if self.bench.full_scale is not None:
            self._n_saturated += int(np.count_nonzero(block >= self.bench.full_scale))
            if self._n_saturated > _SATURATED * self._n_read:
                self._warn_once(
                    "saturated",
                    f"{self._n_saturated / self._n_read:.1%} of the readings are at the camera's "
                    f"full scale of {self.bench.full_scale:g} counts. Set a shorter exposure.",
                )

    def _warn_once(self, kind, message):
        if kind not in self._warned:
            self._warned.add(kind)
            warnings.warn(message, BenchWarning, stacklevel=2)
