"""The ways to solve a ridge regression, by their names."""

from ._conjugate_gradients import ConjugateGradients
from ._direct import Direct
from .ridge_solver import RidgeSolver

_LARGEST_GRAM = 25_000  # rows of a Gram matrix: 2.5 or 5 GB

DIRECT, CG = Direct(), ConjugateGradients()


class Auto(RidgeSolver):
    """Direct while a matrix of inner products fits."""

    name, takes_several = "auto", True

    def solve(self, problem, alphas):
        fits = problem.has_few_samples or problem.n <= _LARGEST_GRAM
        return (DIRECT if fits else CG).solve(problem, alphas)


RIDGE_SOLVERS = {solver.name: solver for solver in (Auto(), DIRECT, CG)}
