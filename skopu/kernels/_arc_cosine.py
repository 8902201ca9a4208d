"""Units that are zero on one side: what a wide layer of a neural network computes."""

import math
import numbers

import numpy as np

from .._utils.arrays import in_place, namespace
from ._angular import angular_kernel
from .kernel import Kernel


class ArcCosineKernel(Kernel):
    """Features ``sqrt(2) max(0, w.x)^degree``, see `arc_cosine_kernel`."""

    name = "arc_cosine"
    default_degree = 1
    factor = math.sqrt(2)

    def check_degree(self, degree):
        """Degree as a Python number; ValueError unless it is 0, 1 or 2."""
        integer = isinstance(degree, numbers.Integral) and not isinstance(degree, bool | np.bool_)
        if not (integer and degree in (0, 1, 2)):
            raise ValueError(f"degree of the arc_cosine kernel must be 0, 1 or 2, got {degree!r}.")
        return int(degree)

    def activate(self, piece, outputs, features):
        """Step, ramp or squared ramp of a projection."""
        xp = namespace(piece)
        if features.degree == 0:  # 0, 1/2 or 1
            piece = in_place(xp.sign, piece)
            piece += 1
            piece /= 2
            return piece
        piece = in_place(xp.clip, piece, 0, None)
        if features.degree == 2:
            piece = in_place(xp.multiply, piece, piece)
        return piece

    def exact(self, X, Y=None, *, degree=None, gamma=None):
        """`arc_cosine_kernel`."""
        return arc_cosine_kernel(X, Y, self.default_degree if degree is None else degree)


ARC_COSINE = ArcCosineKernel()


def arc_cosine_kernel(X, Y=None, degree=1):
    """Arc-cosine kernel of order 0, 1 or 2.

    ``(|x| |y|)^degree J(theta) / pi`` [1]_, the kernel of an infinitely wide layer of units
    ``sqrt(2) max(0, w.x)^degree`` (of steps, for order 0) with standard normal w.

    Read more in the :doc:`user guide </user_guide/kernel_machines>`.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
        Samples, or one sample of shape (n_features,) if Y is one too.
    Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features), default=None
        Other samples. None means X.
    degree : {0, 1, 2}, default=1
        Order.

    Returns
    -------
    kernel : ndarray of shape (n_samples_X, n_samples_Y), or float for single samples
        float32 if X and Y are, else float64. The zero vector counts as orthogonal to all
        vectors and to itself: a step is 1/2 at 0.

    Raises
    ------
    ValueError
        If degree is not one of these orders, or X and Y have different numbers of features.

    See Also
    --------
    skopu.OpticalRandomFeatures : Random features whose inner products converge to it.
    skopu.optical_kernel : The kernel of intensities.
    skopu.kernels.angular_kernel : Any kernel of the angle, and of the norms.

    References
    ----------
    .. [1] Y. Cho and L. K. Saul, "Kernel methods for deep learning",
        NIPS 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.kernels import arc_cosine_kernel
    >>> X = np.array([[1.0, 0.0], [0.0, 2.0]])
    >>> arc_cosine_kernel(X, degree=0)
    array([[1. , 0.5],
           [0.5, 1. ]])
    >>> arc_cosine_kernel(X).round(3)
    array([[1.   , 0.637],
           [0.637, 4.   ]])
    """
    return angular_kernel(X, Y, ARC_COSINE.check_degree(degree), _angular)


def _angular(cosines, degree):
    xp = namespace(cosines)
    # NumPy has had the array API's name since 2.0 only.
    angles = getattr(xp, "acos", np.arccos)(cosines)
    if degree == 0:
        return 1 - angles / math.pi
    sines = xp.sqrt((1 - cosines) * (1 + cosines))
    if degree == 1:
        return (sines + (math.pi - angles) * cosines) / math.pi
    return (3 * sines * cosines + (math.pi - angles) * (1 + 2 * cosines**2)) / math.pi
