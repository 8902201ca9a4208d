"""What a scattering medium must offer, and how light is multiplied by blocks of its matrix."""

import contextlib
import functools
import math

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import LinearOperator
from sklearn.base import BaseEstimator

from .._utils.arrays import backend_of, complex_of, numpy_dtype, working_rows
from .._utils.checks import check_count, check_returned, check_rows, check_seed
from .._utils.scratch import Scratch
from .._utils.threads import pieces, product_threads, run_pieces
from .device import n_modes_of, outputs_of, write_piece

BLOCK_ENTRIES = 2**23  # of an explicit block of the transmission matrix: 64 or 128 MiB
# Modes of some rows that are multiplied and read at once, and how many of one row.
_PRODUCT_PIECE, _PRODUCT_MODES = 2**18, 2**11
_FEW_OUTPUTS = 2**20  # of a product, read sooner than threads have started


class Medium(BaseEstimator):
    """The huge random complex matrix that light multiplies by; the base class of all media.

    A medium of your own needs one method, `matrix_block`. The other methods have defaults that
    use it; override `propagate` where light can be propagated faster than by explicit blocks,
    `read` where its intensity is to be had with no field,
    and `block_size`, `mean_power` and `check` where modes are not independent, entries have
    another mean power, or the medium has an end.

    Attributes
    ----------
    modes_per_group : int
        Modes that are best made together, 1 unless a medium says otherwise.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.optics import Medium
    >>> class Flat(Medium):
    ...     "Entries of modulus 1 and random phase."
    ...
    ...     def matrix_block(self, n_inputs, inputs, modes, *, dtype, seed):
    ...         generators = (np.random.default_rng([seed, mode]) for mode in modes)
    ...         turns = np.column_stack([rng.random(n_inputs)[inputs] for rng in generators])
    ...         return np.exp(2j * np.pi * turns).astype(dtype)
    >>> Flat().field(np.ones((3, 20)), n=5).shape
    (3, 5)
    """

    modes_per_group = 1

    def matrix_block(self, n_inputs, inputs, modes, *, dtype, seed):
        """Block of the transposed matrix; the one method that a medium of your own needs.

        Parameters
        ----------
        n_inputs : int
            Number of inputs of the whole matrix.
        inputs : slice
            Which of them, with start and stop.
        modes : range
            Which output modes.
        dtype : dtype
            complex64 or complex128.
        seed : int
            Names the glass: the medium's own seed, or that of its device.

        Returns
        -------
        block : ndarray of shape (n_chosen_inputs, n_chosen_modes)
            Of that dtype, or it is converted. It is not written to. An entry must be the same
            in whatever block it is asked for: draw each mode from a generator of its own,
            seeded by ``[seed, mode]``. What the estimators promise holds for entries that are
            independent, with mean 0, random phase and E|r|^2 = `mean_power`.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method matrix_block.")

    def block_size(self, n_inputs):
        """Number of neighbouring modes that are orthogonal to each other.

        Parameters
        ----------
        n_inputs : int
            Number of input modes.

        Returns
        -------
        block_size : int
            1 unless a medium says otherwise: modes are independent.
        """
        return 1

    def mean_power(self):
        """Mean squared modulus of the entries of the matrix.

        Returns
        -------
        mean_power : float
            1 unless a medium says otherwise.
        """
        return 1.0

    def check(self, n_inputs, n_modes):
        """Check parameters, and that the medium is large enough.

        Parameters
        ----------
        n_inputs : int
            Number of input modes that are to be lit.
        n_modes : int
            Number of output modes that are to be read.

        Raises
        ------
        ValueError
            If a parameter is wrong, or the medium has fewer inputs or modes.
        """

    def glass_seed(self, default=None):
        """Seed that names the glass.

        Parameters
        ----------
        default : int, default=None
            Seed of the device that the medium is part of.

        Returns
        -------
        seed : int
            The medium's ``random_state``; the default where it has none, or 0.
        """
        seed = getattr(self, "random_state", None)
        return check_seed(default if seed is None else seed, type(self).__name__)

    def propagate(self, X, n, consume, *, start=0, seed=None):
        """Send rows through the medium, and hand over their field piece by piece.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs)
            Checked rows of float32 or float64, or an array of another library.
        n : int
            Number of output modes.
        consume : callable
            Called as ``consume(rows, modes, field)`` with pieces that cover the field, where
            rows and modes are slices (modes from 0 to n), in any order, and from several
            threads at once. The field is scratch memory that it may change.
        start : int, default=0
            First output mode.
        seed : int, default=None
            The device's; of use where the medium has none of its own.
        """
        self.check(X.shape[1], start + n)
        backend, seed = backend_of(X), self.glass_seed(seed)
        with backend.memory_explained():
            if backend.is_numpy:
                _multiply_fields(self, X, n, consume, start, seed)
            else:
                _multiply_arrays(self, X, n, consume, start, seed)

    def read(self, X, mode, out, *, finish=None, seed=None):
        """Send rows through the medium, and write what an ideal camera reads of them.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs)
            Checked rows of float32 or float64, or an array of another library.
        mode : {"intensity", "linear"}
            Which readings: ``|field|^2``, or sqrt(2) times its real and imaginary parts.
        out : ndarray of shape (n_samples, n)
            Where to write, of the dtype of X.
        finish : callable, default=None
            ``finish(piece, outputs)`` returns what is to be made of a piece of the readings,
            see `Device.project`.
        seed : int, default=None
            The device's; of use where the medium has none of its own.
        """
        own_way = type(self).propagate is not Medium.propagate
        if own_way or not backend_of(X).is_numpy:
            _read_fields(self.propagate, X, mode, out, finish, seed)
        else:
            read_products(self, X, mode, out, finish=finish, seed=seed)

    def propagate_back(self, Y, n_inputs):
        """Multiply by the matrix from the left: light that enters at the camera's side.

        Parameters
        ----------
        Y : ndarray of shape (n_samples, n_modes), complex128
            Amplitudes at the first n_modes output modes.
        n_inputs : int
            Number of input modes.

        Returns
        -------
        field : ndarray of shape (n_samples, n_inputs), complex128
            ``Y @ transmission_matrix(n_inputs, n_modes)``.
        """
        total, seed = np.zeros((len(Y), n_inputs), np.complex128), self.glass_seed()
        for inputs in _input_pieces(self, n_inputs):
            for modes in _mode_pieces(self, inputs.stop - inputs.start, Y.shape[1]):
                chosen = range(modes.start, modes.stop)
                options = {"dtype": total.dtype, "seed": seed}
                block = _block(self, n_inputs, inputs, chosen, **options)
                total[:, inputs] += Y[:, modes] @ block.T
        return total

    def field(self, X, n, start=0):
        """Complex field of each sample at output modes start to start + n.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_inputs)
            Real amplitudes of the incoming light, one sample a row.
        n : int
            Number of output modes.
        start : int, default=0
            First output mode.

        Returns
        -------
        field : ndarray of shape (n_samples, n), complex64 or complex128
            ``X @ transmission_matrix(n_inputs, n, start).T``; complex64 if X is
            float32, else complex128.

        Raises
        ------
        ValueError
            If X is not a finite real 2-d array with at least one row and column, or the
            medium has fewer inputs or modes than asked for.
        """
        X, start = check_rows(X), check_count(start, "start", 0)
        return whole_field(self, X, check_count(n, "n"), start=start)

    def transmission_matrix(self, n_inputs, n, start=0):
        """Explicit block of the matrix that the medium stands for.

        Parameters
        ----------
        n_inputs : int
            Number of input modes (columns).
        n : int
            Number of output modes (rows).
        start : int, default=0
            First output mode.

        Returns
        -------
        block : ndarray of shape (n, n_inputs), complex128
            Row i holds the response of output mode start + i.
        """
        n_inputs, n = check_count(n_inputs, "n_inputs"), check_count(n, "n")
        start = check_count(start, "start", 0)
        self.check(n_inputs, start + n)
        modes, options = (
            range(start, start + n),
            {"dtype": np.complex128, "seed": self.glass_seed()},
        )
        return _block(self, n_inputs, slice(0, n_inputs), modes, **options).T.copy()

    def as_linear_operator(self, n_inputs, n):
        """The first n output modes as a SciPy operator, with its adjoint.

        Parameters
        ----------
        n_inputs : int
            Number of input modes.
        n : int
            Number of output modes.

        Returns
        -------
        operator : scipy.sparse.linalg.LinearOperator of shape (n, n_inputs)
            Multiplies real or complex vectors and matrices; dtype complex128.
        """
        n_inputs, n = check_count(n_inputs, "n_inputs"), check_count(n, "n")
        self.check(n_inputs, n)

        def matmat(columns):
            rows = np.asarray(columns).reshape(n_inputs, -1).T
            field = self.field(np.ascontiguousarray(rows.real, np.float64), n)
            if np.iscomplexobj(rows):
                field += 1j * self.field(np.ascontiguousarray(rows.imag, np.float64), n)
            return field.T

        def rmatmat(columns):
            rows = np.asarray(columns, np.complex128).reshape(n, -1).T
            return self.propagate_back(rows.conj(), n_inputs).conj().T

        return LinearOperator(
            shape=(n, n_inputs),
            dtype=np.complex128,
            matvec=lambda column: matmat(column).ravel(),
            rmatvec=lambda column: rmatmat(column).ravel(),
            matmat=matmat,
            rmatmat=rmatmat,
        )


def _block(medium, n_inputs, inputs, modes, *, dtype, seed):
    """What ``medium.matrix_block`` returns, checked, contiguous and of that dtype."""
    block = medium.matrix_block(n_inputs, inputs, modes, dtype=dtype, seed=seed)
    shape = inputs.stop - inputs.start, len(modes)
    advice = " A row is an input, a column a mode."
    who = f"{type(medium).__name__}.matrix_block"
    return np.ascontiguousarray(check_returned(block, shape, who, advice, "biufc"), dtype)


def whole_field(medium, X, n, *, start=0, seed=None):
    """All pieces of ``medium.propagate`` in one array."""
    field = backend_of(X).empty((X.shape[0], n), np.result_type(numpy_dtype(X), np.complex64))

    def keep(rows, modes, piece):
        field[rows, modes] = piece

    medium.propagate(X, n, keep, start=start, seed=seed)
    return field


def _input_pieces(medium, n_inputs):
    """Slices of inputs of which a block can be held with a whole group of modes."""
    return pieces(n_inputs, max(1, BLOCK_ENTRIES // medium.modes_per_group))


def _mode_pieces(medium, n_inputs, n):
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
        row_pieces = pieces(n_rows, _piece_rows(n_rows, n_outputs))
        run = stack.enter_context(product_threads()) if len(row_pieces) > 1 else map
        for block_modes in _mode_pieces(medium, n_inputs, n):
            low = block_modes.start
            chosen = range(start + low, start + block_modes.stop)
            block = _block(medium, n_inputs, slice(0, n_inputs), chosen, dtype=dtype, seed=seed)
            for modes in pieces(len(chosen), _PRODUCT_MODES):
                columns = prepare(block[:, modes])
                modes = slice(low + modes.start, low + modes.stop)

                def multiply(rows, columns=columns, modes=modes):
                    deliver(rows, modes, X[rows], columns)

                run_pieces(multiply, row_pieces, run)


def _piece_rows(n_rows, n_outputs):
    """Rows whose product is read at once: all of a few, or several pieces for each thread."""
    if n_rows * n_outputs < _FEW_OUTPUTS:
        return n_rows
    outputs = min(_PRODUCT_PIECE, n_rows * n_outputs // 8)
    return max(1, outputs // min(n_outputs, _PRODUCT_MODES))


def _parts_in_turns(block):
    """Real numbers of a block of complex ones: columns 2i, 2i + 1 are real and imaginary part."""
    return np.ascontiguousarray(block).view(block.real.dtype)


def _multiply_fields(medium, X, n, consume, start, seed):
    """``propagate`` of NumPy's arrays and sparse matrices, by real products with blocks."""
    input_pieces = _input_pieces(medium, X.shape[1])
    if len(input_pieces) > 1:
        _multiply_long_rows(medium, X, n, consume, start, seed, input_pieces)
        return

    def deliver(rows, modes, light, columns):
        consume(rows, modes, (light @ columns).view(np.result_type(X.dtype, np.complex64)))

    _multiply(medium, X, n, start, seed, _parts_in_turns, deliver)


