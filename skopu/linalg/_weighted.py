"""A matrix with weights of its rows, which is never formed."""

import scipy.sparse

from .._utils.arrays import as_type


class WeightedOperator:
    """``diag(roots) @ A`` for an `Operator` of A; roots are an array (m,) of NumPy's."""

    def __init__(self, operator, roots):
        self.whole, self._roots = operator, roots
        self._as_column = operator.asarray(roots[:, None])
        self.name, self.shape = f"sqrt(sample_weight) * {operator.name}", operator.shape
        self.asarray = operator.asarray

    def matmat(self, X):
        """Weighted A @ X."""
        return self._as_column * self.whole.matmat(X)

    def rmatmat(self, Y):
        """Weighted A.T @ Y."""
        return self.whole.rmatmat(self._as_column * Y)

    def sums_of_rows(self, weights):
        """Sums of weighted rows; A is read once."""
        return self.whole.sums_of_rows(_ScaledColumns(weights, self._roots))

    def columns_in_memory(self):
        """Slices of columns, and these, weighted."""
        for part, columns in self.whole.columns_in_memory():
            if scipy.sparse.issparse(columns):
                yield part, scipy.sparse.diags(self._roots) @ columns
            else:
                yield part, self._as_column * as_type(columns, self._roots.dtype)


class _ScaledColumns:
    """``weights @ diag(scales)`` for weights of sums of rows."""

    def __init__(self, weights, scales):
        self.shape, self._weights, self._scales = weights.shape, weights, scales

    def columns(self, chosen):
        return self._weights.columns(chosen) @ scipy.sparse.diags(self._scales[chosen])
