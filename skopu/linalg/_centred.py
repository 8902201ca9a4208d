"""A matrix with its column means subtracted, which is never formed."""

import math

import scipy.linalg

from .._utils.arrays import as_type, namespace, numpy_dtype, to_numpy


class CentredOperator:
    """``(I - 1 1^T / m) A``: products with A whose columns, or factors, are centred.

    So an `Operator` with entries or without is centred, sparse or not, to the rounding of its
    products. ``removed`` is the length of what is subtracted, which that rounding goes by.
    """

    def __init__(self, operator, mean):
        self.whole = operator
        # SciPy's norm holds where squares overflow; what is not finite, products find.
        length = scipy.linalg.norm(to_numpy(mean), check_finite=False)
        self.removed = math.sqrt(operator.shape[0]) * float(length)
        self.name, self.shape, self.dtype = operator.name, operator.shape, operator.dtype
        self.threads = operator.threads

    def matmat(self, X):
        """Centred A @ X."""
        return centre(self.whole.matmat(X))

    def rmatmat(self, X):
        """Centred A.T @ X."""
        return self.whole.rmatmat(X - namespace(X).mean(X, axis=0))


def centre(Y):
    """Y, overwritten where that can be, with the means of its columns subtracted.

    Summed in double precision: what is wrong in a mean is wrong in all rows alike.
    """
    xp = namespace(Y)
    Y -= as_type(xp.sum(Y, axis=0, dtype=xp.float64) / Y.shape[0], numpy_dtype(Y))
    return Y