def _read_fields(propagate, X, mode, out, finish, seed):
    """``read``, by way of the field."""
    n, backend = out.shape[1], backend_of(X)

    def keep(rows, modes, field):
        outputs = outputs_of(modes, mode, n)
        view = out[rows, outputs]
        write_piece(view, backend.read(mode, field, view), outputs, finish)

    propagate(X, n_modes_of(n, mode), keep, seed=seed)


def read_products(medium, X, mode, out, *, finish=None, seed=None):
    """`Medium.read` of NumPy's arrays and sparse matrices by real products with blocks."""
    n = out.shape[1]
    n_modes = n_modes_of(n, mode)
    medium.check(X.shape[1], n_modes)
    seed = medium.glass_seed(seed)
    if len(_input_pieces(medium, X.shape[1])) > 1:
        _read_fields(functools.partial(Medium.propagate, medium), X, mode, out, finish, seed)
        return
    multiply, read = _product(X.dtype), _read_linear if mode == "linear" else _read_intensity

    def deliver(rows, modes, light, columns):
        outputs = outputs_of(modes, mode, n)
        view = out[rows, outputs]
        read(multiply, light, columns, view)
        write_piece(view, view, outputs, finish)

    prepare = _parts_in_turns if mode == "linear" else _parts_side_by_side
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


