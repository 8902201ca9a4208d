"""What the camera sees, drawn with its statistics."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._utils.checks import check_counts
from ..optics import Device
from ._drawing import figure_and_axes


class SpeckleDisplay:
    """Speckle of one sample as the camera sees it, with a histogram.

    Intensities of fully developed speckle are exponentially distributed [1]_; a line over the
    histogram shows this law.

    Read more in the :doc:`user guide </user_guide/device>`.

    Parameters
    ----------
    image : ndarray of shape (height, width)
        Readings of the camera, in units of intensity.

    Attributes
    ----------
    contrast : float
        Standard deviation of the readings divided by their mean: 1 for fully developed speckle.
    figure_ : matplotlib.figure.Figure
        The figure, once drawn.
    axes_ : ndarray of shape (2,) of matplotlib Axes
        Image and histogram, once drawn.

    See Also
    --------
    OPU : The device.
    Camera : How intensities become readings.
    skopu.optics.flaws.PartialCoherence : Speckle of lower contrast.

    References
    ----------
    .. [1] J. W. Goodman, "Speckle Phenomena in Optics", Roberts,
        2007.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu import OPU
    >>> from skopu.inspection import SpeckleDisplay
    >>> display = SpeckleDisplay.from_estimator(OPU(), np.ones((1, 50)))
    >>> display.image.shape, round(display.contrast, 1)
    ((100, 100), 1.0)
    """

    def __init__(self, image):
        self.image = np.asarray(image)
        self.contrast = float(self.image.std() / (self.image.mean() or 1))

    @classmethod
    def from_estimator(cls, estimator, X, *, shape=(100, 100), ax=None):
        """Send one sample through a device and draw what its camera reads.

        Parameters
        ----------
        estimator : OPU or estimator with one
            A device, or an estimator fitted with one (its ``opu_``).
        X : {array-like, sparse matrix} of shape (1, n_features)
            The sample, which the device can show.
        shape : tuple of (height, width), default=(100, 100)
            Pixels of the camera, one per mode of the medium.
        ax : array-like of shape (2,) of matplotlib Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : SpeckleDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If X is not one row, or the device has too few inputs or outputs.
        ImportError
            If matplotlib is not installed.
        """
        sides = check_counts(shape, "shape")
        if len(sides) != 2:
            raise ValueError(f"shape must be a height and a width, got {shape!r}.")
        height, width = sides
        intensity = _device_of(estimator).intensity(X, height * width)
        if len(intensity) != 1:
            raise ValueError(f"X must be one sample, a row, got {len(intensity)} rows.")
        return cls(intensity.reshape(height, width)).plot(ax)

    def plot(self, ax=None):
        """Draw the image and the histogram.

        Parameters
        ----------
        ax : array-like of shape (2,) of matplotlib Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : SpeckleDisplay
            This display, drawn.
        """
        self.figure_, self.axes_ = figure_and_axes(ax, 2)
        picture, histogram = self.axes_
        mean = self.image.mean() or 1
        relative = self.image / mean
        drawn = picture.imshow(relative, cmap="gray", vmin=0, vmax=5)
        self.figure_.colorbar(drawn, ax=picture, label="intensity / mean", extend="max")
        picture.set(title="Speckle", xlabel="pixel", ylabel="pixel")
        histogram.hist(
            relative.ravel(), bins=50, density=True, color="0.75", edgecolor="0.4", label="camera"
        )
        law = np.linspace(0, max(relative.max(), 1), 200)
        histogram.plot(law, np.exp(-law), "k--", label="exponential law")
        smallest = 0.2 / relative.size
        histogram.set(
            title=f"Contrast {self.contrast:.2f}",
            xlabel="intensity / mean",
            ylabel="probability density",
            yscale="log",
            ylim=(smallest, 3),
        )
        histogram.legend()
        return self


def _device_of(estimator):
    if isinstance(estimator, Device):
        return estimator
    check_is_fitted(estimator, "opu_")
    return estimator.opu_
