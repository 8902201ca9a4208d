"""Flaws of the light that a modulator sends out: mirrors that stand in a grid."""

import functools
import math

import numpy as np
import scipy.sparse

from ..._utils.arrays import backend_of, numpy_dtype, working_rows
from ..._utils.checks import check_count, check_not_negative, check_positive
from ..._utils.threads import pieces
from ..device import n_modes_of
from ..medium import whole_field
from .medium import FlawedMedium


class FlawedLight(FlawedMedium):
    """A medium that gets other light than is shown: X times a sparse matrix."""

    def field_of(self, X, n, *, start, seed):
        """Field of a few rows.

        Parameters
        ----------
        X, n, start, seed
            See `FlawedMedium.field_of`.

        Returns
        -------
        field : ndarray of shape (n_samples, n), complex64 or complex128
            A new array.
        """
        return whole_field(self.inner(), self._light_of(X), n, start=start, seed=seed)

    def read(self, X, kind, out, *, finish=None, seed=None):
        """Send rows through the medium and write what an ideal camera reads.

        Parameters
        ----------
        X, kind, out, finish, seed
            See `Medium.read`.
        """
        # By the way of the medium inside, which may need no field, or adds up intensities itself.
        self.check(X.shape[1], n_modes_of(out.shape[1], kind))
        for rows in pieces(X.shape[0], working_rows(16 * X.shape[1])):
            light, view = self._light_of(X[rows, :]), out[rows, :]
            self.inner().read(light, kind, view, finish=finish, seed=seed)

    def mean_intensity(self, X):
        """Mean intensity over modes that rows produce, by the light that they become.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs)
            Checked rows.

        Returns
        -------
        mean_intensity : ndarray of shape (n_samples,)
            More than ``||x||^2`` if neighbours show similar values.
        """
        return self.inner().mean_intensity(self._light_of(X))

    def matrix_block(self, n_inputs, inputs, modes, *, dtype, seed):
        """Block of the transposed matrix, by the light that single inputs send.

        Parameters
        ----------
        n_inputs, inputs, modes, dtype, seed
            See `Medium.matrix_block`.

        Returns
        -------
        block : ndarray of shape (n_chosen_inputs, n_chosen_modes)
            An array of that dtype.
        """
        light = self._light(n_inputs)[inputs]
        touched = np.unique(light.indices)
        low, high = int(touched[0]), int(touched[-1]) + 1
        options = {"dtype": dtype, "seed": seed}
        block = self.inner().matrix_block(n_inputs, slice(low, high), modes, **options)
        return (light[:, low:high] @ block).astype(dtype, copy=False)

    def propagate_back(self, Y, n_inputs, *, seed=None):
        """Multiply by the matrix from the left: light that enters at the camera's side.

        Parameters
        ----------
        Y, n_inputs, seed
            See `Medium.propagate_back`.

        Returns
        -------
        field : array of shape (n_samples, n_inputs)
            What the wrapped medium sends back, through the mirrors.
        """
        backend, light = (
            backend_of(Y),
            self._light(n_inputs).astype(np.empty(0, numpy_dtype(Y)).real.dtype),
        )
        field = self.inner().propagate_back(Y, n_inputs, seed=self.glass_seed(seed))
        return backend.asarray(backend.to_numpy(field) @ light.T)

    def _light_of(self, X):
        backend = backend_of(X)
        light = self._light(X.shape[1]).astype(numpy_dtype(X))
        changed = backend.to_numpy(X) @ light
        return changed.tocsr() if scipy.sparse.issparse(changed) else backend.asarray(changed)


class UnevenLight(FlawedLight):
    """A laser beam that lights the middle of the modulator more than its edges.

    Read more in the :doc:`user guide </user_guide/device>`.

    Parameters
    ----------
    medium : Medium, default=None
        The medium it wraps. None means ``LayeredMedium()``.
    width : float, default=1.0
        Radius at which the amplitude of a Gaussian beam has fallen to 1/e, in units of the distance
        from the middle to a corner. The mean power over all mirrors is unchanged.
    shape : tuple of two ints, default=None
        Rows and columns of mirrors, filled row by row. None means the smallest square grid
        that holds all inputs.

    See Also
    --------
    skopu.optics.flaws.Crosstalk : Mirrors whose light leaks into their neighbours.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.optics.flaws import UnevenLight
    >>> powers = abs(UnevenLight().transmission_matrix(9, 2000)) ** 2
    >>> powers.mean(axis=0).reshape(3, 3).round(1)
    array([[0.4, 1.1, 0.4],
           [1.1, 3. , 1.1],
           [0.4, 1.1, 0.4]])
    """

    def __init__(self, medium=None, width=1.0, shape=None):
        self.medium = medium
        self.width = width
        self.shape = shape

    def _check_flaw(self, n_inputs):
        check_positive(self.width, "width of UnevenLight")
        _grid(n_inputs, self.shape, "UnevenLight")

    def _light(self, n_inputs):
        return _uneven(n_inputs, _grid(n_inputs, self.shape, "UnevenLight"), float(self.width))


