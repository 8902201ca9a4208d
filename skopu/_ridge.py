"""Ridge regression on features that are made block by block and never held at once.

The features Z of all samples are read in passes. With weights w, and means of features and
targets taken away where there is an intercept, the coefficients solve (G + alpha I) C = B,
with G = Z' diag(w) Z and B = Z' diag(w) Y.
"""

import math
import warnings
from typing import NamedTuple

import numpy as np
import scipy.linalg
from scipy.linalg.blas import get_blas_funcs
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge, RidgeCV

from ._utils.checks import all_finite
from ._utils.progress import progress_bar
from ._utils.streams import bit_generator, raw_bytes
from ._utils.threads import pieces
from .linalg._nystrom import nystrom
from .linalg._random_vectors import random_matrix
from .optics import OPU, GaussianMedium

_STORED = 2**27  # features that are stored where samples are fewer
_LARGEST_GRAM = 25_000  # rows of a Gram matrix: 2.5 or 5 GB
_PART = 1024  # samples of a block that are worked on at once
_SOME = 256  # samples whose mean is near that of all
_LOST = 10  # times rounding of the largest eigenvalue, below which an eigenvalue is noise
_RANK = 1024  # directions that the preconditioner knows
_SKETCH = 2**27  # entries of the preconditioner's sketch: 1 GB
_PROBES = 10  # random vectors that the trace of the hat matrix is estimated from
_PROBE_TOL = 10  # times tol: the error of the trace goes as the square


class Solution(NamedTuple):
    """Coefficients (n_features, n_targets), and how they were found."""

    coef: np.ndarray
    intercept: np.ndarray
    alpha: float
    score: float | None
    n_passes: int


class _Problem:
    """Samples, targets of shape (n_samples, n_targets) and weights of a ridge regression."""

    def __init__(self, features, X, Y, weights, fit_intercept, verbose):
        self.features, self.X, self.verbose = features, X, verbose
        self.roots = np.ones(len(Y), X.dtype) if weights is None else np.sqrt(weights)
        self.roots = self.roots.astype(X.dtype, copy=False)
        self.total = float(np.square(self.roots, dtype=np.float64).sum())
        self.Y_mean, self.shift = np.zeros(Y.shape[1]), np.zeros(features.n, X.dtype)
        if fit_intercept:
            self.Y_mean = np.average(Y, axis=0, weights=weights)
            # Near the mean, so that sums of squares do not cancel; the rest is `mean`.
            some = features(X[features.blocks(X)[0]][:_SOME])
            self.shift = some.mean(axis=0, dtype=np.float64).astype(X.dtype)
        self.Y = ((Y - self.Y_mean) * self.roots[:, None]).astype(X.dtype, copy=False)
        self.mean = np.zeros(features.n)
        self.has_intercept = fit_intercept

    def blocks(self, done=lambda rows: None):
        """Slices of rows, with their features: shifted, times the roots of their weights.

        All blocks are the same memory, of which each is the next one's ruin.
        """
        slices = self.features.blocks(self.X)
        memory = np.empty((slices[0].stop, self.features.n), self.X.dtype)
        for rows in slices:
            block = self.features(self.X[rows], out=memory[: rows.stop - rows.start])
            block -= self.shift
            block *= self.roots[rows, None]
            yield rows, block
            done(rows.stop - rows.start)

    def add_to_mean(self, rows, block):
        """Gather the mean of shifted features, over a pass."""
        if self.has_intercept:
            roots = self.roots[rows].astype(np.float64)
            for part in pieces(len(block), _PART):  # a float64 copy of all would be as large again
                self.mean += roots[part] @ block[part].astype(np.float64) / self.total

    def centre(self, product, columns):
        """Gram matrix of shifted features times columns, less what their mean has in it."""
        product -= self.total * np.outer(self.mean, self.mean @ columns)
        return product

    def multiply(self, columns):
        """Gram matrix times columns, in one pass."""
        narrow, product = columns.astype(self.X.dtype), np.zeros(columns.shape)
        for _, block in self.blocks():
            product += block.T @ (block @ narrow)
        return self.centre(product, columns)

    def leverage_of_mean(self, rows):
        """Part that the intercept has in the leverage of samples."""
        return np.square(self.roots[rows]) / self.total if self.has_intercept else 0

    def solution(self, coef, alpha, score, n_passes):
        intercept = self.Y_mean - (self.shift + self.mean) @ coef
        return Solution(coef, intercept, alpha, score, n_passes)


