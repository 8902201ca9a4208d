"""Matrix decomposition with random projections made by light."""

import functools
import numbers

import numpy as np
from scipy.sparse.linalg import LinearOperator
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.extmath import svd_flip
from sklearn.utils.validation import check_is_fitted

from ._device_mixin import DeviceMixin
from ._utils.arrays import as_type, dispatched, namespace, numpy_dtype, place
from ._utils.checks import check_as_fitted, numbers_alone, transform_lazily, validate_matrix
from ._utils.dask_collections import is_dask
from ._utils.fitting import unchanged_on_error
from ._utils.private_sklearn import Interval, StrOptions, fit_context
from ._utils.progress import progress_bar
from .linalg._operators import operator_of
from .linalg._streaming import Stream, check_squares, moments
from .linalg.svd import truncated_svd
from .optics import Device


class OPUTruncatedSVD(
    DeviceMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Dimensionality reduction by truncated SVD, also known as LSA, with light's help.

    A drop-in replacement of `sklearn.decomposition.TruncatedSVD`: data are not centred, so
    sparse matrices stay sparse. The random projections that start it belong to an `OPU`
    [1]_, and block Krylov iteration refines them [2]_, see `skopu.linalg.opu_svd`.

    Parameters
    ----------
    n_components : int, default=2
        Number of components, at most min(n_samples, n_features).
    n_oversamples : int, default=10
        Projections beyond n_components, which make the result more reliable.
    n_iter : int or "auto", default="auto"
        Number of refinements, each of which reads X twice; 0 is the decomposition of one
        sketch. "auto" refines until the singular values have settled.
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
        "n_components": [Interval(numbers.Integral, 1, None, closed="left")],
        "n_oversamples": [Interval(numbers.Integral, 0, None, closed="left")],
        "n_iter": [Interval(numbers.Integral, 0, None, closed="left"), StrOptions({"auto"})],
        "opu": [Device, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_components=2,
        *,
        n_oversamples=10,
        n_iter="auto",
        opu=None,
        random_state=None,
        verbose=0,
    ):
        self.n_components = n_components
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
        operator = self._validate(X, reset=True)
        self.opu_ = self._own_device(self.random_state)
        with progress_bar(self.verbose, None, "svd", " passes") as operator.done:
            _, self.singular_values_, self.components_, self.n_iter_ = truncated_svd(
                operator, self.opu_, self.n_components, self.n_oversamples, self.n_iter
            )
            check_squares(self.singular_values_[0], operator.shape[0], operator.dtype)
            X_new = self._project(operator)
            self.explained_variance_ = namespace(X_new).var(X_new, axis=0)
            if isinstance(X, LinearOperator):
                self.__dict__.pop("explained_variance_ratio_", None)
            else:
                self._set_ratio(moments(operator))
        self.n_passes_ = operator.n_passes
        self.n_samples_seen_ = operator.shape[0]
        self.__dict__.pop("_stream", None)
        return X_new

    @unchanged_on_error()
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Add rows to those of former calls, and decompose all of them.

        Each row is read once and forgotten. Kept are X.T @ X @ R, for an orthonormal random
        matrix R from the device with 2 * n_components + n_oversamples columns, and column
        sums: memory does not grow with the number of rows.

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
            Transformer fitted to all rows since the first call. `fit` begins anew, and so does
            the first call after it.

        Raises
        ------
        ValueError
            If X is not finite, real and 2-d, has another number of columns than the batches
            before, or has fewer than n_components, or all rows so far are so large or small
            that X's dtype does not hold their variance. The estimator then stays as it was.

        Notes
        -----
        With k components and p oversamples, the energy (sum of squares) that the components
        miss is expected to be at most ``1 + k / (k + p - 1)`` times, less than twice, what the
        best ones miss [1]_; `fit` finds better ones. ``singular_values_`` are below the true
        ones, but for rounding. Squares are summed: singular values below about sqrt(eps) of
        the largest, 3e-4 of it for float32 and 1.5e-8 for float64, are lost in rounding.

        References
        ----------
        .. [1] J. A. Tropp, A. Yurtsever, M. Udell and V. Cevher, "Fixed-rank approximation of
           a positive-semidefinite matrix from streaming data", NIPS 2017.
        """
        first = not hasattr(self, "_stream")
        if isinstance(X, LinearOperator):
            raise ValueError("partial_fit takes rows. Give a LinearOperator to fit.")
        operator = operator_of(validate_matrix(self, X, reset=first), "X")
        if not first:
            check_as_fitted(self, operator.sample, place(self.components_), "partial_fit")
        n_features = operator.shape[1]
        if self.n_components > n_features:
            raise ValueError(
                f"n_components({self.n_components}) must be <= n_features = {n_features}."
            )
        width = min(2 * self.n_components + self.n_oversamples, n_features)
        if first:
            opu = self._own_device(self.random_state)
            stream = Stream.empty(opu, n_features, width)
        else:
            opu, stream = self.opu_, self._stream
        if stream.test.shape[1] < width:
            raise ValueError(
                "n_components or n_oversamples has been raised since the first batch. Begin "
                "anew with a clone."
            )
        stream = stream.add(operator)
        self.opu_, self._stream = opu, stream
        values, components = stream.decompose(self.n_components)
        _, components = svd_flip(None, components, u_based_decision=False)
        count, mean, _ = stream.moments
        variance = np.maximum(values**2 / count - (components @ mean) ** 2, 0)
        self.components_, self.singular_values_, self.explained_variance_ = (
            operator.asarray(found.astype(operator.dtype))
            for found in (components, values, variance)
        )
        self._set_ratio(stream.moments)
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
        operator = self._validate(X, reset=False)
        check_as_fitted(self, operator.sample, place(self.components_), "transform")
        return self._project(operator)

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
        xp = namespace(X) if dispatched(X) else np
        with numbers_alone(X=X):
            X = check_array(X, dtype=[xp.float64, xp.float32])
        check_as_fitted(self, X, place(self.components_), "inverse_transform")
        if X.shape[1] != self._n_features_out:
            raise ValueError(
                f"X has {X.shape[1]} columns, but there are {self._n_features_out} components. "
                "Give what transform has returned."
            )
        dtype = np.result_type(numpy_dtype(X), numpy_dtype(self.components_))
        return as_type(X, dtype) @ as_type(self.components_, dtype)

    def _project(self, operator):
        with operator.threads():
            return operator.matmat(as_type(self.components_, operator.dtype).T)

    def _set_ratio(self, of_rows):
        total = float(of_rows.spread / of_rows.count)
        variance = self.explained_variance_
        self.explained_variance_ratio_ = variance / total if total > 0 else variance * 0

    def _validate(self, X, reset):
        """X as an `Operator`; with names and number of features checked or noted."""
        operator = operator_of(validate_matrix(self, X, reset=reset), "X")
        if reset and self.n_components > min(operator.shape):
            raise ValueError(
                f"n_components({self.n_components}) must be <= min(n_samples, n_features) = "
                f"{min(operator.shape)}."
            )
        return operator

    @property
    def _n_features_out(self):
        return self.components_.shape[0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _project_rows(components, rows):
    return rows @ components.T.astype(rows.dtype, copy=False)
