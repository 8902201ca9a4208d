"""The camera: from light intensity to what is read out."""

import hashlib
import numbers

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator

from .._arrays import is_foreign, like, namespace, numpy_dtype, to_numpy
from ._glass import bit_generator, check_seed
from ._rows import check_count, check_rows, run_pieces

_FULL_SCALE = 10.0  # in units of the expected signal; e^-10 of a speckle is brighter


class Camera(BaseEstimator):
    """Camera with shot noise, read noise, saturation and quantisation, all off by default.

    The intensity I of a mode gives the signal s = I * exposure. The camera counts
    photons of it, adds its read noise, and rounds to its bits, saturating at s = 10. What
    it reads is divided by the exposure again, so it is an intensity.

    Parameters
    ----------
    bits : int, default=None
        Bits of a reading, 1 to 16: signals 0 to 10 map to counts 0 to 2^bits - 1, signals
        outside are clipped. None neither rounds nor saturates.
    exposure : "auto" or float, default="auto"
        Signal per unit of intensity. "auto" exposes each frame for a mean signal of 1, by
        the intensity expected from the light that is sent in, and so reads a row alike
        whatever rows come with it. Fully developed speckle then saturates with
        probability exp(-10).
    photons : float, default=None
        Mean number of photons detected at signal 1; their number is Poisson distributed.
        None is the limit of bright light: no shot noise.
    read_noise : float, default=0.0
        Standard deviation of the Gaussian read noise in units of signal: 5 electrons at
        500 photons are 0.01.
    random_state : int, default=None
        Seed of the noise. None means 0 for a camera used on its own, and the device's
        seed inside an `OPU`.

    Notes
    -----
    Noise depends on the seed, the content of the row and the number of the exposure:
    reading the same rows again, in any order, type or batch, gives the same noise, and
    ``repeat`` gives fresh frames.

    References
    ----------
    .. [1] J. W. Goodman, "Speckle Phenomena in Optics", Roberts,
        2007.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.optics import Camera
    >>> intensity = np.array([[0.0, 0.5, 1.0, 30.0]])
    >>> Camera(bits=8, exposure=1.0).read(intensity, counts=True)
    array([[  0,  13,  26, 255]], dtype=uint16)
    >>> Camera(bits=8, exposure=1.0).read(intensity).round(2)
    array([[ 0.  ,  0.51,  1.02, 10.  ]])
    """

    def __init__(self, bits=None, exposure="auto", photons=None, read_noise=0.0, random_state=None):
        self.bits = bits
        self.exposure = exposure
        self.photons = photons
        self.read_noise = read_noise
        self.random_state = random_state

    def read(self, intensity, *, counts=False, repeat=1):
        """Take frames of given intensities.

        Parameters
        ----------
        intensity : array-like of shape (n_frames, n_modes)
            Non-negative intensities, one frame a row.
        counts : bool, default=False
            Whether to return camera counts instead of intensities.
        repeat : int, default=1
            Number of exposures of each frame to average.

        Returns
        -------
        reading : ndarray of shape (n_frames, n_modes)
            In units of intensity and the float type of the input, or in counts: uint16, or
            float64 when averaged. ``exposure="auto"`` expects the mean of each row.

        Raises
        ------
        ValueError
            If intensities are negative or not finite, a parameter is out of range, or
            counts are asked of a camera without bits.
        """
        self._check()
        intensity, repeat = check_rows(intensity), check_count(repeat, "repeat")
        if scipy.sparse.issparse(intensity):
            intensity = intensity.toarray()
        xp = namespace(intensity)
        if xp.min(intensity) < 0:
            raise ValueError("Intensities cannot be negative: square amplitudes first.")
        if counts and self.bits is None:
            raise ValueError(
                "A camera without bits has no counts. Set bits, for example Camera(bits=8)."
            )
        expected = xp.sum(intensity, axis=1, dtype=xp.float64) / intensity.shape[1]
        return self._read(intensity, expected, self._keys(intensity), 0, repeat, None, counts)

    @property
    def _is_ideal(self):
        return self.bits is None and not self._is_noisy

    @property
    def _is_noisy(self):
        return self.photons is not None or self.read_noise > 0

    def _keys(self, X):
        """What the noise of each row of X is keyed by."""
        return row_keys(to_numpy(X)) if self._is_noisy else [None] * X.shape[0]

    def _check(self):
        if self.bits is not None and check_count(self.bits, "bits of Camera") > 16:
            raise ValueError(f"bits of Camera must be 1 to 16 or None, got {self.bits!r}.")
        if self.exposure != "auto" and not _is_positive(self.exposure):
            raise ValueError(
                f'exposure of Camera must be "auto" or a positive number, got {self.exposure!r}.'
            )
        if self.photons is not None and not (_is_positive(self.photons) and self.photons <= 1e12):
            raise ValueError(
                "photons of Camera must be a positive number of at most 1e12, or None for "
                f"no shot noise, got {self.photons!r}."
            )
        if self.read_noise != 0 and not _is_positive(self.read_noise):
            raise ValueError(
                f"read_noise of Camera must be a non-negative number, got {self.read_noise!r}."
            )
        check_seed(self.random_state, "Camera")

    def _read(self, intensity, expected, keys, first_exposure, repeat, seed, counts=False):
        """Mean of repeat exposures of each row, whose mean intensity is expected."""
        seed = check_seed(self.random_state if self.random_state is not None else seed, "Camera")
        expected = to_numpy(expected).astype(np.float64, copy=False)
        if self.exposure == "auto":
            # A dark row needs no exposure: its readings are all 0.
            lit = expected > np.finfo(np.float64).tiny
            gain = np.divide(1, expected, out=np.zeros_like(expected), where=lit)
        else:
            gain = np.full_like(expected, self.exposure)
        unit = np.divide(1, gain, out=np.zeros_like(gain), where=gain > 0)
        if counts:
            unit[:] = (2**self.bits - 1) / _FULL_SCALE
        if is_foreign(intensity):
            if not (self._is_noisy or counts):
                return self._count(intensity, gain, unit)
            arguments = expected, keys, first_exposure, repeat, seed, counts
            return like(self._read(to_numpy(intensity), *arguments), intensity)
        reading = np.empty(intensity.shape, np.float64 if counts else intensity.dtype)

        def expose(row):
            signal = intensity[row] * gain[row]
            total = 0.0
            for exposure in range(first_exposure, first_exposure + repeat):
                total = total + self._detect(signal, seed, keys[row], exposure)
            reading[row] = total * (unit[row] / repeat)

        run_pieces(expose, range(len(intensity)))
        return np.rint(reading).astype(np.uint16) if counts and repeat == 1 else reading

    def _count(self, intensity, gain, unit):
        """What a camera without noise reads of arrays of any library, in their precision."""
        if self.bits is None:
            return intensity
        xp, largest = namespace(intensity), 2**self.bits - 1
        step, dtype = _FULL_SCALE / largest, numpy_dtype(intensity)
        # Few passes over memory, which are all that this costs.
        gain, unit = (
            like(factor.astype(dtype)[:, None], intensity) for factor in (gain / step, unit * step)
        )
        counts = xp.round(xp.clip(intensity * gain, 0, largest))
        counts *= unit
        return counts

    def _detect(self, signal, seed, key, exposure):
        """One exposure of one frame, in units of signal."""

        def generator(noise):  # one each, so that the noise of a mode has no use for n
            return np.random.Generator(bit_generator(seed, noise, key, exposure))

        if self.photons is not None:
            if signal.max() * self.photons > 1e18:
                raise ValueError(
                    f"{signal.max() * self.photons:.1g} photons are expected in a mode, more "
                    "than can be counted. Lower photons or exposure of Camera, or leave "
                    "photons=None, since such light has no visible shot noise."
                )
            signal = generator("shot").poisson(signal * self.photons) / self.photons
        if self.read_noise:
            signal = signal + self.read_noise * generator("read").standard_normal(len(signal))
        if self.bits is not None:
            step = _FULL_SCALE / (2**self.bits - 1)
            signal = np.rint(np.clip(signal, 0, _FULL_SCALE) / step) * step
        return signal


def row_keys(X):
    """An integer for the content of each row: equal for equal values, however stored."""
    keys = []
    for row in range(X.shape[0]):
        if scipy.sparse.issparse(X):
            stored = slice(X.indptr[row], X.indptr[row + 1])
            kept = np.flatnonzero(X.data[stored])
            where, values = X.indices[stored][kept], X.data[stored][kept]
        else:
            where = np.flatnonzero(X[row])
            values = X[row][where]
        digest = hashlib.blake2b(where.astype("<i8").tobytes(), digest_size=16)
        digest.update(values.astype("<f8").tobytes())
        keys.append(int.from_bytes(digest.digest(), "big"))
    return keys


def _is_positive(value):
    return (
        isinstance(value, numbers.Real) and not isinstance(value, bool) and 0 < value < float("inf")
    )
