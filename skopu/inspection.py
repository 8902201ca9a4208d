"""Plots of what the device and the estimators do, in the habit of scikit-learn's displays.

Each display is made by ``from_estimator``, keeps what it shows as attributes, and is drawn by
``plot``, again and in other axes if need be. Matplotlib is loaded when it draws.
"""

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ._feature_map import feature_map
from ._utils.checks import check_count, validate_rows
from .linalg._operators import check_operator
from .linalg._streaming import moments
from .linalg._tall_blocks import lengths
from .optics import Device

# Of M. Okabe and K. Ito, told apart by colour-blind people and, in this order, by their grey.
_COLOURS = ["#000000", "#D55E00", "#56B4E9", "#009E73", "#CC79A7", "#E69F00"]
_LINES = ["-", "--", "-.", ":"]
_MARKERS = "os^Dv*"


class SpeckleDisplay:
    """What the camera sees of one sample, and its statistics.

    The intensities of fully developed speckle follow the exponential law [1]_, drawn as a
    line over their histogram.

    Parameters
    ----------
    image : ndarray of shape (height, width)
        Readings of the camera, in units of intensity.

    Attributes
    ----------
    contrast : float
        Standard deviation over mean of the readings: 1 for fully developed speckle.
    figure_ : matplotlib.figure.Figure
        The figure, once drawn.
    axes_ : ndarray of shape (2,) of matplotlib Axes
        Image and histogram, once drawn.

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
        """Send one sample through a device, and draw what its camera reads.

        Parameters
        ----------
        estimator : OPU or estimator with one
            A device, or an estimator fitted with one (its ``opu_``).
        X : {array-like, sparse matrix} of shape (1, n_features)
            The sample, which the device can show.
        shape : tuple of (height, width), default=(100, 100)
            Pixels of the camera, a mode of the medium each.
        ax : array-like of shape (2,) of matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : SpeckleDisplay
            What is drawn.

        Raises
        ------
        ValueError
            If X is not one row, or the device cannot show or read so much.
        ImportError
            If matplotlib is not installed.
        """
        height, width = (check_count(side, "a side of shape") for side in shape)
        intensity = _device_of(estimator).intensity(X, height * width)
        if len(intensity) != 1:
            raise ValueError(f"X must be one sample, a row, got {len(intensity)} rows.")
        return cls(intensity.reshape(height, width)).plot(ax)

    def plot(self, ax=None):
        """Draw the image and the histogram.

        Parameters
        ----------
        ax : array-like of shape (2,) of matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : SpeckleDisplay
            This display, drawn.
        """
        self.figure_, self.axes_ = _figure(ax, 2)
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


class KernelApproximationDisplay:
    """Kernel of random features against the exact one, and its error against their number.

    Parameters
    ----------
    exact : ndarray of shape (n_samples, n_samples)
        Exact kernel.
    approximated : ndarray of shape (n_samples, n_samples)
        Inner products of features, of the largest number.
    n_features : ndarray of shape (n_sizes,)
        Numbers of features.
    errors : ndarray of shape (n_sizes, n_repeats)
        Relative error in the Frobenius norm, for each number and piece of glass.
    name : str, default="kernel"
        What to call the kernel.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure, once drawn.
    axes_ : ndarray of shape (2,) of matplotlib Axes
        Entries and errors, once drawn.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skopu import OpticalRandomFeatures
    >>> from skopu.inspection import KernelApproximationDisplay
    >>> X = load_digits().data[:50]
    >>> features = OpticalRandomFeatures(random_state=0)
    >>> display = KernelApproximationDisplay.from_estimator(features, X, n_features=[100, 10_000])
    >>> display.errors.mean(axis=1).round(2)
    array([0.24, 0.01])
    """

    def __init__(self, exact, approximated, n_features, errors, name="kernel"):
        self.exact, self.approximated = exact, approximated
        self.n_features, self.errors = np.asarray(n_features), np.asarray(errors)
        self.name = name

    @classmethod
    def from_estimator(
        cls, estimator, X, *, n_features=(100, 300, 1000, 3000, 10_000), n_repeats=5, ax=None
    ):
        """Compare the features of an estimator with the kernel that they converge to.

        Parameters
        ----------
        estimator : OpticalRandomFeatures
            Fitted or not; its clones are fitted, each with glass of its own.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, a few hundred at most.
        n_features : array-like of int, default=(100, 300, 1000, 3000, 10_000)
            Numbers of features to compare; ``n`` of the estimator is not used.
        n_repeats : int, default=5
            Pieces of glass. Of a device whose glass has no seed, as a `MeasuredMedium`, there is
            one.
        ax : array-like of shape (2,) of matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : KernelApproximationDisplay
            What is drawn.

        Raises
        ------
        ValueError
            If the estimator cannot be fitted to X, or a number is not positive.
        ImportError
            If matplotlib is not installed.
        """
        sizes = np.sort([check_count(n, "n_features") for n in n_features])
        check_count(n_repeats, "n_repeats")
        features = feature_map(estimator, validate_rows(clone(estimator), X))
        exact = features.kernel.exact(X, degree=features.degree, gamma=features.gamma)
        name = f"{features.kernel.name} kernel".replace("_", "-")
        seeds = check_random_state(estimator.random_state).randint(2**31 - 1, size=n_repeats)
        seeds = seeds[:1] if _is_fixed(features.opu, features.n_inputs) else seeds
        errors = np.empty((len(sizes), len(seeds)))
        for repeat, seed in enumerate(seeds):
            other = clone(estimator).set_params(n=int(sizes[-1]), random_state=int(seed))
            if other.opu is not None:
                other.set_params(opu=_other_glass(other.opu, int(seed)))
            Z = other.fit_transform(X)
            for i, n in enumerate(sizes):  # the first of many features are those of few
                approximated = (Z[:, :n] @ Z[:, :n].T) * (sizes[-1] / n)
                errors[i, repeat] = np.linalg.norm(approximated - exact) / np.linalg.norm(exact)
        return cls(exact, approximated, sizes, errors, name).plot(ax)

    def plot(self, ax=None):
        """Draw entries and errors.

        Parameters
        ----------
        ax : array-like of shape (2,) of matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : KernelApproximationDisplay
            This display, drawn.
        """
        self.figure_, self.axes_ = _figure(ax, 2)
        entries, errors = self.axes_
        largest = max(self.exact.max(), self.approximated.max())
        smallest = min(self.exact.min(), self.approximated.min())
        entries.plot(self.exact.ravel(), self.approximated.ravel(), ".", color="0.5", ms=3)
        entries.plot([smallest, largest], [smallest, largest], "k--", label="equal")
        entries.set(
            title=f"{self.n_features[-1]:,} features",
            xlabel=f"exact {self.name}",
            ylabel="inner product of features",
        )
        entries.legend()
        mean, n_repeats = self.errors.mean(axis=1), self.errors.shape[1]
        spread = self.errors.std(axis=1, ddof=1) if n_repeats > 1 else None
        label = f"{n_repeats} pieces of glass" if n_repeats > 1 else "one piece of glass"
        errors.errorbar(self.n_features, mean, spread, fmt="o", color="k", capsize=3, label=label)
        guide = mean[0] * np.sqrt(self.n_features[0] / self.n_features)
        errors.plot(self.n_features, guide, "--", color="0.5", label="falling like 1 / sqrt(n)")
        errors.set(
            title="Error of the kernel",
            xlabel="number of features n",
            ylabel="relative error (Frobenius norm)",
            xscale="log",
            yscale="log",
        )
        errors.legend()
        return self


class SpectrumDisplay:
    """Singular values that a decomposition found, how sure they are, and what they capture.

    Parameters
    ----------
    singular_values : ndarray of shape (n_components,)
        Singular values found, in descending order.
    errors : ndarray of shape (n_components,)
        Norms of the residuals ``A'u - s v``: a true singular value lies so near to each.
    energy_ratio : ndarray of shape (n_components,)
        Part of the sum of all squared entries that is captured by the first components.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure, once drawn.
    axes_ : ndarray of shape (2,) of matplotlib Axes
        Singular values and energy, once drawn.

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
        """Measure what a fitted decomposition leaves of X, in three passes, and draw it.

        Parameters
        ----------
        estimator : OPUTruncatedSVD or sklearn.decomposition.TruncatedSVD
            Fitted.
        X : {array-like, memmap, sparse matrix} of shape (n_samples, n_features)
            What it was fitted to.
        ax : array-like of shape (2,) of matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : SpectrumDisplay
            What is drawn.

        Raises
        ------
        ValueError
            If X has another number of features than the estimator was fitted with.
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
            Where to draw; None makes a figure.

        Returns
        -------
        display : SpectrumDisplay
            This display, drawn.
        """
        self.figure_, self.axes_ = _figure(ax, 2)
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


