"""What a kernel must offer to become random features, and to be compared with them."""

from sklearn.base import BaseEstimator


class Kernel(BaseEstimator):
    """Base class of the kernels that random features made by a device converge to.

    A kernel of your own needs `activate`, and `exact` if you want to draw how well it is
    approximated. Pass it to an estimator as ``kernel=MyKernel()``. Its features are
    ``factor * activate(reading) / sqrt(n)``, and their inner products should converge to it.

    Read more in the :doc:`user guide </user_guide/kernel_machines>`.

    Attributes
    ----------
    name : str
        Its name in error messages and figures.
    reading : {"linear", "intensity"}
        What features are computed from: normal projections, or exponentially distributed
        intensities.
    default_degree : float or None
        The degree if none is given. A kernel that has one grows as ``(|x| |y|)^degree``; its
        features are corrected for the modes of a layered medium, which lie on a sphere.
    has_gamma : bool
        Whether it has a ``gamma``, which is ``1 / (n_features * X.var())`` by default.
    factor : float
        Multiplies all features.

    See Also
    --------
    skopu.OpticalRandomFeatures : Features of a kernel.
    skopu.kernels.angular_kernel : The exact kernel, if it depends on the angle and the norms.
    skopu.optical_kernel : The kernel of the camera's own reading.

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
        """Check a degree given by the user.

        Parameters
        ----------
        degree : float
            Degree to check; never None.

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
        """Compute features from readings; the one method that a kernel of your own needs.

        Parameters
        ----------
        piece : ndarray of shape (n_rows, n_outputs)
            Some readings of some rows, which may be overwritten. Pieces differ from call to call,
            so a feature must depend only on its own reading.
        outputs : slice
            The features they become.
        features : FeatureMap
            Its ``degree`` and ``gamma`` are Python numbers; ``phases(outputs)`` are random
            phases, uniform from 0 to 2 pi, one for each of the features.

        Returns
        -------
        piece : ndarray of shape (n_rows, n_outputs)
            Features, not yet multiplied by ``factor``; of any real dtype.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method activate.")

    def exact(self, X, Y=None, *, degree=None, gamma=None):
        """Exact kernel.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
            Samples.
        Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features), default=None
            Other samples. None means X.
        degree, gamma : float, default=None
            Those of the features.

        Returns
        -------
        kernel : ndarray of shape (n_samples_X, n_samples_Y)
            The limit of inner products of the features.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method exact.")
