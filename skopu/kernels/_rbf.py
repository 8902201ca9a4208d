"""Cosines of projections: random Fourier features."""

import math

from sklearn.metrics.pairwise import rbf_kernel

from .._utils.arrays import in_place, like, namespace, numpy_dtype
from .kernel import Kernel


class RBFKernel(Kernel):
    """Features ``sqrt(2) cos(sqrt(2 gamma) w.x + u)``, see `sklearn`'s `rbf_kernel`."""

    name = "rbf"
    has_gamma = True
    factor = math.sqrt(2)

    def activate(self, piece, outputs, features):
        """Cosine of a projection, shifted by a random phase of its own."""
        piece *= math.sqrt(2 * features.gamma)
        piece += like(features.phases(outputs).astype(numpy_dtype(piece)), piece)
        return in_place(namespace(piece).cos, piece)

    def exact(self, X, Y=None, *, degree=None, gamma=None):
        """`sklearn.metrics.pairwise.rbf_kernel`."""
        return rbf_kernel(X, Y, gamma)


RBF = RBFKernel()
