"""A multi-layer perceptron regressor trained by direct feedback alignment."""

from sklearn.neural_network import MLPRegressor

from .._utils.fitting import unchanged_on_error
from ._direct_feedback import CHANGED_IN_PLACE, OPTIONS, DirectFeedback


class DFARegressor(DirectFeedback, MLPRegressor):
    """Multi-layer perceptron regressor trained by direct feedback alignment (DFA).

    Each hidden layer learns from a fixed random projection of the output error [1]_, see
    `DFAClassifier`. Everything else comes from `sklearn.neural_network.MLPRegressor`.

    Read more in the :doc:`user guide </user_guide/training_by_light>`.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}, default="squared_error"
        Loss to minimise: half the squared error, or half the Poisson deviance of the
        exponential of the output.
    hidden_layer_sizes : array-like of shape (n_layers - 2,), default=(100,)
        Number of units of each hidden layer.
    activation : {"identity", "logistic", "tanh", "relu"}, default="relu"
        Activation function of the hidden layers. "tanh" suits DFA best.
    solver : {"sgd", "adam"}, default="adam"
        How gradients become steps.
    alpha : float, default=0.0001
        Strength of the L2 penalty on the weights.
    batch_size : int or "auto", default="auto"
        Size of minibatches; "auto" is min(200, n_samples).
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        Schedule of the learning rate of "sgd".
    learning_rate_init : float, default=0.001
        Initial learning rate.
    power_t : float, default=0.5
        Exponent of "invscaling".
    max_iter : int, default=200
        Maximum number of epochs.
    shuffle : bool, default=True
        Whether to shuffle samples in each epoch.
    random_state : int, RandomState instance or None, default=None
        Seeds the weights, the order of samples, the validation split, and the device if
        ``opu`` is None. Pass an int for the same result at each `fit`.
    tol : float, default=1e-4
        Smallest change of the loss, or of the validation score, that counts as an improvement.
    verbose : bool, default=False
        Whether to print the loss of each epoch and, with tqdm installed, show a progress bar.
    warm_start : bool, default=False
        Whether `fit` continues from the current weights.
    momentum : float, default=0.9
        Momentum of "sgd".
    nesterovs_momentum : bool, default=True
        Whether to use Nesterov's momentum.
    early_stopping : bool, default=False
        Whether to set aside part of the training data, stop when the score on it no longer
        improves, and keep the best weights.
    validation_fraction : float, default=0.1
        Share of the training data set aside for early stopping.
    beta_1 : float, default=0.9
        Decay of the first moments of "adam".
    beta_2 : float, default=0.999
        Decay of the second moments of "adam".
    epsilon : float, default=1e-8
        Constant that keeps "adam" numerically stable.
    n_iter_no_change : int, default=10
        Number of epochs without improvement after which to stop.
    feedback : {"dense", "optical"}, default="dense"
        "dense" projects the error exactly; "optical" sends it through ``opu``.
    error_encoding : {"exact", "ternary"}, default="exact"
        "ternary" reduces the projected error to -1, 0 and 1. With one
        output, nothing is lost.
    ternary_threshold : float, default=0.25
        Entries of the error up to this share of the largest of the same sign and sample become
        0. From 0 to below 1.
    opu : Device, default=None
        The device; cloned by `fit`. None uses a `GaussianMedium` and an ideal camera, with a
        seed drawn from ``random_state``.
    track_alignment : bool, default=False
        Whether to measure `alignment_`, which costs a backward pass.

    Attributes
    ----------
    alignment_ : list of ndarray of shape (n_hidden_layers,)
        Angles in degrees between updates by DFA and true gradients, see `DFAClassifier`.
    opu_ : OPU
        The device used.
    coefs_ : list of ndarray
        Weight matrices, from the input to the output.
    intercepts_ : list of ndarray
        Bias vectors.
    loss_ : float
        Loss of the last epoch.
    best_loss_ : float or None
        Lowest loss; None with early stopping.
    loss_curve_ : list of float
        Loss of each epoch.
    validation_scores_ : list of float or None
        R2 score on the validation part after each epoch, with early stopping.
    best_validation_score_ : float or None
        Highest validation score.
    t_ : int
        Number of training samples seen.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if X had names that are all strings.
    n_iter_ : int
        Number of epochs.
    n_layers_ : int
        Number of layers, including input and output.
    n_outputs_ : int
        Number of outputs.
    out_activation_ : str
        Activation function of the output.

    See Also
    --------
    DFAClassifier : The same for classification.
    skopu.torch.DirectFeedback : The same for any network of PyTorch.
    AlignmentDisplay : The angles in ``alignment_``, drawn.
    sklearn.neural_network.MLPRegressor : The same network, trained by back-propagation.

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
        **OPTIONS,
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

    @unchanged_on_error(*CHANGED_IN_PLACE)
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
            If X or y is not what scikit-learn's MLPRegressor accepts, the device cannot
            show the error or has too few outputs, or training diverges.
        """
        self._begin(X, sample_weight)
        return super().fit(X, y, sample_weight)

    @unchanged_on_error(*CHANGED_IN_PLACE)
    def partial_fit(self, X, y, sample_weight=None):
        """Train for one more epoch.

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
            See `fit`.
        """
        self._begin(X, sample_weight)
        return super().partial_fit(X, y, sample_weight)
