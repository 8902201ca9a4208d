"""Functions of graphs, and of values at their nodes."""

import math

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import LinearOperator
from sklearn.utils import check_array

from .._utils.checks import numbers_alone


def normalized_adjacency(adjacency, X):
    """D^-1/2 max(adjacency, I) D^-1/2 as CSR, of the type of X; None for no edges."""
    if adjacency is None:
        return None
    if isinstance(adjacency, LinearOperator):
        raise ValueError("adjacency must be an array or a sparse matrix, not a LinearOperator.")
    with numbers_alone(adjacency=adjacency):
        adjacency = check_array(
            adjacency,
            accept_sparse="csr",
            dtype=X.dtype,
            input_name="adjacency",
            ensure_min_samples=0,
            ensure_min_features=0,
        )
    n_nodes = X.shape[0]
    if adjacency.shape != (n_nodes, n_nodes):
        raise ValueError(
            f"adjacency must be square, with a row for each of the {n_nodes} nodes of X, got "
            f"shape {adjacency.shape}. Cross-validators slice its rows: see NodeClassifier."
        )
    adjacency = scipy.sparse.csr_matrix(adjacency)
    if adjacency.nnz and adjacency.data.min() < 0:
        raise ValueError("adjacency has negative weights. Drop those edges, or take abs().")
    difference = abs(adjacency - adjacency.T)
    if (difference > 1e-5 * adjacency.maximum(adjacency.T)).nnz:
        raise ValueError(
            "adjacency must be symmetric. Take adjacency.maximum(adjacency.T) to make edges go "
            "both ways."
        )
    # A node that has an edge to itself already needs no other.
    looped = adjacency.maximum(scipy.sparse.identity(n_nodes, X.dtype, "csr"))
    scale = scipy.sparse.diags(1 / np.sqrt(np.asarray(looped.sum(axis=1)).ravel()))
    return (scale @ looped @ scale).tocsr().astype(X.dtype)


def norm_unit(X):
    """Factor that gives the rows of X a norm of 1 in root mean square."""
    values = X.data if scipy.sparse.issparse(X) else X
    largest = float(abs(values).max()) if values.size else 0.0
    if largest == 0:
        return 1.0
    # In parts of the largest, since the squares of tiny or huge numbers may vanish or overflow.
    norm = float(np.linalg.norm((values / largest).astype(np.float64)))
    return math.sqrt(X.shape[0]) / norm / largest


class Layers:
    """The part of a graph that the output of a network at some nodes depends on.

    Of a network with a layer for each step away from them: ``inputs`` are the nodes that the
    first layer reads, ``graphs`` the rows and columns of the graph for each layer, None for no
    edges.
    """

    def __init__(self, graph, n_layers, nodes=None):
        self.graphs, self.inputs = [graph] * n_layers, slice(None) if nodes is None else nodes
        if nodes is None or graph is None:
            return
        for i in reversed(range(n_layers)):
            rows = graph[self.inputs]
            self.inputs = np.unique(rows.indices)
            self.graphs[i] = rows[:, self.inputs]

    def forward(self, i, H):
        """Average over neighbours, as layer i does."""
        return H if self.graphs[i] is None else self.graphs[i] @ H

    def back(self, i, H):
        """What layer i sends back to the nodes that it reads."""
        return H if self.graphs[i] is None else self.graphs[i].T @ H


def cross_entropy(probabilities, classes):
    chosen = probabilities[np.arange(len(classes)), classes].astype(np.float64)
    return float(-np.log(np.maximum(chosen, np.finfo(np.float64).tiny)).mean())
