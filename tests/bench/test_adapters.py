"""Benches of other libraries, on the simulated devices that these have."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline

from skopu import OpticalRandomFeatures
from skopu.bench import ALP4Bench, BenchError, BenchOPU, OpenWFSBench, SLMSuiteBench


def check_kernel(opu, n_inputs):
    """Readings are those of the speckle kernel, twice alike, and classify."""
    rng = np.random.default_rng(0)
    X = rng.choice([-1.0, 1.0] if opu.bench.modulation == "phase" else [0.0, 1.0], (60, n_inputs))
    X[:30, : n_inputs // 2] = 1
    y = np.repeat([0, 1], 30)
    n = min(opu.calibrate().max_outputs, 400)
    readings, again = (opu.intensity(X, n) for _ in range(2))
    assert np.corrcoef(readings.ravel(), again.ravel())[0, 1] > 0.95
    centred = readings / np.square(X).sum(axis=1)[:, None]
    centred = centred - centred.mean(axis=0)
    cosines = X @ X.T / np.outer(*[np.linalg.norm(X, axis=1)] * 2)
    kernel = centred @ centred.T
    upper = np.triu_indices(60, 1)
    expected = cosines**2 - (cosines**2).mean(axis=0) - (cosines**2).mean(axis=1)[:, None]
    assert np.corrcoef(kernel[upper], expected[upper])[0, 1] > 0.7
    model = make_pipeline(OpticalRandomFeatures(n=n, opu=opu), RidgeClassifier(alpha=10))
    assert model.fit(X, y).score(X, y) == 1


class StandIn:
    """What ALP4lib documents of a mirror array, with glass and a camera behind it."""

    nSizeX, nSizeY = 37, 26

    def __init__(self):
        rng = np.random.default_rng(0)
        glass = rng.normal(size=(self.nSizeX * self.nSizeY, 900, 2)) @ [1, 1j]
        self.glass, self.calls, self.frames, self.stored = glass, [], [], None

    def SeqAlloc(self, nbImg=1, bitDepth=1):
        assert self.stored is None, "memory of the sequence before was not freed"
        assert bitDepth == 1
        self.stored = nbImg

    def SeqPut(self, imgData):
        assert imgData.ndim == 1
        assert set(np.unique(imgData)) <= {0, 255}
        self.images = imgData.reshape(self.stored, self.nSizeY * self.nSizeX) / 255

    def SetTiming(self, pictureTime):
        self.calls.append(pictureTime)

    def Run(self, loop=True):
        assert not loop
        self.frames = 0.1 * abs(self.images @ self.glass) ** 2 + 3

    def Halt(self):
        self.calls.append("halt")

    def FreeSeq(self):
        self.stored = None


def test_alp4():
    dmd = StandIn()

    def record(n_frames, start):
        start()
        return dmd.frames[:n_frames].reshape(n_frames, 30, 30)

    bench = ALP4Bench(dmd, record, (6, 9), picture_time=500)
    check_kernel(BenchOPU(bench), 40)
    assert dmd.calls[:2] == [500, "halt"]
    bench.take(np.eye(54, dtype=np.uint8)[:2])
    image = dmd.images[1].reshape(26, 37)
    expected = np.zeros((26, 37))
    expected[:4, 4:8] = 1
    assert np.array_equal(image, expected)


def test_alp4_frees_its_memory_where_the_camera_fails():
    dmd = StandIn()

    def record(n_frames, start):
        raise TimeoutError

    bench = ALP4Bench(dmd, record, (6, 9))
    for _ in range(2):
        with pytest.raises(TimeoutError):
            bench.take(np.ones((1, 54), np.uint8))
    assert dmd.stored is None


def test_alp4_frees_its_memory_where_loading_fails():
    dmd = StandIn()

    def fails(imgData):
        raise RuntimeError("no such board")

    dmd.SeqPut = fails
    bench = ALP4Bench(dmd, lambda n_frames, start: None, (6, 9))
    for _ in range(2):
        with pytest.raises(BenchError, match="no such board"):
            bench.take(np.ones((1, 54), np.uint8))
    assert dmd.stored is None
    with pytest.raises(ValueError, match="record of ALP4Bench"):
        ALP4Bench(dmd, None, (6, 9))


@pytest.mark.parametrize("shape", [5, (3,), (0, 4), (27, 1), (1, 38)])
def test_wrong_shapes(shape):
    with pytest.raises(ValueError, match="shape"):
        ALP4Bench(StandIn(), print, shape)


def test_openwfs():
    openwfs = pytest.importorskip("openwfs", reason="OpenWFS is not installed")
    rng = np.random.default_rng(0)
    shape = 10, 12
    # Two neighbours are imaged as one.
    glass = (rng.normal(size=(20, 20, 10, 6, 2)) @ [1, 1j]).repeat(2, axis=-1)
    slm = openwfs.simulation.SLM(shape)
    light = openwfs.simulation.SimulatedWFS(t=glass, slm=slm)
    camera = openwfs.simulation.Camera(light, analog_max=3000.0, digital_max=1023)
    bench = OpenWFSBench(slm, camera, shape)
    assert bench.full_scale == 1023
    check_kernel(BenchOPU(bench), 40)
    with pytest.raises(ValueError, match="odd number of columns"):
        OpenWFSBench(slm, camera, (10, 11))


class StandInSLM:
    """What slmsuite documents of a modulator, and keeps what is shown."""

    shape = 15, 17

    def set_phase(self, phase, settle):
        self.phase = phase


def test_slmsuite_leaves_the_rest_dark():
    slm, camera = StandInSLM(), SimpleNamespace(bitresolution=256, set_exposure=print)
    bench = SLMSuiteBench(slm, camera, (4, 6))
    bench.show(np.ones((1, 24), np.float32))
    assert np.all(slm.phase[:12, :12] == 1)
    field = np.exp(1j * slm.phase)
    field[:12, :12] = 0
    assert np.allclose(abs(field[12:]), 1)
    assert abs(field[:12, 12:].sum()) < 1e-5
    assert abs(field[12:, :16].sum()) < 1e-5
    assert slm.phase.dtype == np.float32


def test_slmsuite():
    slms = pytest.importorskip("slmsuite.hardware.slms.simulated", reason="slmsuite is missing")
    cameras = pytest.importorskip("slmsuite.hardware.cameras.simulated")
    rng = np.random.default_rng(0)
    # A rough surface behind the modulator, which two neighbours have in common, and a camera in the
    # middle of its Fourier plane, where these are all but one.
    surface = rng.uniform(0, 2 * np.pi, (64, 128)).repeat(2, axis=1)
    source = {"amplitude_sim": np.ones((64, 256)), "phase_sim": surface}
    slm = slms.SimulatedSLM((256, 64), source=source)
    camera = cameras.SimulatedCamera(slm, resolution=(16, 64), bitdepth=10)
    bench = SLMSuiteBench(slm, camera, (8, 256), exposure_range=(1e-3, 1e9))
    assert bench.full_scale == 1023
    check_kernel(BenchOPU(bench), 600)
