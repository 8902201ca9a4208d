"""The one door: what users give is checked here, once, and goes on as it is.

``check_`` functions take what is given to a function or a device; ``validate_`` functions what
is given to an estimator, of which they note or compare names and number of features.
"""

import contextlib
import functools
import math
import mmap
import numbers

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import LinearOperator
from sklearn.utils.validation import validate_data

from .arrays import as_type, backend_of, dispatched, namespace, numpy_dtype, place
from .dask_collections import check_dask, floating, is_dask, map_rows, names_of

_FOR_COMPLEX_ROWS = (
    "The device is lit with real amplitudes: pass real and imaginary parts as separate rows."
)
_FOR_COMPLEX_MATRIX = "Treat the real and the imaginary part of a complex matrix separately."


def check_count(value, name, minimum=1, maximum=None):
    """Return value as a Python int, or say what is wrong with it."""
    integer = isinstance(value, numbers.Integral) and not isinstance(value, bool | np.bool_)
    if integer and value >= minimum and (maximum is None or value <= maximum):
        return int(value)
    most = "" if maximum is None else f" and at most {maximum}"
    raise ValueError(f"{name} must be an integer of at least {minimum}{most}, got {value!r}.")


def check_counts(values, name):
    """Return values as a list of Python ints, at least one, or say what is wrong with them."""
    if np.iterable(values) and not isinstance(values, str) and len(values) > 0:
        return [check_count(value, name) for value in values]
    raise ValueError(f"{name} must be a list of integers, at least one, got {values!r}.")


def check_positive(value, name, maximum=math.inf, instead=""):
    """Return value as a Python float, or say that it must be a positive number, or what instead."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
    if real and 0 < value < math.inf and value <= maximum:
        return float(value)  # NumPy's numbers of few bits would overflow in what follows
    most = "" if maximum == math.inf else f" of at most {maximum:g}"
    raise ValueError(f"{name} must be a positive number{most}{instead}, got {value!r}.")


def check_not_negative(value, name, limit=math.inf):
    """Return value as a Python float, or say that it must be at least 0 and less than a limit."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
    if real and 0 <= value < limit:
        return float(value)
    less = "finite" if limit == math.inf else f"less than {limit:g}"
    raise ValueError(f"{name} must be a number, at least 0 and {less}, got {value!r}.")


def check_choice(value, name, table, kind):
    """Return the entry of a table that a name stands for, or value itself if it is one of kind."""
    if isinstance(value, kind):
        return value
    if isinstance(value, str) and value in table:
        return table[value]
    raise ValueError(
        f"{name} must be one of {sorted(table)} or an instance of {kind.__name__}, got {value!r}."
    )


def check_seed(random_state, owner):
    """Return the seed of a part of a device as a Python int, 0 if it is None."""
    if random_state is None:
        return 0
    integer = isinstance(random_state, numbers.Integral)
    if integer and not isinstance(random_state, bool | np.bool_) and 0 <= random_state < 2**128:
        return int(random_state)
    raise ValueError(
        f"random_state of {owner} must be an integer from 0 to 2**128 - 1 or None, got "
        f"{random_state!r}: one seed names one piece of glass, so generators that "
        "change as they are used cannot name it. Draw an integer from yours first."
    )


def check_rows(X, name="X"):
    """Return X as a 2-d float32 or float64 array, or as CSR, finite and not empty.

    Integers and booleans become float64, which holds them exactly up to 2**53.
    """
    X = _widen_sparse(X) if scipy.sparse.issparse(X) else as_array(X, name)
    dtype = real_dtype(X, name, _FOR_COMPLEX_ROWS)
    if X.ndim != 2:
        raise ValueError(
            f"{name} must be 2-d, one sample a row, got shape {X.shape}. Reshape one sample "
            f"with {name}.reshape(1, -1), one feature with {name}.reshape(-1, 1)."
        )
    if 0 in X.shape:
        raise ValueError(f"{name} must have at least one row and one column, got shape {X.shape}.")
    X = as_type(X, floating(dtype))
    if scipy.sparse.issparse(X):
        X = _canonical(X.tocsr())
    if not all_finite(stored_values(X)):
        raise ValueError(
            f"{name} contains NaN or infinity, which no modulator can show. Impute or drop "
            "those entries first (sklearn.impute.SimpleImputer)."
        )
    return X


