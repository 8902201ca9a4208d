"""Flaws of a camera's sensor, which differ from pixel to pixel but not from frame to frame."""

import math

import numpy as np

from ..._utils.checks import check_not_negative, check_seed
from ..._utils.streams import bit_generator, circular_gaussian, raw_bytes
from ..camera_effects import FULL_SCALE, CameraEffect


class _FixedEffect(CameraEffect):
    """An effect that is the same in each exposure, so that frames need not come one by one."""

    def apply_frames(self, signals, generators):
        return self.apply(signals, None)


class DarkLevel(_FixedEffect):
    """What the sensor reads in the dark, if it is not subtracted.

    Read more in the :doc:`user guide </user_guide/device>`.

    Parameters
    ----------
    level : float, default=0.3
        The level in units of signal: with ``exposure="auto"``, 1 is the mean of a frame and 10 is
        full scale.

    See Also
    --------
    skopu.optics.flaws.PixelGain : Pixels of unequal sensitivity.
    skopu.Camera : Takes it as one of its ``effects``.

    Notes
    -----
    The level is a constant. It has no shot noise of its own, which dark current and light in the
    room have.

    It is added after shot and read noise. A level of a few standard deviations of the read noise
    keeps ``Camera(bits=...)`` from cutting negative noise off at 0. Readings then contain the level
    divided by the exposure: subtract it.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.optics import Camera
    >>> from skopu.optics.flaws import DarkLevel
    >>> Camera(exposure=1.0, effects=[DarkLevel(0.5)]).read(np.array([[0.0, 1.0]]))
    array([[0.5, 1.5]])
    """

    def __init__(self, level=0.3):
        self.level = level

    def check(self):
        """Raise ValueError unless ``level`` is within the scale of the camera."""
        check_not_negative(self.level, "level of DarkLevel", FULL_SCALE)

    def apply(self, signal, generator):
        """Add the level.

        Parameters
        ----------
        signal : ndarray of shape (..., n_modes), float64
            Signal.
        generator : None
            Not used.

        Returns
        -------
        signal : ndarray of shape (..., n_modes)
            A new array.
        """
        return signal + self.level


class PixelGain(_FixedEffect):
    """Pixels of unequal sensitivity (photo response non-uniformity).

    Read more in the :doc:`user guide </user_guide/device>`.

    Parameters
    ----------
    spread : float, default=0.02
        Standard deviation of the gain, whose mean is 1.
    random_state : int, default=0
        Seed of the sensor.

    See Also
    --------
    skopu.optics.flaws.DefectivePixels : Hot and dead pixels.
    skopu.Camera : Takes it as one of its ``effects``.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.optics import Camera
    >>> from skopu.optics.flaws import PixelGain
    >>> Camera(exposure=1.0, effects=[PixelGain(0.1)]).read(np.ones((1, 3))).round(2)
    array([[1.04, 1.21, 0.77]])
    """

    def __init__(self, spread=0.02, random_state=0):
        self.spread = spread
        self.random_state = random_state

    def check(self):
        """Raise ValueError unless ``spread`` is from 0 to below 1, and ``random_state`` a seed."""
        check_not_negative(self.spread, "spread of PixelGain", 1)
        check_seed(self.random_state, "PixelGain")

    def apply(self, signal, generator):
        """Multiply by the gains.

        Parameters
        ----------
        signal : ndarray of shape (..., n_modes), float64
            Signal.
        generator : None
            Not used.

        Returns
        -------
        signal : ndarray of shape (..., n_modes)
            A new array.
        """
        bits = bit_generator(check_seed(self.random_state, "PixelGain"), "gain")
        numbers = circular_gaussian(raw_bytes(bits, 4 * signal.shape[-1]), np.complex128)
        return signal * np.maximum(1 + self.spread * math.sqrt(2) * numbers.real, 0)


class Nonlinearity(_FixedEffect):
    """A sensor that reads bright light too low.

    Signal s is read as s (1 - strength s / 10), so full scale loses a share of ``strength``.

    Read more in the :doc:`user guide </user_guide/device>`.

    Parameters
    ----------
    strength : float, default=0.05
        Loss at full scale, below one half: from there on, brighter light would read lower.

    See Also
    --------
    skopu.optics.flaws.DarkLevel : What the sensor reads in the dark.
    skopu.Camera : Takes it as one of its ``effects``.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.optics import Camera
    >>> from skopu.optics.flaws import Nonlinearity
    >>> Camera(exposure=1.0, effects=[Nonlinearity(0.1)]).read(np.array([[1.0, 10.0]]))
    array([[0.99, 9.  ]])
    """

    def __init__(self, strength=0.05):
        self.strength = strength

    def check(self):
        """Raise ValueError unless ``strength`` is from 0 to below one half."""
        check_not_negative(self.strength, "strength of Nonlinearity", 0.5)

    def apply(self, signal, generator):
        """Bend the response.

        Parameters
        ----------
        signal : ndarray of shape (..., n_modes), float64
            Signal.
        generator : None
            Not used.

        Returns
        -------
        signal : ndarray of shape (..., n_modes)
            A new array.
        """
        # Beyond full scale, where the parabola would turn, the sensor is saturated.
        signal = np.minimum(signal, FULL_SCALE)
        return signal * (1 - self.strength * signal / FULL_SCALE)


class DefectivePixels(_FixedEffect):
    """Pixels that always read full scale (hot) or never see light (dead).

    Read more in the :doc:`user guide </user_guide/device>`.

    Parameters
    ----------
    hot, dead : float, default=0.001
        Share of pixels of each kind.
    random_state : int, default=0
        Seed of the sensor.

    See Also
    --------
    skopu.optics.flaws.PixelGain : Pixels of unequal sensitivity.
    skopu.Camera : Takes it as one of its ``effects``.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.optics import Camera
    >>> from skopu.optics.flaws import DefectivePixels
    >>> camera = Camera(exposure=1.0, effects=[DefectivePixels(hot=0.2, dead=0.3)])
    >>> readings = camera.read(np.ones((1, 10_000)))
    >>> [round(float((readings == value).mean()), 1) for value in (10, 1, 0)]
    [0.2, 0.5, 0.3]
    """

    def __init__(self, hot=0.001, dead=0.001, random_state=0):
        self.hot = hot
        self.dead = dead
        self.random_state = random_state

    def check(self):
        """Raise ValueError unless both are shares that add up to at most 1."""
        hot = check_not_negative(self.hot, "hot of DefectivePixels", 1)
        dead = check_not_negative(self.dead, "dead of DefectivePixels", 1)
        if hot + dead > 1:
            raise ValueError(f"hot={hot:g} and dead={dead:g} of DefectivePixels exceed 1 together.")
        check_seed(self.random_state, "DefectivePixels")

    def apply(self, signal, generator):
        """Set hot and dead pixels.

        Parameters
        ----------
        signal : ndarray of shape (..., n_modes), float64
            Signal.
        generator : None
            Not used.

        Returns
        -------
        signal : ndarray of shape (..., n_modes)
            A new array.
        """
        bits = bit_generator(check_seed(self.random_state, "DefectivePixels"), "dead")
        drawn = bits.random_raw(signal.shape[-1]) * 2.0**-64
        changed = np.where(drawn < self.dead, 0.0, signal)
        return np.where(drawn >= 1 - self.hot, FULL_SCALE, changed)
