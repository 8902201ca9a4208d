"""What a way to solve a ridge regression must offer."""

from sklearn.base import BaseEstimator


class RidgeSolver(BaseEstimator):
    """Base class of the solvers of a `RidgeProblem`.

    A solver of your own needs `solve`. Pass it to an estimator as ``solver=MySolver()``.

    Read more in the :doc:`user guide </user_guide/kernel_machines>`.

    Attributes
    ----------
    name : str
        Its name in warnings and error messages.
    takes_several : bool
        Whether it chooses among several penalties; if not, as here, it takes only one.

    See Also
    --------
    RidgeProblem : What it solves.
    skopu.OpticalRidge : Ridge regression with a solver.
    skopu.OpticalRidgeClassifier : The classifier.

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
            Yields the features in passes, and turns coefficients into a solution.
        alphas : list of float
            Penalties: one, unless the solver ``takes_several`` and chooses.

        Returns
        -------
        solution : RidgeSolution
            What ``problem.solution(coef, alpha)`` returns; also give it the ``score`` if
            several penalties were compared, and ``converged=False`` if the solver did not converge.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method solve.")
