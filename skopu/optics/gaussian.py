"""Independent Gaussian entries: the textbook's glass."""

import numpy as np

from .._utils.arrays import numpy_dtype, place
from .._utils.streams import bit_generator, circular_gaussian, raw_bytes
from .._utils.threads import pieces, run_pieces
from .medium import Medium


class GaussianMedium(Medium):
    """Independent circular complex Gaussian entries with E|r|^2 = 1.

    The textbook model of a thick scattering medium, assumed by the kernels and by the bounds of
    randomized linear algebra. A field costs O(d n), like a matrix product, but the matrix is not
    stored: a counter-based generator draws blocks of 32 modes when needed. The first modes are
    kept for the next call, up to 128 MiB (10,000 modes of 784 inputs in double precision).

    Read more in the :doc:`user guide </user_guide/device>`.

    Parameters
    ----------
    random_state : int, default=None
        Seed that names the piece of glass. None means 0 for a medium used on its own,
        and the device's seed inside an `OPU`.

    See Also
    --------
    LayeredMedium : Glass that is faster to compute.
    MeasuredMedium : The transmission matrix of real glass.
    OPU : The device that a medium belongs to.

    Notes
    -----
    Entries are drawn by the Box-Muller method with 65536 equally probable amplitudes and phases:
    identical bits on every machine, amplitudes up to 3.4 times their rms.

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

    modes_per_group = 32
    _KEPT_BYTES = 2**27

    def __init__(self, random_state=None):
        self.random_state = random_state

    def matrix_block(self, n_inputs, inputs, modes, *, dtype, seed):
        """Block of the transposed matrix, drawn from the seed or kept from the last call.

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
            A read-only array with contiguous rows.
        """
        glass = n_inputs, np.dtype(dtype), seed
        kept_glass, kept = getattr(self, "_kept", (None, None))
        if kept_glass == glass and modes.stop <= kept.shape[1]:
            return kept[inputs, modes.start : modes.stop]
        block = self._draw(inputs, modes, dtype, seed)
        block.flags.writeable = False
        if modes.start == 0 and len(block) == n_inputs and block.nbytes <= self._KEPT_BYTES:
            self._kept = glass, block
        return block

    def columns_like(self, X, modes, seed):
        """Block of the transposed matrix for all inputs, kept where it was last used.

        Parameters
        ----------
        X, modes, seed
            See `Medium.columns_like`.

        Returns
        -------
        columns : array of shape (n_inputs, 2 * n_chosen_modes)
            The same array for the same arguments.
        """
        dtype = numpy_dtype(X)
        block = place(X), X.shape[1], modes, dtype, seed
        kept_block, kept = getattr(self, "_kept_columns", (None, None))
        if kept_block == block:
            return kept
        columns = super().columns_like(X, modes, seed)
        if 2 * X.shape[1] * len(modes) * dtype.itemsize <= self._KEPT_BYTES:
            self._kept_columns = block, columns
        return columns

    def _draw(self, inputs, modes, dtype, seed):
        group_size = self.modes_per_group
        block = np.empty((inputs.stop - inputs.start, len(modes)), dtype)

        def fill(group):
            # The groups' streams start 2**64 steps of the counter apart. A step is 32 bytes,
            # and an input takes 4 bytes for each mode of the group.
            steps = inputs.start * 4 * group_size // 32
            bits = bit_generator(seed, "gaus").advance((group << 64) + steps)
            first = group * group_size
            low, high = max(modes.start, first), min(modes.stop, first + group_size)
            columns = slice(low - modes.start, high - modes.start)
            for rows in pieces(len(block), 2**14):
                raw = raw_bytes(bits, 4 * (rows.stop - rows.start) * group_size)
                entries = circular_gaussian(raw, dtype).reshape(-1, group_size)
                block[rows, columns] = entries[:, low - first : high - first]

        run_pieces(fill, range(modes.start // group_size, -(-modes.stop // group_size)))
        return block

    def __getstate__(self):
        state = super().__getstate__().copy()
        for kept in ("_kept", "_kept_columns"):  # made again from the seed where it is unpickled
            state.pop(kept, None)
        return state
