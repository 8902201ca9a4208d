"""A ridge regression on features that are made block by block and need not be held."""

import functools
from typing import NamedTuple

import numpy as np

from .._utils.arrays import backend_of, numpy_dtype, working_rows
from .._utils.checks import all_finite
from .._utils.threads import pieces

_STORED = 2**27  # features that are stored where samples are fewer
_PART = 256  # samples whose features are added up in their own dtype
_SOME = 256  # samples that stand for all


class RidgeSolution(NamedTuple):
    """Coefficients, and how they were found.

    Parameters
    ----------
    coef : ndarray of shape (n_features, n_targets)
        Weights of the features.
    intercept : ndarray of shape (n_targets,)
        What is added to predictions.
    alpha : float
        The penalty in use.
    score : float or None
        Negative mean squared error of cross-validation, where it chose among penalties.
    converged : bool
        False gives a warning.
    """

    coef: np.ndarray
    intercept: np.ndarray
    alpha: float
    score: float | None = None
    converged: bool = True


class RidgeProblem:
    """What a `RidgeSolver` has to solve, and the passes over the features that it takes.

    With the features Z of all samples, weights w, and the means of features and targets taken
    away where there is an intercept, the coefficients C solve (G + alpha I) C = B, with
    G = Z' diag(w) Z and B = Z' diag(w) Y.

    Parameters
    ----------
    features : callable
        ``features(X, out=None, shift=None)`` makes those of some samples, less a shift;
        ``features.n`` is their number.
    X : {ndarray, sparse matrix} of shape (n_samples, n_inputs)
        Samples; or an array of another library, and then so are the features.
    targets : ndarray of shape (n_samples, n_targets)
        Targets.
    weights : ndarray of shape (n_samples,) or None
        Weights of samples.
    fit_intercept : bool
        Whether there is an intercept.
    tol, max_iter, seed, verbose
        As of the estimator, seed an integer.

    Attributes
    ----------
    n, n_samples, n_targets : int
        Numbers of features, samples and targets.
    n_passes : int
        How often all features were gone over.
    Y : ndarray of shape (n_samples, n_targets)
        Targets less their mean, times the roots of the weights.
    tol : float
        What the estimator's ``tol`` asks for.
    max_iter : int
        Most steps.
    seed : int
        Of what is drawn.
    """

    def __init__(
        self, features, X, targets, weights=None, *, fit_intercept, tol, max_iter, seed, verbose
    ):
        self.features, self.X, self.targets, self.weights = features, X, targets, weights
        self.fit_intercept = fit_intercept
        self.tol, self.max_iter, self.seed, self.verbose = tol, max_iter, seed, verbose
        self.n, self.dtype, self.backend = features.n, numpy_dtype(X), backend_of(X)
        self.n_samples, self.n_targets = targets.shape
        self.n_passes, self._mean = 0, None
        self._kept, self._is_kept = None, False

    @property
    def has_few_samples(self):
        """Whether samples are fewer than features, and these few enough to be stored."""
        return self.n_samples < self.n and self.n_samples * self.n <= _STORED

    @functools.cached_property
    def roots(self):
        """Roots of the weights of samples."""
        roots = np.ones(self.n_samples) if self.weights is None else np.sqrt(self.weights)
        return roots.astype(self.dtype, copy=False)

    @functools.cached_property
    def total(self):
        """Sum of the weights."""
        return float(np.square(self.roots, dtype=np.float64).sum())

    @functools.cached_property
    def targets_mean(self):
        """Mean of the targets, or zeros where there is no intercept."""
        if self.fit_intercept:
            return np.average(self.targets, axis=0, weights=self.weights)
        return np.zeros(self.n_targets)

    @functools.cached_property
    def Y(self):
        """Targets less their mean, times the roots of the weights."""
        Y = (self.targets - self.targets_mean) * self.roots[:, None]
        return Y.astype(self.dtype, copy=False)

    @functools.cached_property
    def shift(self):
        """Near the mean of the features, so that sums of squares do not cancel."""
        if not self.fit_intercept:
            return np.zeros(self.n, self.dtype)
        _, some = self.some_features()
        return some.mean(axis=0, dtype=np.float64).astype(self.dtype)

    def some_features(self):
        """Make the features of some samples, spread over all.

        Returns
        -------
        rows : slice
            Which samples, 256 at most.
        features : ndarray of shape (n_rows, n)
            As they are: neither shifted nor weighted.
        """
        n_rows = min(_SOME, self.features.blocks(self.X)[0].stop)
        rows = slice(0, self.n_samples, -(-self.n_samples // n_rows))
        return rows, self.backend.to_numpy(self.features(self.X[rows, :]))

    @property
    def mean(self):
        """Mean of the features beside the shift, in float64; gathered by the first pass."""
        if self._mean is None:
            for _ in self.blocks():
                pass
        return self._mean

    def keep_features(self):
        """Keep the features of the next pass for all later ones, where they fit.

        They fit if they take at most ``sklearn.get_config()["working_memory"]`` MiB.
        """
        fit = self.n_samples <= working_rows(self.n * self.dtype.itemsize)
        if fit and self._kept is None:
            self._kept = self.backend.empty((self.n_samples, self.n), self.dtype)

    def blocks(self, done=None):
        """Iterate over the features of all samples: a pass.

        Parameters
        ----------
        done : callable, default=None
            Called with the number of samples that have been gone through, after each block.

        Yields
        ------
        rows : slice
            Which samples.
        block : ndarray of shape (n_rows, n)
            Their features less the shift, times the roots of their weights; read-only. Unless
            they are kept, all blocks share one piece of memory: each is overwritten by the next.
        """
        self.n_passes += 1
        slices = self.features.blocks(self.X)
        is_made, kept = self._is_kept, self._kept
        memory = kept
        if kept is None:
            memory = self.backend.empty((slices[0].stop, self.n), self.dtype)
        mean = np.zeros(self.n) if self._mean is None else None
        for rows in slices:
            where = slice(0, rows.stop - rows.start) if kept is None else rows
            block = memory[where, :]
            if not is_made:
                self._make(rows, block)
            if self.backend.is_numpy:
                block.flags.writeable = False
            if mean is not None and self.fit_intercept:
                self._add_to_mean(mean, rows, block)
            yield rows, block
            if done is not None:
                done(rows.stop - rows.start)
        self._is_kept = kept is not None
        if mean is not None:
            self._mean = mean

    def _make(self, rows, block):
        shift = self.backend.asarray(self.shift) if self.fit_intercept else None
        if self.backend.is_numpy:
            self.features(self.X[rows], out=block, shift=shift)
        else:
            block[...] = self.features(self.X[rows, :], shift=shift)
        if self.weights is not None:
            block *= self.backend.asarray(self.roots[rows, None])

    def stored(self):
        """Make the features of all samples and hold them at once: a pass.

        Returns
        -------
        features : ndarray of shape (n_samples, n)
            As they are: neither shifted nor weighted. `solution` knows the intercept of
            coefficients for those of `blocks` alone.
        """
        self.n_passes += 1
        return self.features(self.X)

    def _add_to_mean(self, mean, rows, block):
        roots = self.backend.asarray(self.roots[rows])
        for part in pieces(block.shape[0], _PART):  # so few that float32 loses little
            mean += self.backend.to_numpy(roots[part] @ block[part, :]) / self.total

    def right_hand_sides(self, done=None):
        """Gather B, in one pass.

        Parameters
        ----------
        done : callable, default=None
            Called with the number of samples that have been gone through, after each block.

        Returns
        -------
        B : ndarray of shape (n, n_targets)
            In float64.
        """
        right = self.backend.zeros((self.n_targets, self.n), np.float64)
        for rows, block in self.blocks(done):
            right += self.backend.asarray(self.Y[rows].T) @ block
        return self.backend.to_numpy(right).T

    def multiply(self, columns):
        """Multiply by G, in one pass.

        Parameters
        ----------
        columns : ndarray of shape (n, n_columns)
            What to multiply.

        Returns
        -------
        product : ndarray of shape (n, n_columns)
            In float64.
        """
        narrow = self.backend.asarray(columns.astype(self.dtype))
        product = self.backend.zeros(columns.shape[::-1], np.float64)
        for _, block in self.blocks():
            product += (block @ narrow).T @ block  # far faster than its transpose
        product = self.backend.to_numpy(product).T
        return product - self.total * np.outer(self.mean, self.mean @ columns)

    def leverage_of_mean(self, rows):
        """Part that the intercept has in the leverage of samples.

        Parameters
        ----------
        rows : slice
            Which samples.

        Returns
        -------
        leverage : ndarray of shape (n_rows,) or 0
            To be added to that of the centred features.
        """
        return np.square(self.roots[rows]) / self.total if self.fit_intercept else 0

    def solution(self, coef, alpha, score=None, converged=True):
        """Make a solution of coefficients C.

        Parameters
        ----------
        coef : ndarray of shape (n, n_targets)
            Coefficients.
        alpha : float
            The penalty that they have.
        score : float, default=None
            Negative mean squared error of cross-validation, where the penalty was chosen by it.
        converged : bool, default=True
            Whether they are what ``tol`` asks for; if not, the estimator warns.

        Returns
        -------
        solution : RidgeSolution
            The coefficients with their intercept.

        Raises
        ------
        ValueError
            If the coefficients have another shape or are not finite.
        """
        coef = np.asarray(coef)
        if coef.shape != (self.n, self.n_targets) or not all_finite(coef):
            raise ValueError(
                f"A solver must find finite coefficients of shape {(self.n, self.n_targets)}, got "
                f"shape {coef.shape}, and {np.isnan(coef).sum()} that are NaN."
            )
        intercept = self.targets_mean - (self.shift + self.mean) @ coef
        return RidgeSolution(coef, intercept, alpha, score, converged)
