"""Glass that does not stand still."""

import threading

import numpy as np

from ..._utils.arrays import backend_of, numpy_dtype
from ..._utils.checks import check_positive
from ..medium import whole_field
from .medium import FlawedMedium, check_inside

_OTHER_GLASS = 2**40  # modes further on; it is made of the same seed
_clocks = threading.Lock()


class Drift(FlawedMedium):
    """Glass that changes from frame to frame.

    **Readings depend on time.** Each row sent through is a frame. The clock of a new object or a
    clone starts at 0. The glass stands still during frames that ``repeat`` averages and during one
    hologram. As on an optical table, the same row is not transformed alike in different batches,
    which scikit-learn expects of transformers.

    Read more in the :doc:`user guide </user_guide/device>`.

    Parameters
    ----------
    medium : Medium, default=None
        The medium it wraps. None means ``LayeredMedium()``. It cannot be a `MeasuredMedium`, which
        has no other glass to drift to.
    rate : float, default=1e-5
        Angle in radians by which the field turns towards that of another glass in each frame.
        Fields k frames apart correlate as cos(rate * k), intensities as its square: their
        correlation has fallen to one half when rate * k is pi / 4, and after half a turn the first
        ones return.

    See Also
    --------
    skopu.optics.flaws.PartialCoherence : Glass that moves during a frame.
    skopu.bench.BenchReport : Its ``drift`` is that of a bench.

    Notes
    -----
    ``transmission_matrix`` is that of the glass at the start. There are no gradients.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.optics import OPU
    >>> from skopu.optics.flaws import Drift
    >>> opu, X = OPU(Drift(rate=0.002)), np.ones((301, 20))
    >>> readings = opu.intensity(X, 5000)
    >>> float(np.corrcoef(readings[0], readings[300])[0, 1].round(1))  # cos(0.6)^2
    0.7
    """

    is_steady = False

    def __init__(self, medium=None, rate=1e-5):
        self.medium = medium
        self.rate = rate

    def _check_flaw(self, n_inputs):
        check_positive(self.rate, "rate of Drift")
        check_inside(self, Drift, "both would turn to the same glass. Take one with a larger rate.")
        try:
            self.inner().check(n_inputs, _OTHER_GLASS + 1)
        except ValueError as error:
            raise ValueError(
                f"{self.inner()!r} has no other glass to drift to. Use a "
                "GaussianMedium or a LayeredMedium."
            ) from error

    def _modes_inside(self, n_modes):
        return _OTHER_GLASS + n_modes

    def read(self, X, kind, out, *, finish=None, seed=None):
        """Send rows through the medium and write what an ideal camera reads.

        Parameters
        ----------
        X, kind, out, finish, seed
            See `Medium.read`.
        """
        first = self.__dict__.get("_n_frames", 0)
        super().read(X, kind, out, finish=finish, seed=seed)
        self._n_frames = first + X.shape[0]  # also where copies of it have read parts of the light

    def field_of(self, X, n, *, start, seed):
        """Field of a few rows, which are the next frames.

        Parameters
        ----------
        X, n, start, seed
            See `FlawedMedium.field_of`.

        Returns
        -------
        field : ndarray of shape (n_samples, n), complex64 or complex128
            A new array.
        """
        with _clocks:
            first = self.__dict__.get("_n_frames", 0)
            self._n_frames = first + X.shape[0]
        backend, inner = backend_of(X), self.inner()
        angles = self.rate * np.arange(first, first + X.shape[0], dtype=np.float64)[:, None]
        now, other = (
            backend.asarray(part.astype(numpy_dtype(X)))
            for part in (np.cos(angles), np.sin(angles))
        )
        other_field = whole_field(inner, X, n, start=start + _OTHER_GLASS, seed=seed)
        return now * whole_field(inner, X, n, start=start, seed=seed) + other * other_field
