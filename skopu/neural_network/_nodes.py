"""Cross-validation over the nodes of a graph."""

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from .._utils.checks import numbers_alone
from .._utils.fitting import unchanged_on_error
from .._utils.private_sklearn import copy_metadata_request


class NodeClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Classifier of the nodes of one graph, with node numbers as samples.

    Cross-validators of scikit-learn split rows, but some rows of an adjacency matrix are not a
    graph, and training nodes also learn from the features of other nodes. Here the samples are node
    numbers, which can be split in any way; the graph stays whole. Labels of nodes outside the
    training set are not seen in training.

    Read more in the :doc:`user guide </user_guide/training_by_light>`.

    Parameters
    ----------
    estimator : DFAGraphClassifier
        Classifier with ``fit(X, y, adjacency)``, for which -1 means no label, and which
        sets ``transduction_`` and ``label_distributions_``.
    X : {array-like, sparse matrix} of shape (n_nodes, n_features)
        Features of all nodes. Not copied by `clone`.
    adjacency : {array-like, sparse matrix} of shape (n_nodes, n_nodes) or None
        Edges between the nodes; None means no edges. Not copied by `clone`.

    Attributes
    ----------
    estimator_ : DFAGraphClassifier
        Classifier trained on the whole graph; its labels are positions in ``classes_``.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Always 1: the node number.

    See Also
    --------
    DFAGraphClassifier : The classifier of nodes.
    sklearn.model_selection.GridSearchCV : A search over its parameters.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.neighbors import kneighbors_graph
    >>> from sklearn.preprocessing import scale
    >>> from skopu import DFAGraphClassifier, NodeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> X = scale(X)
    >>> graph = kneighbors_graph(X, 5)
    >>> graph = graph.maximum(graph.T)
    >>> model = NodeClassifier(DFAGraphClassifier(max_iter=100, random_state=0), X, graph)
    >>> search = GridSearchCV(model, {"estimator__hidden_layer_sizes": [(16,), (64,)]}, cv=3)
    >>> nodes = np.arange(len(X)).reshape(-1, 1)
    >>> bool(search.fit(nodes, y).best_score_ > 0.9)
    True
    """

    def __init__(self, estimator, X, adjacency):
        self.estimator = estimator
        self.X = X
        self.adjacency = adjacency

    def __sklearn_clone__(self):
        copy = type(self)(clone(self.estimator), self.X, self.adjacency)
        copy_metadata_request(self, copy)
        return copy

    @unchanged_on_error()
    def fit(self, nodes, y):
        """Train on the whole graph with the labels of some nodes.

        Parameters
        ----------
        nodes : array-like of int of shape (n_samples, 1)
            Numbers of the labelled nodes.
        y : array-like of shape (n_samples,)
            Their labels.

        Returns
        -------
        self : object
            Fitted classifier.

        Raises
        ------
        ValueError
            If nodes are not node numbers, occur twice or do not have one label each; or if the
            estimator rejects the data.
        """
        nodes, y = self._check_nodes(nodes), column_or_1d(y)
        check_consistent_length(nodes, y)
        check_classification_targets(y)
        if len(np.unique(nodes)) < len(nodes):
            raise ValueError("Each node may be given only once.")
        # As numbers of classes, since -1 may be one of the labels; and with a graph, be it
        # without edges, as then -1 is no label.
        classes, encoded = np.unique(y, return_inverse=True)
        n_nodes = np.shape(self.X)[0]
        labels = np.full(n_nodes, -1)
        labels[nodes] = encoded
        graph = self.adjacency
        graph = csr_matrix((n_nodes, n_nodes)) if graph is None else graph
        self.estimator_ = clone(self.estimator).fit(self.X, labels, graph)
        self.classes_ = classes
        self.n_features_in_ = 1
        return self

    def predict(self, nodes):
        """Labels of nodes.

        Parameters
        ----------
        nodes : array-like of int of shape (n_samples, 1)
            Numbers of nodes.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Labels.
        """
        check_is_fitted(self)
        return self.classes_[self.estimator_.transduction_[self._check_nodes(nodes)]]

    def predict_proba(self, nodes):
        """Probabilities of the classes for nodes.

        Parameters
        ----------
        nodes : array-like of int of shape (n_samples, 1)
            Numbers of nodes.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of ``classes_``.
        """
        check_is_fitted(self)
        return self.estimator_.label_distributions_[self._check_nodes(nodes)]

    def _check_nodes(self, nodes):
        with numbers_alone(nodes=nodes):
            nodes = check_array(nodes, input_name="nodes")
        n_nodes = np.shape(self.X)[0]
        if nodes.shape[1] != 1 or nodes.dtype.kind not in "iu":
            raise ValueError(
                f"nodes must be one column of integers, got dtype {nodes.dtype} and shape "
                f"{nodes.shape}. Give np.arange(n_nodes).reshape(-1, 1), or rows of it."
            )
        if nodes.min() < 0 or nodes.max() >= n_nodes:
            raise ValueError(f"nodes must lie between 0 and {n_nodes - 1}, the last node.")
        return nodes[:, 0]
