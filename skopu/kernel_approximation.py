"""Random features computed by light."""

import numbers

from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ._device_mixin import DeviceMixin
from ._feature_map import feature_map
from ._utils.arrays import place
from ._utils.checks import check_as_fitted, transform_lazily, validate_dask, validate_rows
from ._utils.dask_collections import is_dask
from ._utils.fitting import unchanged_on_error
from ._utils.private_sklearn import Interval, StrOptions, fit_context
from .kernels import KERNELS, Kernel
from .optics import Device, LayeredMedium


class OpticalRandomFeatures(
    DeviceMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Random features whose inner products approximate a kernel, made by light.

    A linear model on them is a kernel machine at the cost of a linear model [1]_. The
    random matrix belongs to an `OPU`, simulated without ever being stored.

    Read more in the :doc:`user guide </user_guide/kernel_machines>`.

    Parameters
    ----------
    n : int, default=100
        Number of features. The error of the kernel falls like 1 / sqrt(n). The first
        features of a larger n are those of a smaller one, apart from their scale.
    kernel : {"speckle", "arc_cosine", "rbf"} or Kernel, default="speckle"
        The feature computed from the light, and the kernel it converges to:

        - "speckle": ``|r.x|^degree``, see `skopu.optical_kernel`. What the
          camera itself reads, and by far the cheapest on hardware. The same for x and -x.
        - "arc_cosine": ``sqrt(2) max(0, w.x)^degree``, see
          `skopu.arc_cosine_kernel`.
        - "rbf": ``sqrt(2) cos(sqrt(2 gamma) w.x + u)`` [2]_, see
          `sklearn.metrics.pairwise.rbf_kernel`.

        Here r is a complex and w a real row of the device's matrix; w requires holography. For
        a kernel of your own, pass a `skopu.kernels.Kernel`.
    degree : float, default=None
        For "speckle" any positive number; None means 2, the intensity. For "arc_cosine" the
        integer 0, 1 or 2; None means 1. "rbf" has none.
    gamma : float or "scale", default=None
        Width of ``exp(-gamma |x - y|^2)``, for "rbf" only. None and "scale" mean
        ``1 / (n_features * X.var())``, as in `sklearn.svm.SVC`.
    opu : Device, default=None
        The device; cloned by `fit`. None uses a `LayeredMedium` and an ideal camera, with a seed
        drawn from ``random_state``.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None, and the offsets u of "rbf". Pass an int for
        the same features at each `fit`.
    verbose : int, default=0
        Above 0, `transform` shows a progress bar, which needs tqdm.

    Attributes
    ----------
    opu_ : OPU
        The device used.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if X had names that are all strings.

    See Also
    --------
    sklearn.kernel_approximation.RBFSampler : Random Fourier features from a stored matrix.
    sklearn.kernel_approximation.Nystroem : Features from a subset of the data.
    skopu.optical_kernel : The kernel of "speckle" features.
    skopu.arc_cosine_kernel : The kernel of "arc_cosine" features.
    OpticalRidge : Ridge regression on more features than fit into memory.
    KernelApproximationDisplay : The error of the kernel, drawn.

    Notes
    -----
    Features use as many threads as NumPy's BLAS would. Speckle and arc-cosine features
    grow with the norm of x to the power of their degree: scale data as for a polynomial
    kernel.

    With scikit-learn's array API dispatch on, `transform` accepts PyTorch and CuPy arrays, of
    the kind it was fitted to, and returns the same kind, on the same device.

    Modes of a `LayeredMedium` lie on a sphere, in blocks of m; homogeneous features of
    degree p are scaled by the exact ratio ``Gamma(m + p) / (Gamma(m) m^p)`` of the
    moments of a Gaussian vector to those of one on a sphere.

    References
    ----------
    .. [1] A. Saade et al., "Random projections through multiple optical scattering:
       approximating kernels at the speed of light", ICASSP 2016.
    .. [2] A. Rahimi and B. Recht, "Random features for large-scale kernel machines", NIPS
       2007.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import RidgeClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from skopu import OpticalRandomFeatures
    >>> X, y = load_digits(return_X_y=True)
    >>> model = make_pipeline(OpticalRandomFeatures(n=2000, random_state=0), RidgeClassifier())
    >>> round(model.fit(X[:1200] / 16, y[:1200]).score(X[1200:] / 16, y[1200:]), 2)
    0.97
    """

    _default_medium = LayeredMedium

    _parameter_constraints = {
        "n": [Interval(numbers.Integral, 1, None, closed="left")],
        "kernel": [StrOptions(set(KERNELS)), Kernel],
        "degree": [Interval(numbers.Real, 0, None, closed="left"), None],
        "gamma": [Interval(numbers.Real, 0, None, closed="neither"), StrOptions({"scale"}), None],
        "opu": [Device, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n=100,
        *,
        kernel="speckle",
        degree=None,
        gamma=None,
        opu=None,
        random_state=None,
        verbose=0,
    ):
        self.n = n
        self.kernel = kernel
        self.degree = degree
        self.gamma = gamma
        self.opu = opu
        self.random_state = random_state
        self.verbose = verbose

    @unchanged_on_error()
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the parameters and fix the device, for as many features as X has.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.
        y : Ignored
            Not used, present for API consistency.

        Returns
        -------
        self : object
            Fitted transformer.

        Raises
        ------
        ValueError
            If X is not finite, real and 2-d, a parameter does not suit the kernel, or the
            device has fewer inputs or outputs.
        """
        if is_dask(X):
            X, self._fitted_place = validate_dask(self, X, reset=True), ("numpy", "cpu")
        else:
            X = self._validate(X, reset=True)
            self._fitted_place = place(X)
        self._map = feature_map(self, X)
        self.opu_ = self._map.opu
        self._n_features_out = self._map.n
        return self

    def transform(self, X, out=None):
        """Send X through the device.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        out : ndarray of shape (n_samples, n), default=None
            Where to write the features, such as a memory map larger than memory; of float32
            if X is, else of float64.

        Returns
        -------
        features : ndarray of shape (n_samples, n)
            float32 if X is, else float64; out, if it is given.

        Raises
        ------
        ValueError
            If X is not finite, real and 2-d, has another number of features than at `fit`,
            or cannot be shown by the device; or out has another shape or type, cannot be
            written, or overlaps X.
        """
        check_is_fitted(self)
        if is_dask(X):
            if out is not None:
                raise ValueError(
                    "The features of a Dask collection are not computed: out must be None."
                )
            return transform_lazily(self, X, self._map, self._map.n)
        X = self._validate(X, reset=False)
        check_as_fitted(self, X, self._fitted_place, "transform")
        return self._map(X, out, self.verbose)

    def _validate(self, X, reset):
        return validate_rows(self, X, reset=reset, accept_sparse="csr", accept_foreign=True)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
