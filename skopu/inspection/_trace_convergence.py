"""Estimates of a trace, drawn."""

import numpy as np
from sklearn.utils import check_random_state

from .._utils.checks import check_counts
from ._drawing import figure_and_axes
from ._glass import with_other_glass


class TraceConvergenceDisplay:
    """Independent estimates of a trace, with error bars, against their numbers of products.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Parameters
    ----------
    n_matvecs : ndarray of shape (n_sizes,)
        Numbers of products.
    values : ndarray of shape (n_sizes,)
        Estimates.
    standard_errors : ndarray of shape (n_sizes,)
        Their standard errors.
    exact : float, default=None
        The exact trace, if known.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure, once drawn.
    ax_ : matplotlib.axes.Axes
        Its axes, once drawn.

    See Also
    --------
    OPUTraceEstimator : The estimator.
    opu_trace : Its methods and their errors.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu import OPUTraceEstimator
    >>> from skopu.inspection import TraceConvergenceDisplay
    >>> A = np.diag(1 / np.arange(1.0, 201) ** 2)
    >>> display = TraceConvergenceDisplay.from_estimator(
    ...     OPUTraceEstimator(random_state=0), A, n_matvecs=[10, 40, 160], exact=np.trace(A)
    ... )
    >>> bool(abs(display.values[-1] - np.trace(A)) < 4 * display.standard_errors[-1])
    True
    """

    def __init__(self, n_matvecs, values, standard_errors, exact=None):
        self.n_matvecs, self.values = np.asarray(n_matvecs), np.asarray(values)
        self.standard_errors, self.exact = np.asarray(standard_errors), exact

    @classmethod
    def from_estimator(cls, estimator, X, *, n_matvecs=(10, 20, 50, 100, 200), exact=None, ax=None):
        """Estimate the trace of X with more and more products, and draw the estimates.

        The estimates are independent: each has its own glass, with a seed drawn from the
        ``random_state`` of the estimator. Glass without a seed, such as a `MeasuredMedium`, is
        the same for all of them.

        Parameters
        ----------
        estimator : OPUTraceEstimator
            Fitted or not; its clones are fitted.
        X : {array-like, sparse matrix, LinearOperator} of shape (n, n)
            The matrix.
        n_matvecs : array-like of int, default=(10, 20, 50, 100, 200)
            Numbers of products to allow; that of the estimator is not used.
        exact : float, default=None
            The exact trace, if known, drawn as a line.
        ax : matplotlib Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : TraceConvergenceDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the estimator cannot be fitted to X.
        ImportError
            If matplotlib is not installed.
        """
        n_matvecs = check_counts(n_matvecs, "n_matvecs")
        rng = check_random_state(estimator.random_state)
        fitted = [
            with_other_glass(estimator, rng.randint(2**31 - 1)).set_params(n_matvecs=n).fit(X)
            for n in n_matvecs
        ]
        taken, values, errors = zip(
            *((f.n_matvecs_, f.trace_, f.standard_error_) for f in fitted), strict=True
        )
        return cls(taken, values, errors, exact).plot(ax)

    def plot(self, ax=None):
        """Draw the estimates.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : TraceConvergenceDisplay
            This display, drawn.
        """
        self.figure_, (self.ax_,) = figure_and_axes(ax, 1)
        self.ax_.errorbar(
            self.n_matvecs,
            self.values,
            self.standard_errors,
            fmt="o",
            color="k",
            capsize=3,
            label="estimate +- standard error",
        )
        if self.exact is not None:
            self.ax_.axhline(self.exact, color="0.5", linestyle="--", label="exact")
        self.ax_.set(
            title="Trace from random products",
            xlabel="products with the matrix",
            ylabel="trace",
            xscale="log",
        )
        self.ax_.legend()
        return self
