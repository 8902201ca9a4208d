"""What ridge regression and classification on optical features share."""

import numbers
import warnings

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from .._device_mixin import DeviceMixin
from .._feature_map import feature_map
from .._utils.checks import check_choice, check_some_weight, validate_rows
from .._utils.private_sklearn import Interval, StrOptions
from ..kernels import KERNELS, Kernel
from ..optics import Device, LayeredMedium
from ._solvers import RIDGE_SOLVERS
from .ridge_problem import RidgeProblem, RidgeSolution
from .ridge_solver import RidgeSolver


class BaseOpticalRidge(DeviceMixin, BaseEstimator):
    """Ridge regression of several targets on features that are made block by block."""

    _default_medium = LayeredMedium

    _parameter_constraints = {
        "n": [Interval(numbers.Integral, 1, None, closed="left")],
        "alphas": [Interval(numbers.Real, 0, None, closed="neither"), "array-like"],
        "kernel": [StrOptions(set(KERNELS)), Kernel],
        "degree": [Interval(numbers.Real, 0, None, closed="left"), None],
        "gamma": [Interval(numbers.Real, 0, None, closed="neither"), StrOptions({"scale"}), None],
        "fit_intercept": ["boolean"],
        "solver": [StrOptions(set(RIDGE_SOLVERS)), RidgeSolver],
        "tol": [Interval(numbers.Real, 0, None, closed="neither")],
        "max_iter": [Interval(numbers.Integral, 1, None, closed="left")],
        "opu": [Device, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n=10000,
        *,
        alphas=1.0,
        kernel="speckle",
        degree=None,
        gamma=None,
        fit_intercept=True,
        solver="auto",
        tol=1e-4,
        max_iter=100,
        opu=None,
        random_state=None,
        verbose=0,
    ):
        self.n = n
        self.alphas = alphas
        self.kernel = kernel
        self.degree = degree
        self.gamma = gamma
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.opu = opu
        self.random_state = random_state
        self.verbose = verbose

    def _solve(self, X, Y, sample_weight):
        """Fit to targets of shape (n_samples, n_targets)."""
        alphas = np.asarray(self.alphas)
        if alphas.ndim > 1 or alphas.size == 0 or alphas.dtype.kind not in "iuf":
            raise ValueError(f"alphas must be one positive number or several, got {self.alphas!r}.")
        if not (np.isfinite(alphas).all() and alphas.min() > 0):
            raise ValueError(f"alphas must be positive and finite, got {self.alphas!r}.")
        if alphas.size > 1 and len(Y) == 1:
            raise ValueError("There is no cross-validation among alphas with n_samples = 1.")
        if sample_weight is not None:
            check_some_weight(sample_weight)
        self._map = feature_map(self, X, sample_weight)
        self.opu_ = self._map.opu
        problem = RidgeProblem(
            self._map,
            X,
            Y,
            sample_weight,
            fit_intercept=self.fit_intercept,
            tol=self.tol,
            max_iter=self.max_iter,
            seed=self._map.seed,
            verbose=self.verbose,
        )
        alphas = np.atleast_1d(alphas).astype(float).tolist()
        solver = check_choice(self.solver, "solver", RIDGE_SOLVERS, RidgeSolver)
        if len(alphas) > 1 and not solver.takes_several:
            raise ValueError(
                f'The solver "{solver.name}" does not choose among alphas, got {self.alphas!r}. '
                "Give one, or search for it with sklearn.model_selection.GridSearchCV."
            )
        solution = solver.solve(problem, alphas)
        if not isinstance(solution, RidgeSolution):
            raise ValueError(
                f"{type(solver).__name__}.solve must return problem.solution(coef, alpha), got "
                f"{type(solution).__name__}."
            )
        self.coef_ = np.ascontiguousarray(solution.coef.T, X.dtype)
        self.intercept_ = np.asarray(solution.intercept, X.dtype)
        self.alpha_, self.n_iter_ = solution.alpha, problem.n_passes
        self.best_score_ = solution.score
        self._warn(solution, solver.name)

    def _warn(self, solution, solver_name):
        outside = {"stacklevel": 6}  # where the user calls fit
        if not solution.converged:
            warnings.warn(
                f'The solver "{solver_name}" has not converged to tol={self.tol}. Raise '
                f"max_iter={self.max_iter}, tol or alphas.",
                ConvergenceWarning,
                **outside,
            )
        alpha, alphas = solution.alpha, np.unique(np.asarray(self.alphas, float))
        if len(alphas) < 3 or alphas[0] < alpha < alphas[-1]:  # two have nothing but edges
            return
        which, better = ("smallest", "smaller") if alpha == alphas[0] else ("largest", "larger")
        warnings.warn(
            f"The best of alphas is {alpha}, the {which} of them: a {better} one may be better. "
            "Widen the range of alphas.",
            UserWarning,
            **outside,
        )

    def _targets(self, X):
        """Predicted targets of shape (n_samples, n_targets)."""
        check_is_fitted(self, "coef_")
        X = validate_rows(self, X, reset=False, accept_sparse="csr")
        coef = np.atleast_2d(self.coef_)
        result = np.empty((X.shape[0], len(coef)), np.result_type(X, coef))
        for rows in self._map.blocks(X):
            np.matmul(self._map(X[rows]), coef.T, out=result[rows])
        result += self.intercept_
        return result

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
