"""What has to be known of a bench before its frames are numbers."""

import dataclasses
import operator

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter

from .._utils.streams import bit_generator, random_signs
from ._patterns import correlations, overlaps
from ._recorder import diagnosis
from .bench import BenchError

_N_DARK, _N_RANDOM = 8, 32  # frames
_UNCORRELATED = 0.05  # at the distance of neighbouring pixels
_ALIKE = 3  # standard deviations of a correlation between what differs and what does not
_DARKEST = 0.25  # reference of a pixel that is used, in units of the mean
_STAYING = 0.5  # of such limits, for pixels that have been used: or noise would exchange a few
_SATURATED = 0.5  # share of pixels
# Of a bright frame's counts, and where it is to lie on the scale.
_QUANTILE, _TARGETS = 0.999, (0.64, 0.9)


@dataclasses.dataclass(frozen=True, eq=False)
class BenchCalibration:
    """What a `BenchOPU` has found of its bench: pixels, and how counts become intensities.

    Read more in the :doc:`user guide </user_guide/bench>`.

    Attributes
    ----------
    exposure : float or None
        Exposure in the unit of the bench's ``set_exposure``; None if it has none.
    frame_shape : tuple of int
        Shape of a whole frame.
    grain : tuple of int
        Distance along each axis of a frame, in pixels, at which speckle is uncorrelated.
    pixels : ndarray of shape (n_pixels,)
        Indices of the pixels in use into a flattened frame.
    dark : ndarray of shape (n_pixels,)
        Counts with no light from the modulator: the sensor's own, and the room's.
    unit : ndarray of shape (n_pixels,)
        Counts that an amplitude of 1 adds, in the mean over speckles.
    reference : ndarray of shape (n_amplitudes,)
        Amplitudes of the reference; its mirrors are the last.
    reference_intensity : ndarray of shape (n_pixels,)
        Its intensity.
    agreement : float
        Correlation of two frames of the same pattern; less than 1 by noise.
    likeness : float
        Share of it that frames of orthogonal patterns have in common, as by unscattered light.
    contrast : float
        Standard deviation of the speckle over its mean. Noise adds to it.

    See Also
    --------
    BenchOPU : Its attribute ``calibration_`` is one.
    BenchReport : What was seen since.

    Examples
    --------
    Where in a frame the pixels are, and a frame as intensities:

    >>> import numpy as np
    >>> from skopu.bench import BenchOPU, SimulatedBench
    >>> bench = SimulatedBench(n_inputs=64, frame_shape=(32, 48))
    >>> calibration = BenchOPU(bench).calibrate().calibration_
    >>> calibration.grain
    (3, 3)
    >>> rows, columns = np.unravel_index(calibration.pixels, calibration.frame_shape)
    >>> frames = bench.take(np.eye(64, dtype=np.uint8)[:2])
    >>> seen = calibration.intensities(frames.reshape(2, -1)[:, calibration.pixels])
    >>> seen.shape == (2, len(rows))
    True
    """

    exposure: float | None
    frame_shape: tuple
    grain: tuple
    pixels: np.ndarray
    dark: np.ndarray
    unit: np.ndarray
    reference: np.ndarray
    reference_intensity: np.ndarray
    agreement: float
    likeness: float
    contrast: float

    def intensities(self, counts):
        """Intensities of counts.

        Parameters
        ----------
        counts : ndarray of shape (n_frames, n)
            Counts of the first n pixels in use, n at most n_pixels.

        Returns
        -------
        intensities : ndarray of shape (n_frames, n), float64
            In units of the mean intensity that an amplitude of 1 adds.
        """
        n = counts.shape[-1]
        return (counts - self.dark[:n]) / self.unit[:n]


def reference_of(bench, reference_size):
    """Amplitudes of the reference: all of the last reference_size, and no other."""
    amplitudes = np.zeros(bench.n_amplitudes)
    amplitudes[bench.n_amplitudes - reference_size :] = 1
    return amplitudes


def random_amplitudes(bench, reference_size, count):
    """Random patterns beside the reference: half of the mirrors, or phases 0 and pi."""
    n = bench.n_amplitudes - reference_size
    signs = random_signs(0, "cal", count, n)
    amplitudes = np.zeros((count, bench.n_amplitudes))
    amplitudes[:, :n] = signs if bench.modulation == "phase" else signs > 0
    amplitudes[~amplitudes.any(axis=1), :n] = 1  # of few mirrors, none may be chosen
    return amplitudes


