"""Neural networks trained by light: direct feedback alignment."""

from ._graph import DFAGraphClassifier
from ._multilayer_perceptron import DFAClassifier, DFARegressor
from ._nodes import NodeClassifier

__all__ = ["DFAClassifier", "DFAGraphClassifier", "DFARegressor", "NodeClassifier"]
