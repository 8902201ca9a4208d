"""What a kernel must offer to become random features, and to be compared with them."""

from sklearn.base import BaseEstimator


class Kernel(BaseEstimator):
    """A kernel that features made of a device's readings converge to; the base class of all.

    A kernel of your own needs `activate`, and `exact` where its approximation is to be drawn.
    It is passed to estimators as ``kernel=MyKernel()``. Its features are
    ``factor * activate(reading) / sqrt(n)``, and their inner products should converge to it.

    Attributes
    ----------
    name : str
        What errors and figures call it.
    reading : {"linear", "intensity"}
        What it is made of: normal projections, or exponentially distributed intensities.
    default_degree : float or None
        The degree if none is given. A kernel that has one grows as ``(|x| |y|)^degree``; its
        features are scaled by what modes of a layered medium, which lie on a sphere, lack.
    has_gamma : bool
        Whether it has a ``gamma``, by default ``1 / (n_features * X.var())``.
    factor : float
        Of all features.

    Examples
    --------
    The modulus of a projection, whose kernel depends on the angle between x and y:

    >>> import numpy as np
    >>> from skopu import OpticalRandomFeatures
    >>> from skopu.kernels import Kernel, angular_kernel
    >>> class Modulus(Kernel):
    ...     name, default_degree = "modulus", 1
    ...
    ...     def activate(self, piece, outputs, features):
    ...         return abs(piece)
    ...
    ...     def exact(self, X, Y=None, *, degree=None, gamma=None):
    ...         def angular(c, degree):
    ...             return 2 / np.pi * (np.sqrt(1 - c**2) + c * np.arcsin(c))
    ...
    ...         return angular_kernel(X, Y, 1, angular)
    >>> X = np.eye(3)
    >>> Z = OpticalRandomFeatures(n=20_000, kernel=Modulus(), random_state=0).fit_transform(X)
    >>> bool(np.allclose(Z @ Z.T, Modulus().exact(X), atol=0.03))
    True
    """

    name = "custom"
    reading = "linear"
    default_degree = None
    has_gamma = False
    factor = 1.0

    def check_degree(self, degree):
        """Check a degree that a user gives.

        Parameters
        ----------
        degree : float
            Not None.

        Returns
        -------
        degree : float
            A Python number.

        Raises
        ------
        ValueError
            By default, unless it is ``default_degree``.
        """
        if degree == self.default_degree:
            return self.default_degree
        if self.default_degree is None:
            raise ValueError(
                f"The {self.name} kernel has no degree, got degree={degree!r}. Leave it None, or "
                'choose kernel="speckle" or "arc_cosine".'
            )
        raise ValueError(
            f"degree of the {self.name} kernel must be {self.default_degree}, got {degree!r}."
        )

    def activate(self, piece, outputs, features):
        """Make features of readings; the one method that a kernel of your own needs.

        Parameters
        ----------
        piece : ndarray of shape (n_rows, n_outputs)
            Some readings of some rows, which may be written over. Where it is cut differs from
            call to call, so that a feature must depend on its own reading alone.
        outputs : slice
            Which features they become.
        features : FeatureMap
            Its ``degree`` and ``gamma`` are Python numbers; ``phases(outputs)`` are random
            phases, uniform from 0 to 2 pi, one for each of the features.

        Returns
        -------
        piece : ndarray of shape (n_rows, n_outputs)
            Features, but for their factor; of any real dtype.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method activate.")

    def exact(self, X, Y=None, *, degree=None, gamma=None):
        """Exact kernel.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
            Samples.
        Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features), default=None
            Other samples. None is X.
        degree, gamma : float
            As of the features.

        Returns
        -------
        kernel : ndarray of shape (n_samples_X, n_samples_Y)
            The limit of inner products of the features.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method exact.")
