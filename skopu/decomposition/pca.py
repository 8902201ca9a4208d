"""Principal component analysis."""

import functools
import math
import numbers

import numpy as np
from scipy.sparse import issparse
from scipy.sparse.linalg import LinearOperator
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._utils.arrays import as_type, like, namespace, numpy_dtype, to_numpy
from .._utils.dask_collections import is_dask
from .._utils.fitting import unchanged_on_error
from .._utils.private_sklearn import Interval, RealNotInt, fit_context
from .._utils.progress import progress_bar
from ..linalg._centred import CentredOperator
from ..linalg._streaming import check_squares, moments
from ..linalg._tall_blocks import chunks
from ._base import Decomposition

_FIRST = 16  # components that are computed before a share of the variance is looked at


class OPUPCA(Decomposition, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Principal component analysis by random projections, centring data without a copy.

    A drop-in replacement for `sklearn.decomposition.PCA` and
    `~sklearn.decomposition.IncrementalPCA`. Centring is part of the products with X: sparse
    matrices stay sparse, and memory maps, Dask arrays and operators are never loaded
    whole. It starts from random projections made by an `OPU` [1]_; block Krylov iteration refines
    them until each singular value is known to ``tol``, see `skopu.opu_svd`.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Parameters
    ----------
    n_components : int, float or None, default=None
        Number of components; between 0 and 1, the smallest share of the variance that they should
        explain. None keeps min(n_samples, n_features), for which a sketch is no faster than
        scikit-learn's PCA.
    whiten : bool, default=False
        Whether `transform` scales all components to variance 1.
    tol : float, default=0.01
        Relative error allowed for each singular value, if n_iter is "auto".
    vector_tol : float, default=None
        Largest sine allowed of the angle between a component and the true one. None sets no
        limit.
    n_oversamples : int, default=10
        Projections beyond n_components, which make the result more reliable.
    n_iter : int or "auto", default="auto"
        Number of refinements, each of which reads X twice; 0 is the decomposition of one
        sketch. "auto" refines until all error bounds are below the tolerances.
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
        Directions of the largest variance, orthonormal; the largest entry of each is positive.
    explained_variance_ : ndarray of shape (n_components,)
        Variance along each, with n_samples - 1 degrees of freedom.
    explained_variance_ratio_ : ndarray of shape (n_components,)
        Its share of the total variance. Not set after fitting a LinearOperator, whose total
        variance a few products cannot reveal; neither is ``noise_variance_``.
    singular_values_ : ndarray of shape (n_components,)
        Singular values of centred X.
    mean_ : ndarray of shape (n_features,)
        Mean of each feature.
    noise_variance_ : float
        Mean variance along all other directions, of the probabilistic model [2]_.
    n_components_ : int
        Number of components.
    error_bound_ : ndarray of shape (n_components,)
        Bound on the relative error of each singular value, see `skopu.opu_svd`; infinite
        if there were too few refinements to tell. Not set by `partial_fit`.
    vector_error_bound_ : ndarray of shape (n_components,)
        Bound on the sine of the angle between each component and the true one; 1 where singular
        values are equal. Not set by `partial_fit`.
    n_iter_ : int
        Number of refinements made.
    n_passes_ : int
        Number of times `fit` read X.
    n_samples_ : int
        Number of rows fitted to, over all batches of `partial_fit`.
    n_samples_seen_ : int
        Same as ``n_samples_``.
    opu_ : OPU
        The device used.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`, if X had names that are all strings.

    See Also
    --------
    sklearn.decomposition.PCA : Dense data in memory, or sparse data by ARPACK.
    sklearn.decomposition.IncrementalPCA : Data in batches.
    OPUTruncatedSVD : The same without centring.
    opu_svd : Singular values and vectors of a matrix.

    Notes
    -----
    `get_covariance` and `score` describe the data before whitening.

    With scikit-learn's array API dispatch on, PyTorch and CuPy arrays on any device are accepted,
    and attributes and results are arrays of the same kind.

    References
    ----------
    .. [1] D. Hesslow et al., "Photonic co-processors in HPC: using LightOn OPUs for
       Randomized Numerical Linear Algebra", Hot Chips 33, 2021.
    .. [2] M. E. Tipping and C. M. Bishop, "Probabilistic principal component analysis", J. R.
       Statist. Soc. B 61, 1999.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skopu import OPUPCA
    >>> X, _ = load_digits(return_X_y=True)
    >>> pca = OPUPCA(n_components=3, random_state=0).fit(X)
    >>> pca.explained_variance_ratio_.round(3)
    array([0.149, 0.136, 0.118])
    >>> OPUPCA(n_components=0.9, random_state=0).fit(X).n_components_
    21
    """

    _parameter_constraints = {
        **Decomposition._parameter_constraints,
        "n_components": [
            Interval(numbers.Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            None,
        ],
        "whiten": ["boolean"],
    }

    def __init__(
        self,
        n_components=None,
        *,
        whiten=False,
        tol=0.01,
        vector_tol=None,
        n_oversamples=10,
        n_iter="auto",
        opu=None,
        random_state=None,
        verbose=0,
    ):
        self.n_components = n_components
        self.whiten = whiten
        self.tol = tol
        self.vector_tol = vector_tol
        self.n_oversamples = n_oversamples
        self.n_iter = n_iter
        self.opu = opu
        self.random_state = random_state
        self.verbose = verbose

    @unchanged_on_error()
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Find the principal components of X.

        Parameters
        ----------
        X : {array-like, memmap, sparse matrix, LinearOperator, Dask array} of shape \
                (n_samples, n_features)
            Training data, of at least two rows.
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
            that its dtype does not hold its variance, or cannot be shown by the device; or if
            n_components is a share and X an operator.
        """
        self._fit(X)
        return self

    @unchanged_on_error()
    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X, y=None):
        """Find the principal components of X, and project it on them.

        Parameters
        ----------
        X : {array-like, memmap, sparse matrix, LinearOperator, Dask array} of shape \
                (n_samples, n_features)
            Training data, of at least two rows.
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
        return self._transform(self._fit(X))

    def _fit(self, X):
        n_components = self.n_components
        whole = isinstance(n_components, numbers.Integral)
        operator = self._validate(X, n_components if whole else 1)
        n_samples = operator.shape[0]
        _check_n_samples(n_samples)
        is_share = n_components is not None and not whole
        if isinstance(X, LinearOperator):
            if is_share:
                raise ValueError(
                    f"n_components={n_components} is a share of the total variance, which few "
                    "products with a LinearOperator do not tell. Give a number of components."
                )
            mean, spread = operator.rmatmat(np.ones((n_samples, 1), operator.dtype)), None
            mean, self._moments = mean[:, 0] / n_samples, None
        else:
            self._moments = moments(operator)
            _, mean, spread = self._moments
        self.opu_ = self._own_device(self.random_state)
        centred = CentredOperator(operator, mean)
        with progress_bar(self.verbose, None, "pca", " passes") as operator.done:
            if is_share:
                self._decompose_share(centred, n_components, spread)
            else:
                self._decompose(centred, n_components if whole else min(operator.shape))
        check_squares(self.singular_values_[0], n_samples, operator.dtype)
        self.mean_ = operator.asarray(mean.astype(operator.dtype))
        self._set_variances(n_samples, spread)
        self.n_passes_ = operator.n_passes
        self.__dict__.pop("_stream", None)
        return operator

    def _decompose_share(self, centred, share, spread):
        """Find as many components as explain a share of the sum of squares of centred rows."""
        most = min(centred.shape)
        n_components = min(_FIRST, most)
        while True:
            self._decompose(centred, n_components)
            squares = to_numpy(self.singular_values_).astype(np.float64) ** 2
            explained = np.cumsum(squares) / spread if spread > 0 else np.ones(n_components)
            needed = int(np.searchsorted(explained, share, side="right")) + 1
            if needed <= n_components or n_components == most:
                break
            # None of those to come explains more than the last one did.
            further = (share - explained[-1]) * spread / max(squares[-1], np.finfo(float).tiny)
            n_components = int(min(most, max(2 * n_components, n_components + further)))
        kept = slice(min(needed, n_components))
        for name in ("singular_values_", "error_bound_", "vector_error_bound_"):
            setattr(self, name, getattr(self, name)[kept])
        self.components_ = self.components_[kept, :]

    def _set_variances(self, n_samples, spread):
        """Set what follows from singular values and the sum of squares of centred rows."""
        values, n_features = self.singular_values_, self.components_.shape[1]
        self.explained_variance_ = values**2 / (n_samples - 1)
        self.n_components_ = k = values.shape[0]
        self.n_samples_ = self.n_samples_seen_ = n_samples
        if spread is None:
            for name in ("explained_variance_ratio_", "noise_variance_"):
                self.__dict__.pop(name, None)
            return
        total = float(spread) / (n_samples - 1)
        variances = self.explained_variance_
        self.explained_variance_ratio_ = variances / total if total > 0 else variances * 0
        rest = total - float(namespace(variances).sum(as_type(variances, np.float64)))
        further = min(n_features, n_samples) - k
        rounding = 10 * np.finfo(numpy_dtype(variances)).eps * total
        self.noise_variance_ = rest / further if further and rest > rounding else 0.0

    @unchanged_on_error()
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Add rows to those of earlier calls, and find the principal components of all of them.

        Rows are forgotten after the call. Kept are the mean, and the leading 2 * n_components +
        n_oversamples singular values and vectors of all centred rows so far, which the next batch
        is joined to: memory does not grow with the number of rows.
        `~sklearn.decomposition.IncrementalPCA` keeps n_components of them, so it loses
        variance that comes late.

        Parameters
        ----------
        X : {array-like, memmap, sparse matrix} of shape (n_samples, n_features)
            A batch of training data, of any number of rows, the first one of at least two.
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
            before, or has fewer than n_components, n_components is a share, or all rows so far
            are so large or small that X's dtype does not hold their variance. The estimator then
            stays as it was.

        """
        n_components = self.n_components
        if n_components is not None and not isinstance(n_components, numbers.Integral):
            raise ValueError(
                f"partial_fit needs a number of components: n_components={n_components} is a "
                "share of a variance that further batches would change."
            )
        operator, values, components = self._add_batch(X, n_components, centred=True)
        count, mean, spread = self._stream.moments
        _check_n_samples(count)
        self.components_, self.singular_values_, self.mean_ = (
            operator.asarray(np.ascontiguousarray(found.astype(operator.dtype)))
            for found in (components, values, mean)
        )
        self._set_variances(count, spread)
        self.n_iter_, self.n_passes_ = 0, 1
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
            scaled = self.components_ / self._scale()[:, None]
            project = functools.partial(_project_rows, scaled, self.mean_ @ scaled.T)
            return self._project_lazily(X, project)
        return self._transform(self._validate_like_fitted(X, "transform"))

    def _transform(self, operator):
        X_new = self._project(operator)
        X_new -= as_type(self.mean_ @ self.components_.T, operator.dtype)
        if self.whiten:
            X_new /= as_type(self._scale(), operator.dtype)
        return X_new

    def _scale(self):
        """Standard deviations of what is whitened, else ones."""
        xp = namespace(self.components_)
        if not self.whiten:
            return xp.ones_like(self.explained_variance_)
        scale = xp.sqrt(self.explained_variance_)
        least = float(
            np.finfo(numpy_dtype(scale)).eps
        )  # as in scikit-learn: or a variance might be zero
        return xp.where(scale < least, least * xp.ones_like(scale), scale)

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
        scaled = self.components_ * self._scale()[:, None]
        return X @ as_type(scaled, dtype) + as_type(self.mean_, dtype)

    def get_covariance(self):
        """Covariance of the data under the probabilistic model.

        Returns
        -------
        covariance : ndarray of shape (n_features, n_features)
            ``components_.T @ diag(explained_variance_ - noise_variance_) @ components_`` plus
            ``noise_variance_`` times the identity.

        Raises
        ------
        ValueError
            If the estimator was fitted to an operator, so the noise variance is unknown.
        """
        return self._of_model(lambda variances, noise: (variances - noise, noise))

    def get_precision(self):
        """Inverse of the covariance of the data under the probabilistic model.

        Returns
        -------
        precision : ndarray of shape (n_features, n_features)
            Inverse of `get_covariance`, by the matrix inversion lemma.

        Raises
        ------
        ValueError
            If the estimator was fitted to an operator, so the noise variance is unknown; or if the
            noise variance is zero and there are fewer components than features, so there is no
            inverse.
        """

        def inverses(variances, noise):
            if len(variances) == self.n_features_in_:
                return 1 / variances, 0.0
            self._check_noise(noise)
            return 1 / variances - 1 / noise, 1 / noise

        return self._of_model(inverses)

    def _of_model(self, parts):
        """components_.T @ diag(first part) @ components_ + second part * identity."""
        variances, noise = self._model()
        components, dtype = self.components_, numpy_dtype(self.components_)
        along, everywhere = parts(variances, noise)
        result = (components.T * like(along.astype(dtype), components)) @ components
        return result + like(everywhere * np.eye(self.n_features_in_, dtype=dtype), result)

    def _model(self):
        """Variances along the components, at least the noise's, and noise, in double precision."""
        check_is_fitted(self, "components_")
        if not hasattr(self, "noise_variance_"):
            raise ValueError(
                "A LinearOperator does not reveal the total variance, and so not the noise "
                "variance that the probabilistic model needs. Fit an array, a sparse matrix or a "
                "memory map."
            )
        noise = float(self.noise_variance_)
        variances = to_numpy(self.explained_variance_).astype(np.float64)
        return np.maximum(variances, noise), noise

    def _check_noise(self, noise):
        if noise == 0:
            raise ValueError(
                "The components explain all variance, but there are fewer of them than features: "
                "the covariance has no inverse. Fit with fewer components."
            )

    def score_samples(self, X):
        """Log-likelihood of each row under the probabilistic model.

        Neither a covariance matrix nor centred X is formed.

        Parameters
        ----------
        X : {array-like, memmap, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,), float64
            In nats.

        Raises
        ------
        ValueError
            If X is not finite, real and 2-d, or has another number of features than at `fit`; if
            X or the training data is an operator; or if the model has no noise and fewer
            components than features.
        """
        variances, noise = self._model()
        if isinstance(X, LinearOperator):
            raise ValueError("score needs rows, which a LinearOperator does not give.")
        operator = self._validate_like_fitted(X, "score_samples")
        n_features = self.n_features_in_
        if self.n_components_ < n_features:
            self._check_noise(noise)
        else:
            noise = 1.0  # of no direction
        model = self.mean_, self.components_, variances, noise
        energies = np.concatenate(operator.map_chunks(_energies, *model))
        if np.isnan(energies).any():  # of what is checked nowhere else, as a memory map
            raise ValueError("X contains NaN or infinity. Impute or drop these rows first.")
        log_volume = np.log(variances).sum() + (n_features - len(variances)) * math.log(noise)
        scores = -0.5 * (energies + log_volume + n_features * math.log(2 * math.pi))
        return operator.asarray(scores)

    def score(self, X, y=None):
        """Mean log-likelihood of the rows of X under the probabilistic model.

        Parameters
        ----------
        X : {array-like, memmap, sparse matrix} of shape (n_samples, n_features)
            Data.
        y : Ignored
            Not used, present for API consistency.

        Returns
        -------
        score : float
            In nats.

        Raises
        ------
        ValueError
            As for `score_samples`.
        """
        return float(np.mean(to_numpy(self.score_samples(X))))


def _check_n_samples(n_samples):
    if n_samples < 2:
        raise ValueError(
            f"A variance needs at least two rows, got n_samples = {n_samples}. Give more."
        )


def _project_rows(components, shift, rows):
    return rows @ components.T.astype(rows.dtype, copy=False) - shift.astype(rows.dtype)


def _energies(X, mean, components, variances, noise):
    """Squared lengths of centred rows in units of the model's variances, NumPy's."""
    mean, components = (as_type(each, np.float64) for each in (mean, components))
    shift, parts = mean @ components.T, []
    if issparse(X):
        X = X.tocsr()
    for rows in chunks(*X.shape):
        part = as_type(X[rows, :], np.float64) if not issparse(X) else X[rows].astype(np.float64)
        along = to_numpy(part @ components.T - shift) ** 2
        if issparse(part):
            squares = part.multiply(part).sum(axis=1)
            squares = np.ravel(squares) - 2 * (part @ mean) + mean @ mean
        else:
            squares = to_numpy(namespace(part).sum((part - mean) ** 2, axis=1))
        across = np.maximum(squares - along.sum(axis=1), 0)
        parts.append(across / noise * (len(variances) < X.shape[1]) + along @ (1 / variances))
    return np.concatenate(parts)
