"""A graph convolutional network, trained by back-propagation or by direct feedback alignment."""

import itertools
import math
import numbers
import warnings

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from .._device_mixin import DeviceMixin
from .._utils.checks import all_finite, validate_rows
from .._utils.fitting import unchanged_on_error
from .._utils.private_sklearn import Interval, StrOptions, fit_context, training_loop
from .._utils.progress import progress_bar
from ..optics import Device
from ._graph_functions import Layers, cross_entropy, norm_unit, normalized_adjacency
from ._optimizers import Diverged, check_finite, copy_weights, in_place
from .feedback import angle, check_shows_errors, feedback_device, project_error


class DFAGraphClassifier(DeviceMixin, ClassifierMixin, BaseEstimator):
    """Graph convolutional network that classifies nodes when only some have labels.

    Each layer averages its result over the neighbours of a node [1]_. With direct feedback
    alignment, hidden layers learn from a random projection of the error of labelled nodes, which an
    optical device makes for all layers at once [2]_.

    Read more in the :doc:`user guide </user_guide/training_by_light>`.

    Parameters
    ----------
    hidden_layer_sizes : array-like of int, default=(64,)
        Number of units of each hidden layer.
    activation : {"identity", "logistic", "tanh", "relu"}, default="relu"
        Activation function of the hidden layers.
    dropout : float, default=0.5
        Share of the inputs of each layer dropped in each epoch, from 0 to below 1.
    alpha : float, default=5e-4
        Weight decay: strength of the L2 penalty on the weights of all layers except the last.
    learning_rate_init : float, default=0.01
        Learning rate of Adam.
    max_iter : int, default=200
        Maximum number of epochs; each takes one step on all labelled nodes.
    n_iter_no_change : int, default=50
        Training stops after this many epochs without a lower loss on the nodes of
        ``validation_mask``. Epochs whose training loss is not below that of the first do not count.
    feedback : {"backprop", "dense", "optical"}, default="dense"
        "backprop" sends the error back through the transposed weights. "dense" projects it
        exactly: the ideal digital reference, with the glass of the device. "optical" sends it
        through ``opu``, with its modulator, holography and camera.
    error_encoding : {"exact", "ternary"}, default="exact"
        "ternary" reduces the projected error to -1, 0 and 1.
    ternary_threshold : float, default=0.25
        Entries of the error up to this share of the largest of the same sign and node become 0.
        From 0 to below 1.
    opu : Device, default=None
        The device; cloned by `fit`. None uses a `GaussianMedium` and an ideal camera, with a
        seed drawn from ``random_state``.
    track_alignment : bool, default=False
        Whether to measure `alignment_`.
    random_state : int, RandomState instance or None, default=None
        Seeds the weights, the dropout, and the device if ``opu`` is None. Pass an int for the
        same result at each `fit`.
    verbose : int, default=0
        Above 0 shows a progress bar, which needs tqdm.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    transduction_ : ndarray of shape (n_nodes,)
        Predicted label of each node seen during `fit`.
    label_distributions_ : ndarray of shape (n_nodes, n_classes)
        Probability of each class for each of these nodes.
    coefs_ : list of ndarray
        Weight matrices, from the input to the output.
    intercepts_ : list of ndarray
        Bias vectors.
    loss_curve_ : list of float
        Loss of each epoch.
    validation_scores_ : list of float
        Accuracy on the nodes of ``validation_mask`` in each epoch, if it is given.
    validation_loss_curve_ : list of float
        Loss on the same nodes.
    alignment_ : list of ndarray of shape (n_hidden_layers,)
        Angles in degrees between updates and the true gradients in each epoch, see
        `DFAClassifier`. Only with ``track_alignment=True``.
    n_iter_ : int
        Number of epochs.
    opu_ : OPU
        The device used.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if X had names that are all strings.

    See Also
    --------
    NodeClassifier : Cross-validation over the nodes of a graph.
    DFAClassifier : The same for samples without a graph.
    AlignmentDisplay : The angles in ``alignment_``, drawn.
    sklearn.semi_supervised.LabelSpreading : Labels spread over a graph of neighbours.

    Notes
    -----
    A layer computes ``A @ (H @ W) + b``, with ``A = D^-1/2 max(adjacency, I) D^-1/2``, where D
    holds the row sums of that maximum: each node is a neighbour of itself. Back-propagation sends
    the error E back as ``A @ E @ W.T``; DFA uses ``A @ (E @ B)``, multiplied by A once more for
    each layer further down. The root mean square of B equals that of W or, with several layers
    above, that of their product.

    The unit of X does not matter: the network is trained on X divided by the root mean square of
    its row norms, to which ``alpha`` and ``learning_rate_init`` refer; ``coefs_`` are for X itself.
    If rows differ much in size, scale each row.

    An epoch visits only nodes within as many steps of a labelled one as there are layers.

    References
    ----------
    .. [1] T. N. Kipf and M. Welling, "Semi-supervised classification with graph
       convolutional networks", ICLR 2017.
    .. [2] J. Launay et al., "Hardware beyond backpropagation: a photonic co-processor for
       direct feedback alignment", 2020, arXiv:2012.06373.

    Examples
    --------
    Ten labels; a graph of nearest neighbours gives the others:

    >>> import numpy as np
    >>> from sklearn.datasets import make_moons
    >>> from sklearn.neighbors import kneighbors_graph
    >>> from skopu import DFAGraphClassifier
    >>> X, y = make_moons(300, noise=0.1, random_state=0)
    >>> graph = kneighbors_graph(X, 8)
    >>> graph = graph.maximum(graph.T)
    >>> labels = np.full(300, -1)
    >>> labels[::30] = y[::30]
    >>> model = DFAGraphClassifier(random_state=0).fit(X, labels, graph)
    >>> bool(np.mean(model.transduction_ == y) > 0.85)
    True
    """

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(numbers.Integral, 1, None, closed="left")],
        "activation": [StrOptions({"identity", "logistic", "tanh", "relu"})],
        "dropout": [Interval(numbers.Real, 0, 1, closed="left")],
        "alpha": [Interval(numbers.Real, 0, None, closed="left")],
        "learning_rate_init": [Interval(numbers.Real, 0, None, closed="neither")],
        "max_iter": [Interval(numbers.Integral, 1, None, closed="left")],
        "n_iter_no_change": [Interval(numbers.Integral, 1, None, closed="left")],
        "feedback": [StrOptions({"backprop", "dense", "optical"})],
        "error_encoding": [StrOptions({"exact", "ternary"})],
        "ternary_threshold": [Interval(numbers.Real, 0, 1, closed="left")],
        "opu": [Device, None],
        "track_alignment": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        hidden_layer_sizes=(64,),
        activation="relu",
        *,
        dropout=0.5,
        alpha=5e-4,
        learning_rate_init=0.01,
        max_iter=200,
        n_iter_no_change=50,
        feedback="dense",
        error_encoding="exact",
        ternary_threshold=0.25,
        opu=None,
        track_alignment=False,
        random_state=None,
        verbose=0,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.alpha = alpha
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.n_iter_no_change = n_iter_no_change
        self.feedback = feedback
        self.error_encoding = error_encoding
        self.ternary_threshold = ternary_threshold
        self.opu = opu
        self.track_alignment = track_alignment
        self.random_state = random_state
        self.verbose = verbose

    @unchanged_on_error()
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, adjacency=None, *, validation_mask=None):
        """Train the network on the labelled nodes of a graph.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_nodes, n_features)
            Features of all nodes, including those without a label.
        y : array-like of shape (n_nodes,)
            Labels; -1 for no label. Text labels need an array of objects. (Without an
            adjacency, -1 and one other label are the two classes of a binary problem.)
        adjacency : {array-like, sparse matrix} of shape (n_nodes, n_nodes), default=None
            Symmetric, non-negative weights of the edges. None means a graph without edges.
        validation_mask : array-like of bool of shape (n_nodes,), default=None
            Labelled nodes that are not used for training but decide when to stop and which weights
            to keep.

        Returns
        -------
        self : object
            Trained network.

        Raises
        ------
        ValueError
            If there is no label, or a class has none outside validation_mask; if the adjacency
            matrix is not square, symmetric, non-negative and of matching size; if the device
            cannot show the error or has too few outputs; or if training diverges.
        """
        X, y = validate_rows(self, X, y=y, accept_sparse="csr", multi_output=False)
        graph = normalized_adjacency(adjacency, X)
        trained, validation = self._encode(y, validation_mask, adjacency is None)
        sizes = np.asarray(self.hidden_layer_sizes)
        if sizes.ndim > 1 or (sizes.size and (sizes.dtype.kind not in "iu" or sizes.min() < 1)):
            raise ValueError(
                "hidden_layer_sizes must be positive integers, one for each layer, got "
                f"{self.hidden_layer_sizes!r}."
            )
        layer_sizes = np.atleast_1d(sizes).tolist()
        random_state = check_random_state(self.random_state)
        self.opu_ = self._own_device(random_state)
        optical = self.feedback == "optical"
        if optical and layer_sizes:
            check_shows_errors(self.opu_, len(self.classes_), layer_sizes, self.error_encoding)
        self._initialize(layer_sizes, X, random_state)
        unit = norm_unit(X)
        self._feedback_device = feedback_device(self.opu_, optical)
        try:
            with (
                np.errstate(over="ignore", invalid="ignore"),
                progress_bar(self.verbose, self.max_iter, "training", " epochs") as done,
            ):
                self._train(X * unit, graph, trained, validation, random_state, done)
                self.coefs_[0] *= unit
                probabilities = self._probabilities(X, graph)
            if not all_finite(probabilities):
                raise Diverged
        except Diverged:
            raise ValueError(
                "Training diverged: the loss or the weights are no longer finite. Lower "
                f"learning_rate_init={self.learning_rate_init}, or scale X. The network is as it "
                "was before."
            ) from None
        finally:
            del self._feedback_device  # whose glass may be large
        self.label_distributions_ = probabilities
        self.transduction_ = self.classes_[self.label_distributions_.argmax(axis=1)]
        return self

    def predict(self, X, adjacency=None):
        """Labels of the nodes of a graph, not necessarily the one seen by `fit`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_nodes, n_features)
            Features.
        adjacency : {array-like, sparse matrix} of shape (n_nodes, n_nodes), default=None
            Symmetric, non-negative weights of the edges. None means a graph without edges.

        Returns
        -------
        y : ndarray of shape (n_nodes,)
            Labels.
        """
        probabilities = self.predict_proba(X, adjacency)
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_proba(self, X, adjacency=None):
        """Probabilities of the classes for the nodes of a graph.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_nodes, n_features)
            Features.
        adjacency : {array-like, sparse matrix} of shape (n_nodes, n_nodes), default=None
            Symmetric, non-negative weights of the edges. None means a graph without edges.

        Returns
        -------
        probabilities : ndarray of shape (n_nodes, n_classes)
            Probabilities, in the order of ``classes_``.
        """
        check_is_fitted(self, "coefs_")
        X = validate_rows(self, X, accept_sparse="csr", reset=False)
        return self._probabilities(X, normalized_adjacency(adjacency, X))

    def score(self, X, y, adjacency=None, sample_weight=None):
        """Accuracy of `predict`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_nodes, n_features)
            Features.
        y : array-like of shape (n_nodes,)
            True labels.
        adjacency : {array-like, sparse matrix} of shape (n_nodes, n_nodes), default=None
            Symmetric, non-negative weights of the edges. None means a graph without edges.
        sample_weight : array-like of shape (n_nodes,), default=None
            Weights of nodes; nodes of weight 0 do not count.

        Returns
        -------
        accuracy : float
            Share of nodes predicted correctly.
        """
        return accuracy_score(y, self.predict(X, adjacency), sample_weight=sample_weight)

    def _encode(self, y, validation_mask, no_edges):
        """Nodes to train on and to validate with, each with the indices of their classes."""
        text = y.dtype.kind in "OUS"
        if text and any(isinstance(label, str) and label == "-1" for label in y):
            raise ValueError(
                'y holds text, including "-1". Give an array of objects, with the number -1 '
                "for nodes without a label: np.array(y, dtype=object)."
            )
        labelled = np.array([label != -1 for label in y]) if text else y != -1
        if not labelled.any():
            raise ValueError("No node has a label: all of y is -1. Label some nodes first.")
        if no_edges and len(set(y[labelled])) == 1:
            labelled[:] = True
        check_classification_targets(y[labelled])
        self.classes_, encoded = np.unique(y[labelled], return_inverse=True)
        indices = np.full(len(y), -1)
        indices[labelled] = encoded
        held_out = np.zeros(len(y), bool)
        if validation_mask is not None:
            held_out = np.asarray(validation_mask)
            if held_out.dtype != bool or held_out.shape != y.shape:
                raise ValueError(
                    f"validation_mask must be a boolean for each of the {len(y)} nodes, got "
                    f"dtype {held_out.dtype} and shape {held_out.shape}."
                )
            if (held_out & ~labelled).any() or not held_out.any():
                raise ValueError("validation_mask must hold some nodes, all of them labelled.")
        trained = np.flatnonzero(labelled & ~held_out)
        unseen = np.setdiff1d(np.arange(len(self.classes_)), indices[trained])
        if len(unseen):
            raise ValueError(
                f"No node of class {self.classes_[unseen[0]]} is left to train on. Take some "
                "out of validation_mask, or set y of that class to -1."
            )
        held_out = np.flatnonzero(held_out)
        return (trained, indices[trained]), (held_out, indices[held_out])

    def _initialize(self, layer_sizes, X, random_state):
        sizes = [X.shape[1], *layer_sizes, len(self.classes_)]
        self.coefs_, self.intercepts_ = [], []
        for fan_in, fan_out in itertools.pairwise(sizes):
            bound = np.sqrt(6 / (fan_in + fan_out))  # Glorot and Bengio, 2010
            coef = random_state.uniform(-bound, bound, (fan_in, fan_out))
            self.coefs_.append(coef.astype(X.dtype))
            self.intercepts_.append(np.zeros(fan_out, X.dtype))
        for name in (
            "alignment_",
            "validation_scores_",
            "validation_loss_curve_",
            "transduction_",
            "label_distributions_",
        ):
            self.__dict__.pop(name, None)
        self.loss_curve_, self.n_iter_ = [], 0

    def _train(self, X, graph, trained, validation, random_state, done):
        loop = training_loop()
        params = self.coefs_ + self.intercepts_
        optimizer = in_place(loop.adam(params, self.learning_rate_init))
        lowest, kept, waited = np.inf, None, 0
        (nodes, classes), (held_out, true_classes) = trained, validation
        if len(held_out):
            self.validation_scores_, self.validation_loss_curve_ = [], []
        if self.track_alignment:
            self.alignment_ = []
        # Labels are few, and what they depend on is mostly a small part of the graph.
        learning, watching = (Layers(graph, len(self.coefs_), some) for some in (nodes, held_out))
        X, X_watched = X[learning.inputs], X[watching.inputs]
        while self.n_iter_ < self.max_iter:
            loss, gradients = self._gradients(X, learning, classes, random_state)
            optimizer.update_params(params, gradients)
            self.n_iter_ += 1
            done()
            self.loss_curve_.append(loss)
            check_finite(params)
            if not len(held_out):
                continue
            probabilities = self._forward(X_watched, watching)[-1]
            accuracy = float(np.mean(probabilities.argmax(axis=1) == true_classes))
            self.validation_scores_.append(accuracy)
            # Of a few nodes, the loss tells more than how many are right.
            loss = cross_entropy(probabilities, true_classes)
            self.validation_loss_curve_.append(loss)
            if loss < lowest:
                lowest, kept, waited = loss, [param.copy() for param in params], 0
                continue
            # The first steps of a large rate may raise all losses: too early to give up.
            waited += self.loss_curve_[-1] < self.loss_curve_[0]
            if waited >= self.n_iter_no_change:
                break
        if kept is not None:
            copy_weights(kept, into=params)
            if self.n_iter_ > 1 and lowest == self.validation_loss_curve_[0]:
                warnings.warn(
                    "The validation loss was lowest after the first epoch, whose weights are "
                    "kept: they are nearly random. Give the rows of X one norm "
                    "(sklearn.preprocessing.normalize), or lower "
                    f"learning_rate_init={self.learning_rate_init}.",
                    ConvergenceWarning,
                    stacklevel=5,
                )

    def _probabilities(self, X, graph):
        return self._forward(X, Layers(graph, len(self.coefs_)))[-1]

    def _forward(self, X, layers, dropped=None):
        """Outputs of all layers; ``dropped(output)`` is what the next layer takes of one."""
        activations = training_loop().activations
        outputs = [X]
        last = len(self.coefs_) - 1
        for i, (coef, intercept) in enumerate(zip(self.coefs_, self.intercepts_, strict=True)):
            inputs = outputs[-1] if dropped is None else dropped(outputs[-1])
            output = layers.forward(i, inputs @ coef) + intercept
            activations["softmax" if i == last else self.activation](output)
            outputs.append(output)
        return outputs

    def _gradients(self, X, layers, classes, random_state):
        """Loss on the nodes, and its gradients or what stands for them."""
        masks, inputs = [], []

        def dropped(output):
            """Output with some entries left out, the others larger to make up for it."""
            stored = output.data if scipy.sparse.issparse(output) else output
            mask = (random_state.random_sample(stored.shape) >= self.dropout).astype(X.dtype)
            mask /= 1 - self.dropout
            masks.append(mask)
            if scipy.sparse.issparse(output):
                parts = output.data * mask, output.indices, output.indptr
                inputs.append(scipy.sparse.csr_matrix(parts, output.shape))
            else:
                inputs.append(output * mask)
            return inputs[-1]

        outputs = self._forward(X, layers, dropped)
        probabilities = outputs[-1]
        loss = cross_entropy(probabilities, classes)
        if not np.isfinite(loss):
            raise Diverged
        error = probabilities.copy()
        error[np.arange(len(classes)), classes] -= 1
        error /= len(classes)
        back = self._backprop if self.feedback == "backprop" else self._feed_back
        deltas = back(layers, error, outputs, masks)
        gradients = self._weight_gradients(layers, inputs, deltas)
        if self.track_alignment:
            true = self._backprop(layers, error, outputs, masks)
            true = self._weight_gradients(layers, inputs, true)
            pairs = zip(gradients[:-1], true[:-1], strict=True)
            self.alignment_.append(np.array([angle(*pair) for pair in pairs]))
        for coef, gradient in zip(self.coefs_[:-1], gradients[:-1], strict=True):
            loss += 0.5 * self.alpha * float(np.vdot(coef, coef))
            gradient += self.alpha * coef
        return loss, gradients + [delta.sum(axis=0) for delta in deltas]

    def _weight_gradients(self, layers, inputs, deltas):
        return [
            layer_inputs.T @ layers.back(i, delta)
            for i, (layer_inputs, delta) in enumerate(zip(inputs, deltas, strict=True))
        ]

    def _backprop(self, layers, error, outputs, masks):
        """Errors of all layers by the chain rule."""
        deltas = [error]
        for i in range(len(self.coefs_) - 1, 0, -1):
            delta = layers.back(i, deltas[0]) @ self.coefs_[i].T
            deltas.insert(0, self._through_layer(delta, outputs[i], masks[i]))
        return deltas

    def _feed_back(self, layers, error, outputs, masks):
        """Errors of the hidden layers by a projection of the output's."""
        sizes = [output.shape[1] for output in outputs[1:-1]]
        encoding = self.error_encoding, self.ternary_threshold
        parts = project_error(self._feedback_device, error, sizes, *encoding, self.n_iter_)
        deltas, growth = [error], 1.0
        for i in range(len(sizes), 0, -1):
            # As large as the error that the weights above send back, which grows with them:
            # Adam takes out the size of the sum of error and weight decay, not their ratio.
            coef = self.coefs_[i]
            growth *= float(np.linalg.norm(coef)) * math.sqrt(sum(coef.shape) / (2 * coef.size))
            delta = growth * parts[i - 1]
            for above in range(len(sizes), i - 1, -1):
                delta = layers.back(above, delta)
            deltas.insert(0, self._through_layer(delta, outputs[i], masks[i]))
        return deltas

    def _through_layer(self, delta, output, mask):
        delta *= mask
        training_loop().derivatives[self.activation](output, delta)
        return delta

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
