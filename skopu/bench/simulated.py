"""A bench that needs no laboratory, for tests and for teaching."""

import time

import numpy as np
from scipy import fft

from .._utils.checks import check_count, check_positive, check_seed
from ..optics import Camera, GaussianMedium
from ..optics.camera_effects import FULL_SCALE
from .bench import Bench

_BRIGHTNESS = 4.0  # signal at exposure 1 with all inputs lit


class SimulatedBench(Bench):
    """A simulated bench, with most of the faults of a real one.

    A `~skopu.GaussianMedium` behind a modulator of ``n_inputs`` mirrors; its speckle, whose grains
    are ``grain`` pixels wide, falls on a `~skopu.Camera`. Dark counts and stray light are on by
    default; lost frames, drifting glass and other faults are off. Light is polarised, the laser's
    power is steady, and no background is coherent.

    Read more in the :doc:`user guide </user_guide/bench>`.

    Parameters
    ----------
    n_inputs : int, default=1024
        Number of mirrors or pixels of the modulator.
    frame_shape : tuple of two ints, default=(96, 96)
        Height and width of a frame in pixels.
    grain : int, default=3
        Pixels across a grain of speckle.
    bits : int, default=8
        Bits of the camera.
    photons : float or None, default=1000.0
        Photons that a pixel detects at a tenth of full scale. None means no shot noise.
    dark_level : float, default=2.0
        Counts of the camera without light.
    background : float, default=0.02
        Stray light, as a share of the light from a modulator with all inputs lit.
    latency : float, default=0.0
        Minimum duration of a call of `grab`, in seconds.
    lost, repeated, late, hangs : float, default=0.0
        Probability that a call of `grab` misses a frame (lost); returns one frame twice and skips
        the next (repeated); returns frames that are all one pattern late (late); or takes longer
        than the timeout (hangs).
    drift : float, default=0.0
        Drift of the glass: angle in radians by which the field turns towards that of another glass
        in each frame. Intensities k frames apart correlate as cos(drift * k)^2.
    input_bits : int or None, default=1
        See `Bench`.
    modulation : {"amplitude", "phase"}, default="amplitude"
        See `Bench`.
    batch_size : int, default=64
        See `Bench`.
    timeout : float or None, default=30.0
        See `Bench`.
    random_state : int, default=0
        Seed of glass, noise and faults.

    See Also
    --------
    Bench : A bench of your own.
    BenchOPU : The device over a bench.
    skopu.OPU : A simulated device without a bench, and much faster.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.bench import SimulatedBench
    >>> bench = SimulatedBench(n_inputs=64, frame_shape=(32, 48))
    >>> bench.take(np.eye(64, dtype=np.uint8)).shape
    (64, 32, 48)
    """

    def __init__(
        self,
        n_inputs=1024,
        frame_shape=(96, 96),
        *,
        grain=3,
        bits=8,
        photons=1000.0,
        dark_level=2.0,
        background=0.02,
        latency=0.0,
        lost=0.0,
        repeated=0.0,
        late=0.0,
        hangs=0.0,
        drift=0.0,
        input_bits=1,
        modulation="amplitude",
        batch_size=64,
        timeout=30.0,
        random_state=0,
    ):
        super().__init__(
            n_inputs=n_inputs,
            input_bits=input_bits,
            modulation=modulation,
            batch_size=batch_size,
            full_scale=2 ** check_count(bits, "bits", 1, 16) - 1,
            timeout=timeout,
            exposure_range=(1e-4, 100.0),
        )
        self._shape = tuple(check_count(length, "frame_shape") for length in frame_shape)
        self._coarse = tuple(-(-length // check_count(grain, "grain")) for length in self._shape)
        seed = check_seed(random_state, "SimulatedBench")
        self._glasses = GaussianMedium(seed), GaussianMedium(seed + 1)
        self._camera = Camera(bits, 1.0, photons, random_state=seed)
        self._camera.check()
        self._offset = dark_level * FULL_SCALE / self.full_scale
        self._background, self._latency, self._drift = background, latency, drift
        if hangs and timeout is None:
            raise ValueError("hangs of SimulatedBench needs a timeout, which a call then exceeds.")
        self._chances = {"lost": lost, "repeated": repeated, "late": late, "hangs": hangs}
        self._chance = np.random.default_rng([seed, 0])
        self._time, self._n_frames = 1.0, 0
        self._patterns, self._last = None, np.zeros(self._shape, np.uint16)

    def set_exposure(self, exposure):
        """Set the exposure of the camera.

        Parameters
        ----------
        exposure : float
            In units of the exposure at which a fully lit modulator has a mean signal of four tenths
            of full scale.
        """
        self._time = check_positive(exposure, "exposure")

    def show(self, patterns):
        """Put patterns on the modulator.

        Parameters
        ----------
        patterns : ndarray of shape (n_patterns, n_inputs)
            Patterns, see `Bench`.
        """
        self._patterns = np.array(patterns)

    def grab(self, n_frames):
        """Return the frames of these patterns, with faults.

        Parameters
        ----------
        n_frames : int
            Number of patterns shown.

        Returns
        -------
        frames : ndarray of shape (n_frames, height, width)
            Counts, uint16; fewer frames if one is lost.
        """
        time.sleep(self._latency)
        frames = self._frames(self._patterns[:n_frames])
        happens = {name: self._chance.random() < chance for name, chance in self._chances.items()}
        if happens["hangs"]:
            time.sleep(1.2 * self.timeout)
        where = int(self._chance.integers(len(frames)))
        last, frames_now = frames[-1], frames
        if happens["late"]:
            frames_now = np.concatenate([self._last[None], frames[:-1]])
        if happens["repeated"] and where > 0:
            frames_now = frames_now.copy()
            frames_now[where] = frames_now[where - 1]
        if happens["lost"]:
            frames_now = np.delete(frames_now, where, axis=0)
        self._last = last
        return frames_now

    def _frames(self, patterns):
        numbers = self._n_frames + np.arange(len(patterns))
        self._n_frames += len(patterns)
        amplitudes = self._amplitudes(patterns)
        field = self._speckle(self._glasses[0], amplitudes)
        if self._drift:
            angles = self._drift * numbers[:, None, None]
            other = self._speckle(self._glasses[1], amplitudes)
            field = np.cos(angles) * field + np.sin(angles) * other
        power = (field.real**2 + field.imag**2) / self.n_amplitudes
        signal = self._time * _BRIGHTNESS * (power + self._background) + self._offset
        signal = signal.reshape(len(patterns), -1)
        keys = [int(number) for number in numbers]
        counts = self._camera.read_frames(signal, np.ones(len(signal)), keys, counts=True)
        return counts.reshape(-1, *self._shape)

    def _amplitudes(self, patterns):
        if self.modulation == "phase":
            pairs = patterns[:, : 2 * self.n_amplitudes].reshape(len(patterns), -1, 2)
            return np.exp(1j * pairs).mean(axis=2)
        return patterns / (1 if self.input_bits is None else 2.0**self.input_bits - 1)

    def _speckle(self, glass, amplitudes):
        """Field at the camera, with one mode a grain."""
        n_modes = self._coarse[0] * self._coarse[1]
        field = glass.field(np.ascontiguousarray(amplitudes.real, np.float32), n_modes)
        if np.iscomplexobj(amplitudes) and abs(amplitudes.imag).max() > 1e-6:
            field = field + 1j * glass.field(
                np.ascontiguousarray(amplitudes.imag, np.float32), n_modes
            )
        # The camera sees the Fourier transform of an aperture, which lets as many modes through.
        scale = np.prod(self._shape) / np.sqrt(n_modes)
        return scale * fft.ifft2(field.reshape(-1, *self._coarse), self._shape)
