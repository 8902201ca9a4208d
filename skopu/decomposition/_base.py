"""What both decompositions share."""

import numbers

import numpy as np
from scipy.sparse.linalg import LinearOperator
from sklearn.utils import check_array

from .._device_mixin import DeviceMixin
from .._utils.arrays import as_type, dispatched, like, namespace, numpy_dtype, place, to_numpy
from .._utils.checks import check_as_fitted, numbers_alone, transform_lazily, validate_matrix
from .._utils.private_sklearn import Interval, StrOptions
from ..linalg._operators import operator_of
from ..linalg._streaming import Stream
from ..linalg.svd import truncated_svd
from ..optics import Device


class Decomposition(DeviceMixin):
    """Checked data as an `Operator`, batches as a `Stream`, and products with ``components_``."""

    _parameter_constraints = {
        "tol": [Interval(numbers.Real, 0, None, closed="neither")],
        "vector_tol": [Interval(numbers.Real, 0, None, closed="neither"), None],
        "n_oversamples": [Interval(numbers.Integral, 0, None, closed="left")],
        "n_iter": [Interval(numbers.Integral, 0, None, closed="left"), StrOptions({"auto"})],
        "opu": [Device, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def _validate_like_fitted(self, X, method):
        """X as an `Operator`, of the features, library and device that were fitted."""
        operator = operator_of(validate_matrix(self, X, reset=False), "X")
        check_as_fitted(self, operator.sample, place(self.components_), method)
        return operator

    def _project_lazily(self, X, project):
        """Lazy array of project(rows) for the chunks of a Dask collection."""
        check_as_fitted(self, np.empty(0), place(self.components_), "transform")
        return transform_lazily(self, X, project, self._n_features_out)

    def _validate(self, X, n_components=1):
        """X to fit, as an `Operator`; names and number of features are noted."""
        if hasattr(X, "requires_grad"):  # of PyTorch: what is fitted has no gradient
            X = X.detach()
        operator = operator_of(validate_matrix(self, X), "X")
        if n_components > min(operator.shape):
            raise ValueError(
                f"n_components({n_components}) must be <= min(n_samples, n_features) = "
                f"{min(operator.shape)}."
            )
        return operator

    def _decompose(self, operator, n_components):
        """Set what the decomposition of an operator, centred or not, gives."""
        found = truncated_svd(
            operator,
            self.opu_,
            n_components,
            self.n_oversamples,
            self.n_iter,
            tol=self.tol,
            vector_tol=self.vector_tol,
        )
        self.singular_values_, self.components_, self.n_iter_ = found.s, found.Vt, found.n_iter
        self.error_bound_ = like(found.error_bound, found.s)
        self.vector_error_bound_ = like(found.vector_error_bound, found.s)

    def _stream_so_far(self, width, centred):
        """That of former batches, or else what a former fit has found, as the first of them."""
        if hasattr(self, "_stream"):
            return self._stream
        if self._moments is None:
            raise ValueError(
                "fit has seen a LinearOperator, and not the mean and variance of its rows, which "
                "partial_fit would go on from. Begin anew with a clone."
            )
        values, vectors = to_numpy(self.singular_values_), to_numpy(self.components_)
        return Stream.after(values, vectors, self._moments, width, centred)

    def _forget_fit(self):
        """Forget what a former fit has set, of which batches know nothing."""
        for name in ("error_bound_", "vector_error_bound_", "_moments"):
            self.__dict__.pop(name, None)

    def _add_batch(self, X, n_components, centred):
        """Take a batch in; the operator of it, leading singular values, and vectors as rows.

        n_components None is as many as the first batch allows.
        """
        if isinstance(X, LinearOperator):
            raise ValueError("partial_fit takes rows. Give a LinearOperator to fit.")
        first = not hasattr(self, "_stream") and not hasattr(self, "_moments")
        operator = self._validate(X) if first else self._validate_like_fitted(X, "partial_fit")
        n_features = operator.shape[1]
        if n_components is None:
            n_components = min(operator.shape) if first else self.components_.shape[0]
        if n_components > n_features:
            raise ValueError(f"n_components({n_components}) must be <= n_features = {n_features}.")
        width = min(2 * n_components + self.n_oversamples, n_features)
        if first:
            opu = self._own_device(self.random_state)
            stream = Stream.empty(n_features, width, centred)
        else:
            opu, stream = self.opu_, self._stream_so_far(width, centred)
            if self.components_.shape[0] < n_components or len(stream.kept) < width:
                raise ValueError(
                    "n_components or n_oversamples has been raised since the first batch. Begin "
                    "anew with a clone."
                )
        stream, values, vectors = stream.add(operator, opu)
        self.opu_, self._stream = opu, stream
        self._forget_fit()
        return operator, values[:n_components], vectors[:n_components]

    def _validate_projections(self, X):
        """What `transform` has returned, and the dtype of what is made of it."""
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
        return as_type(X, dtype), dtype

    def _project(self, operator):
        with operator.threads():
            return operator.matmat(as_type(self.components_, operator.dtype).T)

    @property
    def _n_features_out(self):
        return self.components_.shape[0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
