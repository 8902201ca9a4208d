"""The only place that touches private names of scikit-learn.

They are the same in every supported version, and third-party estimators rely on them:
https://scikit-learn.org/stable/developers/develop.html
"""

from sklearn.base import _fit_context as fit_context
from sklearn.utils._param_validation import Interval, StrOptions

__all__ = ["Interval", "StrOptions", "fit_context"]
