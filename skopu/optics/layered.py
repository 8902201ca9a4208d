"""Thin phase masks with Fourier propagation between them: glass that is fast to compute."""

import functools

import numpy as np
import scipy.sparse

from .._utils.arrays import backend_of, numpy_dtype, working_rows
from .._utils.checks import check_count
from .._utils.threads import n_threads, pieces, run_pieces
from ._engines import engine_of
from ._masks import ArrayMasks, Masks
from ._products import BLOCK_ENTRIES, read_products
from ._scipy_transforms import NANOSECONDS, SciPyTransforms
from .device import n_modes_of, outputs_of, write_piece
from .medium import Medium

# Complex numbers that a piece of work holds at once: a few megabytes, which stays in
# the processor's cache and is long enough for Python threads not to wait on each other.
_PIECE = 3 * 2**17
_PIECE_ROWS = 32
_LEAST_PIECE = 2**17  # with several of them, while there are rows
_KEPT_ENTRIES = 2**20  # of the last small block of the matrix: 8 or 16 MiB


class LayeredMedium(Medium):
    """Thin phase masks with Fourier propagation between them.

    Light meets a random mask, propagates to its far field and meets the next mask,
    ``n_layers`` times [1]_. The propagation is a fast Fourier transform, so the field of
    d inputs at n modes costs O((d + n) log d). The matrix is never stored: masks are drawn from
    the seed at each call.

    All masks except the last are shared; each block of ``block_size(n_inputs)`` modes has its own
    last mask, as if the camera looked at several regions. Over inputs padded to its size, the
    matrix of a block is unitary up to a scale [2]_: the mean intensity of a block is exactly the
    power sent in, and modes are orthogonal if the inputs fill the block.

    Read more in the :doc:`user guide </user_guide/device>`.

    Parameters
    ----------
    n_layers : int, default=3
        Number of masks. Three mix well enough for every data set that we measured. Two are
        cheaper, but neighbouring modes are then shifts of one vector: good for kernels, wrong as
        random probes. One is a thin diffuser, whose speckle moves rigidly with the light ("memory
        effect").
    random_state : int, default=None
        Seed that names the piece of glass. None means 0 for a medium used on its own,
        and the device's seed inside an `OPU`.

    See Also
    --------
    GaussianMedium : Independent entries, at the cost of a matrix product.
    MeasuredMedium : The transmission matrix of real glass.
    OPU : The device that a medium belongs to.
    sklearn.random_projection.GaussianRandomProjection : Real projections by a stored matrix.

    Notes
    -----
    Inputs are padded with dark ones to at least 1024: short blocks are far from Gaussian, however
    many there are. Blocks of more than 16384 modes propagate in two dimensions, on a grid as nearly
    square as possible.

    The first mask flips signs, the others shift phases by multiples of 2 pi / 256. Modes of
    a block are not independent but lie on a sphere, which changes moments by O(1 / block_size);
    `OpticalRandomFeatures` corrects them exactly.

    For few modes or few inputs, the same block is multiplied as an explicit matrix if that is
    cheaper; results agree to rounding.

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
        """Number of output modes that share all masks.

        Parameters
        ----------
        n_inputs : int
            Number of input modes.

        Returns
        -------
        block_size : int
            The smallest k * 2^j that is at least 1024 and n_inputs, with k one of
            8, 9, 10, 12 and 15: lengths with a fast transform.
        """
        length = max(check_count(n_inputs, "n_inputs"), 1024)
        power = 2 ** (length.bit_length() - 4)
        return next(k * power for k in (8, 9, 10, 12, 15, 16) if k * power >= length)

    def check(self, n_inputs, n_modes):
        """Check ``n_layers``; the number of inputs and modes is unlimited.

        Parameters
        ----------
        n_inputs : int
            Number of input modes used.
        n_modes : int
            Number of output modes read.

        Raises
        ------
        ValueError
            If ``n_layers`` is not a positive integer.
        """
        check_count(self.n_layers, "n_layers")

    def propagate(self, X, n, consume, *, start=0, seed=None):
        """Send rows through the masks, or multiply explicitly if that is cheaper.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs)
            Checked rows of float32 or float64, or an array of another library.
        n : int
            Number of output modes.
        consume : callable
            Called as ``consume(rows, modes, field)``, see `Medium.propagate`.
        start : int, default=0
            First output mode.
        seed : int, default=None
            Seed of the device, used if the medium has none.
        """
        self.check(X.shape[1], start + n)
        backend, modes = backend_of(X), range(start, start + n)
        if _product_is_cheaper(self, X, modes):
            super().propagate(X, n, consume, start=start, seed=seed)
            return
        masks = Masks(self, X.shape[1], modes, self.glass_seed(seed), X)
        with backend.memory_explained():
            if not backend.is_numpy:
                _transform_arrays(masks, X, modes, consume)
                return

            def deliver(rows, columns, engine, *light):
                consume(rows, columns, engine.field(*light))

            _transform(self, masks, X, modes, deliver)

    def read(self, X, kind, out, *, finish=None, seed=None):
        """Send rows through the masks and write what an ideal camera reads.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs)
            Checked rows of float32 or float64, or an array of another library.
        kind : {"intensity", "linear"}
            Which readings: ``|field|^2``, or sqrt(2) times its real and imaginary parts.
        out : ndarray of shape (n_samples, n)
            Array to write to, of the dtype of X.
        finish : callable, default=None
            ``finish(piece, outputs)``, see `Medium.read`.
        seed : int, default=None
            Seed of the device, used if the medium has none.
        """
        n = out.shape[1]
        modes = range(n_modes_of(n, kind))
        self.check(X.shape[1], len(modes))
        if _product_is_cheaper(self, X, modes):
            read_products(self, X, kind, out, finish=finish, seed=seed)
            return
        if not backend_of(X).is_numpy:
            super().read(X, kind, out, finish=finish, seed=seed)
            return

        def deliver(rows, columns, engine, light, blocks, inside, workers):
            outputs = outputs_of(columns, kind, n)
            view = out[rows, outputs]
            engine.read(light, blocks, inside, kind, view, workers)
            write_piece(view, view, outputs, finish)

        masks = Masks(self, X.shape[1], modes, self.glass_seed(seed), X)
        _transform(self, masks, X, modes, deliver)

    def matrix_block(self, n_inputs, inputs, modes, *, dtype, seed):
        """Block of the transposed matrix, from light of single inputs or single modes.

        Parameters
        ----------
        n_inputs : int
            Number of inputs of the whole matrix.
        inputs : slice
            The chosen inputs.
        modes : range
            The output modes.
        dtype : dtype
            complex64 or complex128.
        seed : int
            Seed that names the glass.

        Returns
        -------
        block : ndarray of shape (n_chosen_inputs, n_chosen_modes)
            A contiguous array.
        """
        few = (inputs.stop - inputs.start) * len(modes) <= _KEPT_ENTRIES
        if few and type(self) is LayeredMedium:  # a subclass may have other masks
            glass = self.n_layers, n_inputs, inputs.start, inputs.stop, modes, np.dtype(dtype), seed
            return _kept_block(*glass)
        return self._new_block(n_inputs, inputs, modes, dtype, seed)

    def _new_block(self, n_inputs, inputs, modes, dtype, seed):
        masks = Masks(self, n_inputs, modes, seed, np.empty(0, dtype).real)
        # Light a transform for each input forwards, or one for each mode backwards.
        if inputs.stop - inputs.start <= len(modes):
            lit = scipy.sparse.identity(n_inputs, masks.dtype, format="csr")[inputs]
            block = np.empty((lit.shape[0], len(modes)), dtype)

            def keep(rows, columns, engine, *light):
                block[rows, columns] = engine.field(*light)

            _transform(self, masks, lit, modes, keep)
            return block
        block = np.empty((len(modes), inputs.stop - inputs.start), dtype)
        for rows in _row_pieces_back(masks, len(modes)):
            lit = np.zeros((rows.stop - rows.start, masks.n_modes), dtype)
            lit[:, modes.start - masks.first_mode :][:, rows][np.diag_indices(len(lit))] = 1
            block[rows] = SciPyTransforms(masks).back(lit, n_threads())[:, inputs]
        return np.ascontiguousarray(block.T)

    def propagate_back(self, Y, n_inputs, *, seed=None):
        """Send light backwards through the masks.

        Parameters
        ----------
        Y : array of shape (n_samples, n_modes), complex64 or complex128
            Amplitudes at the first n_modes output modes, of NumPy or of another library.
        n_inputs : int
            Number of input modes.
        seed : int, default=None
            Seed of the device, used if the medium has none.

        Returns
        -------
        field : array of shape (n_samples, n_inputs)
            ``Y @ transmission_matrix(n_inputs, n_modes)``, of the library and dtype of Y.
        """
        backend, dtype, modes = backend_of(Y), numpy_dtype(Y), range(Y.shape[1])
        masks = Masks(self, n_inputs, modes, self.glass_seed(seed), np.empty(0, dtype).real)
        total = backend.zeros((Y.shape[0], n_inputs), dtype)
        if not backend.is_numpy:
            with backend.memory_explained():
                _transform_arrays_back(masks, Y, modes, total)
            return total
        for rows in _row_pieces_back(masks, len(Y)):
            lit = np.zeros((rows.stop - rows.start, masks.n_modes), dtype)
            lit[:, : Y.shape[1]] = Y[rows]
            total[rows] = SciPyTransforms(masks).back(lit, n_threads())
        return total


@functools.lru_cache(maxsize=1)
def _kept_block(n_layers, n_inputs, start, stop, modes, dtype, seed):
    """A small block, which takes as long to make as to multiply, kept for the next call."""
    block = LayeredMedium(n_layers)._new_block(n_inputs, slice(start, stop), modes, dtype, seed)
    block.flags.writeable = False
    return block


def _row_pieces_back(masks, n_rows):
    return pieces(n_rows, max(1, _PIECE // masks.n_modes))


def _transform(medium, masks, X, modes, deliver):
    """Propagation of NumPy's rows by transforms; threads share rows.

    Called for each piece as ``deliver(rows, columns, engine, *light)``; ``engine.field(*light)`` is
    its field.
    """
    n_rows, size = X.shape[0], masks.block_size
    engine = engine_of(medium, n_rows, masks.n_modes, masks.dtype)(masks)
    threads = n_threads()
    enough_rows = max(_PIECE_ROWS, _LEAST_PIECE // (masks.n_blocks * size))
    piece_rows = min(enough_rows, max(1, _PIECE // size), -(-n_rows // threads))
    row_pieces = pieces(n_rows, piece_rows)
    # A single row is shared within its transforms.
    workers = threads if len(row_pieces) == 1 else 1
    block_pieces = pieces(masks.n_blocks, max(1, _PIECE // (piece_rows * size)))

    def propagate(rows):
        part = X[rows]
        light = engine.illuminate(part.toarray() if scipy.sparse.issparse(part) else part, workers)
        for blocks in block_pieces:
            columns, inside = masks.cut(blocks, modes)
            deliver(rows, columns, engine, light, blocks, inside, workers)

    run_pieces(propagate, row_pieces)


def _transform_arrays(masks, X, modes, consume):
    """Propagation of rows of another library's by transforms on their device."""
    for blocks in pieces(masks.n_blocks, max(1, BLOCK_ENTRIES // masks.block_size)):
        on_device = ArrayMasks(masks, blocks, X)
        columns, inside = masks.cut(blocks, modes)
        n_transforms = 2 + 2 * (blocks.stop - blocks.start)  # at work at once, and results
        bytes_per_row = n_transforms * masks.block_size * masks.table.itemsize
        for rows in pieces(X.shape[0], working_rows(bytes_per_row)):
            consume(rows, columns, on_device.field(X[rows, :])[:, inside])


def _transform_arrays_back(masks, Y, modes, total):
    """Add to total what comes of another library's rows by transforms backwards."""
    backend, dtype, size = backend_of(Y), numpy_dtype(Y), masks.block_size
    for blocks in pieces(masks.n_blocks, max(1, BLOCK_ENTRIES // size)):
        on_device = ArrayMasks(masks, blocks, Y)
        columns, inside = masks.cut(blocks, modes)
        n_blocks = blocks.stop - blocks.start
        for rows in pieces(Y.shape[0], working_rows(3 * n_blocks * size * masks.table.itemsize)):
            light = backend.zeros((rows.stop - rows.start, n_blocks * size), dtype)
            light[:, inside] = Y[rows, columns]
            total[rows, :] += on_device.back(light)


# As `NANOSECONDS`; only their ratios matter.
_NS_PRODUCT = 0.05  # one complex multiply-add of a matrix product
_NS_SPARSE_PRODUCT = 0.5
_NS_READ = 0.5  # one entry of a product


def _product_is_cheaper(medium, X, modes):
    """Whether an explicit block, made and multiplied, beats transforms of every row."""
    if not backend_of(X).is_numpy:
        return False
    n_rows, n_inputs = X.shape
    n, size = len(modes), medium.block_size(n_inputs)
    n_blocks = -(-modes.stop // size) - modes.start // size
    per_row = (n_blocks + medium.n_layers - 1) * size
    transformed = n_rows * per_row
    if n_inputs * n > _KEPT_ENTRIES:  # the block is made for this call alone
        transformed -= min(n_inputs, n) * per_row
    if scipy.sparse.issparse(X):
        product = n * (_NS_SPARSE_PRODUCT * X.nnz + _NS_READ * n_rows)
    else:
        product = n * n_rows * (_NS_PRODUCT * n_inputs + _NS_READ)
    if min(NANOSECONDS.values()) * transformed > product:
        return True  # whichever engine there is, which then need not be loaded
    if max(NANOSECONDS.values()) * transformed < product:
        return False
    engine = engine_of(medium, n_rows, n_blocks * size, X.dtype)
    return engine.nanoseconds * transformed > product
