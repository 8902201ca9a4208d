"""Rows at hand above a matrix that is only multiplied."""

import numpy as np

from .._utils.arrays import concat, like


class StackedOperator:
    """``[top; operator]`` for an array of few rows and an `Operator`, centred or not."""

    has_rows, A = False, None  # the device shows what both are multiplied by

    def __init__(self, top, operator):
        self.top, self.below = top, operator
        self.shape = (top.shape[0] + operator.shape[0], operator.shape[1])
        self.name, self.dtype, self.threads = operator.name, operator.dtype, operator.threads

    def matmat(self, X):
        """The stack @ X."""
        X = like(X, self.top) if isinstance(X, np.ndarray) else X
        return concat([self.top @ X, self.below.matmat(X)], axis=0)

    def rmatmat(self, Y):
        """The stack's transpose @ Y."""
        n_top = self.top.shape[0]
        return self.top.T @ Y[:n_top, :] + self.below.rmatmat(Y[n_top:, :])
