"""Light whose speckles do not all interfere."""

import numpy as np

from ..._utils.arrays import backend_of, numpy_dtype, working_rows
from ..._utils.checks import check_count
from ..._utils.threads import pieces
from ..device import write_piece
from ..medium import whole_field
from .medium import FlawedMedium


class PartialCoherence(FlawedMedium):
    """Speckle of lower contrast: each pixel sums several patterns that do not interfere.

    Without a polariser there are two, one per polarisation. A laser with some bandwidth gives more,
    one per colour, and so does glass that moves during a frame. The contrast is one over the square
    root of their number.

    Read more in the :doc:`user guide </user_guide/device>`.

    Parameters
    ----------
    medium : Medium, default=None
        The medium it wraps. None means ``LayeredMedium()``. Each pixel sums ``n_speckles`` of its
        modes.
    n_speckles : int, default=2
        Number of patterns.

    See Also
    --------
    skopu.optics.flaws.Grains : Grains larger than a pixel.
    skopu.optics.flaws.Drift : Glass that changes from frame to frame.

    Notes
    -----
    With N patterns, of contrast C = 1 / sqrt(N), the kernel of intensities is another: E[I(x) I(y)]
    = ||x||^2 ||y||^2 + C^2 (x . y)^2.

    Holography, and so linear projections, reads only the first pattern, and the noise from the
    light of the others is left out. That is the case of polarisations, of which a polarised
    reference beam interferes with one. Colours each interfere with their own part of the reference,
    and of glass that moves a long exposure sees the mean field; neither is simulated. A reference
    through the same glass, as of a `BenchOPU`, interferes with all patterns: the variance of its
    projections is C^2 ||x||^2.

    Intensities of several bits raise an error, since they are computed from fields.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.optics import OPU
    >>> from skopu.optics.flaws import PartialCoherence
    >>> readings = OPU(PartialCoherence(n_speckles=4)).intensity(np.ones((1, 9)), 20_000)
    >>> round(float(readings.std() / readings.mean()), 1)
    0.5
    """

    def __init__(self, medium=None, n_speckles=2):
        self.medium = medium
        self.n_speckles = n_speckles

    def _check_flaw(self, n_inputs):
        check_count(self.n_speckles, "n_speckles of PartialCoherence")

    def _modes_inside(self, n_modes):
        return n_modes * self.n_speckles

    @property
    def is_coherent(self):
        """Whether an intensity is the squared modulus of one field."""
        return self.n_speckles == 1 and self.inner().is_coherent

    def coherent_parts(self):
        """Media with one of the patterns each.

        Returns
        -------
        parts : list of Medium
            One per pattern and per part of the wrapped medium.
        """
        inner = self.inner()
        parts = inner.coherent_parts() if isinstance(inner, FlawedMedium) else [inner]
        speckles = range(self.n_speckles)
        return [_Speckle(part, self.n_speckles, which) for part in parts for which in speckles]

    def read(self, X, kind, out, *, finish=None, seed=None):
        """Send rows through the medium and write what an ideal camera reads.

        Parameters
        ----------
        X, kind, out, finish, seed
            See `Medium.read`.
        """
        if kind == "linear":
            super().read(X, kind, out, finish=finish, seed=seed)
            return
        # All speckles at once, by the way of the medium inside.
        n, inner, backend = out.shape[1], self.inner(), backend_of(X)
        self.check(X.shape[1], n)
        for rows in pieces(X.shape[0], working_rows(8 * n * self.n_speckles)):
            light = X[rows, :]
            shape = light.shape[0], n, self.n_speckles
            readings = backend.empty((shape[0], n * self.n_speckles), numpy_dtype(X))
            inner.read(light, kind, readings, seed=seed)
            xp = backend.namespace
            mean = xp.mean(xp.reshape(readings, shape), axis=2)
            write_piece(out[rows, :], mean, slice(0, n), finish)

    def field_of(self, X, n, *, start, seed):
        """Field of a few rows, of the first pattern only.

        Parameters
        ----------
        X, n, start, seed
            See `FlawedMedium.field_of`.

        Returns
        -------
        field : ndarray of shape (n_samples, n), complex64 or complex128
            A new array.
        """
        first = _Speckle(self.inner(), self.n_speckles, 0)
        return first.field_of(X, n, start=start, seed=seed)

    def matrix_block(self, n_inputs, inputs, modes, *, dtype, seed):
        """Block of the transposed matrix, of the first pattern only.

        Parameters
        ----------
        n_inputs, inputs, modes, dtype, seed
            See `Medium.matrix_block`.

        Returns
        -------
        block : ndarray of shape (n_chosen_inputs, n_chosen_modes)
            An array of that dtype.
        """
        first = _Speckle(self.inner(), self.n_speckles, 0)
        return first.matrix_block(n_inputs, inputs, modes, dtype=dtype, seed=seed)


class _Speckle(FlawedMedium):
    """One of several neighbouring modes, each time."""

    def __init__(self, medium=None, n_speckles=2, which=0):
        self.medium = medium
        self.n_speckles = n_speckles
        self.which = which

    def _modes_inside(self, n_modes):
        return n_modes * self.n_speckles

    def field_of(self, X, n, *, start, seed):
        step, inner = self.n_speckles, self.inner()
        field = whole_field(inner, X, n * step, start=start * step, seed=seed)
        return field[:, self.which :: step]

    def matrix_block(self, n_inputs, inputs, modes, *, dtype, seed):
        numbers = [mode * self.n_speckles + self.which for mode in modes]
        options = {"dtype": dtype, "seed": seed}
        single, inner = (range(number, number + 1) for number in numbers), self.inner()
        return np.hstack([inner.matrix_block(n_inputs, inputs, mode, **options) for mode in single])
