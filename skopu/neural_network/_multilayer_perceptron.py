"""Multi-layer perceptrons trained by direct feedback alignment, in scikit-learn's loop."""

import numbers

import numpy as np
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier, MLPRegressor

from .._device_mixin import DeviceMixin
from .._utils.checks import (
    all_finite,
    check_count,
    check_some_weight,
    check_unmasked,
    numbers_alone,
    refuse_foreign,
)
from .._utils.fitting import unchanged_on_error
from .._utils.private_sklearn import Interval, StrOptions, training_loop
from .._utils.progress import progress_bar
from ..optics import Device
from ._feedback import angle, check_shows_errors, feedback_device, project_error
from ._optimizers import Diverged, add_scaled, check_finite, copy_weights, in_place

_OPTIONS = {
    "solver": [StrOptions({"sgd", "adam"})],
    "feedback": [StrOptions({"dense", "optical"})],
    "error_encoding": [StrOptions({"exact", "ternary"})],
    "ternary_threshold": [Interval(numbers.Real, 0, 1, closed="left")],
    "opu": [Device, None],
    "track_alignment": ["boolean"],
}


# What training goes on from, in place, with warm_start and partial_fit.
_CHANGED_IN_PLACE = (
    "coefs_",
    "intercepts_",
    "_optimizer",
    "_random_state",
    "loss_curve_",
    "validation_scores_",
    "alignment_",
)


class _Interrupted(BaseException):
    """KeyboardInterrupt under another name: scikit-learn's loop would keep half a training."""


class _DirectFeedback(DeviceMixin):
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
        try:
            with (
                np.errstate(over="ignore", invalid="ignore", divide="ignore"),
                self._progress_bar(incremental) as self._epoch_done,
            ):
                super()._fit_stochastic(X, y, sample_weight, *arguments)
            check_finite(self.coefs_ + self.intercepts_)
        except _Interrupted as error:
            raise error.__cause__ from None
        except Diverged:
            raise ValueError(
                f"Training diverged: the loss or the weights are no longer finite. Lower "
                f"learning_rate_init={self.learning_rate_init}, or scale X and y (for example "
                "with StandardScaler). The network is as it was before."
            ) from None
        finally:
            del self._feedback_device
            self.__dict__.pop("_epoch_done", None)

    def _progress_bar(self, incremental):
        # Not required, as scikit-learn's loop prints the loss without tqdm.
        shown = self.verbose and not incremental
        return progress_bar(shown, self.max_iter, "training", " epochs", required=False)

    def _prepare(self, layer_units):
        """Check that weights and device fit the training to come, and note where it begins."""
        units = [len(self.coefs_[0]), *map(len, self.intercepts_)]
        if units != layer_units:
            raise ValueError(
                f"There are weights for layers of {units} units, but {layer_units} are asked for "
                "now. Set warm_start=False to begin anew."
            )
        if self.opu is not None:  # it may be another one than in the epochs before
            self.opu_ = clone(self.opu)
        self._check_device(layer_units)
        self._feedback_device = feedback_device(self.opu_, self.feedback == "optical")
        if not self.track_alignment:
            self.__dict__.pop("alignment_", None)
        elif not hasattr(self, "alignment_"):
            self.alignment_ = []
        self._lowest_loss, self._angles = None, []
        self.coefs_ = [np.ascontiguousarray(coef) for coef in self.coefs_]
        self.intercepts_ = [np.ascontiguousarray(intercept) for intercept in self.intercepts_]
        self._best_coefs = [coef.copy() for coef in self.coefs_]
        self._best_intercepts = [intercept.copy() for intercept in self.intercepts_]

    def _update_no_improvement_count(self, early_stopping, X, y, sample_weight):
        check_finite(self.coefs_ + self.intercepts_)
        self._epoch_done()
        super()._update_no_improvement_count(early_stopping, X, y, sample_weight)
        if not early_stopping and self.loss_ <= self._lowest_loss:  # else the loop keeps them
            self._lowest_loss = self.loss_
            copy_weights(
                self.coefs_ + self.intercepts_, into=self._best_coefs + self._best_intercepts
            )
        if self._angles:
            self.alignment_.append(np.mean(self._angles, axis=0))
            self._angles = []

    def _backprop(self, X, y, sample_weight, activations, deltas, coef_grads, intercept_grads):
        """Loss and what stands for its gradients: each layer's own projection of the error."""
        grads = coef_grads, intercept_grads
        try:
            return self._feedback_step(y, sample_weight, activations, deltas, *grads)
        except KeyboardInterrupt as interrupt:
            raise _Interrupted from interrupt

    def _feedback_step(self, y, sample_weight, activations, deltas, coef_grads, intercept_grads):
        activations = self._forward_pass(activations)
        output = activations[-1]
        if sample_weight is not None and not sample_weight.any():  # of this batch
            for gradient in (*coef_grads, *intercept_grads):
                gradient.fill(0)
            return 0.0, coef_grads, intercept_grads
        n_samples = len(output) if sample_weight is None else sample_weight.sum()
        loss = self._loss(y, output, sample_weight, n_samples)
        if self._lowest_loss is None:
            self._lowest_loss = loss
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


