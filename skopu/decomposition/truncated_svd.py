"""Truncated singular value decomposition."""

import functools
import numbers

import numpy as np
from scipy.sparse.linalg import LinearOperator
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._utils.arrays import as_type, namespace
from .._utils.checks import transform_lazily
from .._utils.dask_collections import is_dask
from .._utils.fitting import unchanged_on_error
from .._utils.private_sklearn import Interval, fit_context
from .._utils.progress import progress_bar
from ..linalg._streaming import check_squares, moments
from ._base import Decomposition


class OPUTruncatedSVD(
    Decomposition, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Dimensionality reduction by truncated SVD, also known as LSA, with light's help.

    A drop-in replacement of `sklearn.decomposition.TruncatedSVD`: data are not centred, so
    sparse matrices stay sparse. The random projections that start it belong to an `OPU`
    [1]_, and block Krylov iteration refines them [2]_, see `skopu.linalg.opu_svd`.

    Parameters
    ----------
    n_components : int, default=2
        Number of components, at most min(n_samples, n_features).
    tol : float, default=0.01
        Relative error up to which each singular value is to be known, where n_iter is "auto".
    vector_tol : float, default=None
        Sine of the largest angle between a component and the true one. None sets no limit.
    n_oversamples : int, default=10
        Projections beyond n_components, which make the result more reliable.
    n_iter : int or "auto", default="auto"
        Number of refinements, each of which reads X twice; 0 is the decomposition of one
        sketch. "auto" refines until the bounds of all errors are below the tolerances.
    opu : OPU, default=None
        The device; cloned at `fit`. None makes one with a `GaussianMedium` and an ideal
        camera, whose seed is drawn from ``random_state``.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None. Pass an int for the same result at each `fit`.
    verbose : int, default=0
        Above 0 counts the passes over X in `fit` on a progress bar, which takes tqdm.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Right singular vectors, orthonormal; the largest entry of each is positive.
    singular_values_ : ndarray of shape (n_components,)
        Singular values, in descending order.
    explained_variance_ : ndarray of shape (n_components,)
        Variance of each column of the transformed training data.
    explained_variance_ratio_ : ndarray of shape (n_components,)
        The same over the total variance of X. Not set after fitting a LinearOperator,
        whose total variance no few products tell.
    error_bound_ : ndarray of shape (n_components,)
        Bound of the relative error of each singular value, see `skopu.linalg.opu_svd`; infinite
        where the refinements were too few to tell. Not set by `partial_fit`.
    vector_error_bound_ : ndarray of shape (n_components,)
        Bound of the sine of the angle between each component and the true one; 1 where singular
        values are equal. Not set by `partial_fit`.
    n_iter_ : int
        Number of refinements made.
    n_passes_ : int
        How often `fit` read X: ``2 * n_iter_ + 2`` times for the decomposition, and once more
        where X has no further directions; once for the check of "auto", and all again where
        that asks for wider blocks; once to transform X, and once for its total variance.
    n_samples_seen_ : int
        Number of rows fitted to, those of all batches of `partial_fit`.
    opu_ : OPU
        The device in use.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if X had names that are all strings.

    See Also
    --------
    sklearn.decomposition.TruncatedSVD : Power iteration or ARPACK.
    sklearn.decomposition.PCA : The same of centred data.
    skopu.linalg.opu_svd : The function behind it.

    Notes
    -----
    Where scikit-learn dispatches by the array API, arrays of PyTorch and CuPy are taken, on any
    device, and attributes and results are such arrays.

    Memory maps are read piece by piece and never copied, apart from the small results: a
    map may be larger than memory, also one of integers. Arrays, CSR and CSC matrices of
    float32 or float64 are not copied either; other data are converted once.

    References
    ----------
    .. [1] D. Hesslow et al., "Photonic co-processors in HPC: using LightOn OPUs for
       Randomized Numerical Linear Algebra", Hot Chips 33, 2021.
    .. [2] C. Musco and C. Musco, "Randomized block Krylov methods for stronger and faster
       approximate singular value decomposition", NIPS 2015.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skopu import OPUTruncatedSVD
    >>> X, _ = load_digits(return_X_y=True)
    >>> svd = OPUTruncatedSVD(n_components=3, random_state=0).fit(X)
    >>> svd.singular_values_.round()
    array([2193.,  567.,  542.])
    >>> svd.transform(X).shape
    (1797, 3)
    """

    _parameter_constraints = {
        **Decomposition._parameter_constraints,
        "n_components": [Interval(numbers.Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_components=2,
        *,
        tol=0.01,
        vector_tol=None,
        n_oversamples=10,
        n_iter="auto",
        opu=None,
        random_state=None,
        verbose=0,
    ):
        self.n_components = n_components
        self.tol = tol
        self.vector_tol = vector_tol
        self.n_oversamples = n_oversamples
        self.n_iter = n_iter
        self.opu = opu
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None):
        """Decompose X.

        Parameters
        ----------
        X : {array-like, memmap, sparse matrix, LinearOperator} of shape \
                (n_samples, n_features)
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
            If X is not finite, real and 2-d, is smaller than n_components, so large or small
            that its dtype does not hold its variance, or cannot be shown by the device.
        """
        self.fit_transform(X)
        return self

    @unchanged_on_error()
    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X, y=None):
        """Decompose X, and project it on the components.

        Parameters
        ----------
        X : {array-like, memmap, sparse matrix, LinearOperator} of shape \
                (n_samples, n_features)
            Training data.
        y : Ignored
            Not used, present for API consistency.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_components)
            The same as ``transform(X)``; float32 if X is, else float64.

        Raises
        ------
        ValueError
            As for `fit`.
        """
        operator = self._validate(X, self.n_components)
        self.opu_ = self._own_device(self.random_state)
        with progress_bar(self.verbose, None, "svd", " passes") as operator.done:
            self._decompose(operator, self.n_components)
            check_squares(self.singular_values_[0], operator.shape[0], operator.dtype)
            X_new = self._project(operator)
            self.explained_variance_ = namespace(X_new).var(X_new, axis=0)
            if isinstance(X, LinearOperator):
                self.__dict__.pop("explained_variance_ratio_", None)
                self._moments = None
            else:
                self._moments = moments(operator)
                self._set_ratio(self._moments)
        self.n_passes_ = operator.n_passes
        self.n_samples_seen_ = operator.shape[0]
        self.__dict__.pop("_stream", None)
        return X_new

    @unchanged_on_error()
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Add rows to those of former calls, and decompose all of them.

        Rows are forgotten after the call. Kept are the leading 2 * n_components + n_oversamples
        singular values and vectors of all rows so far, which the next batch is joined to: memory
        does not grow with the number of rows.

        Parameters
        ----------
        X : {array-like, memmap, sparse matrix} of shape (n_samples, n_features)
            A batch of training data, of any number of rows. Each call decomposes anew, so
            that batches of some hundred rows are quicker than single ones.
        y : Ignored
            Not used, present for API consistency.

        Returns
        -------
        self : object
            Transformer fitted to all rows since the first call, and those of `fit` if that came
            before; of these, it knows what `fit` has found. `fit` begins anew.

        Raises
        ------
        ValueError
            If X is not finite, real and 2-d, has another number of columns than the batches
            before, or has fewer than n_components, or all rows so far are so large or small
            that X's dtype does not hold their variance. The estimator then stays as it was.

        Notes
        -----
        Vectors beyond n_components are kept since those that come late may turn out to lead; the
        result depends little on how rows are batched. ``singular_values_`` are below the true ones,
        but for rounding.
        """
        operator, values, components = self._add_batch(X, self.n_components, centred=False)
        count, mean, _ = self._stream.moments
        squares = values.astype(np.float64) ** 2
        variance = np.maximum(squares / count - (components @ mean) ** 2, 0)
        self.components_, self.singular_values_, self.explained_variance_ = (
            operator.asarray(found.astype(operator.dtype))
            for found in (components, values, variance)
        )
        self._set_ratio(self._stream.moments)
        self.n_iter_, self.n_passes_, self.n_samples_seen_ = 0, 1, count
        return self

    def transform(self, X):
        """Project X on the components.

        Parameters
        ----------
        X : {array-like, memmap, sparse matrix, LinearOperator} of shape \
                (n_samples, n_features)
            Data.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_components)
            float32 if X is, else float64.

        Raises
        ------
        ValueError
            If X is not finite, real and 2-d, or has another number of features than at
            `fit`.
        """
        check_is_fitted(self, "components_")
        if is_dask(X):
            project = functools.partial(_project_rows, self.components_)
            return transform_lazily(self, X, project, self._n_features_out)
        return self._project(self._validate_like_fitted(X, "transform"))

    def inverse_transform(self, X):
        """Data in the space of the features, of which X are the projections.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Projections.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
            Always dense.

        Raises
        ------
        ValueError
            If X is not finite, real and 2-d, or has another number of columns than there
            are components.
        """
        check_is_fitted(self, "components_")
        X, dtype = self._validate_projections(X)
        return X @ as_type(self.components_, dtype)

    def _set_ratio(self, of_rows):
        total = float(of_rows.spread / of_rows.count)
        variance = self.explained_variance_
        self.explained_variance_ratio_ = variance / total if total > 0 else variance * 0


def _project_rows(components, rows):
    return rows @ components.T.astype(rows.dtype, copy=False)
