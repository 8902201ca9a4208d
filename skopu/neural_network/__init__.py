"""Neural networks trained by light: direct feedback alignment."""

from ._classifier import DFAClassifier
from ._graph import DFAGraphClassifier
from ._nodes import NodeClassifier
from ._regressor import DFARegressor

__all__ = ["DFAClassifier", "DFAGraphClassifier", "DFARegressor", "NodeClassifier"]
