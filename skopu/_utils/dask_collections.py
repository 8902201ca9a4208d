"""Dask collections as matrices whose chunks are rows."""

import functools

import numpy as np
import scipy.sparse

from .threads import shared_threads


def is_dask(X):
    """Whether X is an array or DataFrame of Dask, which need not be installed."""
    return type(X).__module__.startswith(("dask.array", "dask.dataframe"))


def names_of(X):
    """What tells the number and names of columns: the empty frame behind a DataFrame, or X."""
    return X._meta if hasattr(X, "to_dask_array") else X


def check_dask(X, name="X", known_rows=False):
    """X as a 2-d Dask array of numbers whose chunks hold whole rows; nothing is computed."""
    if hasattr(X, "to_dask_array"):
        if X.values.dtype == object and all(map(_is_numeric, X.dtypes)):
            X = X.astype(np.float64)  # of nullable columns, or numbers beside booleans
        X = X.to_dask_array(lengths=True if known_rows else None)
    if X.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} must hold real numbers, got dtype {X.dtype}. Encode categories and drop text "
            "columns first, or give the chunks a dtype with astype."
        )
    if X.ndim != 2:
        raise ValueError(f"{name} must be 2-d, one sample a row, got shape {X.shape}.")
    if X.numblocks[1] != 1:
        raise ValueError(
            f"{name} is cut along its columns, into {X.numblocks[1]} chunks, but a row is shown "
            "as a whole. Use rechunk({1: -1}) first."
        )
    if np.isnan(X.shape[1]) or (known_rows and np.isnan(X.shape[0])):
        raise ValueError(
            f"{name} has chunks of unknown size, shape {X.shape}. Use compute_chunk_sizes() first."
        )
    return X


def results_of_chunks(function, chunks, *arguments):
    """Results of function(chunk, *arguments) for delayed chunks, computed wherever Dask does."""
    import dask

    shared = [dask.delayed(argument) for argument in arguments]
    delayed = dask.delayed(in_task)
    return dask.compute(*(delayed(function, chunk, *shared) for chunk in chunks))


def _is_numeric(dtype):
    return getattr(dtype, "kind", "O") in "biuf"


def floating(dtype):
    """Type of what the device makes of rows of that type."""
    return np.dtype(np.float32 if dtype in (np.float16, np.float32) else np.float64)


def map_rows(function, X, n, dtype):
    """Lazy array of function(chunk), of shape (n_rows, n), for each chunk of a checked X."""
    return X.map_blocks(
        functools.partial(_unless_empty, function, n, dtype),
        dtype=dtype,
        chunks=(X.chunks[0], (n,)),
        meta=np.empty((0, 0), dtype),
    )


def _unless_empty(function, n, dtype, chunk):
    """Of a filter may come chunks without a row."""
    if chunk.shape[0] == 0:
        return np.empty((0, n), dtype)
    return in_task(function, chunk)


def in_task(function, chunk, *arguments):
    """Call a function that Dask may call for other chunks at once, in threads of this process."""
    with shared_threads():
        return function(as_rows(chunk), *arguments)


def as_rows(chunk):
    """A chunk; CSR of sparse ones that have no rows at hand, as scikit-learn makes them."""
    if scipy.sparse.issparse(chunk) and chunk.format not in ("csr", "csc"):
        return chunk.tocsr()
    return chunk
