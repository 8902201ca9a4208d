"""Validation of the data that estimators take."""

import functools

import numpy as np
from scipy.sparse import issparse
from scipy.sparse.linalg import LinearOperator
from sklearn.utils.validation import validate_data

from ._arrays import dispatched, namespace, place
from ._dask import check_dask, floating, is_dask, map_rows, names_of
from .linalg._operators import check_operator, is_memory_map
from .optics._rows import check_rows, check_unmasked, real_dtype, widen_sparse


def validate_array(estimator, X, *, accept_foreign=False, **options):
    """X as a float32 or float64 array or sparse matrix, its names and width checked or noted.

    Options are those of `validate_data`; with y, X and y are returned. accept_foreign lets
    arrays of other libraries than NumPy be what they are, where scikit-learn dispatches.
    """
    xp = np
    if dispatched(X):
        xp = namespace(X)
        if not accept_foreign:
            refuse_foreign(estimator, X)
        real_dtype(X, "X", "")  # scikit-learn would take complex numbers for their real parts
    else:
        check_unmasked(X, "X")
        X = widen_sparse(X) if issparse(X) else X
    options = {"accept_sparse": ("csr", "csc"), "dtype": [xp.float64, xp.float32], **options}
    return validate_data(estimator, X, **options)


def refuse_foreign(estimator, X):
    """Raise ValueError where scikit-learn dispatches by X, an array of another library."""
    if dispatched(X):
        raise ValueError(
            f"{type(estimator).__name__} takes arrays of NumPy, got one of {place(X)[0]} on "
            f"{place(X)[1]}. Convert it first, or leave array_api_dispatch off."
        )


def check_as_fitted(estimator, X, fitted, method):
    """Raise ValueError where validated X is not of the library and device of a fitted array."""
    if place(X) == place(fitted):
        return
    (library, device), (other, elsewhere) = place(X), place(fitted)
    raise ValueError(
        f"Inputs passed to {type(estimator).__name__}.{method}() must use the same namespace and "
        f"the same device as those passed to fit(), which were of {other} on {elsewhere}, got an "
        f"array of {library} on {device}. Move it there, or fit again."
    )


def validate_matrix(estimator, X, *, reset=True):
    """As `validate_array`, but operators, memory maps and Dask arrays stay what they are."""
    if isinstance(X, LinearOperator):
        check_operator(X, "X")  # before its width is noted
        if reset:
            estimator.n_features_in_ = X.shape[1]
            estimator.__dict__.pop("feature_names_in_", None)
        elif X.shape[1] != estimator.n_features_in_:
            raise ValueError(
                f"X has {X.shape[1]} features, but {type(estimator).__name__} is expecting "
                f"{estimator.n_features_in_} features as input."
            )
        return X
    if is_dask(X):
        check_dask(X)
        validate_data(estimator, names_of(X), reset=reset, skip_check_array=True)
        return X
    if isinstance(X, np.ndarray) and is_memory_map(X):
        # Neither copied, nor read once more in search of NaN: products show that.
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        return X
    return validate_array(estimator, X, reset=reset, accept_foreign=True)


def transform_lazily(estimator, X, function, n):
    """Lazy array of function(rows), of n columns, for the chunks of a Dask collection."""
    X = check_dask(validate_matrix(estimator, X, reset=False))
    return map_rows(functools.partial(_of_checked, function), X, n, floating(X.dtype))


def _of_checked(function, chunk):
    return function(check_rows(chunk))


def check_some_weight(sample_weight):
    """Raise ValueError where all weights are zero; older scikit-learn lets them pass."""
    if not sample_weight.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
