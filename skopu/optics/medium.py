"""Scattering media: the huge random complex matrix that light multiplies by."""

import numpy as np
import scipy.fft
import scipy.sparse
from scipy.sparse.linalg import LinearOperator
from sklearn.base import BaseEstimator

from .._arrays import (
    as_type,
    complex_of,
    empty,
    is_foreign,
    like,
    memory_explained,
    namespace,
    numpy_dtype,
    working_rows,
    zeros,
)
from ._glass import bit_generator, check_seed, circular_gaussian, phase_table, raw_bytes
from ._rows import check_count, check_rows, dense, n_threads, pieces, run_pieces

# Complex numbers that a piece of work holds at once: a few megabytes, which stays in
# the processor's cache and is long enough for Python threads not to wait on each other.
_PIECE = 3 * 2**17
_PIECE_ROWS = 32
_RUN = 2**16  # entries of a mask whose phasors are made at once, to stay in the cache
_BLOCK = 2**23  # entries of an explicit block of the transmission matrix: 64 or 128 MiB
_PRODUCT_PIECE = 2**19  # entries of a product with such a block that are read at once


class Medium(BaseEstimator):
    """What all media share; a medium of your own needs one method.

    ``_matrix_block(n_inputs, start, stop, dtype, seed)`` returns the transposed block
    of the transmission matrix, a C-contiguous array of shape (n_inputs, stop - start)
    and of the complex dtype asked for. Entries should have E|r|^2 = 1 and not depend on
    how modes are grouped into calls. The seed is the parameter ``random_state`` of the
    medium, if it has one and it is not None, else that of the device, else 0.
    """

    _GROUP = 1  # modes that are best made together

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
        return self._field(check_rows(X), check_count(n, "n"), check_count(start, "start", 0))

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
        self._check_fits(n_inputs, start + n)
        seed = self._seed()
        return self._matrix_block(n_inputs, start, start + n, np.complex128, seed).T.copy()

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
        self._check_fits(n_inputs, n)

        def matmat(columns):
            rows = np.asarray(columns).reshape(n_inputs, -1).T
            field = self.field(np.ascontiguousarray(rows.real, np.float64), n)
            if np.iscomplexobj(rows):
                field += 1j * self.field(np.ascontiguousarray(rows.imag, np.float64), n)
            return field.T

        def rmatmat(columns):
            rows = np.asarray(columns, np.complex128).reshape(n, -1).T
            return self._transpose(rows.conj(), n_inputs, self._seed()).conj().T

        return LinearOperator(
            shape=(n, n_inputs),
            dtype=np.complex128,
            matvec=lambda column: matmat(column).ravel(),
            rmatvec=lambda column: rmatmat(column).ravel(),
            matmat=matmat,
            rmatmat=rmatmat,
        )

    def _seed(self, default=None):
        """The medium's own seed; the device's, passed as default, where it has none."""
        seed = getattr(self, "random_state", None)
        seed = default if seed is None else seed
        return check_seed(seed, type(self).__name__)

    def _check_fits(self, n_inputs, n_modes):
        """Raise ValueError if the medium is smaller than that, or a parameter is wrong."""

    def block_size(self, n_inputs):
        """Number of neighbouring modes that are orthogonal to each other.

        Parameters
        ----------
        n_inputs : int
            Number of input modes.

        Returns
        -------
        block_size : int
            1 here: modes are independent.
        """
        return 1

    def _mean_power(self):
        """Mean of |r|^2 over the entries."""
        return 1.0

    def _stream(self, X, n, start, consume, seed=None):
        """Call consume(rows, modes, field) on pieces that cover the field of X.

        Pieces may come from several threads at once, in any order; the field handed
        over is scratch memory of the caller's to change. X comes from ``check_rows``; where
        it is an array of another library than NumPy, fields are too.
        """
        self._check_fits(X.shape[1], start + n)
        if is_foreign(X):
            with memory_explained():
                self._stream_arrays(X, n, start, consume, self._seed(seed))
        else:
            self._stream_threads(X, n, start, consume, self._seed(seed))

    def _stream_threads(self, X, n, start, consume, seed):
        """``_stream`` of NumPy's arrays and sparse matrices."""
        self._stream_products(X, n, start, consume, seed)

    def _stream_arrays(self, X, n, start, consume, seed):
        """``_stream`` of arrays of any library, on their device."""
        dtype = np.result_type(numpy_dtype(X), np.complex64)
        for modes in pieces(n, self._block_modes(X.shape[1])):
            low, high = start + modes.start, start + modes.stop
            block = self._matrix_block(X.shape[1], low, high, dtype, seed)
            real, imag = like(block.real, X), like(block.imag, X)
            for rows in pieces(X.shape[0], working_rows(4 * dtype.itemsize * block.shape[1])):
                light = X[rows, :]
                consume(rows, modes, complex_of(light @ real, light @ imag))

    def _field(self, X, n, start=0, seed=None):
        """All pieces of ``_stream`` in one array."""
        field = empty((X.shape[0], n), np.result_type(numpy_dtype(X), np.complex64), X)

        def keep(rows, modes, piece):
            field[rows, modes] = piece

        self._stream(X, n, start, keep, seed)
        return field

    def _stream_products(self, X, n, start, consume, seed):
        """``_stream`` by explicit blocks of the matrix and real matrix products."""
        n_rows, n_inputs = X.shape
        dtype = np.result_type(X.dtype, np.complex64)
        sparse = scipy.sparse.issparse(X)
        # Long inputs keep the BLAS busy enough with many rows of few modes, short ones not.
        piece_rows = min(max(n_inputs, 64), 512)
        piece_modes = _PRODUCT_PIECE // piece_rows
        scratch = np.empty(2 * piece_rows * min(n, piece_modes), X.dtype)
        for block_modes in pieces(n, self._block_modes(n_inputs)):
            low = block_modes.start
            block = self._matrix_block(n_inputs, start + low, start + block_modes.stop, dtype, seed)
            real_block = block.view(X.dtype)  # columns 2i, 2i + 1: real, imaginary part
            for modes in pieces(block_modes.stop - low, piece_modes):
                columns = real_block[:, 2 * modes.start : 2 * modes.stop]
                modes = slice(low + modes.start, low + modes.stop)
                if sparse:
                    columns = np.ascontiguousarray(columns)  # SciPy would at each product

                def multiply(rows, columns=columns, modes=modes):
                    if sparse:
                        field = X[rows] @ columns
                    else:
                        shape = rows.stop - rows.start, columns.shape[1]
                        field = scratch[: shape[0] * shape[1]].reshape(shape)
                        np.matmul(X[rows], columns, out=field)
                    consume(rows, modes, field.view(dtype))

                row_pieces = pieces(n_rows, piece_rows)
                if sparse:
                    run_pieces(multiply, row_pieces)
                else:  # the BLAS has threads of its own
                    for rows in row_pieces:
                        multiply(rows)

    def _block_modes(self, n_inputs):
        """Modes of an explicit block, whole groups of them."""
        return max(1, _BLOCK // (n_inputs * self._GROUP)) * self._GROUP

    def _transpose(self, Y, n_inputs, seed):
        """Y @ (matrix of the first Y.shape[1] modes), complex (n_rows, n_inputs)."""
        total = np.zeros((len(Y), n_inputs), np.complex128)
        for modes in pieces(Y.shape[1], self._block_modes(n_inputs)):
            block = self._matrix_block(n_inputs, modes.start, modes.stop, total.dtype, seed)
            total += Y[:, modes] @ block.T
        return total


class LayeredMedium(Medium):
    """Thin phase masks with Fourier propagation between them.

    Light meets a random mask, propagates to its far field, meets the next mask, and so
    on, ``n_layers`` times. The propagation is a fast Fourier transform, so the field of
    d inputs at n modes costs O((d + n) log d), and the matrix is never held: masks are
    drawn from the seed at each call.

    All masks but the last are shared; each block of ``block_size(n_inputs)`` modes has a
    last mask of its own, as if the camera looked at several regions. The matrix of a
    block is unitary up to its scale, over inputs padded to its size: the mean intensity of
    a block is exactly the power that goes in, and modes are orthogonal where the inputs
    fill it.

    Parameters
    ----------
    n_layers : int, default=3
        Number of masks. Three mix well enough for every data set that we measured. Two
        are cheaper; neighbouring modes are then shifts of one vector, good for
        kernels, wrong as random probes. One is a thin diffuser, whose speckle moves
        rigidly with its light ("memory effect").
    random_state : int, default=None
        Seed that names the piece of glass. None means 0 for a medium used on its own,
        and the device's seed inside an `OPU`.

    Notes
    -----
    Inputs are padded with dark ones to 1024 at least: short blocks are far from
    Gaussian however many there are. Blocks of more than 16384 modes propagate in two
    dimensions, on a grid as square as can be.

    The first mask flips signs, the others shift phases by multiples of 2 pi / 256. Modes
    of a block lie on a sphere instead of being independent, which changes moments by
    O(1 / block_size); `OpticalRandomFeatures` corrects them exactly.

    Where few modes or few inputs are asked for, the same block is multiplied as an
    explicit matrix if that is cheaper; results agree to rounding.

    References
    ----------
    .. [1] A. Saade et al., "Random projections through multiple optical scattering:
       approximating kernels at the speed of light", ICASSP 2016.
    .. [2] F. X. Yu et al., "Orthogonal random features",
        NIPS 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.optics import LayeredMedium
    >>> medium = LayeredMedium(random_state=0)
    >>> field = medium.field(np.ones((1, 784)), n=10_000)
    >>> field.shape, field.dtype
    ((1, 10000), dtype('complex128'))
    >>> few = medium.field(np.ones((1, 784)), n=10)  # modes are nested
    >>> bool(np.allclose(few, field[:, :10]))
    True
    """

    def __init__(self, n_layers=3, random_state=None):
        self.n_layers = n_layers
        self.random_state = random_state

    def block_size(self, n_inputs):
        """Number of output modes that share their masks.

        Parameters
        ----------
        n_inputs : int
            Number of input modes.

        Returns
        -------
        block_size : int
            The smallest k * 2^j that is at least 1024 and n_inputs, with k one of
            8, 9, 10, 12 and 15: lengths that transform fast.
        """
        length = max(check_count(n_inputs, "n_inputs"), 1024)
        power = 2 ** (length.bit_length() - 4)
        return next(k * power for k in (8, 9, 10, 12, 15, 16) if k * power >= length)

    def _check_fits(self, n_inputs, n_modes):
        check_count(self.n_layers, "n_layers")

    def _stream_threads(self, X, n, start, consume, seed):
        if _product_is_cheaper(X, n, start, self.block_size(X.shape[1]), self.n_layers):
            self._stream_products(X, n, start, consume, seed)
        else:
            self._stream_transforms(X, n, start, consume, seed)

    def _stream_transforms(self, X, n, start, consume, seed):
        n_rows, n_inputs = X.shape
        masks = _Masks(self, n_inputs, start, start + n, seed, X.dtype)
        size = masks.block_size
        threads = n_threads()
        piece_rows = min(_PIECE_ROWS, max(1, _PIECE // size), -(-n_rows // threads))
        row_pieces = pieces(n_rows, piece_rows)
        # Threads share rows; a single row is shared within its transforms.
        workers = threads if len(row_pieces) == 1 else 1
        piece_blocks = max(1, _PIECE // (piece_rows * size))

        def propagate(rows):
            light = masks.illuminate(dense(X[rows]), workers)
            for low in range(0, masks.n_blocks, piece_blocks):
                high = min(low + piece_blocks, masks.n_blocks)
                field = masks.exit(light, low, high, workers)
                first, last = masks.first_mode + low * size, masks.first_mode + high * size
                modes = slice(max(first, start) - start, min(last, start + n) - start)
                offset = start + modes.start - first
                consume(rows, modes, field[:, offset : offset + modes.stop - modes.start])

        run_pieces(propagate, row_pieces)

    def _stream_arrays(self, X, n, start, consume, seed):
        n_rows, n_inputs = X.shape
        masks = _Masks(self, n_inputs, start, start + n, seed, numpy_dtype(X))
        size = masks.block_size
        for blocks in pieces(masks.n_blocks, max(1, _BLOCK // size)):
            on_device = _ArrayMasks(masks, blocks, X)
            first, last = (
                masks.first_mode + blocks.start * size,
                masks.first_mode + blocks.stop * size,
            )
            modes = slice(max(first, start) - start, min(last, start + n) - start)
            offset = start + modes.start - first
            n_transforms = 2 + 2 * (blocks.stop - blocks.start)  # at work at once, and results
            bytes_per_row = n_transforms * size * masks.table.itemsize
            for rows in pieces(n_rows, working_rows(bytes_per_row)):
                field = on_device.field(X[rows, :])
                consume(rows, modes, field[:, offset : offset + modes.stop - modes.start])

    def _matrix_block(self, n_inputs, start, stop, dtype, seed):
        masks = _Masks(self, n_inputs, start, stop, seed, np.empty(0, dtype).real.dtype)
        n = stop - start
        # Light a transform for each input forwards, or one for each mode backwards.
        if n_inputs <= n:
            block = np.empty((n_inputs, n), dtype)

            def keep(rows, modes, piece):
                block[rows, modes] = piece

            inputs = scipy.sparse.identity(n_inputs, masks.dtype, format="csr")
            self._stream_transforms(inputs, n, start, keep, seed)
            return block
        block = np.empty((n, n_inputs), dtype)
        for modes in pieces(n, max(1, _PIECE // (masks.n_blocks * masks.block_size))):
            lit = np.zeros((modes.stop - modes.start, masks.n_blocks * masks.block_size), dtype)
            lit[:, start - masks.first_mode :][:, modes][np.diag_indices(len(lit))] = 1
            block[modes] = masks.transpose(lit, n_threads())
        return np.ascontiguousarray(block.T)

    def _transpose(self, Y, n_inputs, seed):
        masks = _Masks(self, n_inputs, 0, Y.shape[1], seed, np.float64)
        total = np.empty((len(Y), n_inputs), np.complex128)
        for rows in pieces(len(Y), max(1, _PIECE // (masks.n_blocks * masks.block_size))):
            lit = np.zeros((rows.stop - rows.start, masks.n_blocks * masks.block_size), complex)
            lit[:, : Y.shape[1]] = Y[rows]
            total[rows] = masks.transpose(lit, n_threads())
        return total


class _Masks:
    """The masks of one layered medium for the blocks that hold modes start to stop."""

    def __init__(self, medium, n_inputs, start, stop, seed, dtype):
        n_layers = medium.n_layers
        size = self.block_size = medium.block_size(n_inputs)
        self.n_inputs = n_inputs
        self.dtype = np.dtype(dtype)
        first_block, end_block = start // size, -(-stop // size)
        self.n_blocks = end_block - first_block
        self.first_mode = first_block * size
        power = 2 ** (size.bit_length() // 2)
        self.grid = (size,) if size <= 2**14 else (power, size // power)

        def bits(layer):
            return bit_generator(seed, "mask", layer)

        signs = np.unpackbits(raw_bytes(bits(0), -(-n_inputs // 8)), bitorder="little")
        self.signs = 1 - 2 * signs[:n_inputs].astype(dtype) if n_layers > 1 else None
        self.shared = [raw_bytes(bits(layer), size) for layer in range(1, n_layers - 1)]
        # One stream of phases runs through all blocks: 32 bytes to a step of Philox.
        last = bits(n_layers - 1).advance(self.first_mode // 32)
        self.last = raw_bytes(last, self.n_blocks * size).reshape(self.n_blocks, size)
        # Each propagation but the first keeps the power of the light.
        table = phase_table(8, np.result_type(dtype, np.complex64))
        self.table = table if n_layers == 1 else (table / np.sqrt(size)).astype(table.dtype)

    def _propagate(self, light, workers):
        """Fourier transform of each block-long run of light, in place if complex."""
        on_grid = light.reshape(*light.shape[:-1], *self.grid)
        axes = tuple(range(-len(self.grid), 0))
        far = scipy.fft.fftn(on_grid, axes=axes, overwrite_x=True, workers=workers)
        return far.reshape(light.shape)

    def illuminate(self, rows, workers):
        """Field of dense rows at the last mask, (n_rows, block_size)."""
        light = np.zeros((len(rows), self.block_size), self.dtype)
        if self.signs is None:
            light[:, : self.n_inputs] = rows
            return light
        np.multiply(rows, self.signs, out=light[:, : self.n_inputs])
        light = self._propagate(light, workers)
        for mask in self.shared:
            self._shift_phases(light, mask, out=light)
            light = self._propagate(light, workers)
        return light

    def exit(self, light, low, high, workers):
        """Field behind the last masks of blocks low to high, blocks side by side.

        If there is one block, light is scratch.
        """
        light = light[:, None, :]
        if self.n_blocks == 1 and light.dtype == self.table.dtype:
            field = light
        else:
            field = np.empty((len(light), high - low, self.block_size), self.table.dtype)
        self._shift_phases(light, self.last[low:high], out=field)
        return self._propagate(field, workers).reshape(len(light), -1)

    def _shift_phases(self, light, mask, out):
        for run in pieces(self.block_size, _RUN):
            np.multiply(light[..., run], self.table[mask[..., run]], out=out[..., run])

    def transpose(self, light, workers):
        """Send light (n_rows, n_blocks * block_size) backwards, (n_rows, n_inputs)."""
        light = light.reshape(len(light), self.n_blocks, self.block_size)
        light = self._propagate(light, workers)
        self._shift_phases(light, self.last, out=light)
        light = light.sum(axis=1)
        for mask in reversed(self.shared):
            light = self._propagate(light, workers)
            self._shift_phases(light, mask, out=light)
        if self.signs is None:
            return light[:, : self.n_inputs]
        light = self._propagate(light, workers)
        return light[:, : self.n_inputs] * self.signs


class _ArrayMasks:
    """Some blocks of masks on the device of an array, as phasors."""

    def __init__(self, masks, blocks, X):
        self.grid, self.n_inputs, self.block_size = masks.grid, masks.n_inputs, masks.block_size
        self.signs = None if masks.signs is None else like(masks.signs, X)
        self.dtype = masks.table.dtype
        table, xp = like(masks.table, X), namespace(X)

        def phasors(mask):  # of a mask that travels as bytes
            steps = as_type(like(mask.ravel(), X), np.int64)
            return xp.reshape(xp.take(table, steps, axis=0), mask.shape)

        self.shared = [phasors(mask) for mask in masks.shared]
        self.last = phasors(masks.last[blocks])

    def field(self, rows):
        """Field of the blocks, side by side."""
        light = zeros((rows.shape[0], self.block_size), self.dtype, rows)
        if self.signs is None:
            light[:, : self.n_inputs] = as_type(rows, self.dtype)
        else:
            light[:, : self.n_inputs] = as_type(rows * self.signs, self.dtype)
            light = self._propagate(light)
        for mask in self.shared:
            light *= mask
            light = self._propagate(light)
        field = self._propagate(light[:, None, :] * self.last)
        return namespace(rows).reshape(field, (rows.shape[0], -1))

    def _propagate(self, light):
        xp = namespace(light)
        on_grid = xp.reshape(light, (*light.shape[:-1], *self.grid))
        far = xp.fft.fftn(on_grid, axes=tuple(range(-len(self.grid), 0)))
        return xp.reshape(far, light.shape)


# Nanoseconds, measured in float32 on two cores of a 2023 server (AVX-512). Only their
# ratios matter, and the two ways meet at 50 inputs there.
_NS_TRANSFORM = 2.6  # mask, transform and read one mode of a block
_NS_PRODUCT = 0.027  # one complex multiply-add of a matrix product
_NS_SPARSE_PRODUCT = 0.25
_NS_WRITE = 1.6  # store and read one entry of a product


def _product_is_cheaper(X, n, start, size, n_layers):
    """Whether an explicit block, made and multiplied, beats transforms of every row."""
    n_rows, n_inputs = X.shape
    n_blocks = -(-(start + n) // size) - start // size
    transforms = n_rows * (n_blocks + n_layers - 1)
    making = min(n_inputs, n) * (n_blocks + n_layers - 1)
    if scipy.sparse.issparse(X):
        per_mode = _NS_SPARSE_PRODUCT * X.nnz
    else:
        per_mode = _NS_PRODUCT * n_rows * n_inputs
    products = n * (per_mode + _NS_WRITE * n_rows)
    return _NS_TRANSFORM * size * (transforms - making) > products


class GaussianMedium(Medium):
    """Independent circular complex Gaussian entries with E|r|^2 = 1.

    The textbook model of a thick scattering medium, and what the kernels and the bounds
    of randomized linear algebra assume. Its field costs O(d n), as a matrix product
    does, but the matrix is not held: blocks of 32 modes come from a counter-based
    generator whenever they are needed. The first modes are kept for the next call, up to
    128 MiB of them (10,000 modes of 784 inputs in double precision).

    Parameters
    ----------
    random_state : int, default=None
        Seed that names the piece of glass. None means 0 for a medium used on its own,
        and the device's seed inside an `OPU`.

    Notes
    -----
    Entries come by the polar method of Box and Muller with 65536 equiprobable
    amplitudes and phases: identical bits on every machine, amplitudes up to 3.4 times
    their rms.

    Examples
    --------
    >>> from skopu.optics import GaussianMedium
    >>> medium = GaussianMedium(random_state=0)
    >>> block = medium.transmission_matrix(n_inputs=300, n=200)
    >>> block.shape
    (200, 300)
    >>> round(float((abs(block) ** 2).mean()), 1)
    1.0
    """

    _GROUP = 32
    _KEPT_BYTES = 2**27

    def __init__(self, random_state=None):
        self.random_state = random_state

    def _matrix_block(self, n_inputs, start, stop, dtype, seed):
        wanted = (n_inputs, start, stop, np.dtype(dtype), seed)
        kept, block = getattr(self, "_kept", (None, None))
        if kept != wanted:
            block = self._make_block(*wanted)
            if start == 0 and block.nbytes <= self._KEPT_BYTES:
                self._kept = wanted, block
        return block

    def _make_block(self, n_inputs, start, stop, dtype, seed):
        block = np.empty((n_inputs, stop - start), dtype)

        def fill(group):
            # The groups' streams start 2**64 steps of the counter apart.
            bits = bit_generator(seed, "gaus").advance(group << 64)
            first = group * self._GROUP
            low, high = max(start, first), min(stop, first + self._GROUP)
            for inputs in pieces(n_inputs, 2**14):
                raw = raw_bytes(bits, 4 * (inputs.stop - inputs.start) * self._GROUP)
                entries = circular_gaussian(raw, dtype).reshape(-1, self._GROUP)
                block[inputs, low - start : high - start] = entries[:, low - first : high - first]

        run_pieces(fill, range(start // self._GROUP, -(-stop // self._GROUP)))
        return block

    def __getstate__(self):
        state = super().__getstate__().copy()
        state.pop("_kept", None)  # made again from the seed where it is unpickled
        return state
