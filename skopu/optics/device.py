"""What an optical device must offer, be it simulated or on a laboratory's bench."""

import math

import numpy as np
from sklearn.base import BaseEstimator

from .._utils.arrays import backend_of, namespace, numpy_dtype
from .._utils.checks import check_count, check_out, check_rows, stored_values
from .._utils.threads import pieces

_READ_AT_ONCE = 2**22  # readings that are asked of a device in one call


class Device(BaseEstimator):
    """Base class of optical devices, simulated or real.

    A device of your own needs two methods, `intensity` and `linear`; every estimator and function
    then accepts it as ``opu``. Readings may come from anywhere: it needs no field, no seed and no
    pickling. Apart from noise, the same rows should give the same readings, and n readings should
    be the first n of any larger number.

    Estimators clone their device. If it holds a handle that cannot be copied, let its method
    ``__sklearn_clone__`` return the device itself.

    Read more in the :doc:`user guide </user_guide/device>`.

    Attributes
    ----------
    max_inputs, max_outputs : int or None
        Maximum number of input and output modes. None, the default, sets no limit.
    input_bits : int or None
        What can be shown: 1 for zeros and ones, more for integers, None (the default) for any
        value.

    See Also
    --------
    skopu.OPU : The simulated device.
    skopu.bench.BenchOPU : A device on real optics.

    Examples
    --------
    A bench played back from a stored matrix:

    >>> import numpy as np
    >>> from skopu import OpticalRandomFeatures
    >>> from skopu.optics import Device
    >>> class Playback(Device):
    ...     def __init__(self, matrix):
    ...         self.matrix = matrix  # complex, (n_outputs, n_inputs)
    ...
    ...     def intensity(self, X, n, *, repeat=1, first_exposure=0):
    ...         return abs(X @ self.matrix[:n].T) ** 2
    ...
    ...     def linear(self, X, n, *, repeat=1, first_exposure=0):
    ...         return np.sqrt(2) * (X @ self.matrix[:n].T).real
    >>> matrix = np.random.default_rng(0).normal(size=(50, 20, 2)) @ [1, 1j] / np.sqrt(2)
    >>> features = OpticalRandomFeatures(n=50, opu=Playback(matrix))
    >>> features.fit_transform(np.ones((3, 20))).shape
    (3, 50)
    """

    max_inputs = max_outputs = None
    input_bits = None

    def intensity(self, X, n, *, repeat=1, first_exposure=0):
        """Camera reading of the speckle of X; one of the two methods to write.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs)
            Rows of float32 or float64 that the device can show.
        n : int
            Number of output modes.
        repeat : int, default=1
            Number of exposures to average.
        first_exposure : int, default=0
            Number of the first exposure; each number has its own noise. For devices with
            repeatable noise, such as simulated ones.

        Returns
        -------
        intensity : ndarray of shape (n_samples, n)
            Readings with mean ``||x||^2`` over modes.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method intensity.")

    def linear(self, X, n, *, repeat=1, first_exposure=0):
        """Real random projections of X; the other method to write.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs)
            Rows of float32 or float64 that the device can show, with either sign.
        n : int
            Number of projections.
        repeat : int, default=1
            Number of exposures to average.
        first_exposure : int, default=0
            Number of the first exposure, see `intensity`.

        Returns
        -------
        projections : ndarray of shape (n_samples, n)
            Readings with mean 0 and variance ``||x||^2`` over modes.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method linear.")

    def check(self, n_inputs, n, kind):
        """Check all parameters and the size of the device.

        Parameters
        ----------
        n_inputs : int
            Number of inputs used.
        n : int
            Number of readings.
        kind : {"intensity", "linear"}
            Which readings to take.

        Raises
        ------
        ValueError
            If the device has too few inputs or outputs, or a parameter is wrong.
        """
        check_count(n, "n")
        self._check_limits(n_inputs, n)

    def _check_limits(self, n_inputs, n_modes):
        for asked, limit, side in (
            (n_inputs, self.max_inputs, "inputs"),
            (n_modes, self.max_outputs, "outputs"),
        ):
            if limit is not None and asked > check_count(
                limit, f"max_{side} of {type(self).__name__}"
            ):
                raise ValueError(
                    f"The device has {limit} {side}, {asked} were asked for. Ask for fewer, "
                    f"or set max_{side}=None."
                )

    def project(self, X, n, kind, *, finish=None, out=None, name="X", repeat=1, first_exposure=0):
        """Read checked rows; the method that estimators call.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs)
            Checked rows of float32 or float64, or an array of another library.
        n : int
            Number of readings of each row.
        kind : {"intensity", "linear"}
            Which readings to take.
        finish : callable, default=None
            ``finish(piece, outputs)`` turns a piece of the readings into the result,
            and may overwrite the piece; outputs is its slice of columns.
        out : ndarray of shape (n_samples, n), default=None
            Array to write to.
        name : str, default="X"
            Name of X in error messages.
        repeat : int, default=1
            Number of exposures to average.
        first_exposure : int, default=0
            Number of the first exposure, see `intensity`.

        Returns
        -------
        readings : ndarray of shape (n_samples, n)
            Readings in the dtype of X; ``out`` if it is given.

        Raises
        ------
        ValueError
            If the device has too few inputs or outputs, or returns the wrong kind of result.
        """
        self.check(X.shape[1], n, kind)
        result = new_result(X, n, out)
        options = {"repeat": repeat, "first_exposure": first_exposure}
        backend = backend_of(X)
        for rows in pieces(X.shape[0], max(1, _READ_AT_ONCE // max(n, X.shape[1]))):
            light = backend.to_numpy(X[rows, :])
            # A copy: what the device returns may be its own to keep.
            reading = np.array(getattr(self, kind)(light, n, **options), numpy_dtype(X))
            shape = rows.stop - rows.start, n
            if reading.shape != shape or not np.isfinite(reading).all():
                raise ValueError(
                    f"{type(self).__name__}.{kind} must return finite numbers of shape {shape} for "
                    f"{shape[0]} rows of {name}, got shape {reading.shape}."
                )
            write_piece(result[rows, :], backend.asarray(reading), slice(0, n), finish)
        return result

    def vjp(self, X, cotangents, kind):
        """Vector-Jacobian product of readings, for gradients with respect to X.

        Parameters
        ----------
        X : array of shape (n_samples, n_inputs)
            Rows that were read.
        cotangents : array of shape (n_samples, n)
            Derivatives of a scalar with respect to the readings; of the library and dtype of X.
        kind : {"intensity", "linear"}
            Which readings to take.

        Returns
        -------
        gradient : array of shape (n_samples, n_inputs)
            Derivatives of the same scalar with respect to X.

        Raises
        ------
        ValueError
            If the glass is known only through readings.
        """
        raise ValueError(
            f"A {type(self).__name__} is known only through its readings, which have no gradient. "
            "Stop gradients before it."
        )

    def exposures(self, n_samples, kind="intensity", *, signed=False, repeat=1):
        """Number of camera frames needed.

        Parameters
        ----------
        n_samples : int
            Number of rows.
        kind : {"intensity", "linear"}, default="intensity"
            Which reading to take.
        signed : bool, default=False
            Whether rows have negative values.
        repeat : int, default=1
            Number of exposures to average.

        Returns
        -------
        n_frames : int
            For all rows together: one per row, unless a device overrides this.
        """
        return n_samples * repeat

    def block_size(self, n_inputs):
        """Number of neighbouring modes that are orthogonal to each other.

        Parameters
        ----------
        n_inputs : int
            Number of input modes.

        Returns
        -------
        block_size : int
            1 unless a device overrides this: modes are independent.
        """
        return 1

    def with_independent_modes(self, n_inputs, n):
        """The device, read only at independent modes.

        Parameters
        ----------
        n_inputs : int
            Number of input modes.
        n : int
            Number of linear projections needed.

        Returns
        -------
        device : Device
            This device, if its neighbouring modes are independent.
        """
        return self

    def without_noise(self):
        """The same glass without noise: the reference for ``feedback="dense"`` in networks.

        Returns
        -------
        device : Device
            By default there is none.

        Raises
        ------
        ValueError
            If the glass is known only through readings.
        """
        raise ValueError(
            f'A {type(self).__name__} is known only through its readings: set feedback="optical" '
            "to use them."
        )

    def glass_seed(self):
        """Integer that names the glass.

        Returns
        -------
        seed : int
            0 if the device has none.
        """
        return 0


def new_result(X, n, out=None):
    """A new array for n readings of each row of X, or out, if it is given, checked."""
    if out is not None:
        return check_out(out, X, n)
    return backend_of(X).empty((X.shape[0], n), numpy_dtype(X))


def write_piece(view, piece, outputs, finish):
    """Put what finish makes of readings of some outputs into a view, unless it lies there."""
    if finish is not None:
        piece = finish(piece, outputs)
    if piece is not view:
        view[...] = backend_of(view).as_type(piece, numpy_dtype(view))


def n_modes_of(n, kind):
    """Number of modes that n readings take: two projections are read from one."""
    return n if kind == "intensity" else math.ceil(n / 2)


def outputs_of(modes, kind, n):
    """Slice of the n readings that are read from a slice of modes."""
    return modes if kind == "intensity" else slice(2 * modes.start, min(2 * modes.stop, n))


def project_rows(opu, rows, n, name, first_exposure=0):
    """Random projections of rows, which are not all dark unless the rows are all zero."""
    return project_checked_rows(opu, check_rows(rows, name), n, name, first_exposure)


def project_checked_rows(opu, rows, n, name, first_exposure=0):
    """`project_rows` of finite float32 or float64, of any library."""
    projections = opu.project(rows, n, "linear", name=name, first_exposure=first_exposure)
    xp = namespace(projections)
    if xp.any(stored_values(rows)) and not xp.any(projections):
        raise ValueError(
            f"The device reads nothing but zeros of {name}: {opu!r} is too coarse. "
            "Give it more bits, or a longer exposure."
        )
    return projections
