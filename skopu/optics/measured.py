"""A laboratory's own transmission matrix as a medium."""

import os
import stat
import tokenize
import warnings
from typing import NamedTuple

import numpy as np
import scipy.sparse

from .._utils.checks import check_unmasked
from .._utils.threads import pieces
from ._products import BLOCK_ENTRIES
from .medium import Medium


class IsotropyReport(NamedTuple):
    """How much a measured matrix differs from independent circular Gaussian entries.

    None of these numbers is 0 for a finite matrix. The expected ones are those of ideal glass of
    the same size, as root mean squares over many pieces of glass; n_entries is n_inputs times
    n_outputs.

    Read more in the :doc:`user guide </user_guide/device>`.

    Attributes
    ----------
    rms : float
        Root mean square of the entries, as stored.
    expected_mode_correlation : float
        ``1 / sqrt(n_inputs)``, for the next two.
    mode_correlation : float
        Root mean square of the normalised overlaps of distinct modes.
    neighbour_correlation : float
        The same for pairs of neighbouring modes.
    expected_mean : float
        ``1 / sqrt(n_entries)``.
    mean : float
        Modulus of the mean entry, divided by the rms. An excess means unscattered light that is
        the same constant at all pixels, as where a small modulator's central spot covers the whole
        camera. Unscattered light that forms a Fourier transform, as `UnscatteredLight` does, does
        not show here, nor does any in rows that are known up to a phase only, as from
        `measure_transmission_matrix`.
    expected_pseudo_variance : float
        ``sqrt(2 / (n_entries + 1))``.
    pseudo_variance : float
        ``|mean of t^2|`` divided by the mean of ``|t|^2``. An excess means phases that are not
        uniform.
    expected_input_spread : float
        ``sqrt((n_inputs - 1) / (n_entries + 1))``, about ``1 / sqrt(n_outputs)``.
    input_spread : float
        Relative standard deviation of the mean power of the inputs. An excess means uneven light.
    expected_output_spread : float
        ``sqrt((n_outputs - 1) / (n_entries + 1))``, about ``1 / sqrt(n_inputs)``.
    output_spread : float
        The same for output modes.

    See Also
    --------
    skopu.MeasuredMedium : Its method ``isotropy`` returns one.
    skopu.bench.measure_transmission_matrix : Measures the matrix on a bench.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.optics import MeasuredMedium
    >>> rng = np.random.default_rng(0)
    >>> glass = rng.normal(size=(500, 64)) + 1j * rng.normal(size=(500, 64))
    >>> report = MeasuredMedium(glass + 1).isotropy()
    >>> report.mean > 10 * report.expected_mean  # light that was not scattered
    True
    """

    rms: float
    expected_mode_correlation: float
    mode_correlation: float
    neighbour_correlation: float
    expected_mean: float
    mean: float
    expected_pseudo_variance: float
    pseudo_variance: float
    expected_input_spread: float
    input_spread: float
    expected_output_spread: float
    output_spread: float


