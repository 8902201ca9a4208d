"""What all displays draw with."""

import numpy as np

# Of M. Okabe and K. Ito, told apart by colour-blind people and, in this order, by their grey.
COLOURS = ["#000000", "#D55E00", "#56B4E9", "#009E73", "#CC79A7", "#E69F00"]
LINES = ["-", "--", "-.", ":"]
MARKERS = "os^Dv*"


def figure_and_axes(ax, n_axes):
    """Figure and array of that many axes; new ones where ax is None."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "Displays are drawn by matplotlib, which is not installed: "
            "python -m pip install matplotlib."
        ) from error
    if ax is None:
        figure, axes = pyplot.subplots(
            1, n_axes, figsize=(4.8 * n_axes, 4), layout="constrained", squeeze=False
        )
        return figure, axes[0]
    axes = np.ravel(ax)
    if len(axes) != n_axes:
        raise ValueError(f"ax must hold {n_axes} matplotlib Axes, got {len(axes)}.")
    return axes[0].figure, axes
