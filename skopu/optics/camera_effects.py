"""What a camera does to its signal, one effect after the other."""

import numpy as np
from sklearn.base import BaseEstimator

from .._utils.checks import check_count, check_positive, check_returned

FULL_SCALE = 10.0  # in units of the expected signal; e^-10 of a speckle is brighter


class CameraEffect(BaseEstimator):
    """Base class of the effects of a camera on its signal.

    An effect of your own needs one method, `apply`. Pass it as ``Camera(effects=[MyEffect()])``.

    Read more in the :doc:`user guide </user_guide/device>`.

    Attributes
    ----------
    is_random : bool
        Whether each exposure differs: True if `apply` draws from its generator.

    See Also
    --------
    skopu.Camera : Applies effects.
    skopu.optics.flaws.PixelGain : An effect that differs from pixel to pixel.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.optics import Camera, CameraEffect
    >>> class DarkLevel(CameraEffect):
    ...     "A constant that the sensor adds."
    ...
    ...     def __init__(self, level=0.1):
    ...         self.level = level
    ...
    ...     def apply(self, signal, generator):
    ...         return signal + self.level
    >>> camera = Camera(exposure=1.0, effects=[DarkLevel(0.5)])
    >>> camera.read(np.array([[0.0, 1.0]]))
    array([[0.5, 1.5]])
    """

    is_random = False

    def check(self):
        """Raise ValueError if a parameter is out of range; nothing is checked by default."""

    def apply(self, signal, generator):
        """Change the signal of one exposure.

        Parameters
        ----------
        signal : ndarray of shape (n_modes,), float64
            Signal of each mode, in units of the expected one; read-only.
        generator : numpy.random.Generator or None
            Generator for this effect only, seeded by the content of the row and the number of the
            exposure; None if ``is_random`` is False.

        Returns
        -------
        signal : ndarray of shape (n_modes,)
            The changed signal, a new array.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method apply.")

    def apply_frames(self, signals, generators):
        """Change the signals of several frames; by default `apply` for each frame.

        Parameters
        ----------
        signals : ndarray of shape (n_frames, n_modes), float64
            Signals, read-only.
        generators : callable or None
            ``generators(i)`` is the generator of frame i; use it before asking for the next. None
            if ``is_random`` is False.

        Returns
        -------
        signals : ndarray of shape (n_frames, n_modes)
            The changed signals, a new array.
        """
        who, changed = f"{type(self).__name__}.apply", np.empty(signals.shape)
        for i, signal in enumerate(signals):
            frame = self.apply(signal, generators(i) if generators else None)
            changed[i] = check_returned(frame, signal.shape, who)
        return changed


class ShotNoise(CameraEffect):
    """Photons counted one by one: Poisson noise.

    Parameters
    ----------
    photons : float
        Mean number of photons detected at signal 1, at most 1e12.
    """

    is_random = True

    def __init__(self, photons):
        self.photons = photons

    def check(self):
        """Raise ValueError unless ``photons`` is a positive number of at most 1e12."""
        instead = ", or None for no shot noise"
        check_positive(self.photons, "photons of Camera", 1e12, instead)

    def apply_frames(self, signals, generators):
        """Draw the number of photons of each mode."""
        photons = float(self.photons)
        expected = signals * photons
        if (most := expected.max()) > 1e18:
            raise ValueError(
                f"{most:.1g} photons are expected in a mode, more than can be "
                "counted. Lower photons or exposure of Camera, or leave photons=None, since such "
                "light has no visible shot noise."
            )
        for i, frame in enumerate(expected):
            frame[:] = generators(i).poisson(frame)
        expected /= photons
        return expected


class ReadNoise(CameraEffect):
    """Gaussian noise of the electronics.

    Parameters
    ----------
    read_noise : float
        Standard deviation in units of signal.
    """

    is_random = True

    def __init__(self, read_noise):
        self.read_noise = read_noise

    def check(self):
        """Raise ValueError unless ``read_noise`` is a positive number."""
        check_positive(self.read_noise, "read_noise of Camera", instead=", or 0")

    def apply_frames(self, signals, generators):
        """Add the noise."""
        noise = np.empty(signals.shape)
        for i, frame in enumerate(noise):
            generators(i).standard_normal(out=frame)
        noise *= float(self.read_noise)
        noise += signals
        return noise


class Quantisation(CameraEffect):
    """Counts of a few bits, saturating at 10 times the expected signal.

    Parameters
    ----------
    bits : int
        1 to 16.
    """

    def __init__(self, bits):
        self.bits = bits

    @property
    def largest(self):
        """The largest count."""
        return 2 ** int(self.bits) - 1

    def check(self):
        """Raise ValueError unless ``bits`` is an integer from 1 to 16."""
        check_count(self.bits, "bits of Camera", 1, 16)

    def apply(self, signal, generator):
        """Round to counts, and saturate.

        Parameters
        ----------
        signal : ndarray of shape (n_modes,), float64
            Signal.
        generator : None
            Not used.

        Returns
        -------
        signal : ndarray of shape (n_modes,)
            The counts, in units of signal.
        """
        step = FULL_SCALE / self.largest
        counts = np.clip(signal, 0, FULL_SCALE)
        counts /= step
        np.rint(counts, out=counts)
        counts *= step
        return counts

    def apply_frames(self, signals, generators):
        """`apply` for several frames."""
        return self.apply(signals, None)