def _multiply_long_rows(medium, X, n, consume, start, seed, input_pieces):
    """``_multiply`` of so many inputs that a block of them is made piece by piece."""
    n_rows, n_inputs = X.shape
    dtype = np.result_type(X.dtype, np.complex64)
    for rows in pieces(n_rows, BLOCK_ENTRIES // medium.modes_per_group):
        for modes in pieces(n, medium.modes_per_group):
            chosen = range(start + modes.start, start + modes.stop)
            field = np.zeros((rows.stop - rows.start, len(chosen)), dtype)
            for inputs in input_pieces:
                light = X[rows, inputs]
                if scipy.sparse.issparse(light) and light.nnz == 0:
                    continue
                block = _block(medium, n_inputs, inputs, chosen, dtype=dtype, seed=seed)
                field.view(X.dtype)[:] += light @ block.view(X.dtype)
            consume(rows, modes, field)


def _multiply_arrays(medium, X, n, consume, start, seed):
    """``propagate`` of arrays of other libraries, on their device."""
    backend, n_inputs = backend_of(X), X.shape[1]
    dtype = np.result_type(numpy_dtype(X), np.complex64)
    for modes in _mode_pieces(medium, n_inputs, n):
        chosen = range(start + modes.start, start + modes.stop)
        options = {"dtype": dtype, "seed": seed}
        block = _block(medium, n_inputs, slice(0, n_inputs), chosen, **options)
        real, imag = backend.asarray(block.real), backend.asarray(block.imag)
        for rows in pieces(X.shape[0], working_rows(4 * dtype.itemsize * len(chosen))):
            light = X[rows, :]
            consume(rows, modes, complex_of(light @ real, light @ imag))
