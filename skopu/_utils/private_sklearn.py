"""The only place that touches private names of scikit-learn.

They are the same in every supported version, and third-party estimators rely on all
but the training loop: https://scikit-learn.org/stable/developers/develop.html
"""

import copy
import functools
import inspect
from typing import NamedTuple

import sklearn
from sklearn.base import _fit_context as fit_context
from sklearn.neural_network import MLPClassifier
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

__all__ = [
    "Interval",
    "RealNotInt",
    "StrOptions",
    "check_sample_weight",
    "copy_metadata_request",
    "fit_context",
    "training_loop",
]


def copy_metadata_request(estimator, clone):
    """Have a clone that an estimator makes of itself ask for the same metadata."""
    if hasattr(estimator, "_metadata_request"):
        clone._metadata_request = copy.deepcopy(estimator._metadata_request)


# What the networks override of scikit-learn's training loop, and how it calls that.
_HOOKS = {
    "_initialize": ["y", "layer_units", "dtype"],
    "_validate_input": ["X", "y", "incremental", "reset"],
    "_forward_pass_fast": ["X", "check_input"],
    "_forward_pass": ["activations"],
    "_backprop": [
        "X",
        "y",
        "sample_weight",
        "activations",
        "deltas",
        "coef_grads",
        "intercept_grads",
    ],
    "_fit_stochastic": [
        "X",
        "y",
        "sample_weight",
        "activations",
        "deltas",
        "coef_grads",
        "intercept_grads",
        "layer_units",
        "incremental",
    ],
    "_update_no_improvement_count": ["early_stopping", "X", "y", "sample_weight"],
}


# What the networks read of its optimizers.
_SCHEDULE = ("iteration_ends", "trigger_stopping", "learning_rate")
_OPTIMIZERS = {
    "adam": ("ms", "vs", "t", "beta_1", "beta_2", "epsilon", "learning_rate_init", *_SCHEDULE),
    "sgd": ("velocities", "momentum", "nesterov", *_SCHEDULE),
}


class TrainingLoop(NamedTuple):
    """Functions of scikit-learn's multi-layer perceptrons."""

    activations: dict  # name -> f(Z), in place
    derivatives: dict  # name of an activation -> f(activations, deltas), in place on deltas
    losses: dict  # name of a loss -> f(y_true, y_predicted, sample_weight)
    adam: type  # (params, learning_rate_init, beta_1, beta_2, epsilon)


@functools.cache
def training_loop():
    """Parts of scikit-learn's training loop, after a check that it is the one known here.

    Raises
    ------
    ImportError
        If the loop of the installed version calls its backward step in another way.
    """
    try:
        from sklearn.neural_network._base import ACTIVATIONS, DERIVATIVES, LOSS_FUNCTIONS
        from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

        changed = [
            name
            for name, parameters in _HOOKS.items()
            if [*inspect.signature(getattr(MLPClassifier, name)).parameters][1:] != parameters
        ]
        for solver, parts in _OPTIMIZERS.items():
            model = MLPClassifier((1,), solver=solver, random_state=0)
            model.partial_fit([[0], [1]], [0, 1], classes=[0, 1])
            changed += sorted({"_optimizer", "_random_state"} - vars(model).keys())
            changed += [name for name in parts if not hasattr(model._optimizer, name)]
    except (ImportError, AttributeError) as error:
        changed = [error]
    if changed:
        raise ImportError(
            f"skopu's networks learn in scikit-learn's training loop, which is another one in "
            f"version {sklearn.__version__} ({changed[0]}). Install a newer skopu, or a version of "
            "scikit-learn that this one was tested with: 1.7 to 1.9."
        )
    return TrainingLoop(ACTIVATIONS, DERIVATIVES, LOSS_FUNCTIONS, AdamOptimizer)
