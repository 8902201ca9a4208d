"""Frames from a bench, of which none is lost, repeated or late."""

import collections
import time

import numpy as np

from .._utils.threads import pieces
from ._patterns import correlations, encode, overlaps
from .bench import BenchError

_BLOCK = 32  # frames that are checked together, at least
# Standard deviations of a normal law's correlation between what two explanations of it expect;
# those of speckle are up to twice as large, and a false alarm would come again at each retry.
_CERTAIN = 10
# Mean of a frame that cannot be that of its pattern, by this factor, and pixels that it takes:
# mirrors may be lit unevenly, and twenty independent pixels are so dark once in 1e18.
_BRIGHTNESS, _BRIGHTNESS_FROM, _COUNTS = 20, 20, 2


class Recorder:
    """Takes frames of amplitudes, looks for faults, and takes again what is faulty.

    Parameters
    ----------
    bench : Bench
        Where they come from.
    retries : int
        How often a block is taken again before an error is raised.

    Attributes
    ----------
    faults : Counter
        Number of blocks that were taken again, by the reason.
    n_frames : int
        Frames taken, those included that were thrown away.
    seconds : float
        Time that they took.
    """

    def __init__(self, bench, retries):
        self.bench, self.retries = bench, retries
        self.faults, self.n_frames, self.seconds = collections.Counter(), 0, 0.0

    def take(self, amplitudes, diagnose=None):
        """Frames of shape (n, n_pixels) of amplitudes, in one go; see `diagnosis`.

        ``diagnose(frames)`` returns a word for what is wrong with them, or None.
        """
        fault = None
        for _ in range(self.retries + 1):
            try:
                frames = self._shown(amplitudes)
            except TimeoutError:
                fault = "timeout"
            else:
                fault = "lost" if len(frames) != len(amplitudes) else None
                fault = fault or (diagnose and diagnose(frames))
            if fault is None:
                return frames
            self.faults[fault] += 1
        raise BenchError(
            f"{len(amplitudes)} frames were taken {self.retries + 1} times, and each time "
            f"something was wrong, the last time: {_EXPLAINED[fault]} What was recorded before is "
            "kept where there is a store."
        )

    def _shown(self, amplitudes):
        start, parts = time.perf_counter(), []
        try:
            for rows in pieces(len(amplitudes), self.bench.batch_size):
                patterns = encode(amplitudes[rows], self.bench)
                frames = self.bench.take(patterns)
                self.n_frames += len(frames)
                if len(frames) > len(patterns):
                    raise BenchError(
                        f"grab of the bench was asked for {len(patterns)} frames but returned "
                        f"{len(frames)}."
                    )
                parts.append(frames.reshape(len(frames), -1))
        finally:
            self.seconds += time.perf_counter() - start
        return np.concatenate(parts)

    def record(self, amplitudes, calibration):
        """Counts of the calibrated pixels, block by block: slices of rows, counts, reference.

        Each block lies between two frames of the reference, of which the mean is the third.
        """
        reference = calibration.reference[None]
        size = max(self.bench.batch_size, _BLOCK) - 2
        for rows in pieces(len(amplitudes), size):
            block = np.concatenate([reference, amplitudes[rows], reference])

            def diagnose(frames, block=block):
                if self.bench.frame_shape != calibration.frame_shape:
                    raise BenchError(
                        f"The bench was calibrated with frames of shape {calibration.frame_shape}, "
                        f"and now has frames of {self.bench.frame_shape}. Calibrate again: "
                        "opu.calibrate(), with another store if it is another bench."
                    )
                intensities = calibration.intensities(frames[:, calibration.pixels])
                return diagnosis(block, intensities, calibration)

            counts = self.take(block, diagnose)[:, calibration.pixels]
            yield rows, counts[1:-1], (counts[0] / 2 + counts[-1] / 2)


def diagnosis(amplitudes, intensities, calibration):
    """What is wrong with the order of frames, or None; the first and the last show the same.

    Frames of two patterns correlate as these overlap, or less by noise; two frames of one
    pattern as these of the reference agree, or less where they are darker. Where this tells
    apart, with certainty, whether a frame is that of its pattern or of its neighbour's, it is
    looked at. And its brightness is, roughly, that of its pattern.

    Parameters
    ----------
    amplitudes : ndarray of shape (n_frames, n_amplitudes)
        What was shown.
    intensities : ndarray of shape (n_frames, n_pixels)
        What was read.
    calibration : BenchCalibration
        How two frames of the reference agree, and what those of orthogonal patterns share.
    """
    agreement, likeness = calibration.agreement, calibration.likeness
    powers, n_pixels = np.einsum("ij,ij->i", amplitudes, amplitudes), intensities.shape[1]

    levels = intensities.mean(axis=1)
    uncertain = powers[0] * np.sqrt((1 / agreement - 1) / n_pixels)
    # A camera may round away what makes less than a count; what makes some, it does not.
    bright = powers * calibration.unit.mean() > _COUNTS
    certain = bright & (powers > 2 * _CERTAIN * uncertain) & (n_pixels >= _BRIGHTNESS_FROM)
    foreign = (levels < powers / _BRIGHTNESS) | (levels > powers * _BRIGHTNESS)
    if np.any(certain & foreign):
        return "foreign"

    def limits(some, others):
        differ = overlaps(amplitudes[some], amplitudes[others])
        differ += likeness * (1 - differ)
        power = np.maximum(np.minimum(powers[some], powers[others]), 1e-9 * powers[0])
        noise = (1 / agreement - 1) * np.maximum(1, powers[0] / power) ** 2
        same = 1 / (1 + noise)
        spread = (1 - differ**2) / np.sqrt(n_pixels)
        return np.where(same - differ > _CERTAIN * spread, (same + differ) / 2, np.nan)

    # Comparisons with NaN are false.
    if np.any(correlations(intensities[:1], intensities[-1:]) < limits([-2], [-1])):
        return "late"
    before, after = slice(0, -1), slice(1, None)
    if np.any(correlations(intensities[before], intensities[after]) > limits(before, after)):
        return "repeated"
    return None


_EXPLAINED = {
    "timeout": "they have not come in time (timeout of the bench).",
    "lost": "fewer frames than patterns have come. Give the camera more time between triggers.",
    "repeated": "a frame shows what its neighbour shows. Give the modulator more time to settle "
    "before the camera is exposed.",
    "unsteady": "frames of one pattern have no more in common than those of several. Noise covers "
    "the speckle, or the glass does not stand still: give it more light, or a longer exposure.",
    "foreign": f"a frame is {_BRIGHTNESS} times darker or brighter than its pattern. It shows "
    "something else, or the light is not what it was when the bench was calibrated.",
    "late": "the reference looks otherwise at the end of a block than at its beginning. Frames "
    "come later than their patterns, or the glass drifts as fast as that.",
}