class Crosstalk(FlawedLight):
    """Mirrors whose light leaks into their four neighbours.

    Finite apertures blur the image of the modulator: a linear mixture of neighbours, which this is.
    The electric fields of neighbouring liquid crystals also reach into each other; that is not
    linear in the amplitudes, and is not simulated.

    Read more in the :doc:`user guide </user_guide/device>`.

    Parameters
    ----------
    medium : Medium, default=None
        The medium it wraps. None means ``LayeredMedium()``.
    amplitude : float, default=0.1
        Amplitude in each neighbour, relative to that of the mirror. The mean power is unchanged.
    shape : tuple of two ints, default=None
        Rows and columns of mirrors, filled row by row. None means the smallest square grid
        that holds all inputs, so that square images keep their neighbours.

    See Also
    --------
    skopu.optics.flaws.UnevenLight : A beam that is brighter in the middle.

    Examples
    --------
    Neighbours become correlated:

    >>> from skopu.optics.flaws import Crosstalk
    >>> rows = Crosstalk(amplitude=0.2).transmission_matrix(784, 2000)
    >>> near, far = ((rows[:, 0].conj() * rows[:, i]).mean().real for i in (1, 3))
    >>> bool(near > 5 * abs(far))
    True
    """

    def __init__(self, medium=None, amplitude=0.1, shape=None):
        self.medium = medium
        self.amplitude = amplitude
        self.shape = shape

    def _check_flaw(self, n_inputs):
        check_not_negative(self.amplitude, "amplitude of Crosstalk", 1)
        _grid(n_inputs, self.shape, "Crosstalk")

    def _light(self, n_inputs):
        return _crossed(n_inputs, _grid(n_inputs, self.shape, "Crosstalk"), float(self.amplitude))


def _grid(n_inputs, shape, owner):
    """Rows and columns of mirrors that hold the inputs."""
    if shape is None:
        width = math.isqrt(n_inputs - 1) + 1
        return -(-n_inputs // width), width
    if not isinstance(shape, tuple | list) or len(shape) != 2:
        raise ValueError(f"shape of {owner} must be two numbers or None, got {shape!r}.")
    height, width = (check_count(length, f"shape of {owner}") for length in shape)
    if height * width < n_inputs:
        raise ValueError(
            f"shape={shape!r} of {owner} has {height * width} mirrors, fewer than the {n_inputs} "
            "inputs. Enlarge it, or leave it None."
        )
    return height, width


@functools.lru_cache(8)
def _uneven(n_inputs, grid, width):
    rows, columns = np.divmod(np.arange(n_inputs), grid[1])
    middle, aside = (grid[0] - 1) / 2, (grid[1] - 1) / 2
    corner = max(math.hypot(middle, aside), 1.0)
    distances = np.hypot(rows - middle, columns - aside) / corner
    # Relative to the brightest mirror, so that narrow beams do not vanish.
    amplitudes = np.exp((distances.min() ** 2 - distances**2) / width**2)
    return scipy.sparse.csr_array(scipy.sparse.diags(amplitudes / np.sqrt(np.mean(amplitudes**2))))


@functools.lru_cache(8)
def _crossed(n_inputs, grid, amplitude):
    numbers = np.arange(n_inputs)
    # A row is a mirror: where its light goes.
    parts = [scipy.sparse.csr_array(scipy.sparse.eye(n_inputs))]
    for step, has_neighbour in (
        (1, (numbers % grid[1] < grid[1] - 1) & (numbers + 1 < n_inputs)),
        (grid[1], numbers + grid[1] < n_inputs),
    ):
        first = numbers[has_neighbour]
        ones = np.full(len(first), amplitude)
        shape = n_inputs, n_inputs
        pairs = scipy.sparse.csr_array((ones, (first, first + step)), shape)
        parts += [pairs, pairs.T]
    light = sum(parts[1:], parts[0]).tocsr()
    power = light.power(2).sum() / n_inputs
    return (light / math.sqrt(power)).tocsr()