class TraceConvergenceDisplay:
    """Estimates of a trace, with their error bars, against the products that they took.

    Parameters
    ----------
    n_matvecs : ndarray of shape (n_sizes,)
        Numbers of products.
    values : ndarray of shape (n_sizes,)
        Estimates.
    standard_errors : ndarray of shape (n_sizes,)
        Their standard errors.
    exact : float, default=None
        The trace, where it is known.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure, once drawn.
    ax_ : matplotlib.axes.Axes
        Its axes, once drawn.

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
        """Estimate the trace of X with more and more products, and draw it.

        Parameters
        ----------
        estimator : OPUTraceEstimator
            Fitted or not; its clones are fitted.
        X : {array-like, sparse matrix, LinearOperator} of shape (n, n)
            The matrix.
        n_matvecs : array-like of int, default=(10, 20, 50, 100, 200)
            Numbers of products to allow; that of the estimator is not used.
        exact : float, default=None
            The trace, where it is known, drawn as a line.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : TraceConvergenceDisplay
            What is drawn.

        Raises
        ------
        ValueError
            If the estimator cannot be fitted to X.
        ImportError
            If matplotlib is not installed.
        """
        fitted = [clone(estimator).set_params(n_matvecs=int(n)).fit(X) for n in n_matvecs]
        taken, values, errors = zip(
            *((f.n_matvecs_, f.trace_, f.standard_error_) for f in fitted), strict=True
        )
        return cls(taken, values, errors, exact).plot(ax)

    def plot(self, ax=None):
        """Draw the estimates.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : TraceConvergenceDisplay
            This display, drawn.
        """
        self.figure_, (self.ax_,) = _figure(ax, 1)
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


class AlignmentDisplay:
    """Angles between the updates that light gives and the true gradients, over training.

    Parameters
    ----------
    angles : ndarray of shape (n_epochs, n_hidden_layers)
        Degrees; 90 is no alignment, below it the update goes downhill.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure, once drawn.
    ax_ : matplotlib.axes.Axes
        Its axes, once drawn.

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
        """Draw what a network has noted while it was trained.

        Parameters
        ----------
        estimator : DFAClassifier, DFARegressor or DFAGraphClassifier
            Fitted with ``track_alignment=True``.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : AlignmentDisplay
            What is drawn.

        Raises
        ------
        ValueError
            If the network has noted no angles.
        sklearn.exceptions.NotFittedError
            If it is not fitted.
        ImportError
            If matplotlib is not installed.
        """
        check_is_fitted(estimator)
        if not hasattr(estimator, "alignment_"):
            raise ValueError(
                f"This {type(estimator).__name__} has noted no angles. Fit it with "
                "track_alignment=True."
            )
        return cls(estimator.alignment_).plot(ax)

    def plot(self, ax=None):
        """Draw a line for each hidden layer.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : AlignmentDisplay
            This display, drawn.
        """
        self.figure_, (self.ax_,) = _figure(ax, 1)
        n_epochs, n_layers = self.angles.shape
        for layer in range(n_layers):
            self.ax_.plot(
                np.arange(1, n_epochs + 1),
                self.angles[:, layer],
                color=_COLOURS[layer % len(_COLOURS)],
                linestyle=_LINES[layer % len(_LINES)],
                marker=_MARKERS[layer % len(_MARKERS)],
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


def _figure(ax, n_axes):
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


def _device_of(estimator):
    if isinstance(estimator, Device):
        return estimator
    check_is_fitted(estimator, "opu_")
    return estimator.opu_


def _other_glass(opu, seed):
    """The device with other glass, where it is made from a seed."""
    opu = clone(opu)
    return opu.set_params(**dict.fromkeys(_seeds(opu), seed))


def _seeds(opu):
    """Names of the device's parameters that may be seeds of its glass."""
    params = opu.get_params()
    inner = ["medium__random_state"] if params.get("medium__random_state") is not None else []
    return inner + [name for name in ("random_state",) if name in params]


def _is_fixed(opu, n_inputs):
    """Whether there is no other glass than the device has."""
    if not _seeds(opu):
        return True
    everything = np.ones((1, n_inputs))
    seen = [_other_glass(opu, seed).without_noise().intensity(everything, 3) for seed in (0, 1)]
    return np.array_equal(*seen)
