"""Powers of the modulus of the field: what a camera sees."""

import numpy as np
from scipy.special import gammaln, hyp2f1

from .._utils.arrays import in_place, like, namespace, to_numpy
from .._utils.checks import check_positive
from ._angular import angular_kernel
from .kernel import Kernel


class SpeckleKernel(Kernel):
    """Features ``|r.x|^degree``, see `optical_kernel`."""

    name = "speckle"
    reading = "intensity"
    default_degree = 2

    def check_degree(self, degree):
        """Degree as a Python number; ValueError unless it is positive."""
        return check_positive(degree, "degree of the speckle kernel")

    def activate(self, piece, outputs, features):
        """Power of an intensity."""
        if features.degree == 2:
            return piece
        xp = namespace(piece)
        piece = in_place(xp.clip, piece, 0, None)  # read noise can fall below 0
        if features.degree == 1:
            return in_place(xp.sqrt, piece)
        piece **= features.degree / 2
        return piece

    def exact(self, X, Y=None, *, degree=None, gamma=None):
        """`optical_kernel`."""
        return optical_kernel(X, Y, self.default_degree if degree is None else degree)


SPECKLE = SpeckleKernel()


def optical_kernel(X, Y=None, degree=2):
    """Kernel of speckle features ``|r.x|^degree`` for circular Gaussian r, E|r_i|^2 = 1.

    ``(|x| |y|)^p Gamma(1 + p/2)^2 2F1(-p/2, -p/2; 1; cos^2)``, where p is the degree and cos
    the cosine of the angle between x and y [1]_. Degree 2, intensity, is
    ``|x|^2 |y|^2 + (x.y)^2``; degree 1, modulus, is an elliptic integral.

    Read more in the :doc:`user guide </user_guide/kernel_machines>`.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
        Samples, or one sample of shape (n_features,) if Y is one too.
    Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features), default=None
        Other samples. None means X.
    degree : float, default=2
        Positive power.

    Returns
    -------
    kernel : ndarray of shape (n_samples_X, n_samples_Y), or float for single samples
        float32 if X and Y are, else float64. 0 where x or y is the zero vector.

    Raises
    ------
    ValueError
        If degree is not a positive number, or X and Y have different numbers of features.

    See Also
    --------
    skopu.OpticalRandomFeatures : Random features whose inner products converge to it.
    skopu.arc_cosine_kernel : The kernel of a wide layer of rectified linear units.
    skopu.kernels.angular_kernel : Any kernel of the angle, and of the norms.
    sklearn.metrics.pairwise.polynomial_kernel : Powers of inner products.

    References
    ----------
    .. [1] A. Saade et al., "Random projections through multiple optical scattering:
       approximating kernels at the speed of light", ICASSP 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.kernels import optical_kernel
    >>> X = np.array([[1.0, 0.0], [1.0, 1.0]])
    >>> optical_kernel(X)
    array([[2., 3.],
           [3., 8.]])
    >>> optical_kernel(X, degree=1).round(2)
    array([[1.  , 1.25],
           [1.25, 2.  ]])
    """
    return angular_kernel(X, Y, SPECKLE.check_degree(degree), _angular)


def _angular(cosines, degree):
    squares = cosines**2
    if degree == 2:
        return 1 + squares
    # SciPy's function is NumPy's alone.
    series = hyp2f1(-degree / 2, -degree / 2, 1, to_numpy(squares))
    return like(np.exp(2 * gammaln(1 + degree / 2)) * series, cosines)
