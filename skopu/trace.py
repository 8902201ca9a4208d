"""Trace of a kernel matrix, or of a function of it, as an estimator."""

import numbers

from sklearn.base import BaseEstimator

from ._device_mixin import DeviceMixin
from ._utils.checks import validate_matrix
from ._utils.fitting import unchanged_on_error
from ._utils.private_sklearn import Interval, StrOptions, fit_context
from .linalg import TRACE_METHODS, TraceMethod, opu_trace
from .linalg._functions import FUNCTIONS
from .linalg._preconditioned import PRECONDITIONERS
from .optics import Device


class OPUTraceEstimator(DeviceMixin, BaseEstimator):
    """Trace of a square matrix, or of a function of it, from random projections.

    For example the log-determinant of a kernel matrix, or the effective number of degrees
    of freedom of a smoother, as the last step of a Pipeline whose other steps compute
    the matrix. `skopu.opu_trace` says what the methods do and how accurate they are [1]_.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Parameters
    ----------
    n_matvecs : int, default=100
        Maximum number of products of the matrix with a vector. If they allow as many as it has
        rows, it is multiplied by unit vectors, which is exact; not for functions, "sketch" or a
        method of your own.
    rtol : float, default=None
        Standard error, relative to the trace, at which to stop. None uses all products.
    method : {"xtrace", "xnystrace", "hutch++", "hutchinson", "sketch"} or TraceMethod, \
            default="xtrace"
        How the products are spent. "xnystrace" is for positive semi-definite matrices and
        functions.
    function : {"log", "exp", "sqrt", "inv"} or callable, default=None
        Estimate the trace of this function of a symmetric matrix instead. A callable maps
        an array of eigenvalues to a real array of the same shape.
    lanczos_steps : int, default=20
        Maximum number of products with the matrix for one with its function; at least 4.
    preconditioner : {"diagonal", "nystrom"}, default=None
        How to improve the condition of the matrix, for "log" and "inv".
    opu : Device, default=None
        The device; cloned by `fit`. None uses a `GaussianMedium` and an ideal camera, with a
        seed drawn from ``random_state``.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None. Pass an int for the same result at each `fit`.

    Attributes
    ----------
    trace_ : float
        Estimate of the trace.
    standard_error_ : float
        Estimated standard deviation of its error; infinite, with a warning, if the Lanczos process
        has not converged.
    n_matvecs_ : int
        Number of products made.
    opu_ : OPU
        The device used.
    n_features_in_ : int
        Number of rows and columns seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of columns seen during `fit`, if X had names that are all strings.

    See Also
    --------
    skopu.opu_trace : The function it calls.
    skopu.opu_diagonal : The diagonal, entry by entry.
    skopu.opu_spectral_density : The eigenvalues that the trace sums.
    TraceConvergenceDisplay : How the error falls with the number of products.

    References
    ----------
    .. [1] E. N. Epperly, J. A. Tropp and R. J. Webber, "XTrace: making the most of every
       sample in stochastic trace estimation", SIAM J. Matrix Anal. Appl. 45, 2024.

    Examples
    --------
    The log-determinant in the likelihood of a Gaussian process:

    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.metrics.pairwise import rbf_kernel
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from skopu import OPUTraceEstimator
    >>> X, _ = load_diabetes(return_X_y=True)
    >>> def kernel(X):
    ...     return rbf_kernel(X, gamma=10) + 0.1 * np.eye(len(X))
    >>> logdet = OPUTraceEstimator(n_matvecs=1000, function="log", random_state=0)
    >>> model = make_pipeline(FunctionTransformer(kernel), logdet).fit(X)
    >>> bool(abs(logdet.trace_ - np.linalg.slogdet(kernel(X))[1]) < 3 * logdet.standard_error_)
    True
    """

    _parameter_constraints = {
        "n_matvecs": [Interval(numbers.Integral, 1, None, closed="left")],
        "rtol": [Interval(numbers.Real, 0, None, closed="neither"), None],
        "method": [StrOptions(set(TRACE_METHODS)), TraceMethod],
        "function": [StrOptions(set(FUNCTIONS)), callable, None],
        "lanczos_steps": [Interval(numbers.Integral, 4, None, closed="left")],
        "preconditioner": [StrOptions(set(PRECONDITIONERS)), None],
        "opu": [Device, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_matvecs=100,
        *,
        rtol=None,
        method="xtrace",
        function=None,
        lanczos_steps=20,
        preconditioner=None,
        opu=None,
        random_state=None,
    ):
        self.n_matvecs = n_matvecs
        self.rtol = rtol
        self.method = method
        self.function = function
        self.lanczos_steps = lanczos_steps
        self.preconditioner = preconditioner
        self.opu = opu
        self.random_state = random_state

    @unchanged_on_error()
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Estimate the trace of X.

        Parameters
        ----------
        X : {array-like, memmap, sparse matrix, LinearOperator, Dask array} of shape (n, n)
            Square matrix; symmetric if there is a function.
        y : Ignored
            Not used, present for API consistency.

        Returns
        -------
        self : object
            Fitted estimator.

        Raises
        ------
        ValueError
            If X is not finite, real and square; is not symmetric, or has eigenvalues where
            the function is not defined; or n_matvecs is too small for the method.
        """
        X = validate_matrix(self, X)
        self.opu_ = self._own_device(self.random_state)
        self.trace_, self.standard_error_, self.n_matvecs_ = opu_trace(
            X,
            self.n_matvecs,
            rtol=self.rtol,
            method=self.method,
            function=self.function,
            lanczos_steps=self.lanczos_steps,
            preconditioner=self.preconditioner,
            opu=self.opu_,
        )
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = True
        tags.input_tags.sparse = True
        return tags
