"""Random vectors and projections: always from the device."""

import numpy as np
import scipy.sparse

from .._utils.arrays import like, numpy_dtype
from .._utils.checks import check_count, is_memory_map
from ..optics.device import project_rows
from ._centred import CentredOperator, centre
from ._operator import in_row_order, pieces_in_memory
from ._tall_blocks import forms


def sketch_width(operator, n_components, n_oversamples):
    """Columns of a sketch for n_components and a few more, of which there must be as many."""
    most = min(operator.shape)
    if check_count(n_components, "n_components") > most:
        raise ValueError(
            f"n_components={n_components} must be at most {most}, the smaller side of "
            f"{operator.name}, whose shape is {operator.shape}."
        )
    return min(n_components + check_count(n_oversamples, "n_oversamples", 0), most)


def sketch_rows(opu, operator, n, first_exposure=0):
    """Operator @ (random n columns), one pass: each row goes through the device.

    first_exposure is the number of the first frame that is taken of each row.

    An operator's rows cannot be shown, nor can those of a memory map whose columns are
    contiguous without reading it once for each piece; both multiply a random matrix.
    """
    if isinstance(operator, CentredOperator):
        return centre(sketch_rows(opu, operator.whole, n, first_exposure))
    if operator.has_rows and not operator.stored:
        operator.count(n)
        options = opu, n, operator.name, operator.dtype, first_exposure
        return np.concatenate(operator.map_chunks(_project_chunk, *options))
    A = operator.A
    on_disk = is_memory_map(A)
    if not operator.has_rows or (on_disk and not in_row_order(A)):
        return operator.matmat(
            random_matrix(opu, operator.shape[1], n, operator.dtype, first_exposure)
        )
    operator.count(n)
    n_rows = len(A) if isinstance(A, np.ndarray) else 0
    if not (on_disk or (n_rows and A.dtype != operator.dtype)):
        return project_rows(opu, A, n, operator.name, first_exposure)
    sketch = np.empty((n_rows, n), operator.dtype)
    for part in pieces_in_memory(n_rows, A.shape[1] * operator.dtype.itemsize):
        rows = A[part].astype(operator.dtype, copy=False)
        sketch[part] = project_rows(opu, rows, n, operator.name, first_exposure)
    return sketch


def _project_chunk(chunk, opu, n, name, dtype, first_exposure):
    return project_rows(opu, chunk.astype(dtype, copy=False), n, name, first_exposure)


def next_exposure(opu):
    """Number of the first frame that a reading of signed rows leaves for another.

    Equal rows in equal frames have equal noise, so what is multiplied by its like must be read
    in other frames.
    """
    return opu.exposures(1, "linear", signed=True)


def random_matrix(opu, n_rows, n, dtype, first_exposure=0):
    """Random matrix (n_rows, n), read from the device by showing each input alone."""
    inputs = scipy.sparse.identity(n_rows, dtype, format="csr")
    return project_rows(opu, inputs, n, "each input", first_exposure)


def probes(opu, n_rows, n, dtype, start=0):
    """Independent random vectors as columns, each of squared length n_rows, from number start on.

    A noisy camera lengthens its readings, which would multiply quadratic forms by 1 + s^2
    for noise of variance s^2; lengths alone carry that factor, so fixing them removes it.
    """
    if n_rows == 1:  # the one direction there is
        return np.ones((1, n), dtype)
    n += start
    vectors = random_matrix(opu.with_independent_modes(n_rows, n), n_rows, n, dtype)[:, start:]
    if not vectors.any(axis=0).all():
        raise ValueError(
            f"Some modes of {opu!r} give no random vector of length {n_rows}: its camera reads "
            "only zeros. Give it more bits."
        )
    return scaled_to(vectors, n_rows)


def scaled_to(vectors, squared_length):
    """Columns, none of which is zero, scaled to that squared length."""
    scale = np.sqrt(squared_length / forms(vectors, vectors))
    return vectors * like(scale.astype(numpy_dtype(vectors)), vectors)
