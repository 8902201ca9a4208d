"""scikit-learn's optimizers with their update written in place, in pieces that fit the cache."""

import numpy as np

from .._utils.checks import all_finite
from .._utils.threads import pieces

_PIECE = 2**14  # entries of a parameter updated at once


class Diverged(Exception):
    """The loss or a weight is not finite."""


def check_finite(weights):
    """Raise Diverged unless all arrays of weights are finite."""
    if not all(map(all_finite, weights)):
        raise Diverged


def copy_weights(weights, into):
    """Write arrays of weights into others."""
    for weight, kept in zip(weights, into, strict=True):
        np.copyto(kept, weight)


def in_place(optimizer):
    """An optimizer of scikit-learn's training loop as one that makes no new arrays."""
    return _Adam(optimizer) if hasattr(optimizer, "beta_1") else _SGD(optimizer)


class _InPlace:
    """Stands in for an optimizer, whose settings, state and schedule it keeps."""

    def __init__(self, optimizer):
        self.optimizer, self.has_stopped = optimizer, False

    def iteration_ends(self, time_step):
        self.optimizer.iteration_ends(time_step)

    def trigger_stopping(self, msg, verbose):
        self.has_stopped = self.optimizer.trigger_stopping(msg, verbose)
        return self.has_stopped

    def update_params(self, params, grads):
        """Step along the gradients, in place of params; gradients are overwritten."""
        states = self._begin()
        for param, grad, *state in zip(params, grads, *states, strict=True):
            arrays = [array.reshape(-1) for array in (param, grad, *state)]
            scratch = np.empty(min(_PIECE, param.size), param.dtype)
            for piece in pieces(param.size, _PIECE):
                parts = [array[piece] for array in arrays]
                self._step(*parts, scratch[: len(parts[0])])


class _Adam(_InPlace):
    """D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015."""

    def _begin(self):
        adam = self.optimizer
        adam.t += 1
        # A Python number: one of NumPy's would make float32 arrays float64.
        adam.learning_rate = float(
            adam.learning_rate_init * (1 - adam.beta_2**adam.t) ** 0.5 / (1 - adam.beta_1**adam.t)
        )
        return adam.ms, adam.vs

    def _step(self, param, grad, m, v, scratch):
        adam = self.optimizer
        m *= adam.beta_1
        m += np.multiply(grad, 1 - adam.beta_1, out=scratch)
        v *= adam.beta_2
        np.multiply(grad, grad, out=scratch)
        scratch *= 1 - adam.beta_2
        v += scratch
        np.sqrt(v, out=scratch)
        scratch += adam.epsilon
        np.multiply(m, -adam.learning_rate, out=grad)
        grad /= scratch
        param += grad


class _SGD(_InPlace):
    """Gradient descent with momentum, Nesterov's or the plain one."""

    def _begin(self):
        return (self.optimizer.velocities,)

    def _step(self, param, grad, velocity, scratch):
        sgd = self.optimizer
        grad *= -float(sgd.learning_rate)
        velocity *= sgd.momentum
        velocity += grad
        if sgd.nesterov:
            np.multiply(velocity, sgd.momentum, out=scratch)
            grad += scratch
            param += grad
        else:
            param += velocity


def add_scaled(array, factor, other):
    """Add factor * other to a contiguous array in place."""
    array, other = array.reshape(-1), other.reshape(-1)
    for piece in pieces(array.size, _PIECE):
        array[piece] += factor * other[piece]
