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
    """Coefficients, and how a solver found them.

    Read more in the :doc:`user guide </user_guide/kernel_machines>`.

    Parameters
    ----------
    coef : ndarray of shape (n_features, n_targets)
        Weights of the features.
    intercept : ndarray of shape (n_targets,)
        Added to predictions.
    alpha : float
        The penalty used.
    score : float or None
        Negative mean squared error of cross-validation, if it chose among penalties.
    converged : bool
        If False, the estimator warns.

    See Also
    --------
    RidgeProblem : Its method ``solution`` makes one.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.linear_model import RidgeSolution
    >>> found = RidgeSolution(np.ones((3, 1)), np.zeros(1), alpha=1.0, score=None, converged=True)
    >>> found.coef.shape
    (3, 1)
    """

    coef: np.ndarray
    intercept: np.ndarray
    alpha: float
    score: float | None = None
    converged: bool = True


class RidgeProblem:
    """The problem that a `RidgeSolver` solves, in passes over the features.

    With the features Z of all samples, targets Y and weights w, where features and targets are
    centred if there is an intercept, the coefficients C solve (G + alpha I) C = B, with
    G = Z' diag(w) Z and B = Z' diag(w) Y.

    Read more in the :doc:`user guide </user_guide/kernel_machines>`.

    Parameters
    ----------
    features : callable
        ``features(X, out=None, shift=None)`` returns the features of some samples, less a shift;
        ``features.n`` is their number.
    X : {ndarray, sparse matrix} of shape (n_samples, n_inputs)
        Samples. Features are an array of the same library.
    targets : ndarray of shape (n_samples, n_targets)
        Targets.
    weights : ndarray of shape (n_samples,) or None
        Weights of samples.
    fit_intercept : bool
        Whether there is an intercept.
    tol : float
        The estimator's ``tol``.
    max_iter : int
        The estimator's ``max_iter``.
    seed : int
        Seed of whatever the solver draws.
    verbose : int
        The estimator's ``verbose``.

    Attributes
    ----------
    n, n_samples, n_targets : int
        Numbers of features, samples and targets.
    n_passes : int
        Number of passes over all features so far.
    has_few_samples : bool
        Whether there are fewer samples than features, few enough to store.
    roots : ndarray of shape (n_samples,)
        Roots of the weights.
    total : float
        Sum of the weights.
    targets_mean : ndarray of shape (n_targets,)
        Mean of the targets, zeros if there is no intercept.
    Y : ndarray of shape (n_samples, n_targets)
        Targets less their mean, times the roots of the weights.
    shift : ndarray of shape (n,)
        Roughly the mean of the features; `blocks` subtracts it.
    mean : ndarray of shape (n,), float64
        Mean of the shifted features, known after the first pass.
    dtype : dtype
        That of the features.
    tol : float
        The estimator's ``tol``.
    max_iter : int
        The estimator's ``max_iter``.
    seed : int
        Seed of whatever the solver draws.

    See Also
    --------
    RidgeSolver : What receives the problem.
    RidgeSolution : What the solver returns.

    Examples
    --------
    The smallest solver:

    >>> import numpy as np
    >>> from skopu import OpticalRidge
    >>> from skopu.linear_model import RidgeSolver
    >>> class Direct(RidgeSolver):
    ...     def solve(self, problem, alphas):
    ...         print(problem.n_samples, problem.n, problem.n_targets)
    ...         gram = problem.multiply(np.eye(problem.n))
    ...         gram += alphas[0] * np.eye(problem.n)
    ...         coef = np.linalg.solve(gram, problem.right_hand_sides())
    ...         return problem.solution(coef, alphas[0])
    >>> model = OpticalRidge(100, solver=Direct(), random_state=0).fit(np.eye(5), np.ones(5))
    5 100 1
    >>> model.n_iter_
    2
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
        """Whether there are fewer samples than features, few enough to store."""
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
        """Roughly the mean of the features, subtracted so that sums of squares do not cancel."""
        if not self.fit_intercept:
            return np.zeros(self.n, self.dtype)
        _, some = self.some_features()
        return some.mean(axis=0, dtype=np.float64).astype(self.dtype)

    def some_features(self):
        """Compute the features of some samples, spread over all.

        Returns
        -------
        rows : slice
            The samples, 256 at most.
        features : ndarray of shape (n_rows, n)
            Neither shifted nor weighted.
        """
        n_rows = min(_SOME, self.features.blocks(self.X)[0].stop)
        rows = slice(0, self.n_samples, -(-self.n_samples // n_rows))
        return rows, self.backend.to_numpy(self.features(self.X[rows, :]))

    @property
    def mean(self):
        """Mean of the shifted features, in float64; computed by the first pass."""
        if self._mean is None:
            for _ in self.blocks():
                pass
        return self._mean

    def keep_features(self):
        """Keep the features of the next pass for all later ones, if they fit.

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
            Called after each block, with the number of samples done.

        Yields
        ------
        rows : slice
            The samples.
        block : ndarray of shape (n_rows, n)
            Their features less the shift, times the roots of their weights; read-only. Unless
            features are kept, each block overwrites the one before.
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
        """Compute and hold the features of all samples: a pass.

        Returns
        -------
        features : ndarray of shape (n_samples, n)
            Neither shifted nor weighted. `solution` finds the right intercept only for coefficients
            of the features in `blocks`.
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
            Called after each block, with the number of samples done.

        Returns
        -------
        B : ndarray of shape (n, n_targets)
            Of float64.
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
            The columns to multiply.

        Returns
        -------
        product : ndarray of shape (n, n_columns)
            Of float64.
        """
        narrow = self.backend.asarray(columns.astype(self.dtype))
        product = self.backend.zeros(columns.shape[::-1], np.float64)
        for _, block in self.blocks():
            product += (block @ narrow).T @ block  # far faster than its transpose
        product = self.backend.to_numpy(product).T
        return product - self.total * np.outer(self.mean, self.mean @ columns)

    def leverage_of_mean(self, rows):
        """Share of the intercept in the leverage of samples.

        Parameters
        ----------
        rows : slice
            The samples.

        Returns
        -------
        leverage : ndarray of shape (n_rows,) or 0
            To add to the leverage of the centred features.
        """
        return np.square(self.roots[rows]) / self.total if self.fit_intercept else 0

    def solution(self, coef, alpha, score=None, converged=True):
        """Make a solution from coefficients C.

        Parameters
        ----------
        coef : ndarray of shape (n, n_targets)
            Coefficients.
        alpha : float
            The penalty they were found with.
        score : float, default=None
            Negative mean squared error of cross-validation, if it chose the penalty.
        converged : bool, default=True
            Whether they are as accurate as ``tol`` demands; if not, the estimator warns.

        Returns
        -------
        solution : RidgeSolution
            The coefficients and their intercept.

        Raises
        ------
        ValueError
            If the coefficients have the wrong shape or are not finite.
        """
        coef = np.asarray(coef)
        if coef.shape != (self.n, self.n_targets) or not all_finite(coef):
            raise ValueError(
                f"A solver must find finite coefficients of shape {(self.n, self.n_targets)}, got "
                f"shape {coef.shape}, and {np.isnan(coef).sum()} that are NaN."
            )
        intercept = self.targets_mean - (self.shift + self.mean) @ coef
        return RidgeSolution(coef, intercept, alpha, score, converged)