def check_matrix(A, name="A", square=False):
    """Return A, real and not empty: an array, CSR, CSC, a LinearOperator or a Dask array.

    Matrices are not copied, unless entries are given twice, and not read.
    """
    if is_dask(A):
        A = check_dask(A, name, known_rows=True)
    elif scipy.sparse.issparse(A):
        A = _widen_sparse(A)
        A = _canonical(A if A.format in ("csr", "csc") else A.tocsr())
    elif not isinstance(A, LinearOperator):
        A = as_array(A, name)
    real_dtype(A, name, _FOR_COMPLEX_MATRIX)
    if len(A.shape) != 2 or 0 in A.shape:
        raise ValueError(
            f"{name} must be 2-d, with at least one row and one column, got shape {A.shape}."
        )
    if square and A.shape[0] != A.shape[1]:
        raise ValueError(f"{name} must be square, got shape {A.shape}.")
    return A


def validate_rows(estimator, X, *, accept_foreign=False, **options):
    """X as a float32 or float64 array or sparse matrix, its names and width checked or noted.

    Options are those of scikit-learn's `validate_data`; with y, X and y are returned.
    accept_foreign lets arrays of other libraries than NumPy be what they are, where
    scikit-learn dispatches.
    """
    xp = np
    if dispatched(X):
        xp = namespace(X)
        if not accept_foreign:
            refuse_foreign(estimator, X)
        real_dtype(X, "X", "")  # scikit-learn would take complex numbers for their real parts
    elif scipy.sparse.issparse(X):
        X = _widen_sparse(X)
    options = {"accept_sparse": ("csr", "csc"), "dtype": [xp.float64, xp.float32], **options}
    with numbers_alone(X=X, y=options.get("y")):
        checked = validate_data(estimator, X, **options)
    if isinstance(checked, tuple):
        return _canonical(checked[0]), checked[1]
    return _canonical(checked)


def validate_matrix(estimator, X, *, reset=True):
    """As `validate_rows`, but operators, memory maps and Dask arrays stay what they are."""
    if isinstance(X, LinearOperator):
        check_matrix(X, "X")  # before its width is noted
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
        return validate_dask(estimator, X, reset=reset, known_rows=True)
    if is_memory_map(X):
        # Neither copied, nor read once more in search of NaN: products show that.
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        return check_matrix(X, "X")
    return validate_rows(estimator, X, reset=reset, accept_foreign=True)


def validate_dask(estimator, X, *, reset, known_rows=False):
    """A Dask collection as a Dask array whose chunks are rows; its names checked or noted."""
    array = check_dask(X, "X", known_rows)
    validate_data(estimator, names_of(X), reset=reset, skip_check_array=True)
    return array


def transform_lazily(estimator, X, function, n):
    """Lazy array of function(rows), of n columns, for the chunks of a Dask collection."""
    X = validate_dask(estimator, X, reset=False)
    return map_rows(functools.partial(_of_checked, function), X, n, floating(X.dtype))


def _of_checked(function, chunk):
    return function(check_rows(chunk))


def refuse_foreign(estimator, X):
    """Raise ValueError where scikit-learn dispatches by X, an array of another library."""
    if dispatched(X):
        raise ValueError(
            f"{type(estimator).__name__} takes NumPy arrays, got one of {place(X)[0]} on "
            f"{place(X)[1]}. Convert it first, or leave array_api_dispatch off."
        )


def check_as_fitted(estimator, X, fitted_place, method):
    """Raise ValueError where validated X is not of the library and device seen in fit."""
    if place(X) == fitted_place:
        return
    (library, device), (other, elsewhere) = place(X), fitted_place
    raise ValueError(
        f"Inputs passed to {type(estimator).__name__}.{method}() must use the same namespace and "
        f"the same device as those passed to fit(), which were of {other} on {elsewhere}, got an "
        f"array of {library} on {device}. Move it there, or fit again."
    )


def check_some_weight(sample_weight):
    """Raise ValueError where all weights are zero; older scikit-learn lets them pass."""
    if not sample_weight.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")


