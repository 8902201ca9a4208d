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
    """Base class of scattering media: huge random complex matrices that light is multiplied by.

    A medium of your own needs one method, `matrix_block`. The other methods have defaults that use
    it. Override `propagate` if light can be propagated faster than by explicit blocks, `read` if
    readings need no field, `block_size` if modes are not independent, `mean_power` if entries have
    another mean power, `mean_intensity` if they depend on each other, and `check` if the medium has
    a limited size.

    Read more in the :doc:`user guide </user_guide/device>`.

    Attributes
    ----------
    modes_per_group : int
        Number of modes best computed together; 1 unless a medium overrides it.
    is_coherent : bool
        Whether an intensity is the squared modulus of one field; True unless a medium overrides it.
    is_steady : bool
        Whether a row always has the same field; True unless a medium overrides it.

    See Also
    --------
    skopu.LayeredMedium : Glass that is fast to compute.
    skopu.GaussianMedium : Glass of independent entries.
    skopu.MeasuredMedium : The transmission matrix of real glass.
    skopu.optics.flaws.FlawedMedium : Base class of flaws of a medium.

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
    is_steady = True

    def matrix_block(self, n_inputs, inputs, modes, *, dtype, seed):
        """Block of the transposed matrix; the one method that a medium of your own needs.

        Parameters
        ----------
        n_inputs : int
            Number of inputs of the whole matrix.
        inputs : slice
            The chosen inputs, with start and stop.
        modes : range
            The output modes.
        dtype : dtype
            complex64 or complex128.
        seed : int
            Seed that names the glass: the medium's own, or that of its device.

        Returns
        -------
        block : ndarray of shape (n_chosen_inputs, n_chosen_modes)
            Converted if of another dtype; not written to. An entry must be the same in whatever
            block it is requested: draw each mode from its own generator, seeded by
            ``[seed, mode]``. The guarantees of the estimators hold for independent entries with
            mean 0, random phase and E|r|^2 = `mean_power`.
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
            1 unless a medium overrides this: modes are independent.
        """
        return 1

    def mode_spacing(self, n_inputs):
        """Distance at which modes become independent of each other.

        Parameters
        ----------
        n_inputs : int
            Number of input modes.

        Returns
        -------
        spacing : int
            `block_size` unless a medium overrides this.
        """
        return self.block_size(n_inputs)

    def mean_power(self):
        """Mean squared modulus of the entries of the matrix.

        Returns
        -------
        mean_power : float
            1 unless a medium overrides this.
        """
        return 1.0

    def mean_intensity(self, X):
        """Mean intensity over modes that rows produce, which sets the exposure of a camera.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs)
            Checked rows of float32 or float64, or an array of another library.

        Returns
        -------
        mean_intensity : ndarray of shape (n_samples,)
            `mean_power` times ``||x||^2`` unless a medium overrides this.
        """
        return self.mean_power() * backend_of(X).row_squares(X)

    def check(self, n_inputs, n_modes):
        """Check all parameters and the size of the medium.

        Parameters
        ----------
        n_inputs : int
            Number of input modes used.
        n_modes : int
            Number of output modes read.

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
            The medium's ``random_state``; if it has none, the default, or 0.
        """
        seed = getattr(self, "random_state", None)
        return check_seed(default if seed is None else seed, type(self).__name__)

    def propagate(self, X, n, consume, *, start=0, seed=None):
        """Send rows through the medium and pass on their field piece by piece.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs)
            Checked rows of float32 or float64, or an array of another library.
        n : int
            Number of output modes.
        consume : callable
            Called as ``consume(rows, modes, field)`` with pieces that cover the field; rows and
            modes are slices (modes from 0 to n). Pieces come in any order and from several
            threads at once. It may overwrite the field, which holds only while it is called:
            copy what is to be kept.
        start : int, default=0
            First output mode.
        seed : int, default=None
            Seed of the device, used if the medium has none.
        """
        self.check(X.shape[1], start + n)
        backend, seed = backend_of(X), self.glass_seed(seed)
        with backend.memory_explained():
            if backend.is_numpy:
                multiply_fields(self, X, n, consume, start, seed)
            else:
                multiply_arrays(self, X, n, consume, start, seed)

    def read(self, X, kind, out, *, finish=None, seed=None):
        """Send rows through the medium and write what an ideal camera reads.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs)
            Checked rows of float32 or float64, or an array of another library.
        kind : {"intensity", "linear"}
            Which readings: ``|field|^2``, or sqrt(2) times its real and imaginary parts.
        out : ndarray of shape (n_samples, n)
            Array to write to, of the dtype of X.
        finish : callable, default=None
            ``finish(piece, outputs)`` turns a piece of the readings into the result,
            see `Device.project`.
        seed : int, default=None
            Seed of the device, used if the medium has none.
        """
        if type(self).propagate is not Medium.propagate:
            read_fields(self.propagate, X, kind, out, finish, seed)
        elif backend_of(X).is_numpy:
            read_products(self, X, kind, out, finish=finish, seed=seed)
        else:
            read_array_products(self, X, kind, out, finish=finish, seed=seed)

    def columns_like(self, X, modes, seed):
        """Block of the transposed matrix for all inputs, on the device of X.

        Parameters
        ----------
        X : array of shape (n_samples, n_inputs)
            Rows from a library other than NumPy.
        modes : range
            The output modes.
        seed : int
            Seed that names the glass.

        Returns
        -------
        columns : array of shape (n_inputs, 2 * n_chosen_modes)
            Alternating real and imaginary parts, of the library and dtype of X.
        """
        return columns_like(self, X, modes, seed)

    def propagate_back(self, Y, n_inputs, *, seed=None):
        """Multiply by the matrix from the left: light entering on the camera side.

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
            Real amplitudes of the incoming light, one sample per row.
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
            medium has too few inputs or modes.
        """
        X, start = check_rows(X), check_count(start, "start", 0)
        return whole_field(self, X, check_count(n, "n"), start=start)

    def transmission_matrix(self, n_inputs, n, start=0):
        """Explicit block of the transmission matrix.

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