class MeasuredMedium(Medium):
    """Medium with a measured transmission matrix.

    Read more in the :doc:`user guide </user_guide/device>`.

    Parameters
    ----------
    matrix : array-like of shape (n_outputs, n_inputs), str or path
        The matrix, a memory map of it, or the path of a ``.npy`` file, which is mapped
        and never loaded whole. Clones share it; pickles of a path or of a memory map hold only
        the file name.
    normalize : {"rms", None}, default="rms"
        "rms" divides by the root mean square of all entries, so that E|r|^2 = 1, as the
        scale of the kernels assumes. None uses the matrix as it is.

    Raises
    ------
    ValueError
        At first use, if the matrix is not a 2-d array of finite numbers, is zero, has masked
        entries, or its file is truncated or holds pickled objects. When a pickle is loaded,
        if the file of a memory map now has another shape or type.
    FileNotFoundError
        At first use, if there is no such file.

    See Also
    --------
    skopu.optics.IsotropyReport : What ``isotropy`` returns.
    skopu.bench.measure_transmission_matrix : Measures the matrix on a bench.
    LayeredMedium : Simulated glass.
    OPU : The device that a medium belongs to.

    Notes
    -----
    X may have fewer columns than the matrix: it then uses the first inputs. The first use reads the
    matrix once, to check and scale it.

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
    >>> round(report.rms)
    10
    >>> round(report.output_spread, 2), round(report.expected_output_spread, 2)
    (0.12, 0.12)
    """

    def __init__(self, matrix, normalize="rms"):
        self.matrix = matrix
        self.normalize = normalize

    def __sklearn_clone__(self):
        copy = type(self)(self.matrix, self.normalize)  # shared: it may be larger than memory
        if hasattr(self, "_opened"):  # or each fit of a search would read the file again
            copy._opened = self._opened
        return copy

    def __getstate__(self):
        state = super().__getstate__().copy()
        state.pop("_opened", None)
        if _is_whole_map(self.matrix):
            state["matrix"] = _MapReference.of(self.matrix)
        return state

    def __setstate__(self, state):
        if isinstance(state["matrix"], _MapReference):
            state = {**state, "matrix": state["matrix"].open()}
        super().__setstate__(state)

    def isotropy(self):
        """Compare the matrix with ideal glass.

        Returns
        -------
        report : IsotropyReport
            Its fields are numbers; correlations are taken over the first 1000 modes.
        """
        matrix, _, rms = self._open()
        n_outputs, n_inputs = matrix.shape
        total = squares = 0.0
        row_power, column_power = np.empty(n_outputs), np.zeros(n_inputs)
        for rows in self._row_blocks(matrix):
            block = np.asarray(matrix[rows], np.complex128) / rms
            power = block.real**2 + block.imag**2
            total, squares = total + block.sum(), squares + (block**2).sum()
            row_power[rows] = power.mean(axis=1)
            column_power += power.sum(axis=0) / n_outputs
        mean_power = row_power.mean()
        n_some = min(n_outputs, 1000)
        gram = np.zeros((n_some, n_some), np.complex128)
        for columns in pieces(n_inputs, max(1, BLOCK_ENTRIES // n_some)):
            block = np.asarray(matrix[:n_some, columns], np.complex128) / rms
            gram += block @ block.conj().T
        norms = np.sqrt(np.diagonal(gram).real)
        norms[norms == 0] = 1
        overlaps = np.abs(gram / np.outer(norms, norms)) ** 2
        pairs_of_modes = overlaps[~np.eye(n_some, dtype=bool)]
        neighbours = np.diagonal(overlaps, 1)
        # Ideal entries over their norm are uniform on a complex sphere, and their powers over
        # the total one draw of a Dirichlet law: the squares of what is expected are exact.
        return IsotropyReport(
            rms=rms,
            expected_mode_correlation=float(1 / np.sqrt(n_inputs)),
            mode_correlation=float(np.sqrt(pairs_of_modes.mean())) if n_some > 1 else 0.0,
            neighbour_correlation=float(np.sqrt(neighbours.mean())) if n_some > 1 else 0.0,
            expected_mean=float(1 / np.sqrt(matrix.size)),
            mean=float(abs(total) / matrix.size / np.sqrt(mean_power)),
            expected_pseudo_variance=float(np.sqrt(2 / (matrix.size + 1))),
            pseudo_variance=float(abs(squares) / matrix.size / mean_power),
            expected_input_spread=float(np.sqrt((n_inputs - 1) / (matrix.size + 1))),
            input_spread=float(column_power.std() / mean_power),
            expected_output_spread=float(np.sqrt((n_outputs - 1) / (matrix.size + 1))),
            output_spread=float(row_power.std() / mean_power),
        )

    def mean_power(self):
        """Mean squared modulus of the entries, scaled as ``normalize`` says.

        Returns
        -------
        mean_power : float
            1 with ``normalize="rms"``.
        """
        _, scale, rms = self._open()
        return (scale * rms) ** 2

    def check(self, n_inputs, n_modes):
        """Check the matrix, at first use, and its size.

        Parameters
        ----------
        n_inputs : int
            Number of input modes used.
        n_modes : int
            Number of output modes read.

        Raises
        ------
        ValueError
            If it has too few columns or rows, or is not a transmission matrix.
        """
        shape = self._open()[0].shape
        if n_inputs > shape[1] or n_modes > shape[0]:
            raise ValueError(
                f"The transmission matrix has {shape[1]} inputs and {shape[0]} output "
                f"modes; {n_inputs} inputs and {n_modes} modes were asked for (two real "
                "projections take one mode). Reduce the features of X, for example with "
                "PCA, or ask for fewer outputs."
            )

    def matrix_block(self, n_inputs, inputs, modes, *, dtype, seed):
        """Block of the transposed matrix.

        Parameters
        ----------
        n_inputs : int
            Number of inputs used.
        inputs : slice
            The chosen inputs.
        modes : range
            The output modes.
        dtype : dtype
            complex64 or complex128.
        seed : int
            Not used.

        Returns
        -------
        block : ndarray of shape (n_chosen_inputs, n_chosen_modes)
            A contiguous array.
        """
        matrix, scale, _ = self._open()
        block = matrix[modes.start : modes.stop, inputs].T
        # Scaled in the matrix's own precision: unscaled, it may overflow that of the light.
        block = np.multiply(block, scale, dtype=np.result_type(matrix.dtype, np.complex64))
        return np.ascontiguousarray(block, dtype)

    @staticmethod
    def _row_blocks(matrix):
        return pieces(len(matrix), max(1, BLOCK_ENTRIES // matrix.shape[1]))

    def _open(self):
        """The checked matrix, its scale and rms, remembered for these very parameters."""
        opened = getattr(self, "_opened", None)
        if opened is None or opened[0] is not self.matrix or opened[1] != self.normalize:
            opened = self._opened = (self.matrix, self.normalize, *self._check())
        return opened[2:]

    def _check(self):
        if self.normalize not in ("rms", None):
            raise ValueError(f'normalize must be "rms" or None, got {self.normalize!r}.')
        check_unmasked(self.matrix, "The transmission matrix")  # dead pixels, for example
        matrix = self.matrix
        if isinstance(matrix, str | os.PathLike):
            matrix = _load(matrix)
        elif scipy.sparse.issparse(matrix):
            raise ValueError(
                "A transmission matrix must be dense: light goes from each input to each mode. "
                "Give matrix.toarray()."
            )
        elif not isinstance(matrix, np.ndarray):
            matrix = np.asarray(matrix)
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise ValueError(
                "A transmission matrix must be 2-d, of shape (n_outputs, n_inputs), got "
                f"shape {matrix.shape}."
            )
        if matrix.dtype.kind not in "iufc":
            raise ValueError(f"A transmission matrix must hold numbers, got dtype {matrix.dtype}.")
        largest = power = 0.0  # in units of the square of the largest, which may overflow
        for rows in self._row_blocks(matrix):
            moduli = np.abs(np.asarray(matrix[rows])).astype(np.float64, copy=False)
            peak = moduli.max()
            if not np.isfinite(peak):
                bad = rows.start + np.flatnonzero(~np.isfinite(moduli).all(axis=1))
                raise ValueError(
                    f"The transmission matrix has NaN or infinity in {len(bad)} of rows "
                    f"{rows.start} to {rows.stop - 1}, the first of them in row {bad[0]}. Drop "
                    "those modes, or measure them again."
                )
            if peak > largest:
                largest, power = peak, power * (largest / peak) ** 2
            if largest > 0:
                power += np.square(moduli / largest).sum()
        if largest == 0:
            raise ValueError("The transmission matrix is zero: no light came through.")
        rms = float(largest * np.sqrt(power / matrix.size))
        if self.normalize == "rms":
            if rms < np.finfo(np.float64).tiny:
                raise ValueError(
                    f"Entries of the transmission matrix have a root mean square of {rms:.1g}, "
                    "which no float can scale to 1. Give it in a larger unit."
                )
            return matrix, 1 / rms, rms
        if not 1e-18 < rms < 1e18:  # whose squares are intensities, in single precision too
            raise ValueError(
                f"Entries of the transmission matrix have a root mean square of {rms:.1g}, "
                'from which intensities cannot be computed. Set normalize="rms".'
            )
        return matrix, 1.0, rms


class _MapReference(NamedTuple):
    """What it takes to map an array's file again, and to notice that it is another one."""

    filename: str
    dtype: np.dtype
    shape: tuple
    offset: int
    order: str
    size: int
    modified: int

    @classmethod
    def of(cls, array):
        path = os.path.abspath(array.filename)
        order = "C" if array.flags.c_contiguous else "F"
        found = os.stat(path)
        layout = array.dtype, array.shape, array.offset, order
        return cls(path, *layout, found.st_size, found.st_mtime_ns)

    def open(self):
        found = os.stat(self.filename)
        changed = found.st_size != self.size
        try:  # a .npy file tells what it holds
            now = np.load(self.filename, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError, OSError):
            if found.st_mtime_ns != self.modified and not changed:
                warnings.warn(
                    f"The file {self.filename!r} has been written to since the medium was "
                    f"pickled. It is taken to hold a transmission matrix of {self.dtype} and "
                    f"shape {self.shape} as before.",
                    UserWarning,
                    stacklevel=4,
                )
        else:
            layout = self.dtype, self.shape, self.offset
            changed = (now.dtype, now.shape, now.offset) != layout
        if changed:
            raise ValueError(
                f"The file {self.filename!r} no longer holds the transmission matrix of "
                f"{self.dtype} and shape {self.shape} that was pickled. Create the medium again."
            )
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
    advice = "Save it with numpy.save(path, matrix), as an array of numbers."
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # reading a pipe would wait for ever
            raise ValueError("it is not a regular file")
        matrix = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"There is no transmission matrix at {os.fspath(path)!r}. {advice}"
        ) from error
    except (
        *(ValueError, EOFError, OSError),
        *(OverflowError, TypeError, MemoryError, SyntaxError, tokenize.TokenError),  # its header
    ) as error:
        raise ValueError(
            f"The file {os.fspath(path)!r} cannot be mapped as a transmission matrix "
            f"({error}): it is truncated, holds pickled objects or is not a .npy file. {advice}"
        ) from error
    if not isinstance(matrix, np.ndarray):
        raise ValueError(f"The file {os.fspath(path)!r} holds several arrays. {advice}")
    return matrix
