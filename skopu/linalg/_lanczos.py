"""Functions of a symmetric matrix, by the Lanczos process."""

import numpy as np

from .._arrays import empty, like, namespace, zeros
from ..optics._rows import check_count, pieces
from ._tall import forms, inner, lengths

_FUNCTIONS = {"log": np.log, "sqrt": np.sqrt, "exp": np.exp, "inv": np.reciprocal}
_BASIS_BYTES = 2**28  # of Krylov vectors held at once
_SLOWEST = 0.9  # change by twice the steps over the change before, if they converge


class MatrixFunction:
    """f(A) as something to multiply by, for a symmetric A.

    Each product with a vector takes up to n_steps products with A: the vector's Krylov
    space is built with full reorthogonalisation, and f taken of the tridiagonal matrix
    that A is on it. The quadratic form x'f(A)x that comes with it is Gauss quadrature.
    """

    def __init__(self, operator, function, n_steps):
        self.operator = operator
        self.shape, self.dtype = operator.shape, operator.dtype
        self.n_steps = min(check_count(n_steps, "lanczos_steps", 4), operator.shape[0])
        self._evaluate = function if callable(function) else _FUNCTIONS.get(function)
        if self._evaluate is None:
            raise ValueError(
                f"function must be None, a callable or one of {sorted(_FUNCTIONS)}, got "
                f"{function!r}."
            )
        self.function = function
        self._forms = None

    def truncation(self):
        """Estimate of the error in the trace that more Lanczos steps would remove.

        From quadratic forms after a quarter, half and all of the steps: an error that falls
        like a power of their number falls by the same factor each time, and one that falls
        faster is less than is said here. The forms are those of the first vectors that were
        multiplied, which are random: their mean is the trace over the dimension.

        Returns
        -------
        error : float
            Not more than nine times the last change.
        converges : bool
            Whether changes become smaller, without which the error is a guess.
        """
        quarter, half, whole = np.mean(self._forms, axis=0)
        last, before = abs(whole - half), abs(half - quarter)
        rounding = 100 * np.finfo(self.dtype).eps * abs(whole)
        converges = last <= max(_SLOWEST * before, rounding)
        factor = min(last / before, _SLOWEST) if before > 0 else _SLOWEST
        return last * factor / (1 - factor) * self.shape[0], converges

    def asarray(self, values):
        """NumPy's values as an array of the kind that products are."""
        return self.operator.asarray(values)

    def matmat(self, X):
        """f(A) @ X."""
        products = empty(X.shape, self.dtype, X)
        # Two at least, which show whether A is symmetric.
        width = max(2, _BASIS_BYTES // (self.n_steps * X.shape[0] * self.dtype.itemsize))
        squares = []
        for columns in pieces(X.shape[1], width):
            products[:, columns], part = self._apply(X[:, columns])
            squares.extend(part)
        if self._forms is None:
            self._forms = squares
        return products

    def _apply(self, X):
        xp, p = namespace(X), X.shape[1]
        sizes = like(lengths(X).astype(self.dtype), X)
        basis, T, exhausted = self._tridiagonalize(X / xp.where(sizes > 0, sizes, 1.0))
        nodes, vectors = np.linalg.eigh(T)
        values = self._values(nodes)
        weights = vectors[:, 0, :]
        squares = self._convergence(T, np.sum(values * weights**2, axis=1), exhausted)
        coefficients = np.matmul(vectors, (values * weights)[:, :, None]).astype(self.dtype)
        products = like(coefficients.reshape(p, 1, -1), X) @ basis
        return products[:, 0, :].T * sizes, squares

    def _convergence(self, T, squares, exhausted):
        """Quadratic forms of the unit columns, after those that fewer steps give."""
        columns = [squares]
        for steps in (self.n_steps // 2, self.n_steps // 4):
            if exhausted.all():
                columns.append(squares)
                continue
            nodes, vectors = np.linalg.eigh(T[:, :steps, :steps])
            fewer = np.sum(self._values(nodes) * vectors[:, 0, :] ** 2, axis=1)
            columns.append(np.where(exhausted, squares, fewer))
        return np.column_stack(columns[::-1])

    def _tridiagonalize(self, X):
        """Orthonormal Krylov bases (n_columns, k, n) and T (n_columns, k, k) of unit columns.

        Where a Krylov space is exhausted early, which the third result tells, T goes on
        with a copy of its last diagonal entry that nothing is coupled to.
        """
        n, p = X.shape
        xp = namespace(X)
        basis = zeros((p, self.n_steps, n), self.dtype, X)
        T = np.zeros((p, self.n_steps, self.n_steps))
        basis[:, 0, :] = X.T
        active = np.ones(p, bool)
        for step in range(self.n_steps):
            last = basis[:, step, :]
            image = self._multiply(last, active)
            if step == 0:
                check_symmetric(X, image.T, self.operator.name)
            T[:, step, step] = np.where(active, forms(last.T, image.T), T[:, step - 1, step - 1])
            if step + 1 == self.n_steps:
                break
            size = lengths(image.T)
            seen = basis[:, : step + 1, :]
            for _ in range(2):
                parts = xp.reshape(seen @ image[:, :, None], (p, 1, -1))
                image -= (parts @ seen)[:, 0, :]
            coupling = lengths(image.T)
            active &= coupling > 10 * np.finfo(self.dtype).eps * size
            if not active.any():
                T = T[:, : step + 1, : step + 1]
                basis = basis[:, : step + 1, :]
                break
            T[:, step, step + 1] = T[:, step + 1, step] = np.where(active, coupling, 0)
            scale = np.divide(1, coupling, out=np.zeros(p), where=active)
            basis[:, step + 1, :] = image * like(scale.astype(self.dtype)[:, None], X)
        return basis, T, ~active | (self.n_steps == n)

    def _multiply(self, rows, active):
        """Products of A with the active rows, and zeros for the others."""
        if active.all():
            return self.operator.matmat(rows.T).T
        chosen = namespace(rows).take(rows, like(np.flatnonzero(active), rows), axis=0)
        spread = np.eye(len(active), dtype=self.dtype)[:, active]
        return like(spread, rows) @ self.operator.matmat(chosen.T).T

    def _values(self, nodes):
        """The function at the Ritz values, which lie between A's extreme eigenvalues."""
        rounding = 10 * np.finfo(self.dtype).eps * abs(nodes).max()
        if self.function == "sqrt":
            nodes = np.where(abs(nodes) <= rounding, 0, nodes)
        low, high = nodes.min(), nodes.max()
        name = self.operator.name
        if (self.function == "log" and low <= rounding) or (self.function == "sqrt" and low < 0):
            raise ValueError(
                f'function="{self.function}" needs positive eigenvalues, above the rounding '
                f"error {rounding:.1g}, but those of {name} reach down to {low:.3g}. Add a "
                "multiple of the identity to it."
            )
        if self.function == "inv" and low <= rounding and high >= -rounding:
            raise ValueError(
                f'function="inv" needs a definite matrix, but {name} has eigenvalues from '
                f"{low:.3g} to {high:.3g}. Add a multiple of the identity to it."
            )
        with np.errstate(all="ignore"):
            values = np.asarray(self._evaluate(nodes))
        if values.shape != nodes.shape or np.iscomplexobj(values):
            raise ValueError(
                f"function must map an array of eigenvalues to a real array of the same shape "
                f"{nodes.shape}, got dtype {values.dtype} and shape {values.shape}."
            )
        if not np.isfinite(values).all():
            wrong = nodes[~np.isfinite(values)][0]
            raise ValueError(
                f"function is not finite at {wrong:.3g}, which lies between the eigenvalues of "
                f"{name}. Shift or scale the matrix, or choose a function defined there."
            )
        return values


def check_symmetric(X, images, name):
    """Raise ValueError where images = A @ X, of two columns or more, show A unsymmetric."""
    products = inner(X, images, map)
    rounding = 100 * np.finfo(products.dtype).eps * np.sqrt(X.shape[0])
    rounding *= np.outer(lengths(X), lengths(images)).max()
    if abs(products - products.T).max() > rounding:
        raise ValueError(
            f"{name} must be symmetric here, but x'Ay and y'Ax differ by "
            f"{abs(products - products.T).max():.3g} for random x and y. Use (A + A.T) / 2 if "
            "the difference is noise."
        )
