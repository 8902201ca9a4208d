"""What ridge regression and classification on optical features share."""

import numbers
import warnings

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from .._device_mixin import DeviceMixin
from .._feature_map import feature_map
from .._utils.arrays import as_type, backend_of, dispatched, numpy_dtype, place, to_numpy
from .._utils.checks import (
    check_as_fitted,
    check_choice,
    check_some_weight,
    numbers_alone,
    validate_rows,
)
from .._utils.private_sklearn import Interval, StrOptions, check_sample_weight
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

    def _validate(self, X, y, **options):
        """Checked X, which stays what it is, and y as an array of NumPy."""
        options = {"accept_sparse": "csr", "multi_output": True, **options}
        return validate_rows(self, X, y=_off_device(y), accept_foreign=True, **options)

    def _weights(self, sample_weight, Y):
        """Checked weights as an array of NumPy, or None."""
        if sample_weight is None:
            return None
        sample_weight = _off_device(sample_weight)
        with numbers_alone(sample_weight=sample_weight):
            return check_sample_weight(sample_weight, Y, ensure_non_negative=True)

    def _solve(self, X, Y, sample_weight):
        """Fit to targets of shape (n_samples, n_targets)."""
        alphas = np.asarray(self.alphas)
        if alphas.ndim > 1 or alphas.size == 0 or alphas.dtype.kind not in "iuf":
            raise ValueError(f"alphas must be one positive number or several, got {self.alphas!r}.")
        if not (np.isfinite(alphas).all() and alphas.min() > 0):
            raise ValueError(f"alphas must be positive and finite, got {self.alphas!r}.")
        if sample_weight is not None:
            check_some_weight(sample_weight)
        n_weighted = len(Y) if sample_weight is None else np.count_nonzero(sample_weight)
        if alphas.size > 1 and n_weighted == 1:
            raise ValueError(
                "There is no cross-validation among alphas with n_samples = 1, or one of weight."
            )
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
        with problem.backend.memory_explained():
            solution = solver.solve(problem, alphas)
        if not isinstance(solution, RidgeSolution):
            raise ValueError(
                f"{type(solver).__name__}.solve must return problem.solution(coef, alpha), got "
                f"{type(solution).__name__}."
            )
        coef = np.ascontiguousarray(solution.coef.T, problem.dtype)
        self.coef_ = problem.backend.asarray(coef)
        self.intercept_ = problem.backend.asarray(np.asarray(solution.intercept, problem.dtype))
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

    def _targets(self, X, method):
        """Predicted targets of shape (n_samples, n_targets)."""
        check_is_fitted(self, "coef_")
        X = validate_rows(self, X, reset=False, accept_sparse="csr", accept_foreign=True)
        check_as_fitted(self, X, place(self.coef_), method)
        backend, coef = backend_of(X), self.coef_ if self.coef_.ndim == 2 else self.coef_[None, :]
        dtype = np.result_type(numpy_dtype(X), numpy_dtype(coef))
        coef, result = as_type(coef, dtype), backend.empty((X.shape[0], coef.shape[0]), dtype)
        with backend.memory_explained():
            for rows in self._map.blocks(X):
                result[rows, :] = as_type(self._map(X[rows, :]), dtype) @ coef.T
        result += self.intercept_
        return result

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        tags.input_tags.sparse = True
        return tags


def _off_device(values):
    """What a user gave; as an array of NumPy, if it is one of another library."""
    return to_numpy(values) if dispatched(values) else values
