"""Density of eigenvalues, drawn."""

import numpy as np

from .._utils.checks import check_positive
from ..linalg import opu_spectral_density
from ._drawing import COLOURS, figure_and_axes

_POINTS = 500  # of the curve
_BEYOND = 3  # widths that are drawn outside of the nodes


class SpectralDensityDisplay:
    """Estimated density of the eigenvalues of a symmetric matrix, or their cumulative share.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Parameters
    ----------
    spectral_density : SpectralDensity
        Result of `opu_spectral_density`.
    eigenvalues : array-like of shape (n,), default=None
        Exact eigenvalues for comparison, if known.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure, once drawn.
    ax_ : matplotlib.axes.Axes
        Its axes, once drawn.

    See Also
    --------
    opu_spectral_density : Estimates the density.
    skopu.linalg.SpectralDensity : The estimate, with counts and shares.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.inspection import SpectralDensityDisplay
    >>> B = np.random.default_rng(0).normal(size=(500, 500))
    >>> A = (B + B.T) / np.sqrt(2 * 500)
    >>> display = SpectralDensityDisplay.from_matrix(
    ...     A, random_state=0, eigenvalues=np.linalg.eigvalsh(A)
    ... )
    >>> display.ax_.get_xlabel()
    'eigenvalue'
    """

    def __init__(self, spectral_density, eigenvalues=None):
        self.spectral_density = spectral_density
        self.eigenvalues = None if eigenvalues is None else np.sort(eigenvalues)

    @classmethod
    def from_matrix(
        cls,
        A,
        *,
        n_matvecs=1000,
        lanczos_steps=50,
        opu=None,
        random_state=None,
        eigenvalues=None,
        cumulative=False,
        width=None,
        ax=None,
    ):
        """Estimate the density of the eigenvalues of A and draw it.

        Parameters
        ----------
        A : {ndarray, memmap, CSR or CSC matrix, LinearOperator} of shape (n, n)
            Real symmetric matrix.
        n_matvecs : int, default=1000
            Maximum number of products of A with a vector.
        lanczos_steps : int, default=50
            Maximum number of products for each random vector.
        opu : Device, default=None
            The device. None uses a `GaussianMedium` and an ideal camera.
        random_state : int, RandomState instance or None, default=None
            Seeds the device if ``opu`` is None.
        eigenvalues : array-like of shape (n,), default=None
            Exact eigenvalues for comparison, if known.
        cumulative : bool, default=False
            Whether to draw the cumulative share of the eigenvalues, not their density.
        width : float, default=None
            Standard deviation of the Gaussian that smooths the density, in units of the
            eigenvalues; None means the resolution.
        ax : matplotlib Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : SpectralDensityDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If `opu_spectral_density` rejects A, or width is not positive.
        ImportError
            If matplotlib is not installed.
        """
        found = opu_spectral_density(
            A, n_matvecs, lanczos_steps=lanczos_steps, opu=opu, random_state=random_state
        )
        return cls(found, eigenvalues).plot(ax, cumulative=cumulative, width=width)

    def plot(self, ax=None, *, cumulative=False, width=None):
        """Draw the curve with a band of two standard errors to each side.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in; None makes a figure.
        cumulative : bool, default=False
            Whether to draw the cumulative share of the eigenvalues, not their density.
        width : float, default=None
            Standard deviation of the Gaussian that smooths the density, in units of the
            eigenvalues; None means the resolution.

        Returns
        -------
        display : SpectralDensityDisplay
            This display, drawn.
        """
        found = self.spectral_density
        width = found.resolution if width is None else check_positive(width, "width")
        margin = _BEYOND * width
        x = np.linspace(found.nodes.min() - margin, found.nodes.max() + margin, _POINTS)
        value, error = found.cumulative(x) if cumulative else found.density(x, width)
        self.figure_, (self.ax_,) = figure_and_axes(ax, 1)
        low, high = np.maximum(value - 2 * error, 0), value + 2 * error
        label = "+- 2 standard errors"
        self.ax_.fill_between(x, low, high, color=COLOURS[2], alpha=0.5, label=label)
        self.ax_.plot(x, value, color=COLOURS[0], label="estimate")
        if self.eigenvalues is not None:
            self._draw_exact(x, cumulative, width)
        n_vectors, n_steps = found.nodes.shape
        self.ax_.set(
            title=f"{n_vectors} random vectors, {n_steps} steps each",
            xlabel="eigenvalue",
            ylabel="share of eigenvalues up to here" if cumulative else "density of eigenvalues",
            ylim=(0, None),
        )
        self.ax_.legend()
        return self

    def _draw_exact(self, x, cumulative, width):
        if cumulative:
            share = np.searchsorted(self.eigenvalues, x, side="right") / len(self.eigenvalues)
            self.ax_.plot(x, share, color=COLOURS[1], linestyle="--", label="exact")
            return
        bins = np.arange(x[0], x[-1] + width, 2 * width)  # which blur about as the Gaussian does
        self.ax_.hist(self.eigenvalues, bins, density=True, color="0.85", zorder=0, label="exact")