def calibrate(recorder, *, reference_size, roi, exposure, previous=None):
    """Calibration of the bench of a recorder, with the pixels of a previous one where it can."""
    bench = recorder.bench
    *lights, reference = random_amplitudes(bench, reference_size, _N_RANDOM + 1)
    bright = max(lights, key=np.linalg.norm)
    # Without mirrors of its own, a random pattern serves as the reference of drift.
    if reference_size:
        reference = reference_of(bench, reference_size)
        bright = bright + reference
    exposure = _set_exposure(recorder, bright, exposure, roi)
    sequence = np.zeros((_N_DARK + 2 * _N_RANDOM + 1, bench.n_amplitudes))
    sequence[_N_DARK::2], sequence[_N_DARK + 1 :: 2] = reference, lights
    made = []

    def diagnose(frames):
        made[:] = [_from_frames(bench, frames, sequence, roi, reference_size, exposure, previous)]
        if made[0] is None:
            return "unsteady"
        lit = made[0].intensities(frames[_N_DARK:, made[0].pixels])
        return diagnosis(sequence[_N_DARK:], lit, made[0])

    recorder.take(sequence, diagnose)
    return made[0]


def _from_frames(bench, frames, sequence, roi, reference_size, exposure, previous):
    shape = bench.frame_shape
    region = _region(roi, shape)
    inside = np.arange(frames.shape[1]).reshape(shape)[region]
    cut = frames[:, inside.ravel()].astype(np.float32).reshape(-1, *inside.shape)
    dark, lit = cut[:_N_DARK].mean(axis=0), cut[_N_DARK:]
    saturated = 0.0 if bench.full_scale is None else float((lit >= bench.full_scale).mean())
    if saturated > _SATURATED:
        raise BenchError(
            f"The camera is saturated: {saturated:.0%} of all pixels are at its full scale of "
            f"{bench.full_scale:g} counts where half of the inputs are lit. Set a shorter "
            "exposure, or let less light in."
        )
    lit -= dark
    references, speckles = lit[0::2], lit[1::2]
    noise = cut[:_N_DARK].std(axis=0).mean() + 1e-6
    if speckles.mean() < max(5 * noise / np.sqrt(speckles.size), 1e-3):
        raise BenchError(
            f"The camera sees no light: frames have {dark.mean():.3g} counts in the mean in the "
            f"dark, and {speckles.mean():.3g} more where half of the inputs are lit. Open the "
            "shutter, look whether an aperture is closed or off the axis, set a longer exposure, "
            "or choose another region of interest (roi)."
        )
    # In parts of each frame's brightness, which patterns of few mirrors and lasers change alike.
    brightness = speckles.mean(axis=tuple(range(1, cut.ndim)), keepdims=True)
    changes = speckles / np.maximum(brightness, 1e-6)
    changes -= changes.mean(axis=0)
    if changes.std() < 1e-3:
        raise BenchError(
            "Frames of different patterns are alike: the modulator does not show what it is "
            "given, or the camera returns one frame again and again."
        )
    power = float(np.square(sequence[_N_DARK + 1 :: 2]).sum(axis=1).mean())
    grain = grain_size(changes)
    if previous is not None and _are_alike(previous, shape, grain):
        grain = previous.grain
    else:  # the first, or with other optics
        previous = None
    wide = 5 if len(grain) == 2 else 50  # grains to average over
    unit = gaussian_filter(speckles.mean(axis=0), [wide * step for step in grain]) / power
    unit = np.maximum(unit, 1e-6 * unit.max())
    at_reference, changes = references.mean(axis=0) / unit, changes.std(axis=0) / unit
    # What pixels have of what they need: light, changes of it, and light of the reference.
    typical = max(np.median(changes), 1e-9 * changes.max())  # of a frame that is mostly dark
    alive = np.minimum(unit / (0.01 * unit.max()), changes / (0.1 * typical))
    in_reference = at_reference / (_DARKEST * reference_size) if reference_size else np.inf
    apart = np.zeros(unit.shape, bool)
    apart[tuple(slice(None, None, step) for step in grain)] = True
    # Of contrast, those that are dark in the reference tell as well.
    levels = speckles[:, (alive > 1) & apart] / unit[(alive > 1) & apart]
    usable = np.minimum(alive, in_reference)
    # All over the frame, in an order that does not depend on it.
    order = np.argsort(bit_generator(0, "pix").random_raw(unit.size), kind="stable")
    chosen = order[((usable > 1) & apart).ravel()[order]]
    if previous is not None:
        stay = inside[usable > _STAYING]
        chosen = _in_their_places(previous.pixels, inside.ravel()[chosen], stay)
        chosen = np.searchsorted(inside.ravel(), chosen)
    if len(chosen) == 0:
        raise BenchError("No pixel of the region of interest sees speckle that changes.")
    dark, unit, at_reference = (
        values.ravel()[chosen].astype(np.float64) for values in (dark, unit, at_reference)
    )
    alike = _agreement_and_likeness(sequence[_N_DARK:], lit.reshape(len(lit), -1)[:, chosen] / unit)
    if alike is None:
        return None
    return BenchCalibration(
        exposure=exposure,
        frame_shape=shape,
        grain=grain,
        pixels=inside.ravel()[chosen],
        dark=dark,
        unit=unit,
        reference=sequence[_N_DARK],
        reference_intensity=at_reference,
        agreement=alike[0],
        likeness=alike[1],
        contrast=float(np.mean(levels.std(axis=1) / np.maximum(levels.mean(axis=1), 1e-6))),
    )


