"""Functions of a symmetric matrix, by the Lanczos process."""

import math
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._utils.arrays import backend_of, like, namespace
from .._utils.checks import check_count
from ._functions import spectral_function
from ._tall_blocks import lengths
from ._tridiagonal import groups_of_columns, tridiagonalize

_SLOWEST = 0.9  # change by twice the steps over the change before, if they converge
_SETTLED = 0.7  # end of the spectrum over that seen by half the steps, if it has been found
_VISIBLE = 0.1  # part of the forms that eigenvalues nearer to zero change, if they matter


def check_products(multiplied, n_matvecs, least, method):
    """How many products with it n_matvecs products with A allow, if that is enough."""
    n_products = (n_matvecs - multiplied.spent) // multiplied.cost
    if n_products < least:
        each = multiplied.cost
        raise ValueError(
            f'method="{method}" takes at least {least} products'
            + (f" with f(A), of {each} products with A each" if each > 1 else "")
            + (f" after {multiplied.spent} for the preconditioner" if multiplied.spent else "")
            + f", so n_matvecs must be at least {least * each + multiplied.spent}, got {n_matvecs}."
        )
    return n_products


def checked_truncation(multiplied, stacklevel):
    """Truncation error of the trace, with a warning where it is not known, and infinite."""
    truncation, converges = multiplied.truncation()
    if not converges:
        warnings.warn(
            f"{multiplied.cost} Lanczos steps are too few for this function of A: its trace still "
            "changes, by an unknown amount: the standard error is infinite. Raise "
            "lanczos_steps, and n_matvecs with it, give a preconditioner, or add a multiple of the "
            "identity to A.",
            ConvergenceWarning,
            stacklevel=stacklevel + 1,
        )
    return truncation


class MatrixFunction:
    """f(A) as something to multiply by, for a symmetric A.

    Each product with a vector takes up to n_steps products with A: the vector's Krylov
    space is built with full reorthogonalisation, and f taken of the tridiagonal matrix
    that A is on it. The quadratic form x'f(A)x that comes with it is Gauss quadrature.
    """

    has_rows = False
    offset, spent = 0.0, 0
    known_symmetric = True  # but for truncation; of A, the first products show it

    def __init__(self, operator, function, n_steps):
        self.operator, self.name = operator, f"f({operator.name})"
        self.shape, self.dtype = operator.shape, operator.dtype
        self.n_steps = min(check_count(n_steps, "lanczos_steps", 4), operator.shape[0])
        self.cost = self.n_steps
        self.function = spectral_function(function)
        self._forms, self._settled, self._condition = None, True, 1.0
        self.n_probes = 0

    def truncation(self):
        """Estimate of the error in the trace that more Lanczos steps would remove.

        From quadratic forms after a quarter, half and all of the steps: an error that falls
        like a power of their number falls by the same factor each time, and one that falls
        faster is less than is said here. The forms are those of the first vectors that were
        multiplied, which are random: their mean is the trace over the dimension.

        Forms also rest for a while where eigenvalues near zero have not been seen yet. For a
        function that is singular there, the error is therefore no less than what Gauss-Radau
        quadrature, with a node nearer to zero than all that was seen, changes of the forms; and
        those of an inverse, where that is much, have not converged while the end of the
        spectrum still moves.

        Returns
        -------
        error : float
            Infinite where the forms have not converged: no estimate covers what is not known.
        converges : bool
            Whether they have, as far as they show.
        """
        quarter, half, whole, beyond = np.mean(self._forms, axis=0)
        last, before = abs(whole - half), abs(half - quarter)
        rounding = 100 * np.finfo(self.dtype).eps * abs(whole) * self._condition
        converges = last <= max(_SLOWEST * before, rounding)
        if self.function.unbounded and not self._settled:
            converges &= beyond <= _VISIBLE * abs(whole)
        if not converges:
            return np.inf, False
        factor = min(last / before, _SLOWEST) if before > 0 else _SLOWEST
        return max(last * factor / (1 - factor), beyond) * self.shape[0], True

    def asarray(self, values):
        """NumPy's values as an array of the kind that products are."""
        return self.operator.asarray(values)

    def threads(self):
        """What runs pieces of work while there are products with A."""
        return self.operator.threads()

    def rmatmat(self, X):
        """f(A).T @ X, which is the same."""
        return self.matmat(X)

    def matmat(self, X):
        """f(A) @ X."""
        products = backend_of(X).empty(X.shape, self.dtype)
        squares = []
        for columns in groups_of_columns(self.operator, X.shape[1], self.n_steps):
            products[:, columns], part = self._apply(X[:, columns])
            squares.extend(part)
        if self._forms is None:
            self._forms = squares
        return products

    def _apply(self, X):
        xp, p = namespace(X), X.shape[1]
        sizes = like(lengths(X).astype(self.dtype), X)
        units = X / xp.where(sizes > 0, sizes, 1.0)
        basis, T, exhausted = tridiagonalize(self.operator, units, self.n_steps)
        nodes, vectors = np.linalg.eigh(T)
        values = self._values(nodes)
        weights = vectors[:, 0, :]
        squares = self._convergence(T, nodes, np.sum(values * weights**2, axis=1), exhausted)
        coefficients = np.matmul(vectors, (values * weights)[:, :, None]).astype(self.dtype)
        products = like(coefficients.reshape(p, 1, -1), X) @ basis
        return products[:, 0, :].T * sizes, squares

    def _convergence(self, T, nodes, squares, exhausted):
        """Quadratic forms of the unit columns, after those that fewer steps give.

        Last comes by how much they change with a node nearer to zero.
        """
        if exhausted.all():
            return np.column_stack([squares, squares, squares, np.zeros_like(squares)])
        columns, end = [squares], abs(nodes).min()
        for steps in (self.n_steps // 2, self.n_steps // 4):
            some, vectors = np.linalg.eigh(T[:, :steps, :steps])
            fewer = np.sum(self._values(some) * vectors[:, 0, :] ** 2, axis=1)
            columns.append(np.where(exhausted, squares, fewer))
            if len(columns) == 2:
                settled = end >= _SETTLED * abs(some).min()
        columns = [*columns[::-1], np.zeros_like(squares)]
        if self.function.below is not None:
            if self._forms is None:
                self._settled &= settled
                self._condition = max(self._condition, abs(nodes).max() / end)
            node = math.copysign(end / (2 if settled else self.function.below), nodes.min())
            columns[-1] = abs(self._with_node(T, node) - squares)
        return np.column_stack(columns)

    def _with_node(self, T, node):
        """Quadratic forms by Gauss-Radau quadrature with a node outside of the spectrum of T.

        See G. H. Golub, "Some modified matrix eigenvalue problems", SIAM Review 15, 1973.
        """
        k = T.shape[1] - 1
        # A stack of one column: NumPy 1 takes a plain matrix for a stack of vectors.
        last_unit = np.eye(k)[np.newaxis, :, [-1]]
        last = np.linalg.solve(T[:, :k, :k] - node * np.eye(k), last_unit)[:, -1, 0]
        T = T.copy()
        coupling = T[:, k, k - 1]
        T[:, k, k] = node + coupling * (coupling * last)  # whose square may overflow
        nodes, vectors = np.linalg.eigh(T)
        nodes = np.maximum(nodes, node) if node > 0 else np.minimum(nodes, node)  # to rounding
        return np.sum(self.function.evaluate(nodes) * vectors[:, 0, :] ** 2, axis=1)

    def _values(self, nodes):
        """The function at the Ritz values, which lie between A's extreme eigenvalues."""
        return self.function.at(nodes, self.dtype, self.operator.name)
