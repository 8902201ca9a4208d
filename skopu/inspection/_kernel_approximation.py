"""How near random features are to their kernel, drawn."""

import contextlib

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from .._feature_map import feature_map
from .._utils.checks import check_count, check_counts, validate_rows
from ._drawing import figure_and_axes
from ._glass import other_glass, seeds_of, with_other_glass


class KernelApproximationDisplay:
    """Kernel of random features against the exact one, and its error against their number.

    Read more in the :doc:`user guide </user_guide/kernel_machines>`.

    Parameters
    ----------
    exact : ndarray of shape (n_samples, n_samples)
        Exact kernel.
    approximated : ndarray of shape (n_samples, n_samples)
        Inner products of the largest number of features.
    n_features : ndarray of shape (n_sizes,)
        Numbers of features.
    errors : ndarray of shape (n_sizes, n_repeats)
        Relative error in the Frobenius norm, for each number of features and piece of glass.
    name : str, default="kernel"
        Name of the kernel in the figure.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure, once drawn.
    axes_ : ndarray of shape (2,) of matplotlib Axes
        Entries and errors, once drawn.

    See Also
    --------
    OpticalRandomFeatures : The features.
    optical_kernel : The kernel of "speckle" features.
    arc_cosine_kernel : The kernel of "arc_cosine" features.
    sklearn.kernel_approximation.RBFSampler : Random features from a stored matrix.

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
        """Compare the features of an estimator with the kernel they converge to.

        Parameters
        ----------
        estimator : OpticalRandomFeatures
            Fitted or not; its clones are fitted, each with its own glass.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, a few hundred at most.
        n_features : array-like of int, default=(100, 300, 1000, 3000, 10_000)
            Numbers of features to compare; ``n`` of the estimator is not used.
        n_repeats : int, default=5
            Number of pieces of glass; 1 for a device whose glass has no seed, such as a
            `MeasuredMedium`.
        ax : array-like of shape (2,) of matplotlib Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : KernelApproximationDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the estimator cannot be fitted to X, or a number is not positive.
        ImportError
            If matplotlib is not installed.
        """
        sizes = np.sort(check_counts(n_features, "n_features"))
        check_count(n_repeats, "n_repeats")
        features = feature_map(estimator, validate_rows(clone(estimator), X))
        exact = features.kernel.exact(X, degree=features.degree, gamma=features.gamma)
        name = f"{features.kernel.name} kernel".replace("_", "-")
        seeds = check_random_state(estimator.random_state).randint(2**31 - 1, size=n_repeats)
        seeds = seeds[:1] if _is_fixed(features) else seeds
        errors = np.empty((len(sizes), len(seeds)))
        for repeat, seed in enumerate(seeds):
            other = with_other_glass(estimator, int(seed)).set_params(n=int(sizes[-1]))
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
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : KernelApproximationDisplay
            This display, drawn.
        """
        self.figure_, self.axes_ = figure_and_axes(ax, 2)
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
        # Through the middle of all points, since any single one is noisy.
        unit = np.exp(np.mean(np.log(mean * np.sqrt(self.n_features))))
        guide = unit / np.sqrt(self.n_features)
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


def _is_fixed(features):
    """Whether there is no other glass than the device has."""
    if not seeds_of(features.opu):
        return True
    everything, seen = np.ones((1, features.n_inputs)), []
    for seed in (0, 1):
        opu = other_glass(features.opu, seed)
        with contextlib.suppress(ValueError):  # of a device that is known by its readings alone
            opu = opu.without_noise()
        seen.append(opu.project(everything, 3, features.kernel.reading))
    return np.array_equal(*seen)
