"""Truncated singular value decomposition."""

import functools
import numbers

import numpy as np
from scipy.sparse.linalg import LinearOperator
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._utils.arrays import as_type, namespace
from .._utils.dask_collections import is_dask
from .._utils.fitting import unchanged_on_error
from .._utils.private_sklearn import Interval, fit_context
from .._utils.progress import progress_bar
from ..linalg._streaming import check_squares, moments
from ._base import Decomposition


class OPUTruncatedSVD(
    Decomposition, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Truncated SVD (also known as LSA) by random projections.

    A drop-in replacement for `sklearn.decomposition.TruncatedSVD`: data are not centred, so
    sparse matrices stay sparse. It starts from random projections made by an `OPU`
    [1]_, which block Krylov iteration refines [2]_, see `skopu.opu_svd`.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Parameters
    ----------
    n_components : int, default=2
        Number of components, at most min(n_samples, n_features).
    tol : float, default=0.01
        Relative error allowed for each singular value, if n_iter is "auto".
    vector_tol : float, default=None
        Largest sine allowed of the angle between a component and the true one. None sets no
        limit.
    n_oversamples : int, default=10
        Projections beyond n_components, which make the result more reliable.
    n_iter : int or "auto", default="auto"
        Number of refinements, each of which reads X twice; 0 decomposes a single sketch.
        "auto" refines until all error bounds are below the tolerances.
    opu : Device, default=None
        The device; cloned by `fit`. None uses a `GaussianMedium` and an ideal camera, with a
        seed drawn from ``random_state``.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None. Pass an int for the same result at each `fit`.
    verbose : int, default=0
        Above 0, `fit` counts its passes over X on a progress bar, which needs tqdm.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Right singular vectors, orthonormal; the largest entry of each is positive.
    singular_values_ : ndarray of shape (n_components,)
        Singular values, in descending order.
    explained_variance_ : ndarray of shape (n_components,)
        Variance of each column of the transformed training data.
    explained_variance_ratio_ : ndarray of shape (n_components,)
        Its share of the total variance of X. Not set after fitting a LinearOperator,
        whose total variance a few products cannot reveal.
    error_bound_ : ndarray of shape (n_components,)
        Bound on the relative error of each singular value, see `skopu.opu_svd`; infinite
        if there were too few refinements to tell. Not set by `partial_fit`.
    vector_error_bound_ : ndarray of shape (n_components,)
        Bound on the sine of the angle between each component and the true one; 1 where singular
        values are equal. Not set by `partial_fit`.
    n_iter_ : int
        Number of refinements made.
    n_passes_ : int
        Number of times `fit` read X: ``2 * n_iter_ + 2`` for the decomposition, one more if X has
        no further directions; with "auto", one for its check, one more if X has more rows than
        columns, and all of these again if the check demands wider blocks; one to transform X, and
        one for its total variance.
    n_samples_seen_ : int
        Number of rows fitted to, over all batches of `partial_fit`.
    opu_ : OPU
        The device used.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if X had names that are all strings.

    See Also
    --------
    sklearn.decomposition.TruncatedSVD : Power iteration or ARPACK.
    OPUPCA : The same of centred data.
    skopu.opu_svd : The function it calls.
    SpectrumDisplay : Singular values and the share of X they capture, drawn.

    Notes
    -----
    With scikit-learn's array API dispatch on, PyTorch and CuPy arrays on any device are accepted,
    and attributes and results are arrays of the same kind.

    Memory maps, of integers too, are read piece by piece and never copied, so a map may be larger
    than memory. Arrays, CSR and CSC matrices of
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
        X : {array-like, memmap, sparse matrix, LinearOperator, Dask array} of shape \
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
        X : {array-like, memmap, sparse matrix, LinearOperator, Dask array} of shape \
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
        """Add rows to those of earlier calls, and decompose all of them.

        Rows are forgotten after the call. Kept are the leading 2 * n_components + n_oversamples
        singular values and vectors of all rows so far, which the next batch is joined to: memory
        does not grow with the number of rows.

        Parameters
        ----------
        X : {array-like, memmap, sparse matrix} of shape (n_samples, n_features)
            A batch of training data, of any number of rows. Each call decomposes again, so batches
            of a few hundred rows are quicker than single rows.
        y : Ignored
            Not used, present for API consistency.

        Returns
        -------
        self : object
            Transformer fitted to all rows since the first call, and to
            those of a `fit` before it, as far as `fit` described them. `fit` starts afresh.

        Raises
        ------
        ValueError
            If X is not finite, real and 2-d, has another number of columns than the batches
            before, or has fewer than n_components, or all rows so far are so large or small
            that X's dtype does not hold their variance. The estimator then stays as it was.

        Notes
        -----
        Vectors beyond n_components are kept because later rows may make them leading ones; the
        result depends little on how rows are batched. Apart from rounding, ``singular_values_``
        are below the true ones.
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
        X : {array-like, memmap, sparse matrix, LinearOperator, Dask array} of shape \
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
            return self._project_lazily(X, project)
        return self._project(self._validate_like_fitted(X, "transform"))

    def inverse_transform(self, X):
        """Map projections back to the space of the features.

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
