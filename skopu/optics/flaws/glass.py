"""Flaws of the glass, and of how finely a camera sees its speckle."""

import math

import numpy as np
import scipy.fft
import scipy.sparse

from ..._utils.arrays import backend_of
from ..._utils.checks import check_not_negative, check_positive
from ..._utils.streams import bit_generator
from ..gaussian import GaussianMedium
from ..medium import whole_field
from .medium import FlawedMedium, check_inside
from .modulator import FlawedLight


class UnscatteredLight(FlawedMedium):
    """Glass too thin to scatter all the light.

    Light that passes straight through forms the Fourier transform of the input at the distant
    camera, or in the focal plane of a lens. Each mode sees one frequency of it, drawn from the
    seed. The transform is that of the row as it is, in one dimension: an image is flattened, not
    transformed in two dimensions. Images have most of this light at a few frequencies.

    Read more in the :doc:`user guide </user_guide/device>`.

    Parameters
    ----------
    medium : Medium, default=None
        The medium it wraps. None means ``LayeredMedium()``.
    share : float, default=0.05
        Share of the power that is not scattered.

    See Also
    --------
    skopu.optics.flaws.Grains : Grains larger than a pixel.
    skopu.optics.IsotropyReport : Shows unscattered light in a measured matrix.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.optics import OPU
    >>> from skopu.optics.flaws import UnscatteredLight
    >>> readings = OPU(UnscatteredLight(share=0.3)).intensity(np.ones((1, 100)), 100)
    >>> bool(readings.max() > 20 * readings.mean())  # the mode that sees frequency zero
    True
    """

    def __init__(self, medium=None, share=0.05):
        self.medium = medium
        self.share = share

    def _check_flaw(self, n_inputs):
        check_not_negative(self.share, "share of UnscatteredLight", 1)
        advice = "what passes straight is the light of the modulator. Put it around this one."
        check_inside(self, FlawedLight, advice)

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
        field, backend = super().field_of(X, n, start=start, seed=seed), backend_of(X)
        light = backend.to_numpy(X)
        light = light.toarray() if scipy.sparse.issparse(light) else light
        seen = self._frequencies(X.shape[1], range(start, start + n), seed)
        straight = scipy.fft.fft(light, axis=1)[:, seen] * math.sqrt(self.share * self.mean_power())
        return field * math.sqrt(1 - self.share) + backend.asarray(straight)

    def matrix_block(self, n_inputs, inputs, modes, *, dtype, seed):
        """Block of the transposed matrix.

        Parameters
        ----------
        n_inputs, inputs, modes, dtype, seed
            See `Medium.matrix_block`.

        Returns
        -------
        block : ndarray of shape (n_chosen_inputs, n_chosen_modes)
            An array of that dtype.
        """
        block = self.inner().matrix_block(n_inputs, inputs, modes, dtype=dtype, seed=seed)
        turns = np.outer(
            np.arange(inputs.start, inputs.stop), self._frequencies(n_inputs, modes, seed)
        )
        straight = np.exp(-2j * np.pi * (turns % n_inputs) / n_inputs)
        straight *= math.sqrt(self.share * self.mean_power())
        return (block * math.sqrt(1 - self.share) + straight).astype(dtype, copy=False)

    def _frequencies(self, n_inputs, modes, seed):
        raw = bit_generator(self.glass_seed(seed), "dft").random_raw(n_inputs)
        return np.argsort(raw, kind="stable")[np.asarray(modes) % n_inputs]


class Grains(FlawedMedium):
    """Speckle grains larger than a pixel, so that neighbouring pixels are correlated.

    Modes are the pixels of a line.

    Read more in the :doc:`user guide </user_guide/device>`.

    Parameters
    ----------
    medium : Medium, default=None
        The medium it wraps, with independent modes: a `LayeredMedium`, whose neighbouring modes are
        not, raises an error. None means ``GaussianMedium()``.
    size : float, default=2.0
        Distance in pixels at which the correlation of two intensities has fallen to one half.

    See Also
    --------
    skopu.optics.flaws.PartialCoherence : Speckle of lower contrast.
    skopu.GaussianMedium : A medium of independent modes.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.optics import OPU
    >>> from skopu.optics.flaws import Grains
    >>> readings = OPU(Grains(size=3)).intensity(np.ones((1, 30)), 50_000)[0]
    >>> bool(0.4 < np.corrcoef(readings[:-3], readings[3:])[0, 1] < 0.6)
    True
    """

    def __init__(self, medium=None, size=2.0):
        self.medium = medium
        self.size = size

    def _check_flaw(self, n_inputs):
        check_positive(self.size, "size of Grains", 1000)
        if self.inner().block_size(n_inputs) > 1:
            raise ValueError(
                "Grains need independent modes, and neighbouring modes of "
                f"{self.inner()!r} are not. Put them around a GaussianMedium."
            )

    def _modes_inside(self, n_modes):
        return n_modes + len(self._weights()) - 1

    def inner(self):
        """The medium that this one wraps.

        Returns
        -------
        medium : Medium
            The default one if ``medium`` is None.
        """
        return GaussianMedium() if self.medium is None else super().inner()

    def mode_spacing(self, n_inputs):
        """Distance at which pixels share no mode of the wrapped medium.

        Parameters
        ----------
        n_inputs : int
            Number of input modes.

        Returns
        -------
        spacing : int
            A little more than the grain.
        """
        return self.inner().mode_spacing(n_inputs) + len(self._weights()) - 1

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
        n_finer = n + len(self._weights()) - 1
        return self._coarser(whole_field(self.inner(), X, n_finer, start=start, seed=seed))

    def matrix_block(self, n_inputs, inputs, modes, *, dtype, seed):
        """Block of the transposed matrix.

        Parameters
        ----------
        n_inputs, inputs, modes, dtype, seed
            See `Medium.matrix_block`.

        Returns
        -------
        block : ndarray of shape (n_chosen_inputs, n_chosen_modes)
            An array of that dtype.
        """
        finer = range(modes.start, modes.stop + len(self._weights()) - 1)
        block = self.inner().matrix_block(n_inputs, inputs, finer, dtype=dtype, seed=seed)
        return self._coarser(block).astype(dtype, copy=False)

    def _default_parts(self):
        return {"medium": GaussianMedium}

    def _weights(self):
        """Of neighbouring modes in a pixel: Gaussian, with the sum of squares 1."""
        # Fields correlate as exp(-d^2 / 4 s^2), intensities as the square of that.
        width = self.size / math.sqrt(2 * math.log(2))
        reach = math.ceil(2.5 * width)
        weights = np.exp(-0.5 * np.square(np.arange(-reach, reach + 1) / width))
        return weights / np.linalg.norm(weights)

    def _coarser(self, field):
        weights = self._weights()
        n = field.shape[1] - len(weights) + 1
        return sum(float(weight) * field[:, k : k + n] for k, weight in enumerate(weights))
