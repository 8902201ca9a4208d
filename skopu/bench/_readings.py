"""Counts from the store, or else from the bench, and what is to be said of them."""

import contextlib
import warnings
from typing import NamedTuple

import numpy as np

from .._utils.checks import check_count
from .._utils.progress import progress_bar
from ._patterns import correlations, encode
from ._recorder import Recorder
from ._store import Store, keys_of
from .bench import BenchError

_ANOTHER_GLASS = 0.5  # drift from which on readings have nothing to do with the calibration
_OTHER_LIGHT = 0.1  # change of power, or background in parts of the reference
_SATURATED = 0.01  # share of a block's readings
_ROUNDED_AWAY = 0.5  # counts
_LOW_CONTRAST = 0.9  # 1 is fully developed, polarised speckle; 0.71 is without a polariser


class BenchWarning(UserWarning):
    """A problem with a bench that may affect results."""


class BenchReport(NamedTuple):
    """Report of a `BenchOPU` since it was made or connected.

    Read more in the :doc:`user guide </user_guide/bench>`.

    Attributes
    ----------
    n_frames : int
        Frames taken, including calibration, reference and faulty ones.
    n_stored : int
        Readings that came from the store.
    frames_per_second : float
        Frame rate; 0 if no frames were taken.
    faults : dict
        Number of blocks of frames taken again, by reason: "timeout", "lost", "repeated",
        "late", "foreign"; in a calibration, also "unsteady".
    drift : float
        Loss of correlation of the reference speckle between the calibration and the last block,
        corrected for noise, so it may be slightly negative.
    power : float
        Laser power: standard deviation of the reference speckle at the last block, relative to the
        calibration. Readings are not corrected for it.
    background : float
        Light that is new since the calibration: what the mean of the reference speckle has gained
        beyond that power, relative to the calibration.
    saturated : float
        Share of readings at full scale since the calibration.
    contrast : float
        Standard deviation of the speckle over its mean when the bench was calibrated: about 1 with
        a polariser, 0.71 without. Noise adds to it. NaN before the calibration.

    See Also
    --------
    BenchOPU : Its method ``report`` returns one.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.bench import BenchOPU, SimulatedBench
    >>> opu = BenchOPU(SimulatedBench(n_inputs=64, frame_shape=(32, 48)))
    >>> _ = opu.intensity(np.eye(20), n=10)
    >>> report = opu.report()
    >>> report.n_frames > 20, report.faults
    (True, {})
    """

    n_frames: int
    n_stored: int
    frames_per_second: float
    faults: dict
    drift: float
    power: float
    background: float
    saturated: float
    contrast: float


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
    n_outputs : int or None
        Most pixels to keep.
    """

    def __init__(self, bench, store, retries, max_drift, n_outputs):
        self.bench, self.max_drift, self.n_outputs = bench, max_drift, n_outputs
        self.recorder = Recorder(bench, retries)
        self.store = None if store is None else Store(store)
        self._n_stored, self._bar = 0, None
        self.forget_looks()

    def forget_looks(self):
        """Judge drift, light and saturation anew: the bench was calibrated."""
        self._n_read = self._n_saturated = 0
        self._drift, self._light, self._warned = 0.0, (1.0, 0.0), set()
        self._contrast = np.nan

    def report(self):
        """A `BenchReport`."""
        taken = self.recorder
        rate = taken.n_frames / taken.seconds if taken.seconds else 0.0
        saturated = self._n_saturated / max(self._n_read, 1)
        counts = taken.n_frames, self._n_stored
        looks = self._drift, *self._light, saturated, self._contrast
        return BenchReport(*counts, rate, dict(taken.faults), *looks)

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

    def intensities(self, amplitudes, n, calibration, *, repeat=1, first_exposure=0):
        """Mean intensities at the first n pixels in use, of several frames of each row."""
        total = 0
        for number in range(first_exposure, first_exposure + check_count(repeat, "repeat")):
            total = total + calibration.intensities(
                self._counts(amplitudes, n, number, calibration)
            )
        return total / repeat

    def look_at_contrast(self, calibration):
        """Note the contrast, and warn if patterns add up that do not interfere."""
        self._contrast = contrast = calibration.contrast
        if contrast < _LOW_CONTRAST - 2 / len(calibration.pixels) ** 0.5:  # by more than chance
            self._warn_once(
                "contrast",
                f"The speckle has a contrast of {contrast:.2f}, and 1 is expected. Is there a "
                "linear polariser between glass and camera? Other causes are a laser of many "
                "colours, glass that moves during an exposure, pixels larger than a third of a "
                "grain, light that is not scattered, and saturation. Projections have the variance "
                "|x|^2 times the square of the contrast, and the kernel is another.",
            )

    def look_at_light(self, amplitudes, calibration):
        """Warn once of rows that the camera rounds away."""
        counts = np.einsum("ij,ij->i", amplitudes, amplitudes) * calibration.unit.mean()
        dim = int((counts < _ROUNDED_AWAY).sum())
        if dim:
            self._warn_once(
                "dim",
                f"{dim} rows light so few inputs that they make less than half a count a pixel, "
                f"which the camera rounds away; the dimmest {counts.min():.2g}. Let each input be "
                "several mirrors, or set an exposure for such rows.",
            )

    def verify(self, calibration):
        """Show the reference, to see that a calibration from the store is that of this bench."""
        self.bench.expose(calibration.exposure)
        for _, *seen in self.recorder.record(calibration.reference[None], calibration):
            self._look_at(*seen, calibration)

    def _counts(self, amplitudes, n, number, calibration):
        """Counts of the first n pixels in use, in float64: exposure of that number of each row."""
        counts, keys = np.empty((len(amplitudes), n)), range(len(amplitudes))
        if self.store is not None:
            keys = keys_of(calibration, encode(amplitudes, self.bench), number)
        rows_of = {}
        for row, key in enumerate(keys):
            rows_of.setdefault(key, []).append(row)
        if self.store is not None:
            for key, reading in self.store.load(list(rows_of)):
                if len(reading) >= n:
                    rows = rows_of.pop(key)
                    counts[rows] = reading[:n]
                    self._n_stored += len(rows)
        self._bar(len(keys) - len(rows_of))
        if not rows_of:
            return counts
        self.bench.expose(calibration.exposure)
        keys, rows = list(rows_of), list(rows_of.values())
        shown = amplitudes[[some[0] for some in rows]]
        for part, block, reference in self.recorder.record(shown, calibration):
            self._look_at(block, reference, calibration)
            if self.store is not None:
                self.store.save(keys[part], block[:, : self.n_outputs])
            for some, reading in zip(rows[part], block, strict=True):
                counts[some] = reading[:n]
            self._bar(len(block))
        return counts

    def _look_at(self, block, reference, calibration):
        """Note drift, light and saturation of a block, and warn of each once."""
        known, seen = calibration.reference_intensity, calibration.intensities(reference)
        found = float(correlations(seen[None], known[None])[0])
        # The known one is all but free of noise, the new one is the mean of two frames.
        ceiling = (2 * calibration.agreement / (1 + calibration.agreement)) ** 0.5
        self._drift = 1 - found / ceiling
        if self._drift > _ANOTHER_GLASS:
            raise BenchError(
                f"The speckle of the reference has a correlation of {found:.2f} with that of the "
                "calibration: this is another glass, or it was moved. Fit again after "
                "opu.calibrate(), which ignores older readings in the store."
            )
        uncertain = 5 / (ceiling * len(seen) ** 0.5)  # of a correlation of so many pixels
        if self._drift > self.max_drift + uncertain * (1 - found**2):
            self._warn_once(
                "drift",
                f"The glass has drifted: the speckle of the reference has lost {self._drift:.1%} "
                "of its correlation since the calibration. Readings from before and after belong "
                "to different matrices; calibrate and fit again, or raise max_drift.",
            )
        # By moments, which glass that drifts leaves as they are.
        power = float(ceiling * seen.std() / known.std())
        background = float(seen.mean() / known.mean() - power)
        self._light = power, background
        uncertain = 10 * np.sqrt(max(0, 1 - found**2) / len(seen))
        if max(abs(power - 1), abs(background)) > _OTHER_LIGHT + uncertain:
            self._warn_once(
                "light",
                "The light has changed since the calibration: the speckle of the reference has "
                f"{power:.2f} times its standard deviation, and {background:+.2f} of its mean was "
                "added as a background. Readings have another unit and another zero. Wait until "
                "laser and room are steady; calibrate and fit again.",
            )
        self._n_read += block.size
        if self.bench.full_scale is not None:
            saturated = int(np.count_nonzero(block >= self.bench.full_scale))
            self._n_saturated += saturated
            if saturated > _SATURATED * block.size:
                self._warn_once(
                    "saturated",
                    f"{saturated / block.size:.1%} of some readings are at the camera's full scale "
                    f"of {self.bench.full_scale:g} counts. Set a shorter exposure.",
                )

    def _warn_once(self, kind, message):
        if kind not in self._warned:
            self._warned.add(kind)
            warnings.warn(message, BenchWarning, stacklevel=2)
