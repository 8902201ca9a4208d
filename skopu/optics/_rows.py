"""Checks of what is shown to the device, and how rows share the processor."""

import contextlib
import functools
import numbers
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.sparse
from joblib import cpu_count
from threadpoolctl import ThreadpoolController

from .._arrays import as_type, dispatched, namespace, numpy_dtype


def check_count(value, name, minimum=1):
    """Return value as an int, or say what is wrong with it."""
    integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if integer and value >= minimum:
        return int(value)
    raise ValueError(f"{name} must be an integer of at least {minimum}, got {value!r}.")


def check_rows(X, name="X"):
    """Return X as a 2-d float32 or float64 array, or as CSR, finite and not empty.

    Integers and booleans become float64, which holds them exactly up to 2**53.
    """
    X = widen_sparse(X) if scipy.sparse.issparse(X) else as_array(X, name)
    dtype = real_dtype(
        X,
        name,
        "The device is lit with real amplitudes: pass real and imaginary parts as separate rows.",
    )
    if X.ndim != 2:
        raise ValueError(
            f"{name} must be 2-d, one sample a row, got shape {X.shape}. Reshape one sample "
            f"with {name}.reshape(1, -1), one feature with {name}.reshape(-1, 1)."
        )
    if 0 in X.shape:
        raise ValueError(f"{name} must have at least one row and one column, got shape {X.shape}.")
    X = as_type(X, np.float32 if dtype in (np.float16, np.float32) else np.float64)
    if scipy.sparse.issparse(X):
        X = X.tocsr()
        if not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()
    values = X.data if scipy.sparse.issparse(X) else X
    if not all_finite(values):
        raise ValueError(
            f"{name} contains NaN or infinity, which no modulator can show. Impute or drop "
            "those entries first (sklearn.impute.SimpleImputer)."
        )
    return X


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
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must hold real numbers, but not every entry is one ({error}). "
            "Encode categories and drop text columns first."
        ) from error


def all_finite(values):
    """Whether an array is free of NaN and infinity; its sum mostly tells."""
    xp = namespace(values)
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(xp.isfinite(xp.sum(values)) or xp.all(xp.isfinite(values)))


def widen_sparse(X):
    """Sparse integers as float64, so that entries given twice add up and do not wrap."""
    if X.dtype.kind not in "biu":
        return X
    if X.format not in ("coo", "csr", "csc"):
        return X.astype(np.float64)
    X = X.copy()
    X.data = X.data.astype(np.float64)  # older SciPy adds up before its own astype
    return X


def dense(rows):
    """A few rows as an ndarray; only ever called on a piece of X."""
    return rows.toarray() if scipy.sparse.issparse(rows) else rows


def pieces(length, size):
    """Slices of at most size that cover range(length)."""
    return [slice(start, min(start + size, length)) for start in range(0, length, size)]


@functools.cache
def _thread_pools():
    """The loaded BLAS libraries, or OpenMP where the BLAS is one that cannot be asked."""
    pools = ThreadpoolController()
    blas = pools.select(user_api="blas")
    return blas if blas.lib_controllers else pools.select(user_api="openmp")


def n_threads():
    """As many threads as NumPy's BLAS would use just now.

    So the device follows ``threadpoolctl.threadpool_limits`` and ``OMP_NUM_THREADS``,
    and takes its share only inside a joblib worker process.
    """
    limits = [library.num_threads for library in _thread_pools().lib_controllers]
    return max((limit for limit in limits if limit), default=cpu_count())


_limit_lock = threading.Lock()
_limit_holders = []


@contextlib.contextmanager
def own_threads():
    """Keep the BLAS to one thread, and give the number of threads that it would have used.

    Its idle threads spin for a while, which slows threads of our own to half their speed.
    """
    with _limit_lock:  # the limit is the process's: the first in sets it, the last lifts it
        if not _limit_holders:
            _limit_holders.append((n_threads(), _thread_pools().limit(limits=1)))
        else:
            _limit_holders.append(_limit_holders[0])
        threads, limit = _limit_holders[0]
    try:
        yield threads
    finally:
        with _limit_lock:
            _limit_holders.pop()
            if not _limit_holders:
                limit.restore_original_limits()


def run_pieces(work, tasks, run=None):
    """Call work on every task: by run, like `map`, else on threads of its own (`n_threads`)."""
    threads = 1 if run else min(n_threads(), len(tasks))
    with contextlib.ExitStack() as stack:
        if threads > 1:
            run = stack.enter_context(ThreadPoolExecutor(threads)).map
        for _ in (run or map)(work, tasks):
            pass
