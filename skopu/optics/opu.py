"""The optical processing unit: modulator, medium and camera in a row."""

import math

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from .._utils.arrays import backend_of, complex_of, numpy_dtype
from .._utils.checks import check_count, check_rows, check_seed, stored_values
from .._utils.default_parts import DefaultPartsMixin
from .._utils.threads import pieces
from ._holography import read_real_parts, take_frames, take_holograms, take_with_reference
from ._spaced import SpacedMedium
from .camera import Camera
from .camera_effects import FULL_SCALE
from .device import Device, n_modes_of, new_result, write_piece
from .flaws import Crosstalk, DarkLevel
from .layered import LayeredMedium
from .medium import Medium, whole_field
from .modulator import check_shown

_NOISY_GROUP = 2**22  # inputs or fields that a noisy reading holds at once, 32 to 64 MiB


class OPU(DefaultPartsMixin, Device):
    """Simulated optical processing unit (OPU).

    Light shaped by each row of X crosses the medium, and the camera reads the speckle [1]_.
    Every estimator of skopu accepts a device as ``opu``; several can share one.

    Read more in the :doc:`user guide </user_guide/device>`.

    Parameters
    ----------
    medium : Medium, default=None
        The glass. None means ``LayeredMedium()``.
    camera : Camera, default=None
        The camera. None means an ideal one, which takes no extra time.
    input_bits : int, default=None
        What the modulator can show. None shows any real amplitude. 1 shows exactly 0 and 1, as a
        mirror array does. 2 to 16 show integers 0 to 2^input_bits - 1, as that many binary frames
        ("bit planes").
    random_state : int, default=0
        Seed of the parts that have none of their own. None means 0 for a device used on its own;
        an estimator then draws a seed from its ``random_state``.
    max_inputs, max_outputs : int, default=None
        Maximum number of input and output modes. None sets no limit.
    holography : {"phase_shifting", "internal_reference"}, default="phase_shifting"
        How `linear` reads a field. "phase_shifting" needs an interferometer and takes four
        frames for the complex field: two projections per mode. "internal_reference" needs only
        modulator inputs next to those of X and takes two frames for one projection per mode.

    See Also
    --------
    Camera : How intensities become readings.
    LayeredMedium : Glass that is fast to compute.
    GaussianMedium : Glass of independent entries.
    MeasuredMedium : The transmission matrix of real glass.
    skopu.bench.BenchOPU : The same methods on real optics.

    Notes
    -----
    A camera loses the phase, so `linear` uses holography. With phase shifts [2]_, a plane
    reference beam, as bright as the speckle, interferes with it in four frames, shifted by
    quarter turns; their differences give the real and the imaginary part.

    An internal reference s crosses the glass with x [3]_. At a mode m with matrix row r_m,
    I(x + s) - I(x) - I(s) is 2 Re(conj(s_m) r_m . x), which is normal after division by
    sqrt(2 I(s)). The reference is itself a speckle, as bright as that of the row; modes darker
    than a quarter of its mean are left out, and I(s) is known. As the phases of glass are
    uniform, the phase of s is taken as 0: projections are sqrt(2) times the field's real part.

    Bit planes recombine only as complex fields. The intensity of input of several bits therefore
    takes phase-shifting holography too, and is the square of the recombined field. Negative values
    take a second frame and can only be sent through `linear`.

    With scikit-learn's array API dispatch on, PyTorch and CuPy arrays are accepted and returned, on
    their device, with the same glass. Everything without noise is computed there in the precision
    of X, so a value between two counts of the camera may be read as either. Noise is drawn by
    NumPy, so readings with noise go through host memory.

    An ensemble that reseeds nested random states, such as `sklearn.ensemble.BaggingClassifier`,
    gives each of its members its own piece of glass.

    References
    ----------
    .. [1] A. Saade et al., "Random projections through multiple optical scattering:
       approximating kernels at the speed of light", ICASSP 2016.
    .. [2] I. Yamaguchi and T. Zhang, "Phase-shifting digital holography", Optics Letters
       22, 1997.
    .. [3] S. M. Popoff et al., "Measuring the transmission matrix in optics", Physical Review
       Letters 104, 2010.

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
        holography="phase_shifting",
    ):
        self.medium = medium
        self.camera = camera
        self.input_bits = input_bits
        self.random_state = random_state
        self.max_inputs = max_inputs
        self.max_outputs = max_outputs
        self.holography = holography

    @classmethod
    def aurora(cls, random_state=0, *, flaws=False):
        """Device with the limits of the appliance sold as Aurora 2.

        Parameters
        ----------
        random_state : int, default=0
            Seed of the medium and the camera.
        flaws : bool, default=False
            Whether to add flaws that match the published accuracies of that machine.

        Returns
        -------
        opu : OPU
            1,039,680 binary inputs and 2,219,520 outputs of eight bits.

        Notes
        -----
        The flaws are crosstalk of neighbouring mirrors, a photon number low enough to stand for all
        noise from frame to frame, and a dark level of 8 counts, as in its published frames. Two
        numbers are fitted, see :doc:`/papers`; other flaws might explain the accuracies as well.

        Examples
        --------
        >>> from skopu.optics import OPU
        >>> OPU.aurora().max_outputs
        2219520
        """
        medium, camera = None, Camera(bits=8)
        if flaws:
            medium = Crosstalk(amplitude=0.1)
            camera = Camera(bits=8, photons=28, effects=[DarkLevel(8 * FULL_SCALE / 255)])
        return cls(
            medium,
            camera,
            input_bits=1,
            random_state=random_state,
            max_inputs=1_039_680,
            max_outputs=2_219_520,
        )

    def field(self, X, n):
        """Complex field at the camera, which no camera can read.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_inputs)
            Input that the modulator can show.
        n : int
            Number of output modes.

        Returns
        -------
        field : ndarray of shape (n_samples, n), complex64 or complex128
            Circular Gaussian over media, with mean power ``||x||^2``.

        Raises
        ------
        ValueError
            If X is not real, finite and 2-d, the modulator cannot show it, the device has too few
            inputs or outputs, or squares are out of the range of the dtype.
        """
        X = check_rows(X)
        self.check(X.shape[1], n, "intensity")
        check_shown(X, self.input_bits, True, "X")
        return whole_field(self._medium(), X, n, seed=self.random_state)

    def intensity(self, X, n, *, repeat=1, first_exposure=0):
        """Camera reading of the speckle of X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_inputs)
            Input that the modulator can show; non-negative if ``input_bits`` is set.
        n : int
            Number of output modes.
        repeat : int, default=1
            Number of exposures to average.
        first_exposure : int, default=0
            Number of the first exposure; each number has its own noise. A row takes
            ``exposures(1, repeat=repeat)`` numbers; readings closer together share frames.

        Returns
        -------
        intensity : ndarray of shape (n_samples, n), float32 or float64
            Exponentially distributed over media, with mean ``||x||^2``.

        Raises
        ------
        ValueError
            If X is not real, finite and 2-d, the modulator cannot show it, the device has too few
            inputs or outputs, or squares are out of the range of the dtype.
        """
        return self.project(
            check_rows(X), n, "intensity", repeat=repeat, first_exposure=first_exposure
        )

    def linear(self, X, n, *, repeat=1, first_exposure=0):
        """Real random projections of X, by holography through the same camera.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_inputs)
            Input that the modulator can show, with its sign.
        n : int
            Number of projections. Phase shifts read two from a mode: sqrt(2) times its real part,
            then its imaginary part.
        repeat : int, default=1
            Number of exposures to average.
        first_exposure : int, default=0
            Number of the first exposure; each number has its own noise. A row takes
            ``exposures(1, "linear", signed=True, repeat=repeat)`` numbers; readings closer together
            share frames.

        Returns
        -------
        projections : ndarray of shape (n_samples, n), float32 or float64
            Normal over media, with mean 0 and variance ``||x||^2``.

        Raises
        ------
        ValueError
            If X is not real, finite and 2-d, the modulator cannot show it, the device has too few
            inputs or outputs, or squares are out of the range of the dtype.
        """
        return self.project(
            check_rows(X), n, "linear", repeat=repeat, first_exposure=first_exposure
        )

    def vjp(self, X, cotangents, kind):
        """Vector-Jacobian product of readings, for gradients with respect to X.

        Noise and quantisation are replaced by their mean: the gradient is that of ideal readings.

        Parameters
        ----------
        X : array of shape (n_samples, n_inputs)
            Dense rows that were read, of float32 or float64.
        cotangents : array of shape (n_samples, n)
            Derivatives of a scalar with respect to the readings; of the library and dtype of X.
        kind : {"intensity", "linear"}
            Which readings to take.

        Returns
        -------
        gradient : array of shape (n_samples, n_inputs)
            Derivatives of the same scalar with respect to X. The derivative of a dark mode is
            taken as 0.

        Raises
        ------
        ValueError
            If intensities are not those of a single field, or the glass drifts.

        Examples
        --------
        >>> import numpy as np
        >>> from skopu.optics import OPU
        >>> opu, X = OPU(), np.ones((1, 3))
        >>> gradient = opu.vjp(X, np.ones((1, 5)), "intensity")
        >>> change = opu.intensity(X + 1e-6, 5) - opu.intensity(X, 5)
        >>> bool(np.isclose(change.sum(), 1e-6 * gradient.sum()))
        True
        """
        medium, backend = self._medium(), backend_of(X)
        xp, n = backend.namespace, cotangents.shape[1]
        if not medium.is_steady:
            raise ValueError(
                f"The glass of {medium!r} has changed since X was read, so its gradient is "
                "unknown. Stop gradients before the device, or take glass that stands still."
            )
        if kind == "intensity":
            if not medium.is_coherent:
                raise ValueError(
                    f"Light through {medium!r} has more than one field, so its gradient is "
                    "unknown. Stop gradients before the device."
                )
            field = whole_field(medium, X, n, seed=self.random_state)
            dark = field == 0
            amplitudes = 2 * xp.where(dark, xp.zeros_like(cotangents), cotangents) * xp.conj(field)
        elif self._has_reference(kind):
            amplitudes = math.sqrt(2) * complex_of(cotangents, xp.zeros_like(cotangents))
        else:
            real, imag = cotangents[:, ::2], cotangents[:, 1::2]
            amplitudes = complex_of(real, xp.zeros_like(real))
            amplitudes[:, : n // 2] -= 1j * imag
            amplitudes *= math.sqrt(2)
        return xp.real(medium.propagate_back(amplitudes, X.shape[1], seed=self.random_state))

    def exposures(self, n_samples, kind="intensity", *, signed=False, repeat=1):
        """Number of camera frames that hardware would need.

        Parameters
        ----------
        n_samples : int
            Number of rows.
        kind : {"intensity", "linear"}, default="intensity"
            Which reading to take.
        signed : bool, default=False
            Whether rows have negative values; only with ``kind="linear"``.
        repeat : int, default=1
            Number of exposures to average.

        Returns
        -------
        n_frames : int
            For all rows together, without the frame of an internal reference alone.

        Examples
        --------
        >>> from skopu.optics import OPU
        >>> OPU(input_bits=1).exposures(100)
        100
        >>> OPU(input_bits=8).exposures(100, "linear", signed=True)
        6400
        >>> OPU(holography="internal_reference").exposures(100, "linear")
        200
        """
        n_samples = check_count(n_samples, "n_samples", 0)
        repeat = check_count(repeat, "repeat")
        self._check_modulator(kind)
        if kind not in ("intensity", "linear"):
            raise ValueError(f'kind must be "intensity" or "linear", got {kind!r}.')
        if kind == "intensity" and signed and self.input_bits is not None:
            raise ValueError(
                "Signed input has no intensity on a device with input_bits: two "
                'frames make it, which only add up as fields. Use kind="linear".'
            )
        planes = 1 if self.input_bits is None else self.input_bits * (2 if signed else 1)
        if kind == "intensity" and planes == 1:
            return n_samples * repeat
        return n_samples * planes * (2 if self._has_reference("linear") else 4) * repeat

    def block_size(self, n_inputs):
        """Number of neighbouring modes of the medium that are orthogonal, 1 if none.

        Parameters
        ----------
        n_inputs : int
            Number of input modes.

        Returns
        -------
        block_size : int
            That of the medium used.
        """
        return self._medium().block_size(n_inputs)

    def with_independent_modes(self, n_inputs, n):
        """The device, read only at independent modes: one per block of the medium.

        Parameters
        ----------
        n_inputs : int
            Number of input modes.
        n : int
            Number of linear projections needed.

        Returns
        -------
        opu : OPU
            This device if all modes are independent.

        Raises
        ------
        ValueError
            If the device has too few outputs.
        """
        spacing = self._medium().mode_spacing(n_inputs)
        if spacing == 1:
            return self
        n_modes = self._n_modes(check_count(n, "n"), "linear")
        if self.max_outputs is not None and (n_modes - 1) * spacing + 1 > self.max_outputs:
            raise ValueError(
                f"The device has {self.max_outputs} outputs, which hold "
                f"{-(-self.max_outputs // spacing)} independent modes of {n_inputs} inputs; "
                f"{n_modes} are needed. Lower n_matvecs, or use a GaussianMedium."
            )
        spread = SpacedMedium(self._medium(), self.random_state)
        options = {"max_inputs": self.max_inputs, "holography": self.holography}
        return OPU(spread, self.camera, self.input_bits, self.random_state, **options)

    def without_noise(self):
        """The same glass with an ideal modulator and camera.

        Returns
        -------
        opu : OPU
            A clone.
        """
        return clone(self).set_params(camera=None, input_bits=None)

    def glass_seed(self):
        """Integer that names the glass: the seed of the medium, or of the device.

        Returns
        -------
        seed : int
            0 if neither has one.
        """
        return self._medium().glass_seed(self.random_state)

    def check(self, n_inputs, n, kind):
        """Check all parameters and the size of the device.

        Parameters
        ----------
        n_inputs : int
            Number of inputs used.
        n : int
            Number of readings; phase shifts read two projections from one output.
        kind : {"intensity", "linear"}
            Which readings to take.

        Raises
        ------
        ValueError
            If the device has too few inputs or outputs, or a parameter is wrong.
        """
        medium = self._medium()
        self._camera().check()
        check_seed(self.random_state, "OPU")
        self._check_modulator(kind)
        if kind == "intensity" and (self.input_bits or 1) > 1 and not medium.is_coherent:
            raise ValueError(
                "The intensity of several bits is that of planes whose fields are added, and light "
                f"through {medium!r} has more than one field. Set input_bits=1 and binarise X."
            )
        n_modes = self._n_modes(check_count(n, "n"), kind)
        self._check_limits(n_inputs, n_modes)
        medium.glass_seed(self.random_state)
        medium.check(n_inputs, n_modes)

    def _default_parts(self):
        return {"medium": LayeredMedium, "camera": Camera}

    def _medium(self):
        medium = LayeredMedium() if self.medium is None else self.medium
        if not isinstance(medium, Medium):
            raise ValueError(f"medium of OPU must be a Medium, got {medium!r}.")
        return medium

    def _camera(self):
        camera = Camera() if self.camera is None else self.camera
        if not isinstance(camera, Camera):
            raise ValueError(f"camera of OPU must be a Camera, got {camera!r}.")
        return camera

    def _check_modulator(self, kind):
        if self.input_bits is not None:
            check_count(self.input_bits, "input_bits of OPU", 1, 16)
        if self.holography not in ("phase_shifting", "internal_reference"):
            raise ValueError(
                'holography of OPU must be "phase_shifting" or "internal_reference", got '
                f"{self.holography!r}."
            )
        if kind == "intensity" and (self.input_bits or 1) > 1 and self._has_reference("linear"):
            raise ValueError(
                "The intensity of several bits is that of planes whose complex fields are added, "
                'and an internal reference gives only real parts. Set holography="phase_shifting",'
                " or input_bits=1 and binarise X."
            )

    def _has_reference(self, kind):
        return kind == "linear" and self.holography == "internal_reference"

    def _n_modes(self, n, kind):
        return n if self._has_reference(kind) else n_modes_of(n, kind)

    def project(self, X, n, kind, *, finish=None, out=None, name="X", repeat=1, first_exposure=0):
        """Read checked rows; the method that estimators call.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs)
            Checked rows of float32 or float64, or an array of another library.
        n : int
            Number of readings of each row.
        kind : {"intensity", "linear"}
            Which readings to take.
        finish : callable, default=None
            ``finish(piece, outputs)`` turns a piece of the readings into the result,
            and may overwrite the piece, while it is in the processor's cache; outputs is its
            slice of columns.
        out : ndarray of shape (n_samples, n), default=None
            Array to write to.
        name : str, default="X"
            Name of X in error messages.
        repeat : int, default=1
            Number of exposures to average.
        first_exposure : int, default=0
            Number of the first exposure; each number has its own noise.

        Returns
        -------
        readings : ndarray of shape (n_samples, n)
            Readings in the dtype of X; ``out`` if it is given.

        Raises
        ------
        ValueError
            If the device has too few inputs or outputs, or intensities overflow or vanish.
        """
        n, repeat = check_count(n, "n"), check_count(repeat, "repeat")
        self.check(X.shape[1], n, kind)
        check_shown(X, self.input_bits, kind == "linear", name)
        medium, camera = self._medium(), self._camera()
        n_modes, result = self._n_modes(n, kind), new_result(X, n, out)
        backend = backend_of(X)
        # In double precision, whatever X is: a photon count takes a number of random draws that
        # rounding of the light could change, and with it all that follow.
        in_double = camera.is_random or backend.is_numpy
        if kind == "intensity" or not camera.is_ideal:
            wide = kind == "linear" and in_double
            _check_squares(X, np.float64 if wide else numpy_dtype(X), name)
        if camera.is_ideal:
            if self._has_reference(kind):
                read_real_parts(medium, X, result, finish, self.random_state)
            else:
                medium.read(X, kind, result, finish=finish, seed=self.random_state)
            return result
        direct = kind == "intensity" and (self.input_bits or 1) == 1
        glass = {"medium": medium, "camera": camera, "seed": self.random_state}
        options = {"repeat": repeat, "first_exposure": first_exposure}
        for rows in pieces(X.shape[0], max(1, _NOISY_GROUP // max(n_modes, X.shape[1]))):
            light = backend.as_type(X[rows, :], np.float64) if in_double else X[rows, :]
            if direct:
                readings = take_frames(light, n, **glass, **options)
            elif self._has_reference(kind):
                readings = take_with_reference(light, n, self.input_bits, **glass, **options)
            else:
                field = take_holograms(light, n_modes, self.input_bits, **glass, **options)
                readings = backend.read(kind, field, result[rows, :])
            readings = backend.as_type(readings, numpy_dtype(X))
            write_piece(result[rows, :], readings, slice(0, n), finish)
        return result


def resolve_opu(opu, random_state=None, *, seed=None, medium=LayeredMedium):
    """The device that was given, or an ideal one, with a seed drawn from random_state.

    So is one that was given without a seed. ``seed`` spares the drawing, if it is given.
    """
    if opu is None:
        return OPU(medium(), random_state=draw_seed(random_state) if seed is None else seed)
    if not isinstance(opu, Device):
        raise ValueError(f"opu must be an OPU, or another Device, or None, got {opu!r}.")
    if getattr(opu, "random_state", 0) is None:
        seed = draw_seed(random_state) if seed is None else seed
        return clone(opu).set_params(random_state=seed)
    return opu


def draw_seed(random_state):
    """A seed for a device, from what scikit-learn takes as random_state."""
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def _check_squares(X, dtype, name):
    """Raise ValueError where squares of the light, added up, overflow a dtype or all vanish."""
    values = stored_values(X)
    if 0 in values.shape:
        return
    limits, xp = np.finfo(dtype), backend_of(values).namespace
    largest = float(max(xp.max(values), -xp.min(values)))
    room = 100 * X.shape[1]  # for a bright speckle of them all
    if 0 < largest < float(limits.tiny) ** 0.5 or largest > (float(limits.max) / room) ** 0.5:
        raise ValueError(
            f"{name} has entries of up to {largest:.1g}, whose squares, the intensities, are out "
            f"of the range of {limits.dtype}. Scale {name} first."
        )
