"""Logarithms and inverses of ill-conditioned matrices, through better conditioned ones."""

import numpy as np

from .._utils.arrays import as_type, diagonal_of, like, to_numpy
from ._lanczos import MatrixFunction
from ._nystrom import nystrom_sketch
from ._orthonormal import small_svd
from ._tall_blocks import lengths
from .trace_method import TraceMethod

_PART = 10  # of all products goes into a Nyström preconditioner
_LEAST = 4  # of its columns
_ADVICE = "A preconditioner takes positive definite matrices alone."


def preconditioned_function(operator, function, lanczos_steps, kind, n_matvecs, opu):
    """`MatrixFunction` of A by way of B = M'AM with a well-conditioned B, if kind is not None."""
    if kind is None:
        return MatrixFunction(operator, function, lanczos_steps)
    if kind not in PRECONDITIONERS:
        raise ValueError(
            f"preconditioner must be None or one of {sorted(PRECONDITIONERS)}, got {kind!r}."
        )
    if function not in ("log", "inv"):
        raise ValueError(
            'preconditioner needs function="log" or "inv", which a product of matrices takes '
            f"apart, got {function!r}. Use preconditioner=None."
        )
    scaling = PRECONDITIONERS[kind](operator, n_matvecs, opu)
    return _PreconditionedFunction(operator, function, lanczos_steps, scaling)


class _PreconditionedFunction(MatrixFunction):
    """inv(A) = M inv(B) M'; or log(B), whose trace is that of log(A) less that of log(inv(MM'))."""

    def __init__(self, operator, function, n_steps, scaling):
        super().__init__(_Scaled(operator, scaling), function, n_steps)
        self._scaling = scaling
        self.n_probes, self.spent = operator.n_probes, operator.n_matvecs
        self._inverts = function == "inv"
        self.offset = 0.0 if self._inverts else scaling.log_determinant

    def matmat(self, X):
        """inv(A) @ X, or log(B) @ X."""
        if not self._inverts:
            return super().matmat(X)
        first, scaled = self._forms is None, self._scaling.apply(X)
        products = self._scaling.apply(super().matmat(scaled))
        if first:  # forms are those of unit vectors
            self._forms = np.asarray(self._forms) * ((lengths(scaled) / lengths(X)) ** 2)[:, None]
        return products


class _Scaled:
    """M'AM as something to multiply by, for a symmetric M."""

    def __init__(self, operator, scaling):
        self._operator, self._scaling = operator, scaling
        self.shape, self.dtype, self.name = operator.shape, operator.dtype, operator.name
        self.asarray, self.threads = operator.asarray, operator.threads
        self.known_symmetric = scaling.has_checked  # rounding of A may be all that B shows

    def matmat(self, X):
        """M'AM @ X."""
        return self._scaling.apply(self._operator.matmat(self._scaling.apply(X)))


class _Diagonal:
    """M = diag(A)^(-1/2): rows and columns of one size."""

    has_checked = False

    def __init__(self, operator, n_matvecs, opu):
        if not operator.stored:
            raise ValueError(
                'preconditioner="diagonal" reads the diagonal of A, which is known only through '
                'products. Use preconditioner="nystrom".'
            )
        diagonal = to_numpy(diagonal_of(operator.A)).astype(np.float64)
        if diagonal.min() <= 0:
            raise ValueError(
                f"A must be positive definite, but its diagonal holds {diagonal.min():.3g}. "
                + _ADVICE
            )
        self._factors = operator.asarray((diagonal**-0.5).astype(operator.dtype)[:, None])
        self.log_determinant = float(np.log(diagonal).sum())

    def apply(self, X):
        """M @ X."""
        return X * self._factors


class _Nystrom:
    """M = U (s_k / s)^(1/2) U' + 1 - U U', which makes leading eigenvalues equal to the k-th.

    See Z. Frangella, J. A. Tropp and M. Udell, "Randomized Nyström preconditioning", SIAM J.
    Matrix Anal. Appl. 44, 2023.
    """

    has_checked = True

    def __init__(self, operator, n_matvecs, opu):
        k = min(operator.shape[0], max(n_matvecs // _PART, _LEAST))
        X = TraceMethod.probes(operator, k, opu)
        sketch = nystrom_sketch(operator, X, _ADVICE)
        left, sizes, _ = small_svd(sketch.B)
        # What is not above the shift is rounding, and no direction of its own.
        kept = sizes**2 > 10 * max(sketch.shift, np.finfo(float).tiny)
        left, s = left[:, kept], sizes[kept] ** 2
        self._U = as_type(sketch.Q @ like(left, sketch.Q), operator.dtype)
        ratios = s[-1:] / s
        self._change = like((np.sqrt(ratios) - 1).astype(operator.dtype), self._U)[:, None]
        self.log_determinant = -float(np.log(ratios).sum())

    def apply(self, X):
        """M @ X."""
        return X + self._U @ (self._change * (self._U.T @ X))


PRECONDITIONERS = {"diagonal": _Diagonal, "nystrom": _Nystrom}
