"""Direct feedback alignment in scikit-learn's training loop of multi-layer perceptrons."""

import numbers

import numpy as np
from sklearn.base import clone

from .._device_mixin import DeviceMixin
from .._utils.checks import (
    all_finite,
    check_count,
    check_some_weight,
    check_unmasked,
    numbers_alone,
    refuse_foreign,
)
from .._utils.private_sklearn import Interval, StrOptions, training_loop
from .._utils.progress import progress_bar
from ..optics import Device
from ._optimizers import Diverged, add_scaled, check_finite, in_place
from .feedback import angle, check_shows_errors, feedback_device, project_error

OPTIONS = {
    "solver": [StrOptions({"sgd", "adam"})],
    "feedback": [StrOptions({"dense", "optical"})],
    "error_encoding": [StrOptions({"exact", "ternary"})],
    "ternary_threshold": [Interval(numbers.Real, 0, 1, closed="left")],
    "opu": [Device, None],
    "track_alignment": ["boolean"],
}


# What training goes on from, in place, with warm_start and partial_fit.
CHANGED_IN_PLACE = (
    "coefs_",
    "intercepts_",
    "_optimizer",
    "_random_state",
    "loss_curve_",
    "validation_scores_",
    "alignment_",
)


class DirectFeedback(DeviceMixin):
    """What takes the place of the backward pass in scikit-learn's training loop."""

    @property
    def _optimizer(self):
        try:
            return self.__dict__["_optimizer"]
        except KeyError:
            raise AttributeError("There is no optimizer before training.") from None

    @_optimizer.setter
    def _optimizer(self, optimizer):
        self.__dict__["_optimizer"] = in_place(optimizer)

    def _check_solver(self):
        """Both solvers can train in part; others are refused with the parameters."""
        return True

    def _initialize(self, y, layer_units, dtype):
        self.opu_ = self._own_device(self.random_state)  # and leaves the loop's own numbers
        self._check_device(layer_units)  # before there are weights
        super()._initialize(y, layer_units, dtype)
        self._n_steps = 0
        self.__dict__.pop("alignment_", None)

    def _begin(self, X, sample_weight):
        """Check what scikit-learn's loop does not."""
        training_loop()
        refuse_foreign(self, X)
        check_unmasked(sample_weight, "sample_weight")

    def _validate_input(self, X, y, incremental, reset):
        for size in np.ravel(self.hidden_layer_sizes).tolist():
            check_count(size, "Each of hidden_layer_sizes")
        with numbers_alone(X=X, y=y):
            return super()._validate_input(X, y, incremental, reset)

    def _forward_pass_fast(self, X, check_input=True):
        with numbers_alone(X=X):
            return super()._forward_pass_fast(X, check_input)

    def _check_device(self, layer_units):
        _, *layer_sizes, n_outputs = layer_units
        if layer_sizes and self.feedback == "optical":
            check_shows_errors(self.opu_, n_outputs, layer_sizes, self.error_encoding)

    def _fit_stochastic(self, X, y, sample_weight, *arguments):
        if sample_weight is not None:
            check_some_weight(sample_weight)
        *_, layer_units, incremental = arguments
        self._prepare(layer_units)
        self._n_epochs = 0
        try:
            with (
                np.errstate(over="ignore", invalid="ignore", divide="ignore"),
                self._progress_bar(incremental) as self._epoch_done,
            ):
                super()._fit_stochastic(X, y, sample_weight, *arguments)
            if not self._has_ended(incremental):  # the loop would keep half a training
                raise KeyboardInterrupt
            check_finite(self.coefs_ + self.intercepts_)
        except Diverged:
            raise ValueError(
                f"Training diverged: the loss or the weights are no longer finite. Lower "
                f"learning_rate_init={self.learning_rate_init}, or scale X and y (for example "
                "with StandardScaler). The network is as it was before."
            ) from None
        finally:
            del self._feedback_device, self._n_epochs
            self.__dict__.pop("_epoch_done", None)

    def _has_ended(self, incremental):
        """Whether scikit-learn's loop came to its end: it hides a KeyboardInterrupt."""
        if incremental:
            return self._n_epochs == 1
        return self._n_epochs == self.max_iter or self._optimizer.has_stopped

    def _progress_bar(self, incremental):
        # Not required, as scikit-learn's loop prints the loss without tqdm.
        shown = self.verbose and not incremental
        return progress_bar(shown, self.max_iter, "training", " epochs", required=False)

    def _prepare(self, layer_units):
        """Check that weights and device fit the training to come, and note where it begins."""
        units = [len(self.coefs_[0]), *map(len, self.intercepts_)]
        if units != layer_units:
            raise ValueError(
                f"There are weights for layers of {units} units, but {layer_units} are requested "
                "now. Call fit with warm_start=False to start again."
            )
        if self.opu is not None:  # it may be another one than in the epochs before
            self.opu_ = clone(self.opu)
        self._check_device(layer_units)
        self._feedback_device = feedback_device(self.opu_, self.feedback == "optical")
        if not self.track_alignment:
            self.__dict__.pop("alignment_", None)
        elif not hasattr(self, "alignment_"):
            self.alignment_ = []
        self._angles = []
        self.coefs_ = [np.ascontiguousarray(coef) for coef in self.coefs_]
        self.intercepts_ = [np.ascontiguousarray(intercept) for intercept in self.intercepts_]

    def _update_no_improvement_count(self, early_stopping, X, y, sample_weight):
        check_finite(self.coefs_ + self.intercepts_)
        self._epoch_done()
        super()._update_no_improvement_count(early_stopping, X, y, sample_weight)
        if self._angles:
            self.alignment_.append(np.mean(self._angles, axis=0))
            self._angles = []
        self._n_epochs += 1

    def _backprop(self, X, y, sample_weight, activations, deltas, coef_grads, intercept_grads):
        """Loss and what stands for its gradients: each layer's own projection of the error."""
        activations = self._forward_pass(activations)
        output = activations[-1]
        if sample_weight is not None and not sample_weight.any():  # of this batch
            for gradient in (*coef_grads, *intercept_grads):
                gradient.fill(0)
            return 0.0, coef_grads, intercept_grads
        n_samples = len(output) if sample_weight is None else sample_weight.sum()
        loss = self._loss(y, output, sample_weight, n_samples)
        # The gradient of the loss, as its link with the output activation is canonical.
        error = np.subtract(output, y, dtype=output.dtype, casting="same_kind")
        if sample_weight is not None:
            error *= sample_weight.reshape(-1, 1)
        error /= n_samples
        if not all_finite(error):
            raise Diverged
        deltas[:] = [*self._feed_back(error, activations), error]
        if self.track_alignment:
            self._angles.append(self._measure_angles(activations, deltas))
        for i, delta in enumerate(deltas):
            if isinstance(activations[i], np.ndarray):
                np.matmul(activations[i].T, delta, out=coef_grads[i])
            else:
                coef_grads[i][:] = activations[i].T @ delta
            add_scaled(coef_grads[i], self.alpha / n_samples, self.coefs_[i])
            delta.sum(axis=0, out=intercept_grads[i])
        return loss, coef_grads, intercept_grads

    def _loss(self, y, output, sample_weight, n_samples):
        """Loss of a batch, with the penalty of its weights."""
        name = self.loss
        if name == "log_loss" and self.out_activation_ == "logistic":
            name = "binary_log_loss"
        loss = training_loop().losses[name](y, output, sample_weight)
        squares = sum(float(np.vdot(coef, coef)) for coef in self.coefs_)
        loss += 0.5 * self.alpha * squares / n_samples
        if not np.isfinite(loss):
            raise Diverged
        return loss

    def _feed_back(self, error, activations):
        """Errors of the hidden layers."""
        sizes = [activation.shape[1] for activation in activations[1:-1]]
        deltas = project_error(
            self._feedback_device,
            error,
            sizes,
            self.error_encoding,
            self.ternary_threshold,
            self._n_steps,
        )
        self._n_steps += 1
        derivative = training_loop().derivatives[self.activation]
        for activation, delta in zip(activations[1:-1], deltas, strict=True):
            derivative(activation, delta)
        return deltas

    def _measure_angles(self, activations, deltas):
        """Angles between the update of each hidden layer and its true gradient."""
        angles, true_delta = [], deltas[-1]
        derivative = training_loop().derivatives[self.activation]
        for i in range(len(deltas) - 1, 0, -1):
            true_delta = true_delta @ self.coefs_[i].T
            derivative(activations[i], true_delta)
            inputs = activations[i - 1].T
            angles.append(angle(inputs @ deltas[i - 1], inputs @ true_delta))
        return angles[::-1]