class DFAClassifier(_DirectFeedback, MLPClassifier):
    """Multi-layer perceptron classifier trained by direct feedback alignment (DFA).

    Back-propagation sends the error of the output back through the transposed weights,
    layer by layer. DFA [1]_ gives each hidden layer a fixed random projection of that error
    instead. One projection, which an optical device makes in as many frames for any size
    [2]_, serves all layers at once; their weights learn to make it useful (`alignment_`).

    All else is that of `sklearn.neural_network.MLPClassifier`, in whose training loop this
    step takes the place of the backward pass.

    Parameters
    ----------
    hidden_layer_sizes : array-like of shape (n_layers - 2,), default=(100,)
        Number of units of each hidden layer.
    activation : {"identity", "logistic", "tanh", "relu"}, default="relu"
        Activation function of the hidden layers. DFA likes "tanh" best.
    solver : {"sgd", "adam"}, default="adam"
        What turns gradients into steps. ("lbfgs" needs true gradients.)
    alpha : float, default=0.0001
        Strength of the L2 penalty on the weights.
    batch_size : int or "auto", default="auto"
        Size of minibatches; "auto" is min(200, n_samples).
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        Schedule of the learning rate of "sgd".
    learning_rate_init : float, default=0.001
        Learning rate to begin with.
    power_t : float, default=0.5
        Exponent of "invscaling".
    max_iter : int, default=200
        Most epochs.
    shuffle : bool, default=True
        Whether to shuffle samples in each epoch.
    random_state : int, RandomState instance or None, default=None
        Seeds the weights, the order of samples, the validation split, and the device if
        ``opu`` is None. Pass an int for the same result at each `fit`.
    tol : float, default=1e-4
        Improvement of the loss, or the validation score, below which an epoch counts as
        none.
    verbose : bool, default=False
        Whether to print the loss of each epoch, and show a progress bar where there is tqdm.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights that there are.
    momentum : float, default=0.9
        Momentum of "sgd".
    nesterovs_momentum : bool, default=True
        Whether to use Nesterov's momentum.
    early_stopping : bool, default=False
        Whether to stop when the score on a part of the training data, set aside, no longer
        improves, and to keep the best weights.
    validation_fraction : float, default=0.1
        That part.
    beta_1 : float, default=0.9
        Decay of the first moments of "adam".
    beta_2 : float, default=0.999
        Decay of the second moments of "adam".
    epsilon : float, default=1e-8
        Numerical stability of "adam".
    n_iter_no_change : int, default=10
        Number of epochs without improvement after which to stop.
    feedback : {"dense", "optical"}, default="dense"
        "dense" projects the error exactly: the ideal, digital reference, with the device's
        glass. "optical" sends it through ``opu``, with its modulator, holography and camera.
    error_encoding : {"exact", "ternary"}, default="exact"
        "ternary" reduces the error that is projected to -1, 0 and 1, what an array of
        mirrors can show in two frames; the output layer learns from the exact one.
    ternary_threshold : float, default=0.25
        Entries of the error up to this part of the largest of the same sign and sample
        become 0. From 0 to below 1. The others are taken to be equal, and to make up the
        total of their sign.
    opu : OPU, default=None
        The device; cloned at `fit`. None makes one with a `GaussianMedium` and an ideal
        camera, whose seed is drawn from ``random_state``.
    track_alignment : bool, default=False
        Whether to measure `alignment_`, which costs a backward pass.

    Attributes
    ----------
    alignment_ : list of ndarray of shape (n_hidden_layers,)
        For each epoch that was tracked and hidden layer the angle between DFA's update and the
        true gradient of the weights below it, in degrees, mean over batches. 90 is chance;
        below, the update goes downhill. Only with ``track_alignment=True``.
    opu_ : OPU
        The device in use.
    classes_ : ndarray or list of ndarray of shape (n_classes,)
        Class labels.
    coefs_ : list of ndarray
        Weight matrices, from the input to the output.
    intercepts_ : list of ndarray
        Bias vectors.
    loss_ : float
        Loss of the last epoch.
    best_loss_ : float or None
        Lowest loss, None with early stopping.
    loss_curve_ : list of float
        Loss of each epoch.
    validation_scores_ : list of float or None
        Accuracy on the validation part after each epoch, with early stopping.
    best_validation_score_ : float or None
        Highest of them.
    t_ : int
        Number of training samples seen.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if X had names that are all strings.
    n_iter_ : int
        Number of epochs.
    n_layers_ : int
        Number of layers, with input and output.
    n_outputs_ : int
        Number of outputs.
    out_activation_ : str
        Activation function of the output.

    See Also
    --------
    DFARegressor : The same for regression.
    sklearn.neural_network.MLPClassifier : Trained by back-propagation.

    Notes
    -----
    A hidden layer of n units gets ``(error @ B) * f'``, where B, of n_outputs rows, has
    random entries of variance 2 / (n + n_outputs), those of Glorot's initial weights. B
    belongs to the device and is not stored; each layer reads output modes of its own.

    The noise of the camera is new at each step, and the same for samples of a batch whose
    ternary errors are alike: these are shown once.

    References
    ----------
    .. [1] A. Nokland, "Direct feedback alignment provides learning in deep neural networks",
       NIPS 2016.
    .. [2] J. Launay et al., "Hardware beyond backpropagation: a photonic co-processor for
       direct feedback alignment", 2020, arXiv:2012.06373.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from skopu import OPU, Camera, DFAClassifier, GaussianMedium
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    >>> opu = OPU(GaussianMedium(), Camera(bits=8, photons=1000), input_bits=1)
    >>> model = DFAClassifier((64,), "tanh", learning_rate_init=0.01, tol=0.01,
    ...                       feedback="optical", error_encoding="ternary", opu=opu,
    ...                       random_state=0)
    >>> model.fit(X_train, y_train).score(X_test, y_test) > 0.95
    True
    """

    _parameter_constraints = {
        **{k: v for k, v in MLPClassifier._parameter_constraints.items() if k != "max_fun"},
        **_OPTIONS,
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        feedback="dense",
        error_encoding="exact",
        ternary_threshold=0.25,
        opu=None,
        track_alignment=False,
    ):
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
        )
        self.feedback = feedback
        self.error_encoding = error_encoding
        self.ternary_threshold = ternary_threshold
        self.opu = opu
        self.track_alignment = track_alignment

    @unchanged_on_error(*_CHANGED_IN_PLACE)
    def fit(self, X, y, sample_weight=None):
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels, or indicators of several labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of samples.

        Returns
        -------
        self : object
            Trained network.

        Raises
        ------
        ValueError
            If X or y is not what scikit-learn's MLPClassifier takes, the device cannot show
            the error or has too few outputs, or training diverges.
        """
        self._begin(X, sample_weight)
        return super().fit(X, y, sample_weight)

    @unchanged_on_error(*_CHANGED_IN_PLACE)
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Train for one epoch more.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels, or indicators of several labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of samples.
        classes : array-like of shape (n_classes,), default=None
            All classes there will be; needed at the first call.

        Returns
        -------
        self : object
            Trained network.

        Raises
        ------
        ValueError
            As for `fit`.
        """
        self._begin(X, sample_weight)
        return super().partial_fit(X, y, sample_weight, classes)


