"""Linear models on random features that need not fit into memory.

What an estimator knows of a way to solve is its entry in ``RIDGE_SOLVERS``.
"""

from ._ridge import OpticalRidge, OpticalRidgeClassifier
from ._solvers import RIDGE_SOLVERS
from .ridge_problem import RidgeProblem, RidgeSolution
from .ridge_solver import RidgeSolver

__all__ = [
    "RIDGE_SOLVERS",
    "OpticalRidge",
    "OpticalRidgeClassifier",
    "RidgeProblem",
    "RidgeSolution",
    "RidgeSolver",
]
