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
    features = problem.backend.to_numpy(problem.stored())
    with np.errstate(over="ignore"):
        check_overflow(np.einsum("ij,ij->i", features, features), problem.dtype)
    if len(alphas) == 1:
        model, alpha, score = Ridge(alphas[0], fit_intercept=problem.fit_intercept), alphas[0], None
        model.fit(features, problem.targets, problem.weights)
    else:
        model = RidgeCV(alphas, fit_intercept=problem.fit_intercept)
        model.fit(features, problem.targets, problem.weights)
        alpha, score = model.alpha_, model.best_score_
    coef = np.reshape(model.coef_, (problem.n_targets, -1)).T
    return RidgeSolution(coef, np.broadcast_to(model.intercept_, problem.n_targets), alpha, score)


def _solve_in_passes(problem, alphas):
    """By a factorization, or by eigenvectors for several alphas."""
    dtype = problem.dtype
    n_rows = problem.n_samples * (1 if len(alphas) == 1 else 2)
    check_some_rows(problem, min(alphas))
    if len(alphas) > 1:
        problem.keep_features()
    with progress_bar(problem.verbose, n_rows, "ridge", " rows") as done:
        gram, right = _inner_products(problem, done)
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


def _inner_products(problem, done):
    """Lower triangle of the Gram matrix in Fortran's order, and products with the targets."""
    n, dtype, backend = problem.n, problem.dtype, problem.backend
    right = backend.zeros((problem.n_targets, n), np.float64)
    gram = np.zeros((n, n), dtype, order="F") if backend.is_numpy else backend.zeros((n, n), dtype)
    syrk, syr = get_blas_funcs(["syrk", "syr"], dtype=dtype)
    for rows, block in problem.blocks(done):
        right += backend.asarray(problem.Y[rows].T) @ block
        if backend.is_numpy:
            gram = syrk(1, block.T, beta=1, c=gram, lower=True, overwrite_c=True)
        else:
            gram += block.T @ block
    if not backend.is_numpy:
        gram = np.require(backend.to_numpy(gram).T, requirements="FW")
    gram = syr(-problem.total, problem.mean.astype(dtype), lower=True, a=gram, overwrite_a=True)
    return gram, backend.to_numpy(right).T


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
    dtype, asarray, to_numpy = problem.dtype, problem.backend.asarray, problem.backend.to_numpy
    mean = (problem.mean @ vectors).astype(dtype)
    errors = np.zeros(inverses.shape[1])
    coefs = [asarray((inverse[:, None] * right).astype(dtype)) for inverse in inverses.T]
    vectors, inverses = asarray(vectors), asarray(inverses.astype(dtype))
    for rows, block in problem.blocks(done):
        for part in pieces(block.shape[0], _PART):
            samples = slice(rows.start + part.start, rows.start + part.stop)
            rotated = block[part, :] @ vectors
            rotated -= asarray(np.outer(problem.roots[samples], mean))
            residuals = [problem.Y[samples] - to_numpy(rotated @ coef) for coef in coefs]
            rotated *= rotated
            leverages = to_numpy(rotated @ inverses)
            leverages += np.reshape(problem.leverage_of_mean(samples), (-1, 1))
            for i, residual in enumerate(residuals):
                left_out = residual / (1 - leverages[:, [i]])
                errors[i] += np.square(left_out, dtype=np.float64).sum()
    return errors / problem.Y.size
