"""What a laboratory's bench must offer."""

import os
import queue
import threading
import weakref
from concurrent.futures import Future, wait

import numpy as np

from .._utils.checks import check_count, check_positive

_LIMITS = (
    *("n_inputs", "input_bits", "modulation", "batch_size"),
    *("full_scale", "exposure_range", "timeout"),
)


class BenchError(RuntimeError):
    """The bench failed, or its frames cannot be speckle."""


class Bench:
    """Modulator, scattering medium and camera on an optical table, behind two functions.

    Pass both functions, or derive a class with methods `show` and `grab`. A bench belongs to the
    process that made it: clones of an estimator share it, and a pickle keeps its limits but not its
    handle.

    Read more in the :doc:`user guide </user_guide/bench>`.

    Parameters
    ----------
    show : callable
        ``show(patterns)`` puts patterns on the modulator, or loads them as a sequence: an array of
        shape (n_patterns, n_inputs), at most ``batch_size`` patterns. With
        ``modulation="amplitude"``, uint8 or uint16 of ``input_bits`` bits, or float32 from 0 to 1
        if ``input_bits`` is None; with ``modulation="phase"``, float32 in radians from -pi to pi.
    grab : callable
        ``grab(n_frames)`` returns the camera's frames of these patterns, in order: an array of
        counts of shape (n_frames, ...); all frames have the same shape. If the camera waits for
        triggers from the modulator, arm it and start the sequence in ``grab``. The returned array
        is copied. If ``grab`` collects frames from a buffer that the driver reuses, copy each one.
    n_inputs : int
        Number of inputs of the modulator: mirrors or pixels, or groups of them that `show` moves
        together.
    input_bits : int or None, default=1
        Bits of an amplitude: 1 shows 0 and 1, as a mirror array does; None shows any.
    modulation : {"amplitude", "phase"}, default="amplitude"
        What the modulator changes. With phases, two neighbouring inputs, 2 i and 2 i + 1, show one
        amplitude a from -1 to 1: their phases are arccos(a) and -arccos(a), so imaged as one they
        add up to a. An aperture in the Fourier plane has to merge them, whatever the data are:
        inputs that are dark, as those of the reference are for a part of the time, show 90 and -90
        degrees. A last input without a partner always shows phase 0.
    batch_size : int, default=1
        Maximum number of patterns in one call of `show`.
    full_scale : int, default=None
        Largest count of the camera, at which it saturates. None turns this check off.
    set_exposure : callable, default=None
        ``set_exposure(time)`` sets the exposure of the camera, in any unit. None leaves it alone.
    exposure_range : tuple of two floats, default=(1e-6, 1.0)
        Shortest and longest exposure, in the unit of ``set_exposure``.
    timeout : float or None, default=30.0
        Seconds that `show` and `grab` together may take for one batch. All functions then run in
        one separate thread; None calls them directly, as some drivers require.

    Attributes
    ----------
    frame_shape : tuple of int or None
        Shape of a frame, known once a frame was taken.
    lock : threading.RLock
        Held by the device that is taking frames: several may share a bench.

    Raises
    ------
    ValueError
        If a function is missing or a limit is out of range.

    See Also
    --------
    BenchOPU : The device over a bench, for every estimator.
    SimulatedBench : A bench without a laboratory.
    OpenWFSBench : A bench driven by OpenWFS.
    SLMSuiteBench : A bench driven by slmsuite.
    ALP4Bench : A mirror array driven by ALP4lib.

    Notes
    -----
    An exception in either function ends a recording; a store (see `BenchOPU`) keeps what was
    recorded before. A `TimeoutError` counts as a missing frame, which is taken again.

    Examples
    --------
    A minimal bench, whose glass is a matrix:

    >>> import numpy as np
    >>> from skopu.bench import Bench
    >>> glass = np.random.default_rng(0).normal(size=(64, 100, 2)) @ [1, 1j]
    >>> shown = []
    >>> def show(patterns):
    ...     shown[:] = patterns
    >>> def grab(n_frames):
    ...     return np.rint(abs(np.array(shown) @ glass) ** 2).reshape(n_frames, 10, 10)
    >>> bench = Bench(show, grab, n_inputs=64, batch_size=50)
    >>> bench.take(np.eye(64, dtype=np.uint8)[:3]).shape
    (3, 10, 10)
    """

    set_exposure = None  # unless a function or a method is given
    frame_shape = None  # until a frame was taken

    def __init__(
        self,
        show=None,
        grab=None,
        *,
        n_inputs,
        input_bits=1,
        modulation="amplitude",
        batch_size=1,
        full_scale=None,
        set_exposure=None,
        exposure_range=(1e-6, 1.0),
        timeout=30.0,
    ):
        for name, function in {"show": show, "grab": grab, "set_exposure": set_exposure}.items():
            if function is not None:
                if not callable(function):
                    raise ValueError(f"{name} of a bench must be a function, got {function!r}.")
                setattr(self, name, function)
            elif name != "set_exposure" and getattr(type(self), name) is getattr(Bench, name):
                raise ValueError(
                    f"A bench needs a function {name}: give one, or derive a class with a method "
                    "of that name."
                )
        self.n_inputs, self.input_bits, self.modulation = n_inputs, input_bits, modulation
        self.batch_size, self.full_scale = batch_size, full_scale
        self.exposure_range, self.timeout = exposure_range, timeout
        self._check()
        self._process, self.lock = os.getpid(), threading.RLock()
        self._worker = self._unanswered = self._exposure = None

    def show(self, patterns):
        """Put patterns on the modulator; one of the two methods to write.

        Parameters
        ----------
        patterns : ndarray of shape (n_patterns, n_inputs)
            Patterns, see the class.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method show.")

    def grab(self, n_frames):
        """Return the frames of the last patterns; the other method to write.

        Parameters
        ----------
        n_frames : int
            Number of patterns shown.

        Returns
        -------
        frames : ndarray of shape (n_frames, ...)
            Counts of the camera.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method grab.")

    @property
    def n_amplitudes(self):
        """Number of amplitudes that can be shown: one per input, or one per pair of phases."""
        return self.n_inputs if self.modulation == "amplitude" else self.n_inputs // 2

    def take(self, patterns):
        """Show patterns and return their frames.

        Parameters
        ----------
        patterns : ndarray of shape (n_patterns, n_inputs)
            At most ``batch_size`` patterns.

        Returns
        -------
        frames : ndarray of shape (n_frames, ...)
            Checked counts; n_frames is less than n_patterns if frames were lost.

        Raises
        ------
        TimeoutError
            If the frames did not arrive in time.
        BenchError
            If a function raises or does not return frames, the bench has not answered the previous
            call, or its handle belongs to another process.
        """
        self.check_process()
        with self.lock:
            frames = self._in_time(self._show_and_grab, patterns)
        return self._checked(frames)

    def expose(self, exposure):
        """Set the exposure, unless it is set already.

        Parameters
        ----------
        exposure : float or None
            None leaves it alone.

        Raises
        ------
        BenchError
            If the bench cannot set it, or its function raises or does not return in time.
        """
        if exposure is None or exposure == self._exposure:
            return
        self.check_process()
        if self.set_exposure is None:
            raise BenchError(
                f"The bench was calibrated at an exposure of {exposure:g}, and has no set_exposure "
                "now. Give it one, or calibrate again: opu.calibrate()."
            )
        with self.lock:
            self._exposure = None  # unknown, if this fails
            try:
                self._in_time(self._call, "set_exposure", exposure)
            except TimeoutError as error:
                raise BenchError(
                    f"set_exposure has not returned for {self.timeout} seconds."
                ) from error
            self._exposure = exposure

    def check_process(self):
        """Check that the bench is usable in this process.

        Raises
        ------
        BenchError
            If it came out of a pickle, or this process is a fork of the one that made the bench.
        """
        if getattr(self, "_process", None) != os.getpid():
            raise BenchError(
                "The bench belongs to the process that made it, and this is another one, or it "
                "came out of a pickle. With n_jobs, set n_jobs=1, or use threads: "
                'joblib.parallel_backend("threading"). After loading, give the device a bench '
                "again: opu.connect(bench)."
            )

    def _show_and_grab(self, patterns):
        self._call("show", patterns)
        frames = self._call("grab", len(patterns))
        try:
            return np.array(frames)  # a copy: drivers fill one buffer again and again
        except ValueError as error:
            raise BenchError(
                f"grab of the bench must return an array of counts: {error}"
            ) from error

    def _call(self, name, argument):
        try:
            return getattr(self, name)(argument)
        except TimeoutError:
            raise
        except Exception as error:
            raise BenchError(
                f"{name} of the bench has raised {type(error).__name__}: {error}"
            ) from error

    def _in_time(self, function, *args):
        """What a function returns within the timeout; never two calls at a time."""
        if self.timeout is None:
            return function(*args)
        if self._unanswered is not None:
            if not wait([self._unanswered], self.timeout).done:
                raise BenchError(
                    f"The bench has not answered for {2 * self.timeout:g} seconds. Check whether "
                    "its camera waits for a trigger that never comes, or raise timeout."
                )
            self._unanswered = None  # frames that come too late are of no use
        if self._worker is None:
            self._worker = _Worker()
            weakref.finalize(self, self._worker.stop)
        answer = self._worker.submit(function, *args)
        self._unanswered = answer  # also where the wait is interrupted
        result = answer.result(self.timeout)
        self._unanswered = None
        return result

    def _checked(self, frames):
        if frames.dtype.kind not in "uif" or frames.ndim < 2 or 0 in frames.shape[1:]:
            raise BenchError(
                "grab of the bench must return an array of counts of shape (n_frames, height, "
                f"width), or (n_frames, n_pixels), got {frames.dtype} of shape {frames.shape}."
            )
        shape = frames.shape[1:]
        if self.frame_shape not in (None, shape):
            raise BenchError(
                f"grab of the bench has returned frames of shape {shape}, and of "
                f"{self.frame_shape} before. Keep one region of the camera."
            )
        self.frame_shape = shape
        if frames.dtype.kind == "f" and not np.isfinite(frames).all():
            raise BenchError("grab of the bench has returned NaN or infinity.")
        return frames

    def _check(self):
        check_count(self.n_inputs, "n_inputs of a bench")
        check_count(self.batch_size, "batch_size of a bench")
        if self.input_bits is not None:
            check_count(self.input_bits, "input_bits of a bench", 1, 16)
        if self.modulation not in ("amplitude", "phase"):
            raise ValueError(
                f'modulation of a bench must be "amplitude" or "phase", got {self.modulation!r}.'
            )
        if self.modulation == "phase" and self.n_inputs < 2:
            raise ValueError('A bench of modulation="phase" needs at least two inputs.')
        if self.full_scale is not None:
            check_positive(self.full_scale, "full_scale of a bench", instead=", or None")
        if self.timeout is not None:
            check_positive(self.timeout, "timeout of a bench", instead=", or None")
        times = self.exposure_range
        if not isinstance(times, tuple | list) or len(times) != 2:
            raise ValueError(f"exposure_range of a bench must be two numbers, got {times!r}.")
        shortest, longest = (check_positive(time, "exposure_range of a bench") for time in times)
        if longest < shortest:
            raise ValueError(f"exposure_range of a bench is empty: {times!r}.")

    def __repr__(self):
        return f"{type(self).__name__}(n_inputs={self.n_inputs})"

    def __sklearn_clone__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        return _without_handle, ({name: getattr(self, name) for name in _LIMITS},)


def _without_handle(limits):
    """A bench with the limits of another, in a process that has not got its handle."""
    bench = Bench.__new__(Bench)
    bench.__dict__.update(limits, lock=threading.RLock(), _exposure=None)
    return bench


class _Worker:
    """A thread that makes one call after the other, and keeps no process from ending."""

    def __init__(self):
        self._calls = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def submit(self, function, *args):
        answer = Future()
        self._calls.put((answer, function, args))
        return answer

    def stop(self):
        self._calls.put(None)

    def _work(self):
        while (call := self._calls.get()) is not None:
            answer, function, args = call
            try:
                answer.set_result(function(*args))
            except BaseException as error:  # it is raised where the answer is waited for
                answer.set_exception(error)
            del call, answer, function, args  # while it waits, it keeps no bench alive
