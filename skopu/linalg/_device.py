"""Where the random numbers of linear algebra come from: always the device."""

import numpy as np
import scipy.sparse
from sklearn.base import clone
from sklearn.utils import check_random_state

from .._arrays import like, namespace, numpy_dtype
from ..optics import OPU, GaussianMedium
from ..optics._rows import check_count
from ..optics.medium import Medium
from ._operators import in_row_order, is_memory_map, pieces_in_memory
from ._tall import forms


def check_device(opu, random_state, medium=GaussianMedium):
    """The device that was given, or an ideal one with a seed drawn from random_state."""
    random_state = check_random_state(random_state)
    if opu is None:
        return OPU(medium(), random_state=int(random_state.randint(np.iinfo(np.int32).max)))
    if not isinstance(opu, OPU):
        raise ValueError(f"opu must be an OPU or None, got {opu!r}.")
    return opu


def own_device(opu, random_state):
    """`check_device` of a clone, so that an estimator leaves its parameter alone."""
    return check_device(None if opu is None else clone(opu), random_state)


def sketch_rows(opu, operator, n):
    """Operator @ (random n columns), one pass: each row goes through the device.

    An operator's rows cannot be shown, nor can those of a memory map whose columns are
    contiguous without reading it once for each piece; both multiply a test matrix.
    """
    if operator.has_rows and not operator.stored:
        operator.count(n)
        options = opu, n, operator.name, operator.dtype
        return np.concatenate(operator.map_chunks(_project_chunk, *options))
    A = operator.A
    on_disk = isinstance(A, np.ndarray) and is_memory_map(A)
    if not operator.has_rows or (on_disk and not in_row_order(A)):
        return operator.matmat(test_matrix(opu, operator.shape[1], n, operator.dtype))
    operator.count(n)
    rows = len(operator.A) if isinstance(A, np.ndarray) else 0
    if not (on_disk or (rows and A.dtype != operator.dtype)):
        return project(opu, A, n, operator.name)
    sketch = np.empty((rows, n), operator.dtype)
    for part in pieces_in_memory(rows, A.shape[1] * operator.dtype.itemsize):
        sketch[part] = project(opu, A[part].astype(operator.dtype, copy=False), n, operator.name)
    return sketch


def _project_chunk(chunk, opu, n, name, dtype):
    return project(opu, chunk.astype(dtype, copy=False), n, name)


def project(opu, rows, n, name, exposure=0):
    """Random projections of rows, which are not all dark unless the rows are all zero."""
    projections = opu._project(rows, n, "linear", name=name, exposure=exposure)
    stored = rows.data if scipy.sparse.issparse(rows) else rows
    xp = namespace(projections)
    if xp.any(stored) and not xp.any(projections):
        raise ValueError(
            f"The camera of opu reads nothing but zeros of {name}: {opu.camera!r} is too coarse. "
            "Give it more bits, or a longer exposure."
        )
    return projections


def test_matrix(opu, n_rows, n, dtype):
    """Random matrix (n_rows, n), read from the device by showing each input alone."""
    return project(opu, scipy.sparse.identity(n_rows, dtype, format="csr"), n, "each input")


def independent(opu, n_inputs, n_modes):
    """The device, with modes that are independent of each other.

    Modes of one block of a layered medium are not; one is taken of each block.
    """
    spacing = opu.block_size(n_inputs)
    if spacing == 1:
        return opu
    last = (check_count(n_modes, "n") - 1) * spacing + 1
    if opu.max_outputs is not None and last > opu.max_outputs:
        raise ValueError(
            f"The device has {opu.max_outputs} outputs, which hold "
            f"{-(-opu.max_outputs // spacing)} independent modes of {n_inputs} inputs; {n_modes} "
            "are needed. Lower n_matvecs, or use a GaussianMedium."
        )
    spread = _OneModePerBlock(opu._medium(), opu.random_state)
    return OPU(spread, opu.camera, opu.input_bits, opu.random_state, max_inputs=opu.max_inputs)


class _OneModePerBlock(Medium):
    """The first mode of each block of a medium."""

    def __init__(self, medium, random_state):
        self.medium = medium
        self.random_state = random_state

    def _check_fits(self, n_inputs, n_modes):
        spacing = self.medium.block_size(n_inputs)
        self.medium._check_fits(n_inputs, (n_modes - 1) * spacing + 1)

    def _seed(self, default=None):
        return self.medium._seed(self.random_state)

    def _mean_power(self):
        return self.medium._mean_power()

    def _matrix_block(self, n_inputs, start, stop, dtype, seed):
        spacing = self.medium.block_size(n_inputs)
        first = range(start * spacing, stop * spacing, spacing)
        make = self.medium._matrix_block
        return np.hstack([make(n_inputs, mode, mode + 1, dtype, seed) for mode in first])


def probes(opu, n_rows, n, dtype):
    """Independent random vectors as columns, each of squared length n_rows.

    A noisy camera lengthens its readings, which would multiply quadratic forms by 1 + s^2
    for noise of variance s^2; lengths alone carry that factor, so fixing them removes it.
    """
    if n_rows == 1:  # the one direction there is
        return np.ones((1, n), dtype)
    vectors = test_matrix(independent(opu, n_rows, -(-n // 2)), n_rows, n, dtype)
    if not vectors.any(axis=0).all():
        raise ValueError(
            f"Some modes of opu give no random vector of length {n_rows}: {opu.camera!r} reads "
            "zeros alone. Give it more bits."
        )
    return scaled_to(vectors, n_rows)


def scaled_to(vectors, squared_length):
    """Columns, none of which is zero, scaled to that squared length."""
    scale = np.sqrt(squared_length / forms(vectors, vectors))
    return vectors * like(scale.astype(numpy_dtype(vectors)), vectors)
