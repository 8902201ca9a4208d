"""Singular values, drawn."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..linalg._operators import check_operator
from ..linalg._streaming import moments
from ..linalg._tall_blocks import lengths
from ._drawing import figure_and_axes


class SpectrumDisplay:
    """Singular values of a decomposition, their errors, and the energy they capture.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Parameters
    ----------
    singular_values : ndarray of shape (n_components,)
        Singular values found, in descending order.
    errors : ndarray of shape (n_components,)
        Norms of the residuals ``A'u - s v``: a true singular value lies within this distance.
    energy_ratio : ndarray of shape (n_components,)
        Share of the sum of all squared entries that the first components capture.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure, once drawn.
    axes_ : ndarray of shape (2,) of matplotlib Axes
        Singular values and energy, once drawn.

    See Also
    --------
    OPUTruncatedSVD : The decomposition.
    opu_svd : Singular values with bounds of their errors.
    sklearn.decomposition.TruncatedSVD : The same decomposition by ARPACK or power iteration.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skopu import OPUTruncatedSVD
    >>> from skopu.inspection import SpectrumDisplay
    >>> X = load_digits().data
    >>> svd = OPUTruncatedSVD(n_components=10, random_state=0).fit(X)
    >>> display = SpectrumDisplay.from_estimator(svd, X)
    >>> round(float(display.energy_ratio[-1]), 2)
    0.92
    """

    def __init__(self, singular_values, errors, energy_ratio):
        self.singular_values = np.asarray(singular_values)
        self.errors, self.energy_ratio = np.asarray(errors), np.asarray(energy_ratio)

    @classmethod
    def from_estimator(cls, estimator, X, *, ax=None):
        """Measure what a fitted decomposition misses of X, in three passes, and draw it.

        Parameters
        ----------
        estimator : OPUTruncatedSVD or sklearn.decomposition.TruncatedSVD
            A fitted decomposition.
        X : {array-like, memmap, sparse matrix} of shape (n_samples, n_features)
            The data it was fitted to.
        ax : array-like of shape (2,) of matplotlib Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : SpectrumDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If X has another number of features than the data the estimator was fitted to.
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        """
        check_is_fitted(estimator, "components_")
        operator = check_operator(X, "X")
        V = np.asarray(estimator.components_).T.astype(operator.dtype)
        if operator.shape[1] != len(V):
            raise ValueError(
                f"X has {operator.shape[1]} features, but {type(estimator).__name__} was fitted "
                f"with {len(V)}."
            )
        with operator.threads():
            images = operator.matmat(V)  # columns s u
            back = operator.rmatmat(images)
        values = lengths(images)
        errors = lengths(back - V * (values**2).astype(V.dtype))
        errors /= np.where(values > 0, values, 1)
        of_rows = moments(operator)
        total = of_rows.spread + of_rows.count * (of_rows.mean @ of_rows.mean)
        captured = np.cumsum(values**2) / (total or 1)
        return cls(values, errors, captured).plot(ax)

    def plot(self, ax=None):
        """Draw singular values and captured energy.

        Parameters
        ----------
        ax : array-like of shape (2,) of matplotlib Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : SpectrumDisplay
            This display, drawn.
        """
        self.figure_, self.axes_ = figure_and_axes(ax, 2)
        spectrum, energy = self.axes_
        number = np.arange(1, len(self.singular_values) + 1)
        low = np.maximum(self.singular_values - self.errors, 0)
        spectrum.fill_between(
            number, low, self.singular_values + self.errors, color="0.8", label="error band"
        )
        spectrum.plot(number, self.singular_values, "ko-", ms=3, label="found")
        spectrum.set(
            title="Singular values", xlabel="component", ylabel="singular value", yscale="log"
        )
        spectrum.legend()
        energy.plot(number, 100 * self.energy_ratio, "ko-", ms=3)
        energy.set(
            title="Captured energy",
            xlabel="components",
            ylabel="sum of squared entries, %",
            ylim=(0, 105),
        )
        return self