def _are_alike(calibration, frame_shape, grain):
    """Whether grains are as large, but for what noise does, as when it was calibrated before."""
    return calibration.frame_shape == frame_shape and all(
        abs(before - now) <= 1 for before, now in zip(calibration.grain, grain, strict=True)
    )


def _in_their_places(before, chosen, usable):
    """Pixels of before that are usable still, in their places, and others of chosen in the gaps.

    Whatever was learned from readings counts on their order.
    """
    stays = np.isin(before, usable)
    others = chosen[~np.isin(chosen, before[stays])]
    n_pixels = stays.sum() + len(others)
    result, kept = np.full(n_pixels, -1), np.flatnonzero(stays[:n_pixels])
    result[kept] = before[kept]
    result[result < 0] = np.concatenate([others, before[n_pixels:][stays[n_pixels:]]])
    return result


def _agreement_and_likeness(amplitudes, intensities):
    """See `BenchCalibration`; every other frame is the reference's. None where there is neither."""
    agreement = float(np.median(correlations(intensities[:-2:2], intensities[2::2])))
    between = float(np.median(correlations(intensities[1:-2:2], intensities[3::2])))
    if agreement - between < _ALIKE / intensities.shape[1] ** 0.5:
        return None  # frames of one pattern are no more alike than those of several
    expected = overlaps(amplitudes[:-1], amplitudes[1:])
    found = correlations(intensities[:-1], intensities[1:]) / agreement
    differ = expected < 1
    excess = (found - expected)[differ] / (1 - expected[differ])
    return agreement, float(np.clip(np.median(excess), 0, 1)) if differ.any() else 0.0


def grain_size(changes):
    """Distances, along each axis of frames, from which on their changes are uncorrelated."""
    grain = []
    for axis in range(1, changes.ndim):
        length = changes.shape[axis]
        spectrum = fft.rfft(changes, 2 * length, axis=axis)  # padded: no wrapping around
        power = np.square(abs(spectrum)).mean(axis=tuple(set(range(changes.ndim)) - {axis}))
        correlation = fft.irfft(power, 2 * length)[:length] / np.arange(length, 0, -1)
        near = correlation > _UNCORRELATED * correlation[0]
        grain.append(int(np.argmin(near)) if not near.all() else length)
    return tuple(grain)


def check_roi(roi):
    """Raise ValueError unless a region of interest is None or pairs of integers."""
    if roi is None:
        return
    try:
        for start, stop in roi:
            operator.index(start), operator.index(stop)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "roi of BenchOPU must be ((first row, last row + 1), (first column, last column + 1)), "
            f"got {roi!r}."
        ) from error


def _region(roi, shape):
    if roi is None:
        return tuple(slice(0, length) for length in shape)
    region = tuple(slice(start, stop) for start, stop in roi)
    inside = len(region) == len(shape) and all(
        0 <= part.start < part.stop <= length for part, length in zip(region, shape, strict=True)
    )
    if not inside:
        raise ValueError(
            f"roi must be ((first row, last row + 1), (first column, last column + 1)) inside "
            f"frames of shape {shape}, got {roi!r}."
        )
    return region


def _set_exposure(recorder, bright, exposure, roi):
    """Set the exposure, and return it; "auto" finds one at which the bright pattern fits."""
    bench = recorder.bench
    if bench.set_exposure is None:
        if exposure != "auto":
            raise ValueError(f"exposure={exposure!r} needs a bench with a function set_exposure.")
        return None
    if exposure != "auto":
        bench.expose(exposure)
        return float(exposure)
    if bench.full_scale is None:
        raise ValueError('exposure="auto" needs a bench with full_scale, its largest count.')
    shortest, longest = bench.exposure_range
    low, high = shortest, longest
    while True:  # bisection, since what there is of background may grow with the exposure or not
        exposure = float(np.sqrt(low) * np.sqrt(high))
        bench.expose(exposure)
        # Of three frames the last: one that is late and one that is repeated leave it as it is.
        lit = recorder.take(np.stack([bright] * 3))[-1].reshape(bench.frame_shape)
        level = float(np.quantile(lit[_region(roi, bench.frame_shape)], _QUANTILE))
        least, most = (target * bench.full_scale for target in _TARGETS)
        if least <= level <= most:
            return exposure
        low, high = (exposure, high) if level < least else (low, exposure)
        if high < 1.01 * low:
            break
    dark = float(recorder.take(np.zeros_like(bright)[None]).mean())
    raise BenchError(
        f"No exposure from {shortest:g} to {longest:g} fits: at {exposure:g}, the brightest of "
        f"1000 pixels has {level:.3g} of {bench.full_scale:g} counts, {dark:.3g} in the dark. "
        "Change the light, or exposure_range of the bench."
    )
