"""Arrays of other libraries, on any device, where scikit-learn dispatches by them.

With ``sklearn.set_config(array_api_dispatch=True)`` arrays of PyTorch and CuPy stay what they
are; otherwise NumPy converts them, as it does lists. What is written once for all libraries
uses their array API; a few lines differ for NumPy, which works in place.
"""

import contextlib

import numpy as np
import scipy.sparse
from sklearn import get_config


def dispatched(X):
    """Whether X, as a user gave it, is to stay an array of another library than NumPy."""
    if not get_config()["array_api_dispatch"] or isinstance(X, np.ndarray | list | tuple):
        return False
    if scipy.sparse.issparse(X) or not hasattr(X, "dtype"):
        return False
    compat = _compat()
    return (
        compat.is_array_api_obj(X)
        and compat.is_writeable_array(X)  # JAX's cannot be written to
        and not compat.is_numpy_array(X)
        and not compat.is_dask_array(X)
    )


def is_foreign(X):
    """Whether validated X is an array of another library than NumPy."""
    return not isinstance(X, np.ndarray | np.generic) and not scipy.sparse.issparse(X)


def namespace(X):
    """Functions for a validated dense X: NumPy, or the array API of X's library."""
    return _compat().array_namespace(X) if is_foreign(X) else np


def like(values, X):
    """NumPy's values as an array of X's library, on X's device."""
    if not is_foreign(X):
        return values
    values = np.require(values, requirements="CW")  # PyTorch warns of what is read-only
    return namespace(X).asarray(values, device=_compat().device(X))


def to_numpy(x):
    """The same values as an array of NumPy."""
    if not is_foreign(x):
        return x
    compat = _compat()
    if compat.is_torch_array(x):
        return x.detach().cpu().numpy()
    if compat.is_cupy_array(x):
        return x.get()
    if compat.is_array_api_strict_namespace(namespace(x)):  # what tests are made with
        x = x.to_device(namespace(x).Device("CPU_DEVICE"))
    return np.asarray(x)


def numpy_dtype(x):
    """The dtype of an array as NumPy's; TypeError where NumPy has none such."""
    try:
        return np.dtype(x.dtype)
    except TypeError:  # a library's own, such as torch.float32
        return np.dtype(str(x.dtype).rpartition(".")[2])


def as_type(x, dtype):
    """Return x as an array of that dtype of NumPy's, not copied where it is one."""
    if not is_foreign(x):
        return x.astype(dtype, copy=False)
    xp = namespace(x)
    return xp.astype(x, getattr(xp, np.dtype(dtype).name), copy=False)


def empty(shape, dtype, X):
    """New array of that dtype of NumPy's beside X."""
    return _new("empty", shape, dtype, X)


def zeros(shape, dtype, X):
    """New array of zeros of that dtype of NumPy's beside X."""
    return _new("zeros", shape, dtype, X)


def _new(kind, shape, dtype, X):
    if not is_foreign(X):
        return getattr(np, kind)(shape, dtype)
    xp = namespace(X)
    dtype = getattr(xp, np.dtype(dtype).name)
    return getattr(xp, kind)(shape, dtype=dtype, device=_compat().device(X))


def complex_of(real, imag):
    """Sum of real and 1j * imag."""
    dtype = np.result_type(numpy_dtype(real), np.complex64)
    return as_type(real, dtype) + 1j * as_type(imag, dtype)


def in_place(function, x, *arguments):
    """function(x, ...), written over x where that is an array of NumPy."""
    return function(x, *arguments) if is_foreign(x) else function(x, *arguments, out=x)


def place(X):
    """Library and device of an array, to compare."""
    if not is_foreign(X):
        return "numpy", "cpu"
    return namespace(X).__name__.rpartition(".")[2], str(_compat().device(X))


def check_same_place(X, Y, names):
    """Raise ValueError where X and Y are not of one library and device."""
    if place(X) != place(Y):
        (library, device), (other, elsewhere) = place(X), place(Y)
        raise ValueError(
            f"{names[0]} is an array of {library} on {device}, {names[1]} one of {other} on "
            f"{elsewhere}. Move one of them to the other's device first."
        )


def working_rows(bytes_per_row):
    """How many rows to work on at once, by scikit-learn's ``working_memory``."""
    return max(1, int(get_config()["working_memory"] * 2**20 // bytes_per_row))


@contextlib.contextmanager
def memory_explained():
    """Say what to do where the memory of a device does not suffice."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if type(error).__name__ != "OutOfMemoryError":  # so call it both PyTorch and CuPy
            raise
        raise MemoryError(
            f"The memory of the array's device does not suffice ({error}). Make the blocks "
            "smaller that are worked on at once, with sklearn.set_config(working_memory=MiB), "
            f"now {get_config()['working_memory']} MiB, or pass fewer rows."
        ) from error


def _compat():
    try:
        import array_api_compat
    except ImportError as error:
        raise ImportError(
            "Arrays of other libraries than NumPy need array-api-compat: "
            "python -m pip install array-api-compat."
        ) from error
    return array_api_compat
