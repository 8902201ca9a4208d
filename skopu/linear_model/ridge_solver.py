"""What a way to solve a ridge regression must offer."""

from sklearn.base import BaseEstimator


class RidgeSolver(BaseEstimator):
    """A way to solve a `RidgeProblem`; the base class of all.

    A solver of your own needs `solve`. It is passed as ``solver=MySolver()``.

    Attributes
    ----------
    name : str
        What warnings and errors call it.
    takes_several : bool
        Whether it chooses among several penalties; if not, as here, one is allowed.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from skopu import OpticalRidge
    >>> from skopu.linear_model import RidgeSolver
    >>> class Eigenvectors(RidgeSolver):
    ...     name = "eigenvectors"
    ...
    ...     def solve(self, problem, alphas):
    ...         values, vectors = np.linalg.eigh(problem.multiply(np.eye(problem.n)))
    ...         right = vectors.T @ problem.right_hand_sides()
    ...         coef = vectors @ (right / (values[:, None] + alphas[0]))
    ...         return problem.solution(coef, alphas[0])
    >>> X, y = load_diabetes(return_X_y=True)
    >>> own, direct = (
    ...     OpticalRidge(100, alphas=1e-3, solver=solver, random_state=0).fit(X, y)
    ...     for solver in (Eigenvectors(), "direct")
    ... )
    >>> bool(np.allclose(own.coef_, direct.coef_))
    True
    """

    name = "custom"
    takes_several = False

    def solve(self, problem, alphas):
        """Solve the problem; the one method that a solver of your own needs.

        Parameters
        ----------
        problem : RidgeProblem
            Gives the features in passes, and makes a solution of coefficients.
        alphas : list of float
            Penalties: one, unless the solver ``takes_several`` and chooses.

        Returns
        -------
        solution : RidgeSolution
            What ``problem.solution(coef, alpha)`` returns, with the ``score`` of the penalty
            if it was chosen, and whether it has ``converged``.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method solve.")