def solve(features, X, Y, weights, alphas, *, fit_intercept, solver, tol, max_iter, seed, verbose):
    """Solution for the features of X, targets Y of shape (n_samples, n_targets) and weights."""
    n_samples, n = len(Y), features.n
    if solver != "cg" and n_samples < n and n_samples * n <= _STORED:
        return _solve_stored(features(X), Y, weights, alphas, fit_intercept)
    problem = _Problem(features, X, Y, weights, fit_intercept, verbose)
    if solver == "direct" or (solver == "auto" and n <= _LARGEST_GRAM):
        return _solve_directly(problem, alphas)
    return _solve_iteratively(problem, alphas, tol, max_iter, seed)


def _solve_stored(Z, Y, weights, alphas, fit_intercept):
    """By scikit-learn, which takes inner products of samples where these are fewer."""
    if len(alphas) == 1:
        model = Ridge(alphas[0], fit_intercept=fit_intercept).fit(Z, Y, weights)
        alpha, score = alphas[0], None
    else:
        model = RidgeCV(alphas, fit_intercept=fit_intercept).fit(Z, Y, weights)
        alpha, score = model.alpha_, model.best_score_
    coef = np.reshape(model.coef_, (Y.shape[1], -1)).T
    return Solution(coef, np.broadcast_to(model.intercept_, Y.shape[1]), alpha, score, 1)


@np.errstate(over="ignore", invalid="ignore")  # `_check_overflow` tells
def _solve_directly(problem, alphas):
    """By the Gram matrix of the features: a factorization, or its eigenvectors for several alphas.

    The best alpha has the least squared error of leave-one-out cross-validation, see
    R. M. Rifkin and R. A. Lippert, "Notes on regularized least squares", MIT, 2007.
    """
    n, dtype = problem.features.n, problem.X.dtype
    gram = np.zeros((n, n), dtype, order="F")  # its lower triangle
    right = np.zeros((n, problem.Y.shape[1]))
    syrk = get_blas_funcs("syrk", [gram])
    n_passes = 1 if len(alphas) == 1 else 2
    _check_some_rows(problem, min(alphas))
    with progress_bar(problem.verbose, n_passes * len(problem.Y), "ridge", " rows") as done:
        for rows, block in problem.blocks(done):
            gram = syrk(1, block.T, beta=1, c=gram, lower=True, overwrite_c=True)
            right += block.T @ problem.Y[rows]
            problem.add_to_mean(rows, block)
        syr = get_blas_funcs("syr", [gram])
        gram = syr(-problem.total, problem.mean.astype(dtype), lower=True, a=gram, overwrite_a=True)
        _check_overflow(gram.diagonal(), dtype)
        if len(alphas) == 1:
            coef = _factor_and_solve(gram, right, alphas[0])
            return problem.solution(coef, alphas[0], None, n_passes)
        options = {"lower": True, "overwrite_a": True, "check_finite": False, "driver": "evd"}
        values, vectors = scipy.linalg.eigh(gram, **options)
        values = values.astype(np.float64)
        _check_rounding(min(alphas), min(alphas) + values[0], values[-1], dtype)
        values = np.maximum(values, 0)
        inverses = 1 / (values[:, None] + alphas)
        right = vectors.T @ right
        errors = _leave_one_out(problem, vectors, inverses, right, done)
    best = _best(errors, alphas)
    coef = vectors @ (inverses[:, [best]] * right)
    return problem.solution(coef, alphas[best], -errors[best], n_passes)


