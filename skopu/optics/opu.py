"""The optical processing unit: modulator, medium and camera in a row."""

import math

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator

from .._arrays import (
    as_type,
    complex_of,
    empty,
    is_foreign,
    namespace,
    numpy_dtype,
    to_numpy,
    working_rows,
)
from ._glass import check_seed
from ._rows import check_count, check_rows, pieces
from .camera import Camera
from .medium import LayeredMedium, Medium

_NOISY_GROUP = 2**22  # inputs or fields that a noisy reading holds at once, 32 to 64 MiB


class OPU(BaseEstimator):
    """Simulated optical processing unit (OPU).

    Light shaped by each row of X crosses the medium, and the camera reads the speckle.
    Every estimator of skopu takes one as ``opu``; several can share it.

    Parameters
    ----------
    medium : LayeredMedium, GaussianMedium or MeasuredMedium, default=None
        The glass. None is ``LayeredMedium()``.
    camera : Camera, default=None
        None is an ideal camera, which costs nothing.
    input_bits : int, default=None
        What the modulator can show. None shows any real amplitude. 1 shows exactly 0 and 1,
        as a mirror array does. More, up to 16, show integers 0 to 2^input_bits - 1 as that
        many binary frames ("bit planes").
    random_state : int, default=0
        Seed of the parts that have none of their own. None is 0.
    max_inputs, max_outputs : int, default=None
        Most input and output modes that the device has. None sets no limit.

    Notes
    -----
    A camera loses the phase, so `linear` uses phase-shifting holography [2]_: a plane
    reference beam, as bright as the speckle, interferes with it in four frames, shifted by
    quarter turns, whose differences give the real and the imaginary part.

    Bit planes recombine only as complex fields. The intensity of input of several bits
    therefore costs holography as well, and is then squared. Negative values take a
    second frame and can only be sent through `linear`.

    Where scikit-learn dispatches by the array API, arrays of PyTorch and CuPy are taken and
    returned, on their device, with the same glass. What has no noise is computed there in X's
    own precision, so that a value at the edge of two counts of the camera may be read as
    either; noise is NumPy's, and the readings go through the memory of the host.

    An ensemble that seeds nested random states anew (`BaggingClassifier`) gives each of
    its members another piece of glass.

    References
    ----------
    .. [1] A. Saade et al., "Random projections through multiple optical scattering:
       approximating kernels at the speed of light", ICASSP 2016.
    .. [2] I. Yamaguchi and T. Zhang, "Phase-shifting digital holography", Optics Letters
       22, 1997.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.optics import OPU, Camera
    >>> opu = OPU(camera=Camera(bits=8, photons=1000), random_state=0)
    >>> X = np.random.default_rng(0).normal(size=(5, 30))
    >>> opu.intensity(X, n=1000).shape
    (5, 1000)
    >>> projections = opu.linear(X, n=1000)
    >>> bool(np.corrcoef(projections[0], OPU().linear(X, n=1000)[0])[0, 1] > 0.99)
    True
    """

    def __init__(
        self,
        medium=None,
        camera=None,
        input_bits=None,
        random_state=0,
        *,
        max_inputs=None,
        max_outputs=None,
    ):
        self.medium = medium
        self.camera = camera
        self.input_bits = input_bits
        self.random_state = random_state
        self.max_inputs = max_inputs
        self.max_outputs = max_outputs

    @classmethod
    def aurora(cls, random_state=0):
        """Device with the limits of the appliance that was sold as Aurora 2.

        Parameters
        ----------
        random_state : int, default=0
            Seed of its parts.

        Returns
        -------
        opu : OPU
            1,039,680 binary inputs and 2,219,520 outputs of eight bits.

        Examples
        --------
        >>> from skopu.optics import OPU
        >>> OPU.aurora().max_outputs
        2219520
        """
        return cls(
            camera=Camera(bits=8),
            input_bits=1,
            random_state=random_state,
            max_inputs=1_039_680,
            max_outputs=2_219_520,
        )

    def field(self, X, n):
        """Complex field at the camera, which no camera can see.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_inputs)
            Input that the modulator can show.
        n : int
            Number of output modes.

        Returns
        -------
        field : ndarray of shape (n_samples, n), complex64 or complex128
            Over the medium, circular Gaussian with mean power ``||x||^2``.

        Raises
        ------
        ValueError
            If X is not real, finite and 2-d, or the device cannot show or read so much.
        """
        medium, _, X = self._prepare(X, n, signed=True)
        return medium._field(X, n, seed=self.random_state)

    def intensity(self, X, n, *, repeat=1):
        """Camera reading of the speckle that X makes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_inputs)
            Input that the modulator can show; non-negative if ``input_bits`` is set.
        n : int
            Number of output modes.
        repeat : int, default=1
            Number of exposures to average.

        Returns
        -------
        intensity : ndarray of shape (n_samples, n), float32 or float64
            Over the medium, exponentially distributed with mean ``||x||^2``.

        Raises
        ------
        ValueError
            If X is not real, finite and 2-d, or the device cannot show or read so much.
        """
        return self._project(X, n, "intensity", repeat=repeat)

    def linear(self, X, n, *, repeat=1):
        """Real random projections of X, by holography through the same camera.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_inputs)
            Input that the modulator can show, with its sign.
        n : int
            Number of projections; two are read from a mode: sqrt(2) times its real part,
            then its imaginary part.
        repeat : int, default=1
            Number of exposures to average.

        Returns
        -------
        projections : ndarray of shape (n_samples, n), float32 or float64
            Over the medium, each is normal with mean 0 and variance ``||x||^2``.

        Raises
        ------
        ValueError
            If X is not real, finite and 2-d, or the device cannot show or read so much.
        """
        return self._project(X, n, "linear", repeat=repeat)

    def exposures(self, n_samples, mode="intensity", *, signed=False, repeat=1):
        """Number of camera frames that hardware would need.

        Parameters
        ----------
        n_samples : int
            Number of rows.
        mode : {"intensity", "linear"}, default="intensity"
            Which reading.
        signed : bool, default=False
            Whether rows have negative values; only with ``mode="linear"``.
        repeat : int, default=1
            Number of exposures to average.

        Returns
        -------
        n_frames : int
            Of all rows together.

        Examples
        --------
        >>> from skopu.optics import OPU
        >>> OPU(input_bits=1).exposures(100)
        100
        >>> OPU(input_bits=8).exposures(100, "linear", signed=True)
        6400
        """
        n_samples = check_count(n_samples, "n_samples", 0)
        repeat = check_count(repeat, "repeat")
        self._check_bits()
        if mode not in ("intensity", "linear"):
            raise ValueError(f'mode must be "intensity" or "linear", got {mode!r}.')
        if mode == "intensity" and signed and self.input_bits is not None:
            raise ValueError(
                "Signed input has no intensity on a device with input_bits: two "
                'frames make it, which only add up as fields. Use mode="linear".'
            )
        planes = 1 if self.input_bits is None else self.input_bits * (2 if signed else 1)
        frames = 1 if mode == "intensity" and planes == 1 else 4 * planes
        return n_samples * frames * repeat

    def block_size(self, n_inputs):
        """Number of neighbouring modes of the medium that are orthogonal, 1 if none.

        Parameters
        ----------
        n_inputs : int
            Number of input modes.

        Returns
        -------
        block_size : int
            Of the medium in use.
        """
        return self._medium().block_size(n_inputs)

    def _medium(self):
        medium = LayeredMedium() if self.medium is None else self.medium
        if not isinstance(medium, Medium):
            raise ValueError(f"medium of OPU must be a Medium, got {medium!r}.")
        return medium

    def _check_bits(self):
        if self.input_bits is not None and check_count(self.input_bits, "input_bits of OPU") > 16:
            raise ValueError(f"input_bits of OPU must be 1 to 16 or None, got {self.input_bits!r}.")

    def _check(self, n_inputs, n_modes):
        """The device's medium and camera, checked for that many inputs and modes."""
        medium = self._medium()
        camera = Camera() if self.camera is None else self.camera
        if not isinstance(camera, Camera):
            raise ValueError(f"camera of OPU must be a Camera, got {camera!r}.")
        camera._check()
        check_seed(self.random_state, "OPU")
        self._check_bits()
        check_count(n_modes, "n")
        for asked, limit, side in (
            (n_inputs, self.max_inputs, "inputs"),
            (n_modes, self.max_outputs, "outputs"),
        ):
            if limit is not None and asked > check_count(limit, f"max_{side} of OPU"):
                raise ValueError(
                    f"The device has {limit} {side}, {asked} were asked for. Ask for fewer, "
                    f"or set max_{side}=None."
                )
        medium._seed(self.random_state)
        medium._check_fits(n_inputs, n_modes)
        return medium, camera

    def _prepare(self, X, n_modes, signed, name="X"):
        """The device's medium and camera, and X checked against what it can show."""
        X = check_rows(X, name)
        medium, camera = self._check(X.shape[1], n_modes)
        self._check_shown(X, signed, name)
        return medium, camera, X

    def _check_shown(self, X, signed, name):
        if self.input_bits is None:
            return
        largest = 2**self.input_bits - 1
        values = X.data if scipy.sparse.issparse(X) else X
        xp = namespace(values)
        wrong = (values != xp.round(values)) | (values > largest)
        wrong |= (values < -largest) if signed else (values < 0)
        if not xp.any(wrong):
            return
        values, wrong = to_numpy(values), to_numpy(wrong)
        some = ", ".join(repr(float(value)) for value in np.unique(values[wrong])[:3])
        shown = "0 and 1" if largest == 1 else f"the integers 0 to {largest}"
        if not signed and np.isin(-values[wrong], np.arange(1, largest + 1)).all():
            remedy = "Negative values have no intensity, send them through linear projections"
        elif largest == 1:
            remedy = f"Binarise {name} first, for example with sklearn.preprocessing.Binarizer"
        else:
            scaled = f"numpy.rint({largest} * {name} / {name}.max())"
            remedy = f"Scale and round {name} first, for example {scaled}"
        raise ValueError(
            f"A modulator of input_bits={self.input_bits} shows {shown}"
            f"{', with either sign' if signed else ''}, but {name} contains {some}. {remedy}; "
            "input_bits=None shows any value."
        )

    def _project(self, X, n, mode, *, repeat=1, finish=None, name="X", exposure=0, out=None):
        """`intensity` or `linear`, each piece of whose result goes through finish.

        ``finish(piece, outputs)`` changes a piece of the result in place while it is in
        the processor's cache; outputs is the slice of columns that it holds. name is what
        errors call X. exposure is the number of the first frame that the camera takes of
        each row: other frames have other noise. out is an array to write into.
        """
        n, repeat = check_count(n, "n"), check_count(repeat, "repeat")
        n_modes = n if mode == "intensity" else -(-n // 2)
        medium, camera, X = self._prepare(X, n_modes, mode == "linear", name)
        dtype = numpy_dtype(X)
        result = empty((X.shape[0], n), dtype, X) if out is None else _writable(out, X, n)
        read = _read_intensity if mode == "intensity" else _read_linear

        def write(rows, outputs, piece):
            if finish is not None:
                piece = finish(piece, outputs)
            if is_foreign(X):  # what is NumPy's has been written in place
                result[rows, outputs] = as_type(piece, dtype)

        def keep(rows, modes, field):
            outputs = modes
            if mode == "linear":
                outputs = slice(2 * modes.start, min(2 * modes.stop, n))
            write(rows, outputs, read(field, result[rows, outputs]))

        if camera._is_ideal:
            medium._stream(X, n_modes, 0, keep, self.random_state)
            return result
        direct = mode == "intensity" and (self.input_bits or 1) == 1
        take = self._take_frame if direct else self._take_holograms
        if is_foreign(X):
            group = working_rows(8 * 16 * max(n_modes, X.shape[1]))
        else:
            group = max(1, _NOISY_GROUP // max(n_modes, X.shape[1]))
        for rows in pieces(X.shape[0], group):
            light = X[rows, :]
            if camera._is_noisy or not is_foreign(X):
                # In double precision, whatever X is: a photon count takes a number of random
                # draws that rounding of the light could change, and with it all that follow.
                light = as_type(light, np.float64)
            taken = take(medium, camera, light, n_modes, repeat, exposure)
            if direct:
                result[rows, :] = as_type(taken, dtype)
                write(rows, slice(0, n), result[rows, :])
            else:
                keep(rows, slice(0, n_modes), taken)
        return result

    def _take_frame(self, medium, camera, X, n_modes, repeat, exposure):
        """Noisy intensity of the rows of X, shown in one frame each."""
        frame = empty((X.shape[0], n_modes), numpy_dtype(X), X)

        def keep(rows, modes, field):
            frame[rows, modes] = _read_intensity(field, frame[rows, modes])

        medium._stream(X, n_modes, 0, keep, self.random_state)
        expected = medium._mean_power() * _power(X)
        return camera._read(frame, expected, camera._keys(X), exposure, repeat, self.random_state)

    def _take_holograms(self, medium, camera, X, n_modes, repeat, exposure):
        """Noisy complex field of the rows of X, from four frames of each plane."""
        xp, keys = namespace(X), camera._keys(X)
        total = 0
        for weight, plane in self._planes(X):
            field = medium._field(plane, n_modes, seed=self.random_state)
            power = medium._mean_power() * _power(plane)
            amplitude = xp.sqrt(power)[:, None]
            real, imag = xp.real(field), xp.imag(field)
            parts = []
            for along, across in ((real, imag), (imag, real)):
                # Reference in phase with this part and opposite to it; the part at a
                # right angle to it adds the same to both frames.
                frames = [(along + side) ** 2 + across**2 for side in (amplitude, -amplitude)]
                bright, dark = (
                    camera._read(
                        frame, 2 * power, keys, exposure + i * repeat, repeat, self.random_state
                    )
                    for i, frame in enumerate(frames)
                )
                parts.append(bright - dark)
                exposure += 2 * repeat
            lit = amplitude > 0  # or there is nothing to be read
            scale = xp.where(lit, weight / xp.where(lit, 4 * amplitude, 1.0), 0.0)
            total = total + complex_of(parts[0] * scale, parts[1] * scale)
        return total

    def _planes(self, X):
        """Weights and non-negative binary parts of X, or X itself where any value shows."""
        if self.input_bits is None:
            yield 1, X
            return
        values, dtype = X.data if scipy.sparse.issparse(X) else X, numpy_dtype(X)
        for sign in (1, -1) if namespace(values).any(values < 0) else (1,):
            shown = as_type((abs(values) + sign * values) / 2, np.int64)  # of that sign alone
            for bit in range(self.input_bits):
                plane = as_type((shown >> bit) & 1, dtype)
                if scipy.sparse.issparse(X):
                    plane = scipy.sparse.csr_matrix((plane, X.indices, X.indptr), X.shape)
                yield sign * 2**bit, plane


def _writable(out, X, n):
    """Return out, which must be an array for n results of each row of X."""
    if is_foreign(X):
        raise ValueError("out takes what is made of NumPy's arrays alone: it must be None here.")
    shape = X.shape[0], n
    if not isinstance(out, np.ndarray) or out.shape != shape or out.dtype != X.dtype:
        found = f"{out.dtype} of shape {out.shape}" if isinstance(out, np.ndarray) else repr(out)
        raise ValueError(f"out must be an array of {X.dtype} of shape {shape}, got {found}.")
    if not out.flags.writeable:
        raise ValueError(
            'out cannot be written to. Open a memory map with mode "r+", or "w+" for a new file.'
        )
    if isinstance(X, np.ndarray) and np.may_share_memory(out, X):
        raise ValueError("out overlaps X, which is read while out is written. Give another array.")
    return out


def _read_intensity(field, piece):
    """|field|^2, in piece where that is NumPy's; field is scratch."""
    # Through the modulus, which is one pass over the field where its parts would be two.
    if is_foreign(field):
        modulus = namespace(field).abs(field)
        return modulus * modulus
    np.abs(field, out=piece, casting="same_kind")
    return np.square(piece, out=piece)


def _read_linear(field, piece):
    """sqrt(2) times real and imaginary parts, interleaved, in piece where that is NumPy's."""
    if is_foreign(field):
        xp = namespace(field)
        parts = xp.reshape(xp.stack([xp.real(field), xp.imag(field)], axis=2), (field.shape[0], -1))
        return parts[:, : piece.shape[1]] * math.sqrt(2)
    parts = np.ascontiguousarray(field).view(field.real.dtype)
    return np.multiply(parts[:, : piece.shape[1]], math.sqrt(2), out=piece, casting="same_kind")


def _power(X):
    """Squared norm of each row."""
    if scipy.sparse.issparse(X):
        return np.asarray(X.power(2).sum(axis=1)).ravel()
    if is_foreign(X):
        return namespace(X).sum(X * X, axis=1)
    return np.einsum("ij,ij->i", X, X)