def check_out(out, X, n):
    """Return out, which must be an array for n results of each row of a validated X."""
    if not backend_of(X).is_numpy:
        raise ValueError("out only works with NumPy arrays: it must be None here.")
    shape = X.shape[0], n
    if not isinstance(out, np.ndarray) or out.shape != shape or out.dtype != X.dtype:
        found = f"{out.dtype} of shape {out.shape}" if isinstance(out, np.ndarray) else repr(out)
        raise ValueError(f"out must be an array of {X.dtype} of shape {shape}, got {found}.")
    if not out.flags.writeable:
        raise ValueError(
            'out cannot be written to. Open a memory map with mode "r+", or "w+" for a new file.'
        )
    if isinstance(X, np.ndarray) and np.may_share_memory(out, X):
        raise ValueError("out overlaps X, which is read while out is written. Give another array.")
    return out


def check_returned(values, shape, who, advice="", kinds="biuf"):
    """Return what a part of a user's own has returned, if it is an array of that shape and kind."""
    found = getattr(values, "shape", None)
    if found == shape and numpy_dtype(values).kind in kinds:
        return values
    what = type(values).__name__ if found is None else f"{values.dtype} of shape {tuple(found)}"
    real = "" if "c" in kinds else "real "
    raise ValueError(
        f"{who} must return an array of {real}numbers of shape {tuple(shape)}, got {what}.{advice}"
    )


def real_dtype(X, name, for_complex):
    """NumPy's dtype of an array of numbers; ValueError, with advice, where they are not real."""
    try:
        dtype = numpy_dtype(X)
    except TypeError as error:  # bfloat16 and the like
        raise ValueError(
            f"{name} has dtype {X.dtype}, which NumPy does not know. Convert it to float32 first."
        ) from error
    if dtype.kind == "c":
        raise ValueError(f"{name} must be real, got dtype {dtype}. {for_complex}")
    if dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got dtype {dtype}.")
    return dtype


def check_unmasked(X, name):
    """Raise ValueError where X is a masked array some of whose entries are masked."""
    if np.ma.is_masked(X):
        raise ValueError(
            f"{name} has masked entries, which would be read as numbers. Fill them first, for "
            "example with numpy.ma.filled."
        )


@contextlib.contextmanager
def numbers_alone(**named):
    """Raise ValueError where what scikit-learn would convert in this context is no number.

    Such are masked entries, and integers of Python's that are too large for a float.
    """
    for name, values in named.items():
        check_unmasked(values, name)
    try:
        yield
    except OverflowError as error:
        raise ValueError(
            f"{' or '.join(named)} holds a number that is too large for a float: {error}."
        ) from error


def as_array(X, name):
    """X as an array of numbers, also where it is a DataFrame of several dtypes."""
    if dispatched(X):
        return X
    check_unmasked(X, name)
    X = np.asarray(X)
    if X.dtype.kind != "O":
        return X
    try:
        if any(isinstance(entry, str | bytes) for entry in X.flat):
            raise ValueError("there is text")
        return X.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"{name} must hold real numbers, but not every entry is one ({error}). "
            "Encode categories and drop text columns first."
        ) from error


def all_finite(values):
    """Whether an array is free of NaN and infinity; its sum mostly tells."""
    xp = namespace(values)
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(xp.isfinite(xp.sum(values)) or xp.all(xp.isfinite(values)))


def check_finite(values, name):
    """Raise ValueError where values hold NaN or infinity."""
    if not all_finite(values):
        raise ValueError(
            f"{name} contains NaN or infinity, or overflows {values.dtype}. Impute, drop or "
            "scale entries first."
        )


def stored_values(X):
    """The entries of an array, or those that a sparse matrix stores."""
    return X.data if scipy.sparse.issparse(X) else X


def is_memory_map(A):
    """Whether A is an array whose values lie in a file."""
    if not isinstance(A, np.ndarray):
        return False
    while isinstance(A, np.ndarray):
        A = A.base
    return isinstance(A, mmap.mmap)


def _widen_sparse(X):
    """Sparse integers as float64, so that entries given twice add up and do not wrap."""
    if X.dtype.kind not in "biu":
        return X
    if X.format not in ("coo", "csr", "csc"):
        return X.astype(np.float64)
    X = X.copy()
    X.data = X.data.astype(np.float64)  # older SciPy adds up before its own astype
    return X


def _canonical(X):
    """X; where it is sparse, with sorted indices, and entries given twice added up."""
    if not scipy.sparse.issparse(X) or X.has_canonical_format:
        return X
    X = X.copy()
    X.sum_duplicates()
    return X