def _check_overflow(products, dtype):
    if not all_finite(products):
        raise ValueError(
            f"Inner products of the features overflow {dtype}. Scale X, for example with "
            "sklearn.preprocessing.normalize."
        )


def _check_rounding(alpha, least, largest, dtype):
    """Raise ValueError where the least eigenvalue, with alpha, is lost beside the largest."""
    if least < _LOST * np.finfo(dtype).eps * largest:
        raise ValueError(
            f"alpha={alpha} is too small for features of {dtype}: rounding hides it. Raise "
            "alphas, scale X down, look for outliers in it, or give X as float64."
        )


def _check_some_rows(problem, alpha):
    """`_check_rounding` before the pass, where some rows leave no doubt.

    No more than half of their directions may be lost. Of the rows, spread over all, those
    longest along the leading direction do not count: one outlier would seem to be many.
    """
    rows = np.unique(np.linspace(0, len(problem.Y) - 1, _SOME).astype(int))
    roots = problem.roots[rows]
    weight = np.square(roots, dtype=np.float64).sum()
    if weight == 0:
        return
    some = problem.features(problem.X[rows]) - problem.shift
    some = some.astype(np.float64) * roots[:, None]
    _check_overflow(some, problem.X.dtype)
    _, sizes, directions = np.linalg.svd(some, full_matrices=False)
    along = np.sort(np.square(some @ directions[0]))[: -(-9 * len(rows) // 10)]
    scale = problem.total / weight
    middle, largest = scale * sizes[len(sizes) // 2] ** 2, scale * along.sum()
    # Without the longest tenth, some half of a normal sum is left; half of that is the margin.
    _check_rounding(alpha, alpha + middle, largest / 2, problem.X.dtype)


def _best(errors, alphas):
    """Index of the least error of cross-validation."""
    if not np.isfinite(errors).all():
        wrong = [alpha for alpha, error in zip(alphas, errors, strict=True) if error - error != 0]
        raise ValueError(
            f"The errors of cross-validation are not finite for alphas={wrong}. Raise alphas, or "
            "scale the targets down."
        )
    return int(np.argmin(errors))


def _factor_and_solve(gram, right, alpha):
    gram.ravel("K")[:: len(gram) + 1] += alpha
    try:
        factor = scipy.linalg.cho_factor(gram, lower=True, overwrite_a=True, check_finite=False)
    except scipy.linalg.LinAlgError:
        least, largest = -math.inf, 0.0
    else:
        least, largest = _extreme_eigenvalues(factor[0])
    _check_rounding(alpha, least, largest, gram.dtype)
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
    dtype = problem.X.dtype
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


@np.errstate(over="ignore", invalid="ignore")
def _solve_iteratively(problem, alphas, tol, max_iter, seed):
    """By conjugate gradients for all targets and alphas at once; each step is a pass.

    Preconditioned with a random sketch of the Gram matrix, see Z. Frangella, J. A. Tropp and
    M. Udell, "Randomized Nystrom preconditioning", SIAM J. Matrix Anal. Appl. 44, 2023. The
    best alpha has the least error of generalized cross-validation, for which random vectors
    give the trace of the hat matrix: A. Girard, Numer. Math. 56, 1989.
    """
    n, n_targets = problem.features.n, problem.Y.shape[1]
    probes = _random_signs(seed, len(problem.Y), _PROBES if len(alphas) > 1 else 0)
    columns = np.hstack([problem.Y, probes.astype(problem.X.dtype)])
    rank = min(_RANK, n, max(1, _SKETCH // n))
    test = random_matrix(OPU(GaussianMedium(), random_state=seed), n, rank, np.float64)
    test = np.linalg.qr(test)[0]
    right, sketch = np.zeros((n, columns.shape[1])), np.zeros(test.shape)
    with progress_bar(problem.verbose, len(columns), "ridge, sketch", " rows") as done:
        narrow = test.astype(problem.X.dtype)
        for rows, block in problem.blocks(done):
            right += block.T @ columns[rows]
            sketch += block.T @ (block @ narrow)
            problem.add_to_mean(rows, block)
    _check_overflow(sketch, problem.X.dtype)
    right -= np.outer(problem.mean, problem.roots.astype(np.float64) @ columns)
    precondition = _preconditioner(problem.centre(sketch, test), test, problem.X.dtype)
    shifts = np.repeat(np.asarray(alphas, np.float64), right.shape[1])
    tols = np.repeat([tol, _PROBE_TOL * tol], [n_targets, right.shape[1] - n_targets])
    all_right, tols = np.tile(right, len(alphas)), np.tile(tols, len(alphas))
    with progress_bar(problem.verbose, None, "ridge, conjugate gradients", " passes") as done:
        found, n_steps = _conjugate_gradients(
            problem, all_right, shifts, precondition, tols, max_iter, done
        )
    coefs = np.split(found, len(alphas), axis=1)
    best, score = 0, None
    if len(alphas) > 1:
        errors = [_generalized(problem, right, *pair) for pair in zip(coefs, alphas, strict=True)]
        best = _best(errors, alphas)
        score = -errors[best]
    return problem.solution(coefs[best][:, :n_targets], alphas[best], score, 1 + n_steps)


def _random_signs(seed, n_rows, n):
    n_bytes = -(-n_rows * n // 8)
    bits = np.unpackbits(raw_bytes(bit_generator(seed, "hat"), n_bytes))[: n_rows * n]
    return bits.reshape(n_rows, n) * 2.0 - 1


def _preconditioner(sketch, test, dtype):
    """Function of (columns, shifts), near the inverse of Gram matrix + shift for each column."""
    values, vectors = nystrom(sketch, test, dtype)
    values = values[:, None]

    def precondition(columns, shifts):
        inside = vectors.T @ columns
        gain = (values[-1] + shifts) / (values + shifts) - 1
        return columns + vectors @ (gain * inside)

    return precondition


def _conjugate_gradients(problem, right, shifts, precondition, tols, max_iter, done):
    """Solutions of (Gram matrix + shift) x = right, a shift and a tol each, and the steps."""
    found, residual = np.zeros_like(right), right.copy()
    limits = tols * np.linalg.norm(right, axis=0)
    step = precondition(residual, shifts)
    product = np.einsum("ij,ij->j", residual, step)
    for n_iter in range(max_iter + 1):
        left = np.flatnonzero(np.linalg.norm(residual, axis=0) > limits)
        if len(left) == 0:
            return found, n_iter
        if n_iter == max_iter:
            break
        part = step[:, left]
        image = problem.multiply(part) + shifts[left] * part
        length = product[left] / np.einsum("ij,ij->j", part, image)
        found[:, left] += length * part
        residual[:, left] -= length * image
        fresh = precondition(residual[:, left], shifts[left])
        before, product[left] = product[left], np.einsum("ij,ij->j", residual[:, left], fresh)
        step[:, left] = fresh + product[left] / before * part
        done()
    warnings.warn(
        f"Conjugate gradients have not converged to tol={min(tols)} in max_iter={max_iter} passes. "
        "Raise max_iter, tol or alphas.",
        ConvergenceWarning,
        stacklevel=4,
    )
    return found, max_iter


def _generalized(problem, right, coef, alpha):
    """Mean squared error of generalized cross-validation for one alpha."""
    n_samples, n_targets = problem.Y.shape
    explained = np.einsum("ij,ij->j", right, coef)  # x'b, where x'r = 0 for the residual r
    squares = np.square(problem.Y, dtype=np.float64).sum()
    residual = squares - (explained + alpha * np.square(coef).sum(axis=0))[:n_targets].sum()
    freedom = explained[n_targets:].mean() + problem.has_intercept
    return residual / (n_samples * n_targets) / (1 - freedom / n_samples) ** 2
