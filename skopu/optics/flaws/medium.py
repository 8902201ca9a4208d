"""A medium around another one."""

import copy

from ..._utils.arrays import backend_of, numpy_dtype, working_rows
from ..._utils.default_parts import DefaultPartsMixin
from ..._utils.threads import pieces
from ..device import n_modes_of, write_piece
from ..layered import LayeredMedium
from ..medium import Medium, whole_field

_ENTRY_BYTES = 16


class FlawedMedium(DefaultPartsMixin, Medium):
    """Base class of the flaws of a medium: a medium that wraps another one.

    A flaw of your own overrides `field_of`, which returns the changed field of a few rows, and
    `matrix_block` to match.

    Read more in the :doc:`user guide </user_guide/device>`.

    Parameters
    ----------
    medium : Medium, default=None
        The medium it wraps. None means ``LayeredMedium()``.

    See Also
    --------
    skopu.optics.Medium : Base class of all media.
    skopu.optics.flaws.UnscatteredLight : A flaw of the glass.
    skopu.optics.flaws.Crosstalk : A flaw of the modulator.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.optics import OPU
    >>> from skopu.optics.flaws import FlawedMedium
    >>> class Blocked(FlawedMedium):
    ...     "Every other mode is covered."
    ...
    ...     def field_of(self, X, n, *, start, seed):
    ...         field = super().field_of(X, n, start=start, seed=seed)
    ...         field[:, (start + 1) % 2 :: 2] = 0
    ...         return field
    >>> OPU(Blocked()).intensity(np.ones((1, 5)), 4).round(1)
    array([[1.9, 0. , 6.1, 0. ]])
    """

    def __init__(self, medium=None):
        self.medium = medium

    def field_of(self, X, n, *, start, seed):
        """Field of a few rows; that of the wrapped medium, unless a flaw changes it.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs)
            Checked rows of float32 or float64, or an array of another library.
        n : int
            Number of output modes.
        start : int
            First output mode.
        seed : int or None
            Seed of the device.

        Returns
        -------
        field : ndarray of shape (n_samples, n), complex64 or complex128
            A new array.
        """
        return whole_field(self.inner(), X, n, start=start, seed=seed)

    def matrix_block(self, n_inputs, inputs, modes, *, dtype, seed):
        """Block of the transposed matrix; that of the wrapped medium, unless a flaw changes it.

        Parameters
        ----------
        n_inputs, inputs, modes, dtype, seed
            See `Medium.matrix_block`.

        Returns
        -------
        block : ndarray of shape (n_chosen_inputs, n_chosen_modes)
            An array of that dtype.
        """
        return self.inner().matrix_block(n_inputs, inputs, modes, dtype=dtype, seed=seed)

    def inner(self):
        """The medium that this one wraps.

        Returns
        -------
        medium : Medium
            The default one if ``medium`` is None.

        Raises
        ------
        ValueError
            If ``medium`` is not a Medium.
        """
        medium = LayeredMedium() if self.medium is None else self.medium
        if not isinstance(medium, Medium):
            raise ValueError(f"medium of {type(self).__name__} must be a Medium, got {medium!r}.")
        return medium

    def coherent_parts(self):
        """Media whose intensities a camera averages: one, unless light is incoherent.

        Returns
        -------
        parts : list of Medium
            This medium wrapped around each part of the inner one.
        """
        inner = self.inner()
        parts = inner.coherent_parts() if isinstance(inner, FlawedMedium) else [inner]
        return [self] if len(parts) == 1 else [self._around(part) for part in parts]

    def read(self, X, kind, out, *, finish=None, seed=None):
        """Send rows through the medium and write what an ideal camera reads.

        Parameters
        ----------
        X, kind, out, finish, seed
            See `Medium.read`.
        """
        self.check(X.shape[1], n_modes_of(out.shape[1], kind))
        parts = self.coherent_parts() if kind == "intensity" else [self]
        if len(parts) == 1:
            self._read_coherent(X, kind, out, finish, seed)
            return
        n, backend = out.shape[1], backend_of(X)
        for rows in pieces(X.shape[0], working_rows(2 * _ENTRY_BYTES * max(n, X.shape[1]))):
            light, total = X[rows, :], 0.0
            for part in parts:
                reading = backend.empty((light.shape[0], n), numpy_dtype(X))
                part.read(light, kind, reading, seed=seed)
                total = total + reading / len(parts)
            write_piece(out[rows, :], total, slice(0, n), finish)

    def _read_coherent(self, X, kind, out, finish, seed):
        super().read(X, kind, out, finish=finish, seed=seed)

    def _around(self, medium):
        around = copy.copy(self)
        around.medium = medium
        return around

    def propagate(self, X, n, consume, *, start=0, seed=None):
        """Send rows through the medium and pass on their field piece by piece.

        Parameters
        ----------
        X, n, consume, start, seed
            See `Medium.propagate`.
        """
        self.check(X.shape[1], start + n)
        for rows in pieces(X.shape[0], working_rows(_ENTRY_BYTES * max(n, X.shape[1]))):
            field = self.field_of(X[rows, :], n, start=start, seed=seed)
            consume(rows, slice(0, n), field)

    def check(self, n_inputs, n_modes):
        """Check all parameters and the size of the wrapped medium.

        Parameters
        ----------
        n_inputs : int
            Number of input modes used.
        n_modes : int
            Number of output modes read.

        Raises
        ------
        ValueError
            If a parameter is wrong, or the medium has fewer inputs or modes.
        """
        self._check_flaw(n_inputs)
        self.inner().check(n_inputs, self._modes_inside(n_modes))

    def block_size(self, n_inputs):
        """Number of neighbouring modes of the wrapped medium that are orthogonal.

        Parameters
        ----------
        n_inputs : int
            Number of input modes.

        Returns
        -------
        block_size : int
            1 if none are.
        """
        return self.inner().block_size(n_inputs)

    def mode_spacing(self, n_inputs):
        """Distance at which modes of the wrapped medium become independent.

        Parameters
        ----------
        n_inputs : int
            Number of input modes.

        Returns
        -------
        spacing : int
            1 if all are.
        """
        return self.inner().mode_spacing(n_inputs)

    @property
    def is_coherent(self):
        """Whether an intensity is the squared modulus of one field."""
        return self.inner().is_coherent

    @property
    def is_steady(self):
        """Whether a row always has the same field."""
        return self.inner().is_steady

    def mean_power(self):
        """Mean squared modulus of the entries of the matrix.

        Returns
        -------
        mean_power : float
            That of the wrapped medium: flaws neither add nor remove light.
        """
        return self.inner().mean_power()

    def mean_intensity(self, X):
        """Mean intensity over modes that rows produce.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs)
            Checked rows.

        Returns
        -------
        mean_intensity : ndarray of shape (n_samples,)
            That of the wrapped medium.
        """
        return self.inner().mean_intensity(X)

    def glass_seed(self, default=None):
        """Seed that names the wrapped glass.

        Parameters
        ----------
        default : int, default=None
            Seed of the device that the medium is part of.

        Returns
        -------
        seed : int
            See `Medium.glass_seed`.
        """
        return self.inner().glass_seed(default)

    def _check_flaw(self, n_inputs):
        """Raise ValueError where a parameter of the flaw is wrong."""

    def _modes_inside(self, n_modes):
        """Number of modes of the medium inside that so many take."""
        return n_modes

    def _default_parts(self):
        return {"medium": LayeredMedium}


def check_inside(medium, flaws, advice):
    """Raise ValueError where certain flaws are inside of a medium."""
    inside = medium.inner()
    while isinstance(inside, FlawedMedium):
        if isinstance(inside, flaws):
            raise ValueError(
                f"{type(inside).__name__} cannot be inside {type(medium).__name__}: {advice}"
            )
        inside = inside.inner()
