"""Ridge regression by conjugate gradients, which go over all features at each step."""

import numpy as np

from .._utils.progress import progress_bar
from .._utils.streams import random_signs
from ._ridge_checks import best_of
from ._row_sums import RowSums
from .ridge_solver import RidgeSolver

_PROBES = 10  # random vectors that the trace of the hat matrix is estimated from
_PROBE_TOL = 10  # times tol: the error of the trace goes as the square


class ConjugateGradients(RidgeSolver):
    """For all targets and alphas at once; each step is a pass.

    Preconditioned with random sums of the samples, see `RowSums`. The best alpha has the least
    error of generalized cross-validation, for which random vectors give the trace of the hat
    matrix: A. Girard, Numer. Math. 56, 1989.
    """

    name, takes_several = "cg", True

    @np.errstate(over="ignore", invalid="ignore")
    def solve(self, problem, alphas):
        n_targets, several = problem.n_targets, len(alphas) > 1
        probes = random_signs(problem.seed, "hat", problem.n_samples, _PROBES if several else 0)
        columns = np.hstack([problem.Y, probes.astype(problem.dtype)])
        problem.keep_features()
        right, precondition = _first_pass(problem, columns, min(alphas))
        shifts = np.repeat(np.asarray(alphas, np.float64), right.shape[1])
        tols = np.full(right.shape[1], problem.tol)
        tols[n_targets:] *= _PROBE_TOL
        all_right, tols = np.tile(right, len(alphas)), np.tile(tols, len(alphas))
        with progress_bar(problem.verbose, None, "ridge, conjugate gradients", " passes") as done:
            found, converged = _iterate(problem, all_right, shifts, precondition, tols, done)
        coefs = np.split(found, len(alphas), axis=1)
        best, score = 0, None
        if several:
            pairs = zip(coefs, alphas, strict=True)
            errors = [_generalized(problem, right, coef, alpha) for coef, alpha in pairs]
            best = best_of(errors, alphas)
            score = -errors[best]
        return problem.solution(coefs[best][:, :n_targets], alphas[best], score, converged)


def _first_pass(problem, columns, least_alpha):
    """Right-hand sides of columns as targets, and a preconditioner."""
    backend, sums = problem.backend, RowSums(problem)
    right = backend.zeros((columns.shape[1], problem.n), np.float64)
    with progress_bar(problem.verbose, len(columns), "ridge, first pass", " rows") as done:
        for rows, block in problem.blocks(done):
            right += backend.asarray(columns[rows].T) @ block
            sums.add(rows, block)
    shifted = np.outer(problem.mean, problem.roots.astype(np.float64) @ columns)
    return backend.to_numpy(right).T - shifted, sums.preconditioner(problem.mean, least_alpha)


def _iterate(problem, right, shifts, precondition, tols, done):
    """Solutions of (Gram matrix + shift) x = right, a shift and tol each, and if they converged."""
    found, residual = np.zeros_like(right), right.copy()
    limits = tols * np.linalg.norm(right, axis=0)
    step = precondition(residual, shifts)
    product = np.einsum("ij,ij->j", residual, step)
    for n_iter in range(problem.max_iter + 1):
        left = np.flatnonzero(np.linalg.norm(residual, axis=0) > limits)
        if len(left) == 0 or n_iter == problem.max_iter:
            return found, len(left) == 0
        part = step[:, left]
        image = problem.multiply(part) + shifts[left] * part
        length = product[left] / np.einsum("ij,ij->j", part, image)
        found[:, left] += length * part
        residual[:, left] -= length * image
        fresh = precondition(residual[:, left], shifts[left])
        before, product[left] = product[left], np.einsum("ij,ij->j", residual[:, left], fresh)
        step[:, left] = fresh + product[left] / before * part
        done()


def _generalized(problem, right, coef, alpha):
    """Mean squared error of generalized cross-validation for one alpha."""
    n_samples, n_targets = np.count_nonzero(problem.roots), problem.n_targets
    explained = np.einsum("ij,ij->j", right, coef)  # x'b, where x'r = 0 for the residual r
    squares = np.square(problem.Y, dtype=np.float64).sum()
    residual = squares - (explained + alpha * np.square(coef).sum(axis=0))[:n_targets].sum()
    freedom = explained[n_targets:].mean() + problem.fit_intercept
    return residual / (n_samples * n_targets) / (1 - freedom / n_samples) ** 2
