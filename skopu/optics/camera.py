"""The camera: from light intensity to what is read out."""

import numbers

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator

from .._utils.arrays import backend_of, namespace, numpy_dtype
from .._utils.checks import check_count, check_positive, check_returned, check_rows, check_seed
from .._utils.streams import Generators, row_keys
from .._utils.threads import pieces, run_pieces
from .camera_effects import FULL_SCALE, CameraEffect, Quantisation, ReadNoise, ShotNoise

_PIECE = 2**15  # readings that a thread makes in one go


class Camera(BaseEstimator):
    """Camera with shot noise, read noise, saturation and quantisation, all off by default.

    The intensity I of a mode gives the signal s = I * exposure. The camera counts its
    photons, adds read noise, and rounds to its bits, saturating at s = 10. The result is divided
    by the exposure, so a reading is again an intensity [1]_.

    Read more in the :doc:`user guide </user_guide/device>`.

    Parameters
    ----------
    bits : int, default=None
        Bits of a reading, 1 to 16: signals 0 to 10 map to counts 0 to 2^bits - 1, signals
        outside are clipped. None neither rounds nor saturates.
    exposure : "auto" or float, default="auto"
        Signal per unit of intensity. "auto" exposes each frame for a mean signal of 1, given
        the light sent in, so the reading of a row does not depend on the rows around it. Fully
        developed speckle then saturates with probability exp(-10).
    photons : float, default=None
        Mean number of photons detected at signal 1; the number is Poisson distributed. None is
        the limit of bright light: no shot noise.
    read_noise : float, default=0.0
        Standard deviation of the Gaussian read noise in units of signal: 5 electrons at
        500 photons are 0.01.
    effects : sequence of CameraEffect, default=()
        Further effects on the signal, in this order, after shot and read noise and before
        rounding to bits.
    random_state : int, default=None
        Seed of the noise. None means 0 for a camera used on its own, and the device's
        seed inside an `OPU`.

    See Also
    --------
    OPU : The device that a camera belongs to.
    skopu.optics.CameraEffect : Base class of further effects.
    skopu.optics.flaws.DarkLevel : A sensor that does not read zero in the dark.
    SpeckleDisplay : Readings drawn as an image.

    Notes
    -----
    Noise depends on the seed, the content of the row and the number of the exposure. The same rows
    get the same noise again, in any order, dtype or batch; ``repeat`` takes new frames.

    With ``bits``, signals below 0 read as 0. Without a black level, that cuts off half of the read
    noise of dark modes, whose mean is then too high. A `DarkLevel` among the effects prevents it,
    and is to be subtracted from the readings.

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

    def __init__(
        self,
        bits=None,
        exposure="auto",
        photons=None,
        read_noise=0.0,
        effects=(),
        random_state=None,
    ):
        self.bits = bits
        self.exposure = exposure
        self.photons = photons
        self.read_noise = read_noise
        self.effects = effects
        self.random_state = random_state

    def read(self, intensity, *, counts=False, repeat=1):
        """Take frames of given intensities.

        Parameters
        ----------
        intensity : array-like of shape (n_frames, n_modes)
            Non-negative intensities, one frame per row.
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
            counts are requested from a camera without bits.
        """
        self.check()
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
        keys = self.keys_of(intensity)
        return self.read_frames(intensity, expected, keys, repeat=repeat, counts=counts)

    @property
    def is_ideal(self):
        """Whether readings equal the intensities."""
        return self.bits is None and not self.is_random and not self.effects

    @property
    def is_random(self):
        """Whether each exposure differs."""
        return any(effect.is_random for effect, _ in self._chain())

    def check(self):
        """Check all parameters.

        Raises
        ------
        ValueError
            If one of them is out of range.
        """
        if not (isinstance(self.exposure, str) and self.exposure == "auto"):
            check_positive(self.exposure, "exposure of Camera", instead=' or "auto"')
        effects = self.effects
        if not isinstance(effects, list | tuple) or not all(
            isinstance(effect, CameraEffect) for effect in effects
        ):
            raise ValueError(
                f"effects of Camera must be a list of CameraEffect objects, got {effects!r}."
            )
        for effect, _ in self._chain():
            effect.check()
        check_seed(self.random_state, "Camera")

    def keys_of(self, X):
        """Keys of the noise of each row: its content.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_frames, n_columns)
            Rows that the frames show.

        Returns
        -------
        keys : list of int or None
            One for each row; None for a camera without noise.
        """
        return row_keys(backend_of(X).to_numpy(X)) if self.is_random else [None] * X.shape[0]

    def read_frames(
        self, intensity, expected, keys, *, first_exposure=0, repeat=1, seed=None, counts=False
    ):
        """Read frames of known mean intensity; `read` takes the mean of each row.

        Parameters
        ----------
        intensity : ndarray of shape (n_frames, n_modes)
            Checked intensities; of any library.
        expected : ndarray of shape (n_frames,)
            Mean intensity for ``exposure="auto"``.
        keys : list of int or None
            Keys of the noise of each frame, see `keys_of`.
        first_exposure : int, default=0
            Number of the first exposure; each number has its own noise.
        repeat : int, default=1
            Number of exposures of each frame to average.
        seed : int, default=None
            Seed of the device, used if the camera has no ``random_state``.
        counts : bool, default=False
            Whether to return camera counts instead of intensities.

        Returns
        -------
        reading : ndarray of shape (n_frames, n_modes)
            See `read`.
        """
        seed = check_seed(self.random_state if self.random_state is not None else seed, "Camera")
        backend = backend_of(intensity)
        expected = backend.to_numpy(expected).astype(np.float64, copy=False)
        if self.exposure == "auto":
            # A dark row needs no exposure: its readings are all 0.
            lit = expected > np.finfo(np.float64).tiny
            gain = np.divide(1, expected, out=np.zeros_like(expected), where=lit)
        else:
            gain = np.full_like(expected, float(self.exposure))
        unit = np.divide(1, gain, out=np.zeros_like(gain), where=gain > 0)
        chain = self._chain()
        if counts:
            unit[:] = Quantisation(self.bits).largest / FULL_SCALE
        elif not backend.is_numpy and not self.is_random and not self.effects:
            return self._count(intensity, gain, unit)
        frames = backend.to_numpy(intensity)
        reading = np.empty(frames.shape, np.float64 if counts else frames.dtype)

        # Without noise, all exposures are equal.
        numbers = range(first_exposure, first_exposure + (repeat if self.is_random else 1))

        def expose(rows):
            generators = Generators(seed)
            signals = frames[rows] * gain[rows, None]
            signals.flags.writeable = False  # each exposure begins with them
            total = 0.0
            for exposure in numbers:
                total = total + _detect(chain, signals, generators, keys[rows], exposure)
            scale = unit[rows, None] / len(numbers)
            np.multiply(total, scale, out=reading[rows], casting="same_kind")

        run_pieces(expose, pieces(len(frames), max(1, _PIECE // frames.shape[1])))
        if counts and repeat == 1:
            reading = np.rint(reading).astype(np.uint16)
        return backend.asarray(reading)

    def _chain(self):
        """All that happens to the signal, in order, each with the name of its random stream."""
        chain = []
        if self.photons is not None:
            chain.append((ShotNoise(self.photons), ("shot",)))
        if not (isinstance(self.read_noise, numbers.Real) and self.read_noise == 0):
            chain.append((ReadNoise(self.read_noise), ("read",)))
        chain.extend((effect, ("efct", i)) for i, effect in enumerate(self.effects))
        if self.bits is not None:
            chain.append((Quantisation(self.bits), None))
        return chain

    def _count(self, intensity, gain, unit):
        """What a camera without noise reads of arrays of any library, in their precision."""
        if self.bits is None:
            return intensity
        backend, largest = backend_of(intensity), Quantisation(self.bits).largest
        step, dtype = FULL_SCALE / largest, numpy_dtype(intensity)
        # Few passes over memory, which are all that this costs.
        gain, unit = (
            backend.asarray(factor.astype(dtype)[:, None]) for factor in (gain / step, unit * step)
        )
        xp = backend.namespace
        counts = xp.round(xp.clip(intensity * gain, 0, largest))
        counts *= unit
        return counts


def _detect(chain, signals, generators, keys, exposure):
    """One exposure of some frames, in units of signal."""
    for effect, stream in chain:
        generator_of = None
        if effect.is_random:  # one each, so that the noise of a mode has no use for n

            def generator_of(i, stream=stream):
                word, *path = stream
                return generators(word, keys[i], exposure, *path)

        who = f"{type(effect).__name__}.apply_frames"
        signals = check_returned(effect.apply_frames(signals, generator_of), signals.shape, who)
    return signals
