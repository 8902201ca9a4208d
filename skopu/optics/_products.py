"""Light multiplied by explicit blocks of a medium's matrix, piece by piece."""

import contextlib
import math

import numpy as np
import scipy.sparse

from .._utils.arrays import backend_of, complex_of, numpy_dtype, working_rows
from .._utils.checks import check_returned
from .._utils.scratch import Scratch
from .._utils.threads import pieces, product_threads, run_pieces
from .device import n_modes_of, outputs_of, write_piece

BLOCK_ENTRIES = 2**23  # of an explicit block of the transmission matrix: 64 or 128 MiB
# Modes of some rows that are multiplied and read at once, and how many of one row.
_PRODUCT_PIECE, _PRODUCT_MODES = 2**18, 2**11
_FEW_OUTPUTS = 2**20  # of a product, read sooner than threads have started


def block_of(medium, n_inputs, inputs, modes, *, dtype, seed):
    """What ``medium.matrix_block`` returns, checked, contiguous and of that dtype."""
    block = medium.matrix_block(n_inputs, inputs, modes, dtype=dtype, seed=seed)
    shape = inputs.stop - inputs.start, len(modes)
    advice = " A row is an input, a column a mode."
    who = f"{type(medium).__name__}.matrix_block"
    return np.ascontiguousarray(check_returned(block, shape, who, advice, "biufc"), dtype)


