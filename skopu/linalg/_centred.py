"""A matrix with its column means subtracted, which is never formed."""

from .._utils.arrays import namespace


class CentredOperator:
    """``(I - 1 1^T / m) A``: products with A whose columns, or factors, are centred.

    So an `Operator` with entries or without is centred, sparse or not, to the rounding of its
    products.
    """

    def __init__(self, operator):
        self.whole = operator
        self.name, self.shape, self.dtype = operator.name, operator.shape, operator.dtype
        self.threads = operator.threads

    def matmat(self, X):
        """Centred A @ X."""
        return centre(self.whole.matmat(X))

    def rmatmat(self, X):
        """Centred A.T @ X."""
        return self.whole.rmatmat(X - namespace(X).mean(X, axis=0))


def centre(Y):
    """Y, overwritten where that can be, with the means of its columns subtracted."""
    Y -= namespace(Y).mean(Y, axis=0)
    return Y
