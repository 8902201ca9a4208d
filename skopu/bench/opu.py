"""The device that estimators see, over a laboratory's bench."""

import numbers

import numpy as np

from .._utils.checks import check_count, check_positive, check_rows, stored_values
from ..optics.device import Device
from ..optics.modulator import check_shown
from ._calibration import calibrate, check_roi
from ._patterns import lit_rows, shown_planes
from ._readings import Readings
from .bench import Bench


class BenchOPU(Device):
    """Optical processing unit on a laboratory's own bench, for every estimator of skopu.

    The first use calibrates it: dark frame, exposure, size of a speckle grain, pixels farther apart
    than a grain, unit of intensity, contrast, and the speckle of a reference. This takes about 80
    frames. The calibration is kept; `calibrate` repeats it.

    Read more in the :doc:`user guide </user_guide/bench>`.

    Parameters
    ----------
    bench : Bench
        Modulator, glass and camera.
    bits : int, default=None
        Bits of the values of X. None means as many as the bench shows in one frame. A bench of one
        bit shows more of them plane by plane, in `linear` only.
    reference_size : int or "auto", default="auto"
        Number of inputs, the last ones, reserved for the reference that `linear` needs; X uses the
        others. "auto" reserves a fifth. With 0, `linear` is not available.
    n_outputs : int, default=None
        Maximum number of pixels to read, drawn from the whole frame. None uses all usable ones. All
        of them are stored, however many are requested.
    roi : tuple of pairs, default=None
        Region of interest: ``((first row, last row + 1), (first column, last column + 1))``. None
        uses the whole frame.
    exposure : "auto" or float, default="auto"
        Exposure of the camera, if the bench can set it. "auto" finds one at which the brightest of
        1000 pixels of a bright frame reaches 64 to 90 % of full scale.
    store : str or path, default=None
        File that keeps all readings and the calibration as they arrive: nothing is shown twice,
        even after the process was killed. A calibration from a file is used once three frames of
        the reference have confirmed that the bench is the same.
    retries : int, default=3
        How many times a faulty block of frames is taken again.
    max_drift : float, default=0.05
        Loss of correlation of the reference above which a warning says that the glass has drifted.
    verbose : int, default=0
        Above 0 shows a progress bar with the frame rate, which needs tqdm.

    Attributes
    ----------
    calibration_ : BenchCalibration
        Result of the last calibration: pixels in use, units, grain, exposure. Set on first use.

    See Also
    --------
    skopu.OPU : The simulated device.
    Bench : Modulator, glass and camera.
    SimulatedBench : A bench without a laboratory.
    measure_transmission_matrix : The matrix of the glass.

    Notes
    -----
    **Real projections need no interferometer.** Separate mirrors show a fixed reference s next to x
    [1]_. At mode m, with row r_m of the transmission matrix and field s_m of the reference, I(x +
    s) - I(x) - I(s) = 2 Re(conj(s_m) r_m . x). Divided by sqrt(2 I(s)), that is normal with
    variance ``||x||^2``, since r_m . x does not depend on s_m. It takes two frames per row; pixels
    at which the reference is dark are not used. This holds for polarised speckle of contrast C = 1;
    otherwise the variance is ``C^2 ||x||^2``. Put a linear polariser between glass and camera.

    Frames are taken in blocks that begin and end with the reference. A block is taken again if
    frames are missing or late, or if two neighbouring frames are too alike: the speckles of two
    patterns correlate by the square of the cosine between the patterns. A missing frame among
    nearly equal patterns goes unnoticed.

    No laboratory has run this yet; it is tested on simulated benches.

    References
    ----------
    .. [1] S. M. Popoff et al., "Measuring the transmission matrix in optics", Physical Review
       Letters 104, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import RidgeClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from skopu import OpticalRandomFeatures
    >>> from skopu.bench import BenchOPU, SimulatedBench
    >>> opu = BenchOPU(SimulatedBench(n_inputs=100, frame_shape=(64, 64)))
    >>> model = make_pipeline(OpticalRandomFeatures(n=200, opu=opu), RidgeClassifier())
    >>> X = np.random.default_rng(0).integers(2, size=(60, 80))
    >>> y = X[:, 0]
    >>> model.fit(X, y).score(X, y)
    1.0
    >>> opu.report().faults
    {}
    """

    def __init__(
        self,
        bench,
        *,
        bits=None,
        reference_size="auto",
        n_outputs=None,
        roi=None,
        exposure="auto",
        store=None,
        retries=3,
        max_drift=0.05,
        verbose=0,
    ):
        self.bench = bench
        self.bits = bits
        self.reference_size = reference_size
        self.n_outputs = n_outputs
        self.roi = roi
        self.exposure = exposure
        self.store = store
        self.retries = retries
        self.max_drift = max_drift
        self.verbose = verbose

    @property
    def input_bits(self):
        """Bits of the integers that can be shown, or None for any value."""
        if self.bench.modulation == "phase" or self.bench.input_bits is None:
            return None
        return self.bench.input_bits if self.bits is None else self.bits

    @property
    def max_inputs(self):
        """Number of inputs available to X."""
        return self.bench.n_amplitudes - self._reference_size()

    @property
    def max_outputs(self):
        """Number of pixels used, known once the bench is calibrated."""
        calibration = self.__dict__.get("calibration_")
        if calibration is None:
            return self.n_outputs
        return len(calibration.pixels[: self.n_outputs])

    def intensity(self, X, n, *, repeat=1, first_exposure=0):
        """Camera readings of the speckle of X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_inputs)
            Values that the bench can show; negative ones only if it modulates phases.
        n : int
            Number of pixels.
        repeat : int, default=1
            Number of frames to average.
        first_exposure : int, default=0
            Number of the first frame. It matters only to a store, which takes a new frame for a new
            number.

        Returns
        -------
        intensity : ndarray of shape (n_samples, n), float64
            Readings with mean ``||x||^2``. Rows of zeros are not shown and read as 0.

        Raises
        ------
        ValueError
            If the bench cannot show X or has too few pixels.
        BenchError
            If the bench fails, or frames are still faulty after ``retries``.
        """
        X, first_exposure = check_rows(X), check_count(first_exposure, "first_exposure", 0)
        self.check(X.shape[1], n, "intensity")
        signed = self.bench.modulation == "phase"
        check_shown(X, self.input_bits, signed, "X")
        if self.bench.input_bits == 1 and (self.input_bits or 1) > 1:
            raise ValueError(
                f"A bench of one bit shows bits={self.bits} plane by plane, and intensities of "
                "planes do not add up. Binarise X, for example with sklearn.preprocessing."
                "Binarizer, or use linear projections."
            )
        if not signed and stored_values(X).min(initial=0) < 0:
            raise ValueError(
                "X has negative values, which have no intensity on a bench that changes "
                "amplitudes. Send them through linear projections."
            )
        readings, calibration = self._readings(), self._calibrated()
        options = {"repeat": repeat, "first_exposure": first_exposure}
        result = np.zeros((X.shape[0], n))
        with readings.task(X.shape[0] * repeat, self.verbose):
            for rows, amplitudes, units in lit_rows(X, self.bench, self.input_bits):
                readings.look_at_light(amplitudes, calibration)
                reading = readings.intensities(amplitudes, n, calibration, **options)
                result[rows] = reading * units[:, None] ** 2
        return result

    def linear(self, X, n, *, repeat=1, first_exposure=0):
        """Real random projections of X, from frames with and without the reference.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_inputs)
            Values that the bench can show, of either sign.
        n : int
            Number of projections, one per pixel.
        repeat : int, default=1
            Number of frames to average.
        first_exposure : int, default=0
            Number of the first frame, see `intensity`.

        Returns
        -------
        projections : ndarray of shape (n_samples, n), float64
            Normal with variance ``||x||^2`` if the speckle has a contrast of 1. With N patterns
            that do not interfere, as the two polarisations behind glass without a polariser, the
            variance is ``||x||^2 / N``.

        Raises
        ------
        ValueError
            If the bench cannot show X, has too few pixels, or has no reference.
        BenchError
            If the bench fails, or frames are still faulty after ``retries``.
        """
        X, first_exposure = check_rows(X), check_count(first_exposure, "first_exposure", 0)
        self.check(X.shape[1], n, "linear")
        check_shown(X, self.input_bits, True, "X")
        planes, result = shown_planes(X, self.bench, self.input_bits), np.zeros((X.shape[0], n))
        readings, calibration = self._readings(), self._calibrated()
        options = {"repeat": repeat, "first_exposure": first_exposure}
        reference = calibration.reference_intensity[:n]
        with readings.task(2 * X.shape[0] * len(planes) * repeat, self.verbose):
            for weight, plane in planes:
                for rows, amplitudes, units in lit_rows(plane, self.bench, self.input_bits):
                    both = np.repeat(amplitudes, 2, axis=0)
                    both[1::2] += calibration.reference
                    reading = readings.intensities(both, n, calibration, **options)
                    fields = (reading[1::2] - reading[0::2] - reference) / np.sqrt(2 * reference)
                    result[rows] += weight * units[:, None] * fields
        return result

    def calibrate(self):
        """Calibrate the bench again; older readings in a store are no longer used.

        Pixels that are usable still keep their places, so that models which were fitted to readings
        of the same glass go on.

        Returns
        -------
        opu : BenchOPU
            The device itself.

        Raises
        ------
        BenchError
            If the camera sees nothing, or always the same frame.
        """
        self._check_parameters()
        readings, settings = self._readings(), self._settings()
        with readings.task(None, 0):
            made = calibrate(
                readings.recorder,
                reference_size=self._reference_size(),
                roi=self.roi,
                exposure=self.exposure,
                previous=self.__dict__.get("calibration_"),
            )
            readings.forget_looks()
            readings.look_at_contrast(made)
            if readings.store is not None:
                readings.store.save_calibration(settings, made)
            self.calibration_, self._calibrated_for = made, settings
        return self

    def connect(self, bench):
        """Continue with another bench object for the same glass, after loading a pickle.

        Parameters
        ----------
        bench : Bench
            The bench in this process.

        Returns
        -------
        opu : BenchOPU
            The device itself, with its calibration.

        Raises
        ------
        ValueError
            If ``bench`` is not a Bench, or its limits differ from those of the calibrated one.
        """
        before, self.bench = self.bench, bench
        try:
            self._check_parameters()
            made_for = self.__dict__.get("_calibrated_for")
            if made_for is not None and made_for != self._settings():
                raise ValueError(
                    f"{bench!r} has other limits than the bench that the device was calibrated "
                    "with. Make a new BenchOPU for it."
                )
        except ValueError:
            self.bench = before
            raise
        self.__dict__.pop("_read_so_far", None)
        return self

    def report(self):
        """Report on all frames since the device was made or connected.

        Returns
        -------
        report : BenchReport
            Numbers of frames, faults, drift and light.
        """
        return self._readings().report()

    def check(self, n_inputs, n, kind):
        """Check all parameters and the size of the device; calibrate it on first use.

        Parameters
        ----------
        n_inputs : int
            Number of inputs used.
        n : int
            Number of readings.
        kind : {"intensity", "linear"}
            Which readings to take.

        Raises
        ------
        ValueError
            If the device has too few inputs or outputs, or a parameter is wrong.
        """
        check_count(n, "n")
        self._check_parameters()
        if n_inputs > self.max_inputs:
            raise ValueError(
                f"The bench has {self.bench.n_amplitudes} inputs, of which "
                f"{self._reference_size()} are kept for the reference; {n_inputs} were asked for. "
                "Reduce the features of X, for example with PCA, or set reference_size."
            )
        if kind == "linear" and self._reference_size() == 0:
            raise ValueError("Linear projections need a reference: set reference_size.")
        self._calibrated()
        self._check_limits(n_inputs, n)

    def project(self, X, n, kind, *, finish=None, out=None, name="X", repeat=1, first_exposure=0):
        """Read checked rows; the method that estimators call.

        Parameters
        ----------
        X, n, kind, finish, out, name, repeat, first_exposure
            See `skopu.optics.Device.project`.

        Returns
        -------
        readings : ndarray of shape (n_samples, n)
            Readings in the dtype of X; ``out`` if it is given.
        """
        options = {"finish": finish, "out": out, "name": name}
        total = self.exposures(X.shape[0], kind, signed=kind == "linear", repeat=repeat)
        with self._readings().task(total, self.verbose):
            return super().project(
                X, n, kind, repeat=repeat, first_exposure=first_exposure, **options
            )

    def exposures(self, n_samples, kind="intensity", *, signed=False, repeat=1):
        """Number of frames needed, in addition to two of the reference per block.

        Parameters
        ----------
        n_samples : int
            Number of rows.
        kind : {"intensity", "linear"}, default="intensity"
            Which reading to take.
        signed : bool, default=False
            Whether rows have negative values.
        repeat : int, default=1
            Number of frames to average.

        Returns
        -------
        n_frames : int
            For all rows together.
        """
        if kind == "intensity":
            return n_samples * repeat
        planes = self.input_bits if self.bench.input_bits == 1 and self.input_bits else 1
        if signed and self.bench.modulation == "amplitude":
            planes *= 2
        return 2 * n_samples * planes * repeat

    def __sklearn_clone__(self):
        return self  # one bench, one calibration

    def __getstate__(self):
        state = super().__getstate__().copy()
        state.pop("_read_so_far", None)
        return state

    def _check_parameters(self):
        bench = self.bench
        if not isinstance(bench, Bench):
            raise ValueError(f"bench of BenchOPU must be a Bench, got {bench!r}.")
        if self.bits is not None:
            check_count(self.bits, "bits of BenchOPU", 1, 16)
            if bench.modulation == "phase" or bench.input_bits is None:
                raise ValueError(
                    f"bits={self.bits} of BenchOPU has no meaning for a bench that shows any "
                    "value. Leave bits=None, and round X if it is to have few levels."
                )
            if 1 < bench.input_bits < self.bits:
                raise ValueError(
                    f"bits={self.bits} of BenchOPU is more than the {bench.input_bits} of its "
                    "bench; only benches of one bit show planes."
                )
        if self.n_outputs is not None:
            check_count(self.n_outputs, "n_outputs of BenchOPU")
        check_count(self.retries, "retries of BenchOPU", 0)
        check_positive(self.max_drift, "max_drift of BenchOPU")
        if not (isinstance(self.exposure, str) and self.exposure == "auto"):
            check_positive(self.exposure, "exposure of BenchOPU", instead=' or "auto"')
        check_roi(self.roi)
        n_left = bench.n_amplitudes - self._reference_size()
        if n_left < 2:
            raise ValueError(
                f"reference_size of BenchOPU leaves {n_left} of {bench.n_amplitudes} inputs. Two "
                "are needed: one input always makes the same speckle."
            )

    def _reference_size(self):
        n = self.bench.n_amplitudes
        if isinstance(self.reference_size, str) and self.reference_size == "auto":
            return max(1, n // 5) if n > 1 else 0
        return check_count(self.reference_size, "reference_size of BenchOPU", 0, n - 1)

    def _settings(self):
        """What a calibration depends on, as text."""
        bench, names = self.bench, ("n_inputs", "input_bits", "modulation", "full_scale")
        limits = {name: getattr(bench, name) for name in names}
        given = {**limits, "exposure": self.exposure, "reference_size": self._reference_size()}
        for name, value in given.items():
            if isinstance(value, numbers.Real):  # 1, 1.0 and NumPy's are the same
                given[name] = float(value)
        roi = self.roi if self.roi is None else [(int(start), int(end)) for start, end in self.roi]
        return repr({**given, "roi": roi})

    def _calibrated(self):
        """The calibration, made or loaded where there is none for these parameters."""
        settings = self._settings()
        with self.bench.lock:  # or threads would each make one
            if self.__dict__.get("_calibrated_for") != settings:
                readings = self._readings()
                store = readings.store
                stored = None if store is None else store.load_calibration(settings)
                if stored is None:
                    self.calibrate()
                else:
                    with readings.task(None, 0):
                        readings.verify(stored)
                    readings.look_at_contrast(stored)
                    self.calibration_, self._calibrated_for = stored, settings
            return self.calibration_

    def _readings(self):
        """What has been read so far with these parameters."""
        given = self.bench, self.store, self.retries, self.max_drift, self.n_outputs
        with self.bench.lock:
            made = self.__dict__.get("_read_so_far")
            if made is None or made[0] != given:
                made = self._read_so_far = given, Readings(*given)
                self._save_calibration(made[1].store)
            return made[1]

    def _save_calibration(self, store):
        """What readings are stored under, in a store that is given to a calibrated device."""
        settings = self.__dict__.get("_calibrated_for")
        if store is not None and settings and store.load_calibration(settings) is None:
            store.save_calibration(settings, self.calibration_)
