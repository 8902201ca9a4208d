"""A multi-layer perceptron classifier trained by direct feedback alignment."""

from sklearn.neural_network import MLPClassifier

from .._utils.fitting import unchanged_on_error
from ._direct_feedback import CHANGED_IN_PLACE, OPTIONS, DirectFeedback


class DFAClassifier(DirectFeedback, MLPClassifier):
    """Multi-layer perceptron classifier trained by direct feedback alignment (DFA).

    Back-propagation sends the error of the output back through the transposed weights, layer by
    layer. DFA [1]_ gives each hidden layer a fixed random projection of that error. One projection
    serves all layers at once, and an optical device makes it in the same number of frames for any
    size [2]_. The weights learn to make it useful (`alignment_`).

    Everything else comes from `sklearn.neural_network.MLPClassifier`; only the backward pass of its
    training loop is replaced.

    Read more in the :doc:`user guide </user_guide/training_by_light>`.

    Parameters
    ----------
    hidden_layer_sizes : array-like of shape (n_layers - 2,), default=(100,)
        Number of units of each hidden layer.
    activation : {"identity", "logistic", "tanh", "relu"}, default="relu"
        Activation function of the hidden layers. "tanh" suits DFA best.
    solver : {"sgd", "adam"}, default="adam"
        How gradients become steps. ("lbfgs" needs true gradients.)
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
        "dense" projects the error exactly: the ideal digital reference, with the glass of
        the device. "optical" sends it through ``opu``, with its modulator, holography and camera.
    error_encoding : {"exact", "ternary"}, default="exact"
        "ternary" reduces the projected error to -1, 0 and 1, which an array of
        mirrors can show in two frames; the output layer learns from the exact error.
    ternary_threshold : float, default=0.25
        Entries of the error up to this share of the largest of the same sign and sample become
        0. From 0 to below 1. The others are given equal values that add up to
        the total of their sign.
    opu : Device, default=None
        The device; cloned by `fit`. None uses a `GaussianMedium` and an ideal camera, with a
        seed drawn from ``random_state``.
    track_alignment : bool, default=False
        Whether to measure `alignment_`, which costs a backward pass.

    Attributes
    ----------
    alignment_ : list of ndarray of shape (n_hidden_layers,)
        For each tracked epoch and hidden layer, the angle in degrees between the update by DFA and
        the true gradient of the weights below it, as a mean over batches. 90 is chance; below 90,
        the update goes downhill. Only with ``track_alignment=True``.
    opu_ : OPU
        The device used.
    classes_ : ndarray or list of ndarray of shape (n_classes,)
        Class labels.
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
        Accuracy on the validation part after each epoch, with early stopping.
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
    DFARegressor : The same for regression.
    DFAGraphClassifier : The same for the nodes of a graph.
    skopu.torch.DirectFeedback : The same for any network of PyTorch.
    AlignmentDisplay : The angles in ``alignment_``, drawn.
    sklearn.neural_network.MLPClassifier : The same network, trained by back-propagation.

    Notes
    -----
    A hidden layer of n units gets ``(error @ B) * f'``, where B has n_outputs rows and random
    entries of variance 2 / (n + n_outputs), as in Glorot initialisation. B belongs to the device
    and is not stored; each layer reads its own output modes.

    Camera noise is new at each step. Samples of a batch with equal ternary errors share it, since
    these are shown only once.

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
        **OPTIONS,
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

    @unchanged_on_error(*CHANGED_IN_PLACE)
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
            If X or y is not what scikit-learn's MLPClassifier accepts, the device cannot
            show the error or has too few outputs, or training diverges.
        """
        self._begin(X, sample_weight)
        return super().fit(X, y, sample_weight)

    @unchanged_on_error(*CHANGED_IN_PLACE)
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Train for one more epoch.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels, or indicators of several labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of samples.
        classes : array-like of shape (n_classes,), default=None
            All classes that will occur; required at the first call.

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
        return super().partial_fit(X, y, sample_weight, classes)
