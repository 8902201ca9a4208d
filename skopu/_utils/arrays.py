"""Arrays of NumPy, and of other libraries on any device: two backends of the same functions.

With ``sklearn.set_config(array_api_dispatch=True)`` arrays of PyTorch and CuPy stay what they
are; otherwise NumPy converts them, as it does lists. `backend_of` chooses once, where data
come in, and what follows is written for both.
"""

import contextlib
import math

import numpy as np
import scipy.sparse
from sklearn import get_config


class NumpyBackend:
    """Arrays of NumPy, and sparse matrices; works in place."""

    is_numpy = True
    place = ("numpy", "cpu")
    namespace = np

    def asarray(self, values):
        """NumPy's values as an array of this library, on this device."""
        return values

    def to_numpy(self, x):
        """The same values as an array of NumPy."""
        return x

    def as_type(self, x, dtype):
        """X as an array of that dtype of NumPy's, not copied where it is one."""
        return x.astype(dtype, copy=False)

    def empty(self, shape, dtype):
        """New array of that dtype of NumPy's."""
        return np.empty(shape, dtype)

    def zeros(self, shape, dtype):
        """New array of zeros of that dtype of NumPy's."""
        return np.zeros(shape, dtype)

    def in_place(self, function, x, *arguments):
        """function(x, ...), written over x where the library can."""
        return function(x, *arguments, out=x)

    def row_squares(self, X):
        """Squared norm of each row."""
        if scipy.sparse.issparse(X):
            return np.asarray(X.power(2).sum(axis=1)).ravel()
        return np.einsum("ij,ij->i", X, X)

    def read(self, kind, field, out):
        """What an ideal camera reads of a field of that kind; in out, or an array of its own."""
        return (self._squared_modulus if kind == "intensity" else self._quadratures)(field, out)

    def _squared_modulus(self, field, out):
        # Through the modulus, which is one pass over the field where its parts would be two.
        np.abs(field, out=out, casting="same_kind")
        return np.square(out, out=out)

    def _quadratures(self, field, out):
        """sqrt(2) times real and imaginary parts, interleaved; out may be one short."""
        parts = np.ascontiguousarray(field).view(field.real.dtype)
        parts = parts[:, : out.shape[1]]
        return np.multiply(parts, math.sqrt(2), out=out, casting="same_kind")

    def memory_explained(self):
        """Context that says what to do where the memory of a device does not suffice."""
        return contextlib.nullcontext()


class ArrayAPIBackend:
    """Arrays of another library by the array API, on one device; see `NumpyBackend`."""

    is_numpy = False

    def __init__(self, X):
        compat = _compat()
        self.namespace = compat.array_namespace(X)
        self.device = compat.device(X)
        self.place = self.namespace.__name__.rpartition(".")[2], str(self.device)

    def asarray(self, values):
        values = np.require(values, requirements="CW")  # PyTorch warns of what is read-only
        return self.namespace.asarray(values, device=self.device)

    def to_numpy(self, x):
        compat = _compat()
        if compat.is_torch_array(x):
            return x.detach().cpu().numpy()
        if compat.is_cupy_array(x):
            return x.get()
        if compat.is_array_api_strict_namespace(self.namespace):  # what tests are made with
            x = x.to_device(self.namespace.Device("CPU_DEVICE"))
        return np.asarray(x)

    def as_type(self, x, dtype):
        return self.namespace.astype(x, self._own(dtype), copy=False)

    def empty(self, shape, dtype):
        return self.namespace.empty(shape, dtype=self._own(dtype), device=self.device)

    def zeros(self, shape, dtype):
        return self.namespace.zeros(shape, dtype=self._own(dtype), device=self.device)

    def _own(self, dtype):
        return getattr(self.namespace, np.dtype(dtype).name)

    def in_place(self, function, x, *arguments):
        return function(x, *arguments)

    def row_squares(self, X):
        return self.namespace.sum(X * X, axis=1)

    def read(self, kind, field, out):
        xp = self.namespace
        if kind == "intensity":
            modulus = xp.abs(field)
            return modulus * modulus
        parts = xp.stack([xp.real(field), xp.imag(field)], axis=2)
        return xp.reshape(parts, (field.shape[0], -1))[:, : out.shape[1]] * math.sqrt(2)

    @contextlib.contextmanager
    def memory_explained(self):
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


_NUMPY = NumpyBackend()


def backend_of(X):
    """Backend for a validated array or sparse matrix."""
    if isinstance(X, np.ndarray | np.generic) or scipy.sparse.issparse(X):
        return _NUMPY
    return ArrayAPIBackend(X)


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


# The backend's functions for one array, where only one is asked of it.


def namespace(X):
    """Functions for a validated dense X: NumPy, or the array API of X's library."""
    return backend_of(X).namespace


def like(values, X):
    """NumPy's values as an array of X's library, on X's device."""
    return backend_of(X).asarray(values)


def to_numpy(x):
    """The same values as an array of NumPy."""
    return backend_of(x).to_numpy(x)


def concat(arrays, axis):
    """Arrays of one library joined along an axis."""
    # NumPy has had the array API's name since 2.0 only.
    return getattr(namespace(arrays[0]), "concat", np.concatenate)(arrays, axis=axis)


def diagonal_of(A):
    """The diagonal of an array of any library, or of a sparse matrix."""
    return A.diagonal() if backend_of(A).is_numpy else namespace(A).linalg.diagonal(A)


def numpy_dtype(x):
    """The dtype of an array as NumPy's; TypeError where NumPy has none such."""
    try:
        return np.dtype(x.dtype)
    except TypeError:  # a library's own, such as torch.float32
        return np.dtype(str(x.dtype).rpartition(".")[2])


def as_type(x, dtype):
    """Return x as an array of that dtype of NumPy's, not copied where it is one."""
    return backend_of(x).as_type(x, dtype)


def in_place(function, x, *arguments):
    """function(x, ...), written over x where that is an array of NumPy."""
    return backend_of(x).in_place(function, x, *arguments)


def complex_of(real, imag):
    """Sum of real and 1j * imag."""
    dtype = np.result_type(numpy_dtype(real), np.complex64)
    return as_type(real, dtype) + 1j * as_type(imag, dtype)


def place(X):
    """Library and device of an array, to compare."""
    return backend_of(X).place


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


def _compat():
    try:
        import array_api_compat
    except ImportError as error:
        raise ImportError(
            "Arrays of other libraries than NumPy need array-api-compat: "
            "python -m pip install array-api-compat."
        ) from error
    return array_api_compat