class DFARegressor(_DirectFeedback, MLPRegressor):
    """Multi-layer perceptron regressor trained by direct feedback alignment (DFA).

    See `DFAClassifier` for what DFA is. All else is that of
    `sklearn.neural_network.MLPRegressor`.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}, default="squared_error"
        Loss to minimise: half the squared error, or half the Poisson deviance of the
        exponential of the output.
    hidden_layer_sizes : array-like of shape (n_layers - 2,), default=(100,)
        Number of units of each hidden layer.
    activation : {"identity", "logistic", "tanh", "relu"}, default="relu"
        Activation function of the hidden layers. DFA likes "tanh" best.
    solver : {"sgd", "adam"}, default="adam"
        What turns gradients into steps.
    alpha : float, default=0.0001
        Strength of the L2 penalty on the weights.
    batch_size : int or "auto", default="auto"
        Size of minibatches; "auto" is min(200, n_samples).
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        Schedule of the learning rate of "sgd".
    learning_rate_init : float, default=0.001
        Learning rate to begin with.
    power_t : float, default=0.5
        Exponent of "invscaling".
    max_iter : int, default=200
        Most epochs.
    shuffle : bool, default=True
        Whether to shuffle samples in each epoch.
    random_state : int, RandomState instance or None, default=None
        Seeds the weights, the order of samples, the validation split, and the device if
        ``opu`` is None. Pass an int for the same result at each `fit`.
    tol : float, default=1e-4
        Improvement of the loss, or the validation score, below which an epoch counts as
        none.
    verbose : bool, default=False
        Whether to print the loss of each epoch, and show a progress bar where there is tqdm.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights that there are.
    momentum : float, default=0.9
        Momentum of "sgd".
    nesterovs_momentum : bool, default=True
        Whether to use Nesterov's momentum.
    early_stopping : bool, default=False
        Whether to stop when the score on a part of the training data, set aside, no longer
        improves, and to keep the best weights.
    validation_fraction : float, default=0.1
        That part.
    beta_1 : float, default=0.9
        Decay of the first moments of "adam".
    beta_2 : float, default=0.999
        Decay of the second moments of "adam".
    epsilon : float, default=1e-8
        Numerical stability of "adam".
    n_iter_no_change : int, default=10
        Number of epochs without improvement after which to stop.
    feedback : {"dense", "optical"}, default="dense"
        "dense" projects the error exactly; "optical" sends it through ``opu``.
    error_encoding : {"exact", "ternary"}, default="exact"
        "ternary" reduces the error that is projected to -1, 0 and 1. With one output
        nothing is lost by it.
    ternary_threshold : float, default=0.25
        Entries of the error up to this part of the largest of the same sign and sample
        become 0. From 0 to below 1.
    opu : OPU, default=None
        The device; cloned at `fit`. None makes one with a `GaussianMedium` and an ideal
        camera, whose seed is drawn from ``random_state``.
    track_alignment : bool, default=False
        Whether to measure `alignment_`, which costs a backward pass.

    Attributes
    ----------
    alignment_ : list of ndarray of shape (n_hidden_layers,)
        Angles in degrees between DFA's updates and the true gradients, see `DFAClassifier`.
    opu_ : OPU
        The device in use.
    coefs_ : list of ndarray
        Weight matrices, from the input to the output.
    intercepts_ : list of ndarray
        Bias vectors.
    loss_ : float
        Loss of the last epoch.
    best_loss_ : float or None
        Lowest loss, None with early stopping.
    loss_curve_ : list of float
        Loss of each epoch.
    validation_scores_ : list of float or None
        R2 score on the validation part after each epoch, with early stopping.
    best_validation_score_ : float or None
        Highest of them.
    t_ : int
        Number of training samples seen.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if X had names that are all strings.
    n_iter_ : int
        Number of epochs.
    n_layers_ : int
        Number of layers, with input and output.
    n_outputs_ : int
        Number of outputs.
    out_activation_ : str
        Activation function of the output.

    See Also
    --------
    DFAClassifier : The same for classification.
    sklearn.neural_network.MLPRegressor : Trained by back-propagation.

    References
    ----------
    .. [1] A. Nokland, "Direct feedback alignment provides learning in deep neural networks",
       NIPS 2016.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from sklearn.preprocessing import scale
    >>> from skopu import DFARegressor
    >>> X, y = make_regression(300, 10, noise=1, random_state=0)
    >>> model = DFARegressor(hidden_layer_sizes=(64,), activation="tanh",
    ...                      learning_rate_init=0.01, random_state=0)
    >>> model.fit(X, scale(y)).score(X, scale(y)) > 0.95
    True
    """

    _parameter_constraints = {
        **{k: v for k, v in MLPRegressor._parameter_constraints.items() if k != "max_fun"},
        **_OPTIONS,
    }

    def __init__(
        self,
        loss="squared_error",
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        feedback="dense",
        error_encoding="exact",
        ternary_threshold=0.25,
        opu=None,
        track_alignment=False,
    ):
        super().__init__(
            loss=loss,
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
        )
        self.feedback = feedback
        self.error_encoding = error_encoding
        self.ternary_threshold = ternary_threshold
        self.opu = opu
        self.track_alignment = track_alignment

    @unchanged_on_error(*_CHANGED_IN_PLACE)
    def fit(self, X, y, sample_weight=None):
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of samples.

        Returns
        -------
        self : object
            Trained network.

        Raises
        ------
        ValueError
            If X or y is not what scikit-learn's MLPRegressor takes, the device cannot show
            the error or has too few outputs, or training diverges.
        """
        self._begin(X, sample_weight)
        return super().fit(X, y, sample_weight)

    @unchanged_on_error(*_CHANGED_IN_PLACE)
    def partial_fit(self, X, y, sample_weight=None):
        """Train for one epoch more.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of samples.

        Returns
        -------
        self : object
            Trained network.

        Raises
        ------
        ValueError
            As for `fit`.
        """
        self._begin(X, sample_weight)
        return super().partial_fit(X, y, sample_weight)
