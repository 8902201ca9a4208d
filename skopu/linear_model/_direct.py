"""Ridge regression by the inner products of features, of which one block is held at a time."""

import math

import numpy as np
import scipy.linalg
from scipy.linalg.blas import get_blas_funcs
from sklearn.linear_model import Ridge, RidgeCV

from .._utils.progress import progress_bar
from .._utils.threads import pieces
from ._ridge_checks import best_of, check_overflow, check_rounding, check_some_rows
from .ridge_problem import RidgeSolution
from .ridge_solver import RidgeSolver

_PART = 1024  # samples of a block that are rotated at once


class Direct(RidgeSolver):
    """By the Gram matrix of the features, or of the samples where these are fewer.

    The best alpha has the least squared error of leave-one-out cross-validation, see
    R. M. Rifkin and R. A. Lippert, "Notes on regularized least squares", MIT, 2007.
    """

    name, takes_several = "direct", True

    def solve(self, problem, alphas):
        if problem.has_few_samples:
            return _solve_stored(problem, alphas)
        with np.errstate(over="ignore", invalid="ignore"):  # `check_overflow` tells
            return _solve_in_passes(problem, alphas)


def _solve_stored(problem, alphas):
    """By scikit-learn, which takes inner products of samples where these are fewer."""
    if len(alphas) == 1:
        model, alpha, score = Ridge(alphas[0], fit_intercept=problem.fit_intercept), alphas[0], None
        model.fit(problem.stored(), problem.targets, problem.weights)
    else:
        model = RidgeCV(alphas, fit_intercept=problem.fit_intercept)
        model.fit(problem.stored(), problem.targets, problem.weights)
        alpha, score = model.alpha_, model.best_score_
    coef = np.reshape(model.coef_, (problem.n_targets, -1)).T
    return RidgeSolution(coef, np.broadcast_to(model.intercept_, problem.n_targets), alpha, score)


def _solve_in_passes(problem, alphas):
    """By a factorization, or by eigenvectors for several alphas."""
    n, dtype = problem.n, problem.dtype
    gram = np.zeros((n, n), dtype, order="F")  # its lower triangle
    right = np.zeros((n, problem.n_targets))
    syrk, syr = get_blas_funcs(["syrk", "syr"], [gram])
    n_rows = problem.n_samples * (1 if len(alphas) == 1 else 2)
    check_some_rows(problem, min(alphas))
    with progress_bar(problem.verbose, n_rows, "ridge", " rows") as done:
        for rows, block in problem.blocks(done):
            gram = syrk(1, block.T, beta=1, c=gram, lower=True, overwrite_c=True)
            right += block.T @ problem.Y[rows]
        gram = syr(-problem.total, problem.mean.astype(dtype), lower=True, a=gram, overwrite_a=True)
        check_overflow(gram.diagonal(), dtype)
        if len(alphas) == 1:
            return problem.solution(_factor_and_solve(gram, right, alphas[0]), alphas[0])
        options = {"lower": True, "overwrite_a": True, "check_finite": False, "driver": "evd"}
        values, vectors = scipy.linalg.eigh(gram, **options)
        values = values.astype(np.float64)
        check_rounding(min(alphas), min(alphas) + values[0], values[-1], dtype)
        values = np.maximum(values, 0)
        inverses = 1 / (values[:, None] + alphas)
        right = vectors.T @ right
        errors = _leave_one_out(problem, vectors, inverses, right, done)
    best = best_of(errors, alphas)
    coef = vectors @ (inverses[:, [best]] * right)
    return problem.solution(coef, alphas[best], -errors[best])


def _factor_and_solve(gram, right, alpha):
    gram.ravel("K")[:: len(gram) + 1] += alpha
    try:
        factor = scipy.linalg.cho_factor(gram, lower=True, overwrite_a=True, check_finite=False)
    except scipy.linalg.LinAlgError:
        least, largest = -math.inf, 0.0
    else:
        least, largest = _extreme_eigenvalues(factor[0])
    check_rounding(alpha, least, largest, gram.dtype)
    return scipy.linalg.cho_solve(factor, right.astype(gram.dtype), check_finite=False)


def _extreme_eigenvalues(L):
    """Smallest and largest eigenvalue of L @ L.T, about, by a few steps of power iteration."""
    multiply, solve = get_blas_funcs(["trmv", "trsv"], [L])
    found = []
    for apply, order in ((solve, (0, 1)), (multiply, (1, 0))):
        vector = np.random.default_rng(0).normal(size=len(L)).astype(L.dtype)
        for _ in range(5):
            vector /= np.linalg.norm(vector)
            for trans in order:
                vector = apply(L, vector, lower=True, trans=trans)
        found.append(float(np.linalg.norm(vector)))
    return 1 / found[0], found[1]


def _leave_one_out(problem, vectors, inverses, right, done):
    """Mean squared error of predictions for each sample by all others, for each alpha."""
    dtype = problem.dtype
    mean = (problem.mean @ vectors).astype(dtype)
    errors = np.zeros(inverses.shape[1])
    coefs = [(inverse[:, None] * right).astype(dtype) for inverse in inverses.T]
    inverses = inverses.astype(dtype)
    for rows, block in problem.blocks(done):
        for part in pieces(len(block), _PART):
            samples = slice(rows.start + part.start, rows.start + part.stop)
            rotated = block[part] @ vectors
            rotated -= np.outer(problem.roots[samples], mean)
            residuals = [problem.Y[samples] - rotated @ coef for coef in coefs]
            np.square(rotated, out=rotated)
            leverages = rotated @ inverses
            leverages += np.reshape(problem.leverage_of_mean(samples), (-1, 1))
            for i, residual in enumerate(residuals):
                left_out = residual / (1 - leverages[:, [i]])
                errors[i] += np.square(left_out, dtype=np.float64).sum()
    return errors / problem.Y.size
