"""Angles of feedback, drawn."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._drawing import COLOURS, LINES, MARKERS, figure_and_axes


class AlignmentDisplay:
    """Angles between updates by direct feedback alignment and true gradients, over epochs.

    Read more in the :doc:`user guide </user_guide/training_by_light>`.

    Parameters
    ----------
    angles : ndarray of shape (n_epochs, n_hidden_layers)
        Angles in degrees. 90 is no alignment; below 90 the update goes downhill.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure, once drawn.
    ax_ : matplotlib.axes.Axes
        Its axes, once drawn.

    See Also
    --------
    DFAClassifier : Records the angles in ``alignment_``.
    DFARegressor : The same for regression.
    DFAGraphClassifier : The same for graphs.
    skopu.torch.DirectFeedback : Its method ``alignment`` returns angles.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skopu import DFAClassifier
    >>> from skopu.inspection import AlignmentDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> model = DFAClassifier((50, 50), "tanh", tol=0.01, track_alignment=True, random_state=0)
    >>> display = AlignmentDisplay.from_estimator(model.fit(X / 16, y))
    >>> bool((display.angles[-1] < 80).all())
    True
    """

    def __init__(self, angles):
        self.angles = np.asarray(angles)

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Draw the angles that a network recorded during training.

        Parameters
        ----------
        estimator : DFAClassifier, DFARegressor or DFAGraphClassifier
            A network fitted with ``track_alignment=True``.
        ax : matplotlib Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : AlignmentDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the network has recorded no angles.
        sklearn.exceptions.NotFittedError
            If the network is not fitted.
        ImportError
            If matplotlib is not installed.
        """
        check_is_fitted(estimator)
        if not hasattr(estimator, "alignment_"):
            raise ValueError(
                f"This {type(estimator).__name__} has recorded no angles. Fit it with "
                "track_alignment=True."
            )
        return cls(estimator.alignment_).plot(ax)

    def plot(self, ax=None):
        """Draw a line for each hidden layer.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : AlignmentDisplay
            This display, drawn.
        """
        self.figure_, (self.ax_,) = figure_and_axes(ax, 1)
        n_epochs, n_layers = self.angles.shape
        for layer in range(n_layers):
            self.ax_.plot(
                np.arange(1, n_epochs + 1),
                self.angles[:, layer],
                color=COLOURS[layer % len(COLOURS)],
                linestyle=LINES[layer % len(LINES)],
                marker=MARKERS[layer % len(MARKERS)],
                markevery=max(1, n_epochs // 10),
                label=f"hidden layer {layer + 1}",
            )
        self.ax_.axhline(90, color="0.5", linewidth=1)
        self.ax_.annotate(
            "no alignment", (0.98, 90), xycoords=("axes fraction", "data"), ha="right", va="bottom"
        )
        self.ax_.set(
            title="Feedback alignment",
            xlabel="epoch",
            ylabel="angle to the gradient, degrees",
            ylim=(0, 100),
        )
        self.ax_.legend(loc="lower left")
        return self
