"""Benches whose modulator and camera other libraries drive.

Each is given that library's own objects, so that nothing is imported here but where it is used.
"""

import numpy as np

from .._utils.checks import check_count
from .bench import Bench


class OpenWFSBench(Bench):
    """Bench with a phase modulator and a camera driven by OpenWFS.

    Read more in the :doc:`user guide </user_guide/bench>`.

    Parameters
    ----------
    slm : openwfs.PhaseSLM
        The modulator. It stretches an array of phases over its area.
    camera : openwfs.Detector
        The camera that sees the speckle.
    shape : tuple of two ints
        Rows and columns of inputs; each input is a group of pixels. Two neighbours in a row show
        one amplitude (see `Bench`), so the number of columns is even.
    full_scale : int, default=None
        Largest count of the camera. None uses its ``digital_max``, if it has one.
    timeout : float or None, default=30.0
        See `Bench`.

    See Also
    --------
    Bench : A bench of your own.
    BenchOPU : The device over a bench.
    SLMSuiteBench : A bench driven by slmsuite.
    ALP4Bench : A bench driven by ALP4lib.

    Notes
    -----
    The optics needs an aperture in the Fourier plane of the modulator, which makes one amplitude of
    each pair. If the camera has an ``exposure``, it is in seconds. OpenWFS makes detector and
    modulator wait for each other. No laboratory has run this yet; it is tested on the simulated
    devices of OpenWFS 1.1.

    Raises
    ------
    ValueError
        If ``shape`` is not a pair of positive integers with an even number of columns.

    Examples
    --------
    Stand-ins take the place of the hardware here:

    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> from skopu.bench import OpenWFSBench
    >>> slm = SimpleNamespace(set_phases=lambda phases: None)
    >>> camera = SimpleNamespace(read=lambda: np.ones((4, 6)))
    >>> bench = OpenWFSBench(slm, camera, shape=(8, 10), full_scale=255)
    >>> bench.take(np.zeros((1, bench.n_inputs), np.float32)).shape
    (1, 4, 6)
    """

    def __init__(self, slm, camera, shape, *, full_scale=None, timeout=30.0):
        self._slm, self._camera, self._shape = slm, camera, _check_shape(shape, phases=True)
        super().__init__(
            n_inputs=self._shape[0] * self._shape[1],
            modulation="phase",
            full_scale=getattr(camera, "digital_max", None) if full_scale is None else full_scale,
            set_exposure=self._set_exposure if hasattr(camera, "exposure") else None,
            timeout=timeout,
        )

    def show(self, patterns):
        """Show one pattern.

        Parameters
        ----------
        patterns : ndarray of shape (1, n_inputs)
            Phases in radians.
        """
        self._slm.set_phases(patterns.reshape(self._shape))

    def grab(self, n_frames):
        """Take one frame.

        Parameters
        ----------
        n_frames : int
            Always 1.

        Returns
        -------
        frames : ndarray of shape (1, height, width)
            Counts of the camera.
        """
        return self._camera.read()[None]

    def _set_exposure(self, seconds):
        import astropy.units as u

        self._camera.exposure = seconds * u.s


class SLMSuiteBench(Bench):
    """Bench with a phase modulator and a camera driven by slmsuite.

    Read more in the :doc:`user guide </user_guide/bench>`.

    Parameters
    ----------
    slm : slmsuite.hardware.slms.slm.SLM
        The modulator.
    camera : slmsuite.hardware.cameras.camera.Camera
        The camera that sees the speckle.
    shape : tuple of two ints
        Rows and columns of inputs; each input is a group of pixels. Pixels left over at the right
        and at the bottom are a chequerboard of +90 and -90 degrees, which is dark behind the
        aperture. Two neighbours in a row show one amplitude (see `Bench`), so the number of columns
        is even.
    exposure_range : tuple of two floats, default=(1e-6, 1.0)
        Shortest and longest exposure in seconds.
    timeout : float or None, default=30.0
        See `Bench`.

    See Also
    --------
    Bench : A bench of your own.
    BenchOPU : The device over a bench.
    OpenWFSBench : A bench driven by OpenWFS.
    ALP4Bench : A bench driven by ALP4lib.

    Notes
    -----
    The optics needs an aperture in the Fourier plane of the modulator, which makes one amplitude of
    each pair. The modulator settles for its own ``settle_time_s``, then a frame is taken. No
    laboratory has run this yet; it is tested on the simulated devices of slmsuite 0.5.

    Raises
    ------
    ValueError
        If ``shape`` is not a pair of positive integers with an even number of columns, or is larger
        than the modulator.

    Examples
    --------
    Stand-ins take the place of the hardware here:

    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> from skopu.bench import SLMSuiteBench
    >>> slm = SimpleNamespace(shape=(64, 80), set_phase=lambda phase, settle: None)
    >>> camera = SimpleNamespace(
    ...     bitresolution=256, set_exposure=print, get_image=lambda: np.ones((4, 6))
    ... )
    >>> bench = SLMSuiteBench(slm, camera, shape=(8, 10))
    >>> bench.take(np.zeros((1, bench.n_inputs), np.float32)).shape
    (1, 4, 6)
    """

    def __init__(self, slm, camera, shape, *, exposure_range=(1e-6, 1.0), timeout=30.0):
        shape = _check_shape(shape, phases=True)
        self._slm, self._camera, self._spread = slm, camera, _Spread(shape, slm.shape, np.pi / 2)
        super().__init__(
            n_inputs=shape[0] * shape[1],
            modulation="phase",
            full_scale=camera.bitresolution - 1,
            set_exposure=camera.set_exposure,
            exposure_range=exposure_range,
            timeout=timeout,
        )

    def show(self, patterns):
        """Show one pattern and let the modulator settle.

        Parameters
        ----------
        patterns : ndarray of shape (1, n_inputs)
            Phases in radians.
        """
        self._slm.set_phase(self._spread(patterns)[0], settle=True)

    def grab(self, n_frames):
        """Take one frame.

        Parameters
        ----------
        n_frames : int
            Always 1.

        Returns
        -------
        frames : ndarray of shape (1, height, width)
            Counts of the camera.
        """
        return np.asarray(self._camera.get_image())[None]