def input_pieces(medium, n_inputs):
    """Slices of inputs of which a block can be held with a whole group of modes."""
    return pieces(n_inputs, max(1, BLOCK_ENTRIES // medium.modes_per_group))


def mode_pieces(medium, n_inputs, n):
    """Slices of modes, whole groups of them, of which a block of n_inputs can be held."""
    group = medium.modes_per_group
    return pieces(n, max(1, BLOCK_ENTRIES // (n_inputs * group)) * group)


def _multiply(medium, X, n, start, seed, prepare, deliver, n_outputs=None):
    """Multiply NumPy's rows by blocks of the matrix; threads share what comes of it.

    Called for each piece as ``deliver(rows, modes, light, columns)``, where light is some rows, and
    columns are what prepare makes of a block of shape (n_inputs, n_modes).
    """
    n_outputs = n_outputs or n
    n_rows, n_inputs = X.shape
    dtype = np.result_type(X.dtype, np.complex64)
    with contextlib.ExitStack() as stack:
        row_pieces = pieces(n_rows, _piece_rows(X, n_outputs))
        run = stack.enter_context(product_threads())[0] if len(row_pieces) > 1 else map
        for block_modes in mode_pieces(medium, n_inputs, n):
            low = block_modes.start
            chosen = range(start + low, start + block_modes.stop)
            block = block_of(medium, n_inputs, slice(0, n_inputs), chosen, dtype=dtype, seed=seed)
            for modes in pieces(len(chosen), _PRODUCT_MODES):
                columns = prepare(block[:, modes])
                modes = slice(low + modes.start, low + modes.stop)

                def multiply(rows, columns=columns, modes=modes):
                    deliver(rows, modes, X[rows], columns)

                run_pieces(multiply, row_pieces, run)


def _piece_rows(X, n_outputs):
    """Rows whose product is read at once: all of a few, or several pieces for each thread."""
    n_rows, sparse = X.shape[0], scipy.sparse.issparse(X)
    # A dense product has the BLAS's threads, a sparse one those of its pieces alone.
    if (X.nnz if sparse else n_rows) * n_outputs < _FEW_OUTPUTS:
        return n_rows
    outputs = min(_PRODUCT_PIECE, n_rows * n_outputs // 8)
    return max(1, outputs // min(n_outputs, _PRODUCT_MODES))


def _parts_in_turns(block):
    """Real numbers of a block of complex ones: columns 2i, 2i + 1 are real and imaginary part."""
    return np.ascontiguousarray(block).view(block.real.dtype)


def multiply_fields(medium, X, n, consume, start, seed):
    """``propagate`` of NumPy's arrays and sparse matrices, by real products with blocks."""
    parts = input_pieces(medium, X.shape[1])
    if len(parts) > 1:
        _multiply_long_rows(medium, X, n, consume, start, seed, parts)
        return

    def deliver(rows, modes, light, columns):
        consume(rows, modes, (light @ columns).view(np.result_type(X.dtype, np.complex64)))

    _multiply(medium, X, n, start, seed, _parts_in_turns, deliver)


def read_fields(propagate, X, kind, out, finish, seed):
    """``read``, by way of the field."""
    n, backend = out.shape[1], backend_of(X)

    def keep(rows, modes, field):
        outputs = outputs_of(modes, kind, n)
        view = out[rows, outputs]
        write_piece(view, backend.read(kind, field, view), outputs, finish)

    propagate(X, n_modes_of(n, kind), keep, seed=seed)


def read_products(medium, X, kind, out, *, finish=None, seed=None):
    """`Medium.read` of NumPy's arrays and sparse matrices by real products with blocks."""
    n = out.shape[1]
    n_modes = n_modes_of(n, kind)
    medium.check(X.shape[1], n_modes)
    seed = medium.glass_seed(seed)
    if len(input_pieces(medium, X.shape[1])) > 1:

        def propagate(X, n, consume, seed):
            multiply_fields(medium, X, n, consume, 0, seed)

        read_fields(propagate, X, kind, out, finish, seed)
        return
    multiply, read = _product(X.dtype), _read_linear if kind == "linear" else _read_intensity

    def deliver(rows, modes, light, columns):
        outputs = outputs_of(modes, kind, n)
        view = out[rows, outputs]
        read(multiply, light, columns, view)
        write_piece(view, view, outputs, finish)

    prepare = _parts_in_turns if kind == "linear" else _parts_side_by_side
    _multiply(medium, X, n_modes, 0, seed, prepare, deliver, n)


def _product(dtype):
    """Product of some rows with columns, in a view or else in memory that is used again."""
    scratch = Scratch()

    def multiply(light, columns, view=None):
        if scipy.sparse.issparse(light):
            return light @ columns
        if view is None:
            view = scratch("product", (len(light), columns.shape[1]), dtype)
        return np.matmul(light, columns, out=view)

    return multiply


def _read_linear(multiply, light, columns, view):
    columns, factor = columns[:, : view.shape[1]], light.dtype.type(math.sqrt(2))
    if light.shape[1] < view.shape[1]:  # the smaller one is multiplied once more
        light, factor = light * factor, 1
    product = multiply(light, columns, view)
    if product is not view or factor != 1:
        np.multiply(product, factor, out=view)


def _parts_side_by_side(block):
    """All real, then all imaginary parts, whose squares are faster to add than those in turns."""
    return np.hstack([block.real, block.imag])


def _read_intensity(multiply, light, columns, view):
    parts, n_modes = multiply(light, columns), view.shape[1]
    np.square(parts, out=parts)
    np.add(parts[:, :n_modes], parts[:, n_modes:], out=view)


def _multiply_long_rows(medium, X, n, consume, start, seed, parts):
    """``_multiply`` of so many inputs that a block of them is made piece by piece."""
    n_rows, n_inputs = X.shape
    dtype = np.result_type(X.dtype, np.complex64)
    for rows in pieces(n_rows, BLOCK_ENTRIES // medium.modes_per_group):
        for modes in pieces(n, medium.modes_per_group):
            chosen = range(start + modes.start, start + modes.stop)
            field = np.zeros((rows.stop - rows.start, len(chosen)), dtype)
            for inputs in parts:
                light = X[rows, inputs]
                if scipy.sparse.issparse(light) and light.nnz == 0:
                    continue
                block = block_of(medium, n_inputs, inputs, chosen, dtype=dtype, seed=seed)
                field.view(X.dtype)[:] += light @ block.view(X.dtype)
            consume(rows, modes, field)


def columns_like(medium, X, modes, seed):
    """Real and imaginary parts, in turns, of a range of modes, as an array of X's library."""
    n_inputs, dtype = X.shape[1], np.result_type(numpy_dtype(X), np.complex64)
    block = block_of(medium, n_inputs, slice(0, n_inputs), modes, dtype=dtype, seed=seed)
    return backend_of(X).asarray(_parts_in_turns(block))


def _multiply_arrays(medium, X, n, start, seed, deliver):
    """Call deliver(rows, modes, product), whose columns are real and imaginary parts in turns."""
    for modes in mode_pieces(medium, X.shape[1], n):
        chosen = range(start + modes.start, start + modes.stop)
        columns = medium.columns_like(X, chosen, seed)
        bytes_per_row = 6 * numpy_dtype(X).itemsize * len(chosen)
        for rows in pieces(X.shape[0], working_rows(bytes_per_row)):
            deliver(rows, modes, X[rows, :] @ columns)


def multiply_arrays(medium, X, n, consume, start, seed):
    """``propagate`` of arrays of other libraries, on their device."""

    def deliver(rows, modes, product):
        consume(rows, modes, complex_of(product[:, ::2], product[:, 1::2]))

    _multiply_arrays(medium, X, n, start, seed, deliver)


def read_array_products(medium, X, kind, out, *, finish=None, seed=None):
    """`Medium.read` of arrays of other libraries, on their device."""
    n = out.shape[1]
    n_modes = n_modes_of(n, kind)
    medium.check(X.shape[1], n_modes)

    def deliver(rows, modes, product):
        outputs = outputs_of(modes, kind, n)
        if kind == "linear":
            piece = product[:, : outputs.stop - outputs.start] * math.sqrt(2)
        else:
            product = product * product
            piece = product[:, ::2] + product[:, 1::2]
        write_piece(out[rows, outputs], piece, outputs, finish)

    with backend_of(X).memory_explained():
        _multiply_arrays(medium, X, n_modes, 0, medium.glass_seed(seed), deliver)
