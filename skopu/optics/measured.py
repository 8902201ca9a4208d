"""A laboratory's own transmission matrix as a medium."""

import os
from typing import NamedTuple

import numpy as np

from ._rows import pieces
from .medium import _BLOCK, Medium


class IsotropyReport(NamedTuple):
    """How far a measured matrix is from independent circular entries.

    Attributes
    ----------
    rms : float
        Root mean square of the entries, as stored.
    expected_mode_correlation : float
        ``1 / sqrt(n_inputs)``, the two correlations below for independent modes.
    mode_correlation : float
        Root mean square of the normalised overlaps of distinct modes.
    neighbour_correlation : float
        The same over pairs of neighbouring modes.
    mean : float
        Modulus of the mean entry over the rms: unscattered light. Ideally 0.
    pseudo_variance : float
        ``|mean of t^2|`` over the mean of ``|t|^2``: phases not uniform. Ideally 0.
    input_spread : float
        Relative standard deviation of the inputs' mean power. Ideally 0.
    output_spread : float
        The same over output modes.
    """

    rms: float
    expected_mode_correlation: float
    mode_correlation: float
    neighbour_correlation: float
    mean: float
    pseudo_variance: float
    input_spread: float
    output_spread: float


class MeasuredMedium(Medium):
    """A measured transmission matrix.

    Parameters
    ----------
    transmission_matrix : array-like of shape (n_outputs, n_inputs), str or path
        The matrix, a memory map of it, or the path of a ``.npy`` file, which is mapped
        and never read as a whole. Clones share it; pickles of a path or of a memory map
        hold the file's name alone.
    normalize : {"rms", None}, default="rms"
        "rms" divides by the root mean square of all entries, so that E|r|^2 = 1 as the
        kernels' scale assumes. None takes the matrix as it is.

    Raises
    ------
    ValueError
        At first use, if the matrix is not a 2-d array of finite numbers, is zero, or its
        file is truncated or holds pickled objects.
    FileNotFoundError
        At first use, if there is no such file.

    Notes
    -----
    X may have fewer columns than the matrix: it then lights the first inputs. The first
    use reads the matrix once, to check and to scale it.

    References
    ----------
    .. [1] S. M. Popoff et al., "Measuring the transmission matrix in optics", Physical
       Review Letters 104, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.optics import MeasuredMedium
    >>> rng = np.random.default_rng(0)
    >>> measured = 7 * (rng.normal(size=(500, 64)) + 1j * rng.normal(size=(500, 64)))
    >>> medium = MeasuredMedium(measured)
    >>> medium.field(np.eye(64), n=500).shape
    (64, 500)
    >>> report = medium.isotropy()
    >>> round(report.rms), round(report.expected_mode_correlation, 3)
    (10, 0.125)
    """

    def __init__(self, transmission_matrix, normalize="rms"):
        self.transmission_matrix = transmission_matrix
        self.normalize = normalize

    # The parameter and the method that every medium has share a name: as an attribute
    # it is the method, in get_params and set_params the parameter.
    @property
    def transmission_matrix(self):
        """Explicit block of the matrix, as of any medium."""
        return super().transmission_matrix

    @transmission_matrix.setter
    def transmission_matrix(self, measured):
        self._measured = measured

    def get_params(self, deep=True):
        """Parameters by name; the arrays themselves, not copies.

        Parameters
        ----------
        deep : bool, default=True
            Makes no difference here.

        Returns
        -------
        params : dict
            ``transmission_matrix`` and ``normalize``.
        """
        return {"transmission_matrix": self._measured, "normalize": self.normalize}

    def __sklearn_clone__(self):
        copy = type(self)(**self.get_params())
        if hasattr(self, "_opened"):  # or each fit of a search would read the file again
            copy._opened = self._opened
        return copy

    def __getstate__(self):
        state = super().__getstate__().copy()
        state.pop("_opened", None)
        measured = state["_measured"]
        if _is_whole_map(measured):
            state["_measured"] = _MapReference(
                os.path.abspath(measured.filename),
                measured.dtype,
                measured.shape,
                measured.offset,
                "C" if measured.flags.c_contiguous else "F",
            )
        return state

    def __setstate__(self, state):
        if isinstance(state["_measured"], _MapReference):
            state = {**state, "_measured": state["_measured"].open()}
        super().__setstate__(state)

    def isotropy(self):
        """Compare the matrix with ideal glass.

        Returns
        -------
        report : IsotropyReport
            Its fields are numbers; correlations are taken over the first 1000 modes.
        """
        matrix, *_ = self._open()
        n_outputs, n_inputs = matrix.shape
        total = squares = 0.0
        row_power, column_power = np.empty(n_outputs), np.zeros(n_inputs)
        for rows in self._row_blocks(matrix):
            block = np.asarray(matrix[rows], np.complex128)
            power = block.real**2 + block.imag**2
            total, squares = total + block.sum(), squares + (block**2).sum()
            row_power[rows] = power.mean(axis=1)
            column_power += power.sum(axis=0) / n_outputs
        mean_power = row_power.mean()
        n_some = min(n_outputs, 1000)
        gram = np.zeros((n_some, n_some), np.complex128)
        for columns in pieces(n_inputs, max(1, _BLOCK // n_some)):
            block = np.asarray(matrix[:n_some, columns], np.complex128)
            gram += block @ block.conj().T
        norms = np.sqrt(np.diagonal(gram).real)
        norms[norms == 0] = 1
        overlaps = np.abs(gram / np.outer(norms, norms)) ** 2
        pairs_of_modes = overlaps[~np.eye(n_some, dtype=bool)]
        neighbours = np.diagonal(overlaps, 1)
        return IsotropyReport(
            rms=float(np.sqrt(mean_power)),
            expected_mode_correlation=float(1 / np.sqrt(n_inputs)),
            mode_correlation=float(np.sqrt(pairs_of_modes.mean())) if n_some > 1 else 0.0,
            neighbour_correlation=float(np.sqrt(neighbours.mean())) if n_some > 1 else 0.0,
            mean=float(abs(total) / matrix.size / np.sqrt(mean_power)),
            pseudo_variance=float(abs(squares) / matrix.size / mean_power),
            input_spread=float(column_power.std() / mean_power),
            output_spread=float(row_power.std() / mean_power),
        )

    def _seed(self, default=None):
        return 0

    def _mean_power(self):
        _, scale, rms = self._open()
        return (scale * rms) ** 2

    def _check_fits(self, n_inputs, n_modes):
        shape = self._open()[0].shape
        if n_inputs > shape[1] or n_modes > shape[0]:
            raise ValueError(
                f"The transmission matrix has {shape[1]} inputs and {shape[0]} output "
                f"modes; {n_inputs} inputs and {n_modes} modes were asked for (two real "
                "projections take one mode). Reduce the features of X, for example with "
                "PCA, or ask for fewer outputs."
            )

    def _matrix_block(self, n_inputs, start, stop, dtype, seed):
        matrix, scale, _ = self._open()
        block = np.array(matrix[start:stop, :n_inputs].T, dtype=dtype, order="C")
        block *= block.dtype.type(scale)
        return block

    @staticmethod
    def _row_blocks(matrix):
        return pieces(len(matrix), max(1, _BLOCK // matrix.shape[1]))

    def _open(self):
        """The checked matrix, its scale and rms, remembered for these very parameters."""
        opened = getattr(self, "_opened", None)
        if opened is None or opened[0] is not self._measured or opened[1] != self.normalize:
            opened = self._opened = (self._measured, self.normalize, *self._check())
        return opened[2:]

    def _check(self):
        if self.normalize not in ("rms", None):
            raise ValueError(f'normalize must be "rms" or None, got {self.normalize!r}.')
        matrix = self._measured
        if isinstance(matrix, str | os.PathLike):
            matrix = _load(matrix)
        elif not isinstance(matrix, np.ndarray):
            matrix = np.asarray(matrix)
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise ValueError(
                "A transmission matrix must be 2-d, of shape (n_outputs, n_inputs), got "
                f"shape {matrix.shape}."
            )
        if matrix.dtype.kind not in "iufc":
            raise ValueError(f"A transmission matrix must hold numbers, got dtype {matrix.dtype}.")
        power = 0.0
        for rows in self._row_blocks(matrix):
            block = np.asarray(matrix[rows])
            if not np.isfinite(block).all():
                raise ValueError(
                    f"The transmission matrix has NaN or infinity in rows {rows.start} to "
                    f"{rows.stop - 1}. Drop those modes, or measure them again."
                )
            power += np.sum(np.abs(block).astype(np.float64) ** 2)
        if power == 0:
            raise ValueError("The transmission matrix is zero: no light came through.")
        rms = np.sqrt(power / matrix.size)
        return matrix, 1 / rms if self.normalize == "rms" else 1.0, rms


class _MapReference(NamedTuple):
    """What it takes to map an array's file again."""

    filename: str
    dtype: np.dtype
    shape: tuple
    offset: int
    order: str

    def open(self):
        return np.memmap(
            self.filename, self.dtype, "r", offset=self.offset, shape=self.shape, order=self.order
        )


def _is_whole_map(array):
    """Whether array is a mapped file as opened, and the file holds what the array does.

    A slice keeps a wrong offset, and changes to a copy-on-write map are not in its file.
    """
    return (
        isinstance(array, np.memmap)
        and array.filename is not None
        and array.mode != "c"
        and not isinstance(array.base, np.ndarray)
    )


def _load(path):
    check = "Save it with numpy.save(path, matrix), as an array of numbers."
    try:
        matrix = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"There is no transmission matrix at {os.fspath(path)!r}. {check}"
        ) from error
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(
            f"The file {os.fspath(path)!r} cannot be mapped as a transmission matrix "
            f"({error}): it is truncated, holds pickled objects or is no .npy file. {check}"
        ) from error
    if not isinstance(matrix, np.ndarray):
        raise ValueError(f"The file {os.fspath(path)!r} holds several arrays. {check}")
    return matrix