class ALP4Bench(Bench):
    """Bench with a mirror array driven by ALP4lib, and any camera that it triggers.

    Read more in the :doc:`user guide </user_guide/bench>`.

    Parameters
    ----------
    dmd : ALP4.ALP4
        The mirror array, initialised.
    record : callable
        ``record(n_frames, start)`` arms the camera for that many triggers, calls ``start()``, which
        runs the sequence once, and returns the frames.
    shape : tuple of two ints
        Rows and columns of inputs; each input is a group of mirrors. Mirrors left over at the right
        and at the bottom are off.
    batch_size : int, default=64
        Number of patterns in a sequence.
    picture_time : int, default=None
        Time from one picture to the next, in microseconds: longer than exposure and readout of the
        camera together. None leaves it to the array.
    full_scale : int, default=None
        See `Bench`.
    set_exposure : callable, default=None
        See `Bench`.
    exposure_range : tuple of two floats, default=(1e-6, 1.0)
        See `Bench`.
    timeout : float or None, default=30.0
        See `Bench`.

    See Also
    --------
    Bench : A bench of your own.
    BenchOPU : The device over a bench.
    OpenWFSBench : A bench driven by OpenWFS.
    SLMSuiteBench : A bench driven by slmsuite.

    Notes
    -----
    No laboratory has run this yet, and ALP4lib has no simulated device: it is tested with a
    stand-in written from its documentation.

    Raises
    ------
    ValueError
        If ``shape`` is not a pair of positive integers, or is larger than the array.

    Examples
    --------
    Stand-ins take the place of the hardware here:

    >>> import numpy as np
    >>> from unittest.mock import Mock
    >>> from skopu.bench import ALP4Bench
    >>> def record(n_frames, start):
    ...     start()
    ...     return np.ones((n_frames, 4, 6))
    >>> bench = ALP4Bench(Mock(nSizeX=1024, nSizeY=768), record, shape=(24, 32))
    >>> bench.take(np.zeros((3, bench.n_inputs), np.uint8)).shape
    (3, 4, 6)
    """

    def __init__(
        self,
        dmd,
        record,
        shape,
        *,
        batch_size=64,
        picture_time=None,
        full_scale=None,
        set_exposure=None,
        exposure_range=(1e-6, 1.0),
        timeout=30.0,
    ):
        if not callable(record):
            raise ValueError(f"record of ALP4Bench must be a function, got {record!r}.")
        self._dmd, self._record, self._picture_time = dmd, record, picture_time
        shape = _check_shape(shape)
        self._spread = _Spread(shape, (dmd.nSizeY, dmd.nSizeX))
        super().__init__(
            n_inputs=shape[0] * shape[1],
            batch_size=batch_size,
            full_scale=full_scale,
            set_exposure=set_exposure,
            exposure_range=exposure_range,
            timeout=timeout,
        )

    def show(self, patterns):
        """Load the patterns as a sequence.

        Parameters
        ----------
        patterns : ndarray of shape (n_patterns, n_inputs)
            Zeros and ones.
        """
        self._dmd.SeqAlloc(nbImg=len(patterns), bitDepth=1)
        try:
            self._dmd.SeqPut(imgData=(255 * self._spread(patterns)).ravel())
            if self._picture_time is not None:
                self._dmd.SetTiming(pictureTime=self._picture_time)
        except BaseException:
            self._dmd.FreeSeq()
            raise

    def grab(self, n_frames):
        """Record the sequence and free its memory.

        Parameters
        ----------
        n_frames : int
            Number of patterns shown.

        Returns
        -------
        frames : ndarray of shape (n_frames, height, width)
            The frames that ``record`` returns.
        """
        try:
            return self._record(n_frames, lambda: self._dmd.Run(loop=False))
        finally:
            self._dmd.Halt()
            self._dmd.FreeSeq()


class _Spread:
    """Patterns over a modulator's pixels: each input is a group of them.

    What is left over is a chequerboard of ``rest`` and its negative.
    """

    def __init__(self, shape, pixels, rest=0):
        self.shape, self.pixels = shape, tuple(pixels)
        self.group = tuple(have // want for have, want in zip(self.pixels, shape, strict=True))
        if 0 in self.group:
            raise ValueError(f"shape={shape} of a bench is larger than its modulator, {pixels}.")
        self._rest = rest * (-1) ** np.add.outer(*map(np.arange, self.pixels))

    def __call__(self, patterns):
        groups = patterns.reshape(len(patterns), *self.shape)
        groups = groups.repeat(self.group[0], axis=1).repeat(self.group[1], axis=2)
        spread = np.empty((len(patterns), *self.pixels), patterns.dtype)
        spread[:] = self._rest
        spread[:, : groups.shape[1], : groups.shape[2]] = groups
        return spread


def _check_shape(shape, phases=False):
    if not isinstance(shape, tuple | list) or len(shape) != 2:
        raise ValueError(f"shape of a bench must be rows and columns of inputs, got {shape!r}.")
    rows, columns = (check_count(length, "shape of a bench") for length in shape)
    if phases and columns % 2:
        raise ValueError(
            f"shape={shape!r} of a bench of phases has an odd number of columns: two neighbours "
            "show one amplitude."
        )
    return rows, columns
