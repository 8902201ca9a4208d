"""What a scattering medium must offer."""

import numpy as np
from scipy.sparse.linalg import LinearOperator
from sklearn.base import BaseEstimator

from .._utils.arrays import backend_of, numpy_dtype
from .._utils.checks import check_count, check_rows, check_seed
from ._products import (
    block_of,
    columns_like,
    input_pieces,
    mode_pieces,
    multiply_arrays,
    multiply_fields,
    read_array_products,
    read_fields,
    read_products,
)


class Medium(BaseEstimator):
    """The huge random complex matrix that light multiplies by; the base class of all media.

    A medium of your own needs one method, `matrix_block`. The other methods have defaults that
    use it; override `propagate` where light can be propagated faster than by explicit blocks,
    `read` where readings are to be had with no field, and `block_size`, `mean_power`,
    `mean_intensity` and `check` where modes are not independent, entries have another mean power
    or depend on each other, or the medium has an end.

    Attributes
    ----------
    modes_per_group : int
        Modes that are best made together, 1 unless a medium says otherwise.
    is_coherent : bool
        Whether an intensity is the squared modulus of one field, as it is unless a medium says
        otherwise.

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
    is_coherent = True

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

    def mode_spacing(self, n_inputs):
        """Distance from which on modes are independent of each other.

        Parameters
        ----------
        n_inputs : int
            Number of input modes.

        Returns
        -------
        spacing : int
            `block_size` unless a medium says otherwise.
        """
        return self.block_size(n_inputs)

    def mean_power(self):
        """Mean squared modulus of the entries of the matrix.

        Returns
        -------
        mean_power : float
            1 unless a medium says otherwise.
        """
        return 1.0

    def mean_intensity(self, X):
        """Intensity that rows make in the mean over modes, for which a camera is exposed.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs)
            Checked rows of float32 or float64, or an array of another library.

        Returns
        -------
        mean_intensity : ndarray of shape (n_samples,)
            `mean_power` times ``||x||^2`` unless a medium says otherwise.
        """
        return self.mean_power() * backend_of(X).row_squares(X)

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
                multiply_fields(self, X, n, consume, start, seed)
            else:
                multiply_arrays(self, X, n, consume, start, seed)

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
        if type(self).propagate is not Medium.propagate:
            read_fields(self.propagate, X, mode, out, finish, seed)
        elif backend_of(X).is_numpy:
            read_products(self, X, mode, out, finish=finish, seed=seed)
        else:
            read_array_products(self, X, mode, out, finish=finish, seed=seed)

    def columns_like(self, X, modes, seed):
        """Block of the transposed matrix for all inputs, on the device of rows that it multiplies.

        Parameters
        ----------
        X : array of shape (n_samples, n_inputs)
            Rows of another library than NumPy.
        modes : range
            Which output modes.
        seed : int
            Names the glass.

        Returns
        -------
        columns : array of shape (n_inputs, 2 * n_chosen_modes)
            Of the library and dtype of X: real and imaginary parts in turns.
        """
        return columns_like(self, X, modes, seed)

    def propagate_back(self, Y, n_inputs, *, seed=None):
        """Multiply by the matrix from the left: light that enters at the camera's side.

        Parameters
        ----------
        Y : array of shape (n_samples, n_modes), complex64 or complex128
            Amplitudes at the first n_modes output modes, of NumPy or of another library.
        n_inputs : int
            Number of input modes.
        seed : int, default=None
            The device's; of use where the medium has none of its own.

        Returns
        -------
        field : array of shape (n_samples, n_inputs)
            ``Y @ transmission_matrix(n_inputs, n_modes)``, of the library and dtype of Y.
        """
        backend, dtype, seed = backend_of(Y), numpy_dtype(Y), self.glass_seed(seed)
        total = backend.zeros((Y.shape[0], n_inputs), dtype)
        for inputs in input_pieces(self, n_inputs):
            for modes in mode_pieces(self, inputs.stop - inputs.start, Y.shape[1]):
                chosen = range(modes.start, modes.stop)
                block = block_of(self, n_inputs, inputs, chosen, dtype=dtype, seed=seed)
                total[:, inputs] += Y[:, modes] @ backend.asarray(block.T)
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
        return block_of(self, n_inputs, slice(0, n_inputs), modes, **options).T.copy()

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


def whole_field(medium, X, n, *, start=0, seed=None):
    """All pieces of ``medium.propagate`` in one array."""
    field = backend_of(X).empty((X.shape[0], n), np.result_type(numpy_dtype(X), np.complex64))

    def keep(rows, modes, piece):
        field[rows, modes] = piece

    medium.propagate(X, n, keep, start=start, seed=seed)
    return field
