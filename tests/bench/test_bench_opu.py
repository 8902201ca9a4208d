"""The device over a bench: what it reads, and what it does where the bench fails."""

import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import joblib
import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skopu import DFAClassifier, OpticalRandomFeatures, OpticalRidgeClassifier, OPUTruncatedSVD
from skopu.bench import Bench, BenchError, BenchOPU, BenchWarning, SimulatedBench
from skopu.bench._calibration import _in_their_places
from tests.statistics import z_score

N_PIXELS = 900


class Ideal(Bench):
    """A bench without noise whose glass is at hand; pixels are independent of each other."""

    def __init__(self, n_inputs=60, *, dark=3.0, seed=0, **options):
        super().__init__(n_inputs=n_inputs, batch_size=16, timeout=None, **options)
        rng = np.random.default_rng(seed)
        matrix = rng.normal(size=(self.n_amplitudes, N_PIXELS, 2)) @ [1, 1j] / np.sqrt(2)
        self.matrix, self.dark, self.n_shown, self.shown = matrix, dark, 0, []

    def show(self, patterns):
        self.patterns = np.array(patterns)
        self.n_shown += len(patterns)

    def grab(self, n_frames):
        light = self.patterns
        if self.modulation == "phase":
            light = np.exp(1j * light.reshape(n_frames, -1, 2)).mean(axis=2)
        elif self.input_bits is not None:
            light = light / (2**self.input_bits - 1)
        return 7 * abs(light @ self.matrix) ** 2 + self.dark

    def oracle(self, opu, X):
        """Field of X and of the reference at the pixels that the device uses."""
        pixels = opu.calibration_.pixels
        reference = self.matrix[opu.max_inputs :, pixels].sum(axis=0)
        return X @ self.matrix[: X.shape[1], pixels], reference


def bits(rng, *shape):
    return rng.integers(2, size=shape).astype(np.float64)


def assert_in_proportion(found, expected):
    """Found is expected, to rounding in single precision, in a unit for each pixel of about 1."""
    units = (found * expected).sum(axis=0) / np.square(expected).sum(axis=0)
    assert np.linalg.norm(found - units * expected) < 1e-5 * np.linalg.norm(found)
    assert abs(units.mean() - 1) < 0.1
    assert units.std() < 0.1


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ({}, [0, 1]),
        ({"input_bits": 3}, range(8)),
        ({"input_bits": None}, np.linspace(0, 5, 50)),
        ({"modulation": "phase", "n_inputs": 120}, np.linspace(-3, 3, 50)),
    ],
)
def test_intensities_are_those_of_the_glass(options, values):
    bench, rng = Ideal(**options), np.random.default_rng(1)
    opu, X = BenchOPU(bench), rng.choice(values, size=(40, 30))
    n = opu.calibrate().max_outputs
    reading = opu.intensity(X, n)
    field, _ = bench.oracle(opu, X)
    assert_in_proportion(reading, abs(field) ** 2)
    assert np.array_equal(opu.intensity(X, 5), reading[:, :5])


@pytest.mark.parametrize(
    ("options", "own", "values"),
    [
        ({}, {}, [-1, 0, 1]),
        ({}, {"bits": 3}, range(-7, 8)),
        ({"input_bits": 3}, {}, range(-7, 8)),
        ({"input_bits": None}, {}, np.linspace(-5, 5, 50)),
        ({"modulation": "phase", "n_inputs": 120}, {}, np.linspace(-3, 3, 50)),
    ],
)
def test_projections_are_those_on_the_reference(options, own, values):
    bench, rng = Ideal(**options), np.random.default_rng(1)
    opu, X = BenchOPU(bench, **own), rng.choice(values, size=(40, 30))
    n = opu.calibrate().max_outputs
    field, reference = bench.oracle(opu, X)
    expected = np.sqrt(2) * (np.conj(reference) * field).real / abs(reference)
    assert_in_proportion(opu.linear(X, n), expected)
    sparse = scipy.sparse.csr_matrix(X)
    assert np.array_equal(opu.linear(sparse, n), opu.linear(X, n))


def test_laws_of_readings():
    """Mean intensity and variance of projections are ||x||^2, and projections are uncorrelated."""
    means, variances, products = [], [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        opu = BenchOPU(Ideal(n_inputs=100, seed=seed))
        X = bits(rng, 2, 80)
        X[1] *= 1 - X[0]  # orthogonal
        power = np.square(X).sum(axis=1)
        means.append(opu.intensity(X, 400).mean(axis=1) / power)
        projections = opu.linear(X, 400)
        variances.append(np.square(projections).mean(axis=1) / power)
        products.append((projections[0] * projections[1]).mean() / np.sqrt(power.prod()))
    assert abs(z_score(means, 1)).max() < 4
    assert abs(z_score(variances, 1)).max() < 4
    assert abs(z_score(products, 0)) < 4


class Depolarised(Ideal):
    """A bench without a polariser: two glasses, whose speckles do not interfere."""

    def __init__(self, **options):
        super().__init__(**options)
        self.other = Ideal(seed=1, **options)

    def grab(self, n_frames):
        self.other.show(self.patterns)
        return (super().grab(n_frames) + self.other.grab(n_frames)) / 2


def test_contrast():
    X = bits(np.random.default_rng(0), 200, 40)
    lengths = np.linalg.norm(X, axis=1)[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error", BenchWarning)
        opu = BenchOPU(Ideal())
        assert np.isnan(opu.report().contrast)
        polarised = opu.linear(X, 400) / lengths
    assert opu.report().contrast == pytest.approx(1, abs=0.1)
    opu = BenchOPU(Depolarised())
    with pytest.warns(BenchWarning, match="contrast of 0.7.* polariser"):
        depolarised = opu.linear(X, 400) / lengths
    assert opu.report().contrast == pytest.approx(0.5**0.5, abs=0.07)
    assert polarised.var() == pytest.approx(1, abs=0.1)
    assert depolarised.var() == pytest.approx(0.5, abs=0.05)


def test_dark_rows_are_not_shown():
    bench = Ideal()
    opu = BenchOPU(bench).calibrate()
    before = bench.n_shown
    assert not opu.intensity(np.zeros((3, 5)), 7).any()
    assert not opu.linear(np.zeros((3, 5)), 7).any()
    assert bench.n_shown == before


def test_background_is_subtracted():
    X = bits(np.random.default_rng(0), 5, 40)
    readings = [BenchOPU(Ideal(dark=dark)).intensity(X, 100) for dark in (0, 50)]
    assert np.allclose(*readings)


def test_repeated_readings_are_means():
    opu, X = BenchOPU(SimulatedBench(n_inputs=64, photons=30.0)), np.ones((1, 40))
    once = np.concatenate([opu.intensity(X, 100) for _ in range(60)])
    often = np.concatenate([opu.intensity(X, 100, repeat=4) for _ in range(60)])
    ratio = once.var(axis=0).mean() / often.var(axis=0).mean()
    assert 3 < ratio < 5.3  # of variances that are known to 2 % each


@pytest.mark.parametrize("grain", [1, 2, 4])
def test_grains_and_pixels(grain):
    opu = BenchOPU(SimulatedBench(n_inputs=64, frame_shape=(96, 64), grain=grain), reference_size=0)
    calibration = opu.calibrate().calibration_
    assert set(calibration.grain) <= {grain, grain + 1}
    rows, columns = np.unravel_index(calibration.pixels, (96, 64))
    assert not (rows % calibration.grain[0]).any()
    assert not (columns % calibration.grain[1]).any()
    X = bits(np.random.default_rng(0), 400, 64)
    readings = opu.intensity(X, opu.max_outputs)
    grid = np.full((400, 96 // grain + 1, 64 // grain + 1), np.nan)
    grid[:, rows // calibration.grain[0], columns // calibration.grain[1]] = readings
    grid -= grid.mean(axis=0)
    neighbours = np.nanmean(grid[:, 1:] * grid[:, :-1]) / np.nanmean(grid**2)
    assert abs(neighbours) < 0.06


def test_region_of_interest():
    bench = SimulatedBench(n_inputs=64, frame_shape=(60, 80))
    opu = BenchOPU(bench, roi=((10, 40), (20, 70)), n_outputs=50).calibrate()
    rows, columns = np.unravel_index(opu.calibration_.pixels, (60, 80))
    assert rows.min() >= 10
    assert rows.max() < 40
    assert columns.min() >= 20
    assert columns.max() < 70
    assert opu.max_outputs == 50
    for roi in (((0, 61), (0, 80)), ((5, 5), (0, 80)), ((0, 60),)):
        with pytest.raises(ValueError, match="roi must be"):
            BenchOPU(bench, roi=roi).calibrate()


def test_exposure_is_found_once():
    bench = SimulatedBench(n_inputs=64)
    opu = BenchOPU(bench).calibrate()
    found = opu.calibration_.exposure
    bright = np.ones((1, 64), np.uint8)
    bright[:, : opu.max_inputs : 2] = 0
    level = np.quantile(bench.take(bright), 0.999)
    assert 0.5 * 255 < level < 255  # the brightest pattern of the calibration is brighter
    opu.intensity(np.ones((2, 5)), 10)
    assert opu.calibration_.exposure == found
    assert BenchOPU(bench, exposure=0.3).calibrate().calibration_.exposure == 0.3
    # Another device has changed it meanwhile.
    opu.intensity(np.ones((2, 5)), 10)
    assert bench._time == found


@pytest.mark.parametrize("background", [0.0, 1.0, 3.0, 10.0])
def test_exposure_with_a_background(background):
    opu = BenchOPU(SimulatedBench(n_inputs=64, background=background)).calibrate()
    frames = opu.bench.take(np.ones((1, 64), np.uint8))
    assert np.quantile(frames, 0.999) > 0.5 * 255
    assert opu.intensity(np.ones((2, 5)), 10).shape == (2, 10)


def test_exposure_that_cannot_be_found():
    bench = SimulatedBench(n_inputs=64)
    bench.exposure_range = (1e-6, 1e-5)
    with pytest.raises(BenchError, match="No exposure from 1e-06 to 1e-05"):
        BenchOPU(bench).calibrate()
    with pytest.raises(ValueError, match="needs a bench with a function set_exposure"):
        BenchOPU(Ideal(), exposure=1.0).calibrate()
    with pytest.raises(ValueError, match="with full_scale"):
        BenchOPU(Ideal(set_exposure=lambda time: None)).calibrate()


def test_limits():
    opu = BenchOPU(Ideal(n_inputs=50), reference_size=20)
    assert opu.max_inputs == 30
    assert opu.max_outputs is None
    with pytest.raises(ValueError, match="50 inputs, of which 20 are kept for the reference; 31"):
        opu.intensity(np.ones((1, 31)), 5)
    with pytest.raises(ValueError, match="outputs"):
        opu.intensity(np.ones((1, 30)), N_PIXELS + 1)
    with pytest.raises(ValueError, match="shows 0 and 1"):
        opu.intensity(np.full((1, 3), 2.0), 5)
    with pytest.raises(ValueError, match="Negative values have no intensity"):
        opu.intensity(-np.ones((1, 3)), 5)
    with pytest.raises(ValueError, match="plane by plane"):
        BenchOPU(opu.bench, bits=4).intensity(np.full((1, 3), 2.0), 5)
    with pytest.raises(ValueError, match="which have no intensity on a bench"):
        BenchOPU(Ideal(input_bits=None)).intensity(-np.ones((1, 3)), 5)
    without = BenchOPU(opu.bench, reference_size=0)
    assert without.intensity(np.ones((1, 50)), 5).shape == (1, 5)
    with pytest.raises(ValueError, match="need a reference"):
        without.linear(np.ones((1, 50)), 5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"bench": "mine"},
        {"bits": 0},
        {"reference_size": 60},
        {"reference_size": 59},
        {"bench": Ideal(input_bits=None), "bits": 1},
        {"bench": Ideal(modulation="phase"), "bits": 1},
        {"bench": Ideal(input_bits=3), "bits": 4},
        {"roi": 5},
        {"roi": ((None, None), (0, 8))},
        {"reference_size": "all"},
        {"n_outputs": 0},
        {"retries": -1},
        {"max_drift": 0},
        {"exposure": "long"},
    ],
)
def test_wrong_parameters(wrong):
    with pytest.raises(ValueError, match=f"{list(wrong)[-1]}.*BenchOPU"):
        BenchOPU(**{"bench": Ideal(), **wrong}).intensity(np.ones((1, 3)), 5)


@pytest.mark.parametrize("kind", ["intensity", "linear"])
@pytest.mark.parametrize("own", [{}, {"bits": 2}])
def test_number_of_frames(kind, own):
    bench = Ideal()
    opu = BenchOPU(bench, **own).calibrate()
    X = np.tile([[1.0, -1.0], [-1.0, 1.0]], (15, 1)) if kind == "linear" else np.ones((30, 2))
    if own and kind == "intensity":
        pytest.skip("has no intensity")
    expected = opu.exposures(30, kind, signed=kind == "linear", repeat=2)
    before = bench.n_shown
    getattr(opu, kind)(3 * X if own else X, 5, repeat=2)
    taken = bench.n_shown - before
    blocks = taken - expected
    assert blocks % 2 == 0
    assert 0 < blocks <= 2 * (taken // 30 + 5)


FAULTS = {"lost": 0.5, "repeated": 0.5, "late": 0.3, "hangs": 0.6}


@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_frames_are_taken_again(fault):
    X = bits(np.random.default_rng(0), 300, 50)
    opu = BenchOPU(SimulatedBench(n_inputs=64, batch_size=40), retries=20)
    expected = opu.intensity(X, 200)
    if fault == "hangs":
        opu.bench.timeout = 0.2
    opu.bench._chances[fault] = FAULTS[fault]  # the same pixels, and trouble from now on
    with pytest.warns(BenchWarning, match="were faulty and were taken again"):
        found = opu.intensity(X, 200)
    correlations = [np.corrcoef(*pair)[0, 1] for pair in zip(expected, found, strict=True)]
    assert min(correlations) > 0.97
    names = {"hangs": {"timeout"}, "repeated": {"repeated", "late"}}.get(fault, {fault})
    assert opu.report().faults.keys() <= names  # "late" if it is the last one that is not shown


# Seeds with which something does go wrong.
@pytest.mark.parametrize(("fault", "seed"), [("lost", 5), ("repeated", 4), ("late", 5)])
def test_faults_in_the_calibration(fault, seed):
    clean = BenchOPU(SimulatedBench(n_inputs=64)).calibrate()
    bench = SimulatedBench(n_inputs=64, batch_size=40, **{fault: 0.5})
    bench._chance = np.random.default_rng(seed)
    opu = BenchOPU(bench, retries=100)
    with pytest.warns(BenchWarning, match="were faulty and were taken again"):
        opu.calibrate()
    assert opu.calibration_.agreement > 0.98
    common, own, others = np.intersect1d(
        opu.calibration_.pixels, clean.calibration_.pixels, return_indices=True
    )
    assert len(common) > 0.9 * opu.max_outputs
    references = (
        opu.calibration_.reference_intensity[own],
        clean.calibration_.reference_intensity[others],
    )
    assert np.corrcoef(*references)[0, 1] > 0.99


def test_exposure_with_frames_both_late_and_repeated():
    expected = BenchOPU(SimulatedBench(64, (32, 32))).calibrate().calibration_.exposure
    for seed in range(5):
        bench = SimulatedBench(64, (32, 32), late=0.3, repeated=0.3)
        bench._chance = np.random.default_rng(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BenchWarning)
            opu = BenchOPU(bench, retries=100).calibrate()
        assert opu.calibration_.exposure == pytest.approx(expected, rel=0.5)  # noise differs


def test_faults_that_do_not_end():
    opu = BenchOPU(SimulatedBench(n_inputs=64, batch_size=40)).calibrate()
    opu.bench._chances["late"] = 1.0
    with pytest.raises(BenchError, match="later than their patterns"):
        opu.intensity(np.ones((30, 5)), 10)
    assert opu.report().faults == {"late": 4}


@pytest.mark.parametrize("seed", range(5))
def test_no_false_alarm(seed):
    """Patterns of any likeness, noise of any size: a bench that works is not blamed."""
    rng = np.random.default_rng(seed)
    bench = SimulatedBench(n_inputs=100, photons=[1000.0, 10.0, 3.0][seed % 3], random_state=seed)
    X = bits(rng, 200, 80)
    X[1::2] = X[::2]
    X[1::2, : rng.integers(1, 80)] = 1
    opu = BenchOPU(bench)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opu.intensity(X, 300)
        opu.linear(X, 300)
    assert opu.report().faults == {}


@pytest.mark.parametrize("n_inputs", [2, 3, 5, 12, 24])
def test_few_inputs(n_inputs):
    bench = SimulatedBench(n_inputs=n_inputs, frame_shape=(99, 99))
    opu = BenchOPU(bench, reference_size=1 if n_inputs > 2 else 0).calibrate()
    assert set(opu.calibration_.grain) <= {3, 4}
    X = np.eye(opu.max_inputs)
    once, twice = (opu.intensity(X, 500) for _ in range(2))
    assert min(np.corrcoef(*pair)[0, 1] for pair in zip(once, twice, strict=True)) > 0.9


def test_light_that_flickers():
    bench, rng = SimulatedBench(n_inputs=64), np.random.default_rng(0)
    frames = bench._frames

    def flickering(patterns):
        powers = np.clip(rng.normal(1, 0.2, size=(len(patterns), 1, 1)), 0.1, None)
        return (frames(patterns) * powers).clip(0, 255)

    bench._frames = flickering
    calibration = BenchOPU(bench).calibrate().calibration_
    assert set(calibration.grain) <= {3, 4}
    assert len(calibration.pixels) > 500


def test_few_outputs():
    X = bits(np.random.default_rng(0), 40, 50)
    every = BenchOPU(SimulatedBench(n_inputs=64)).intensity(X, 100)
    for n_outputs in (1, 2, 12):
        opu = BenchOPU(SimulatedBench(n_inputs=64), n_outputs=n_outputs)
        assert np.array_equal(opu.intensity(X, n_outputs), every[:, :n_outputs])
        assert opu.max_outputs == n_outputs
        with pytest.raises(ValueError, match=f"has {n_outputs} outputs"):
            opu.intensity(X, n_outputs + 1)


@pytest.mark.parametrize("own", [None, 1, 3])
def test_zeros_and_ones_take_all_the_light(own):
    X = bits(np.random.default_rng(0), 40, 50)
    one = BenchOPU(SimulatedBench(n_inputs=64))
    eight = BenchOPU(SimulatedBench(n_inputs=64, input_bits=8), bits=own)
    assert np.array_equal(eight.intensity(X, 100), one.intensity(X, 100))
    assert np.array_equal(eight.linear(X, 100), one.linear(X, 100))


def test_integers_are_shown_exactly():
    bench = Ideal(input_bits=8)
    opu, X = BenchOPU(bench), np.arange(1.0, 8)[:, None] * np.ones(30)
    X[:, 0] = 1
    n = opu.calibrate().max_outputs
    field, _ = bench.oracle(opu, X)
    assert_in_proportion(opu.intensity(X, n), abs(field) ** 2)


@pytest.mark.parametrize("batch_size", [1, 16, 64])
def test_a_driver_that_fills_one_buffer(batch_size):
    X = bits(np.random.default_rng(0), 40, 50)
    readings = []
    for copied in (True, False):
        table = SimulatedBench(n_inputs=64, batch_size=batch_size)
        buffer = np.zeros((batch_size, 96, 96), np.uint16)

        def grab(n_frames, table=table, buffer=buffer, copied=copied):
            buffer[:n_frames] = table.grab(n_frames)
            return buffer[:n_frames].copy() if copied else buffer[:n_frames]

        limits = {"n_inputs": 64, "batch_size": batch_size, "full_scale": 255}
        readings.append(BenchOPU(Bench(table.show, grab, **limits)).intensity(X, 100))
    assert np.array_equal(*readings)


def test_frames_that_show_nothing():
    X, bench = bits(np.random.default_rng(0), 100, 50), SimulatedBench(n_inputs=64)
    opu, frames, blank = BenchOPU(bench, retries=1).calibrate(), bench._frames, [True]

    def some_blank(patterns):
        taken = frames(patterns)
        if blank.pop():
            taken[len(taken) // 2] = 0
        return taken

    bench._frames = some_blank
    blank[:] = [False, True, False, True]
    with pytest.warns(BenchWarning, match="2 blocks of frames were faulty.*: 2 foreign"):
        opu.intensity(X, 10)
    assert opu.report().faults == {"foreign": 2}
    blank[:] = [True, True]
    with pytest.raises(BenchError, match="darker or brighter than its pattern"):
        opu.intensity(X, 10)


@pytest.mark.parametrize("photons", [None, 1e4])
def test_rows_of_a_few_mirrors(photons):
    """Less than a count is rounded away, which is told and no fault of frames."""
    opu = BenchOPU(SimulatedBench(n_inputs=1024, photons=photons)).calibrate()
    with pytest.warns(BenchWarning, match="less than half a count") as caught:
        opu.intensity(np.eye(40), 300)
    assert len(caught) == 1
    assert opu.report().faults == {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        projections = opu.linear(np.eye(40), 300)
    assert 0.5 < projections.var() < 2


@pytest.mark.parametrize(("power", "background"), [(0.8, 0.0), (1.0, 0.1)])
def test_light_that_changes(power, background):
    X, bench = bits(np.random.default_rng(0), 60, 50), SimulatedBench(n_inputs=64)
    opu = BenchOPU(bench)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opu.intensity(X, 10)
    assert opu.report()[5:7] == pytest.approx((1, 0), abs=0.05)
    speckle = bench._speckle
    bench._speckle = lambda *args: speckle(*args) * power**0.5
    bench._background += background
    with pytest.warns(BenchWarning, match="The light has changed") as caught:
        opu.intensity(X, 10)
    assert len(caught) == 1
    # Background of all 64 mirrors, where twelve light the reference, read where it is not dark.
    assert opu.report().power == pytest.approx(power, abs=0.05)
    added = background * 64 / (1.25 * 12)
    assert opu.report().background == pytest.approx(added, abs=0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opu.calibrate().intensity(X, 10)


def dark(patterns):
    return np.zeros((len(patterns), 8, 8), np.uint8)


def saturated(patterns):
    return np.full((len(patterns), 8, 8), 255, np.uint8)


def constant(patterns):
    rng = np.random.default_rng(0)
    return (
        np.tile(rng.exponential(9, size=(1, 8, 8)), (len(patterns), 1, 1))
        * (patterns.any(axis=1)[:, None, None])
    )


def noise(patterns):
    rng = np.random.default_rng()
    return rng.exponential(9, size=(len(patterns), 8, 8)) * patterns.any(axis=1)[:, None, None]


@pytest.mark.parametrize(
    ("frames", "match"),
    [
        (dark, "sees no light"),
        (saturated, "100% of all pixels are at its full scale"),
        (constant, "does not show what it is given"),
        (noise, "no more in common than those of several"),
    ],
)
def test_frames_that_cannot_be_used(frames, match):
    shown = []
    bench = Bench(shown.append, lambda _: frames(shown[-1]), n_inputs=20, full_scale=255)
    opu = BenchOPU(bench, retries=0)
    with pytest.raises(BenchError, match=match):
        opu.calibrate()
    assert opu.max_outputs is None


def test_saturated_frames():
    opu = BenchOPU(SimulatedBench(n_inputs=64), exposure=5.0)
    with pytest.warns(BenchWarning, match="contrast of .* saturation"):
        opu.calibrate()
    with pytest.warns(BenchWarning, match="full scale of 255"):
        opu.intensity(np.ones((5, 50)), 100)
    assert opu.report().saturated > 0.01
    opu.set_params(exposure="auto")
    opu.calibrate().intensity(np.ones((5, 50)), 100)
    assert opu.report().saturated < 0.01


def test_drift_is_told():
    bench = SimulatedBench(n_inputs=64, frame_shape=(200, 200))
    opu = BenchOPU(bench, max_drift=0.1)
    X = bits(np.random.default_rng(0), 100, 50)
    opu.intensity(X, 100)
    assert abs(opu.report().drift) < 0.02
    bench._drift = 0.5 / bench._n_frames
    with pytest.warns(BenchWarning, match="The glass has drifted") as caught:
        opu.intensity(X, 100)
    kept = np.cos(bench._drift * bench._n_frames) ** 2
    assert abs(1 - opu.report().drift - kept) < 0.03
    assert len(caught) == 1
    bench._drift = np.pi / 2 / bench._n_frames
    with pytest.raises(BenchError, match="another glass"):
        opu.intensity(X, 100)


def test_a_second_fit_shows_nothing(tmp_path):
    bench, X = SimulatedBench(n_inputs=64), bits(np.random.default_rng(0), 70, 40)
    X = np.concatenate([X, X[:5]])
    opu = BenchOPU(bench, store=tmp_path / "readings")
    first = opu.intensity(X, 100), opu.linear(X, 100)
    frames = opu.report().n_frames
    again = opu.intensity(X, 100), opu.linear(X, 100)
    assert np.array_equal(first, again)
    assert opu.report().n_frames == frames
    longer = BenchOPU(bench, store=tmp_path / "readings")
    assert np.array_equal(longer.intensity(X, 120)[:, :100], first[0])
    assert longer.report()[:2] == (3, len(X))  # the reference has shown that it is this bench
    assert not np.array_equal(opu.intensity(X, 100, first_exposure=1), first[0])
    assert not np.array_equal(opu.calibrate().intensity(X, 100), first[0])


def test_a_store_without_its_bench(tmp_path):
    X = bits(np.random.default_rng(0), 10, 40)
    opu = BenchOPU(SimulatedBench(n_inputs=64), store=tmp_path / "readings")
    reading = opu.intensity(X, 100)
    loaded = pickle.loads(pickle.dumps(opu))
    assert np.array_equal(loaded.intensity(X, 100), reading)
    with pytest.raises(BenchError, match="n_jobs=1"):
        loaded.intensity(1 - X, 100)
    loaded.connect(SimulatedBench(n_inputs=64))
    assert loaded.intensity(1 - X, 100).shape == (10, 100)
    loaded.connect(SimulatedBench(n_inputs=64, random_state=1))
    with pytest.raises(BenchError, match="another glass"):
        loaded.linear(X, 100)
    for other in (
        SimulatedBench(n_inputs=32),
        SimulatedBench(n_inputs=64, modulation="phase"),
        SimulatedBench(n_inputs=64, bits=12),
    ):
        with pytest.raises(ValueError, match="other limits"):
            loaded.connect(other)


def test_a_store_with_another_bench(tmp_path):
    X, store = bits(np.random.default_rng(0), 10, 40), tmp_path / "readings"
    bench = SimulatedBench(n_inputs=64)
    BenchOPU(bench, store=store).intensity(X, 100)
    with pytest.raises(BenchError, match="another glass"):
        BenchOPU(SimulatedBench(n_inputs=64, random_state=1), store=store).intensity(X, 100)
    with pytest.raises(BenchError, match=r"now has frames of \(40, 40\)"):
        BenchOPU(SimulatedBench(n_inputs=64, frame_shape=(40, 40)), store=store).intensity(X, 100)
    fixed = Bench(bench.show, bench.grab, n_inputs=64, batch_size=64, full_scale=255)
    with pytest.raises(BenchError, match="has no set_exposure"):
        BenchOPU(fixed, store=store).intensity(X, 100)
    # A row that comes twice is shown once, and neither comes from the store.
    twice = BenchOPU(bench, store=tmp_path / "twice")
    twice.intensity(np.repeat(X, 2, axis=0), 20)
    assert twice.report().n_stored == 0
    # More pixels than were stored are read anew.
    few = BenchOPU(bench, store=store, n_outputs=20)
    assert few.intensity(1 - X, 20).shape == (10, 20)
    more = BenchOPU(bench, store=store)
    assert more.intensity(1 - X, 20).shape == (10, 20)
    assert more.report().n_stored == 10
    assert more.intensity(1 - X, 30).shape == (10, 30)
    assert more.report().n_stored == 10


def test_stores_that_are_none(tmp_path):
    (tmp_path / "text").write_text("This is no database, but a text of some length." * 100)
    for path in (tmp_path / "text", tmp_path, tmp_path / "missing" / "file"):
        with pytest.raises(BenchError, match="cannot be used"):
            BenchOPU(Ideal(), store=path).calibrate()


@pytest.mark.parametrize("n_frames", [1, 5])
def test_a_store_given_to_a_calibrated_device(n_frames, tmp_path):
    """It needs the calibration, under which the readings are found again."""
    X, bench = bits(np.random.default_rng(0), 40, 40), SimulatedBench(n_inputs=64)
    opu = BenchOPU(bench)
    opu.intensity(X[:2], 5)
    reading = opu.set_params(store=tmp_path / "readings").intensity(X, 50)
    other = SimulatedBench(n_inputs=64)
    other.take(np.zeros((n_frames, 64), np.uint8))  # other noise from here on
    again = BenchOPU(other, store=tmp_path / "readings")
    assert np.array_equal(again.intensity(X, 50), reading)
    assert again.report().n_stored == len(X)


@pytest.mark.parametrize(
    ("given", "equal"),
    [
        ({"exposure": 1}, {"exposure": 1.0}),
        ({"roi": ((0, 40), (0, 40))}, {"roi": [[np.int64(0), 40], [0, 40]]}),
        ({"reference_size": 12}, {"reference_size": np.int64(12)}),
    ],
    ids=lambda options: next(iter(options)),
)
def test_equal_parameters_share_a_calibration(given, equal, tmp_path):
    X, bench = bits(np.random.default_rng(0), 10, 40), SimulatedBench(n_inputs=64)
    reading = BenchOPU(bench, store=tmp_path / "readings", **given).intensity(X, 20)
    again = BenchOPU(bench, store=tmp_path / "readings", **equal)
    assert np.array_equal(again.intensity(X, 20), reading)
    assert again.report().n_stored == len(X)


@pytest.mark.parametrize("column", ["skopu_calibration.data", "skopu_readings.counts"])
@pytest.mark.parametrize("damage", ["substr({}, 1, 90)", "x'00'", "zeroblob(length({}))"])
def test_a_damaged_store(column, damage, tmp_path):
    X, bench = bits(np.random.default_rng(0), 10, 40), SimulatedBench(n_inputs=64)
    opu = BenchOPU(bench, store=tmp_path / "readings")
    opu.intensity(X, 20)
    table, name = column.split(".")
    with closing(sqlite3.connect(tmp_path / "readings", timeout=60)) as connection, connection:
        connection.execute(f"UPDATE {table} SET {name} = {damage.format(name)}")
    with pytest.raises(BenchError, match="cannot be used"):
        BenchOPU(bench, store=tmp_path / "readings").intensity(X, 20)


SCRIPT = """
import sys
import numpy as np
from skopu.bench import BenchOPU, SimulatedBench
opu = BenchOPU(SimulatedBench(n_inputs=64, latency=float(sys.argv[2])), store=sys.argv[1])
X = np.random.default_rng(0).integers(2, size=(400, 40)).astype(float)
reading = opu.intensity(X, 100)
print(opu.report().n_stored, reading.sum())
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_run_that_is_killed_goes_on(tmp_path):
    script, store = tmp_path / "script.py", tmp_path / "readings"
    script.write_text(textwrap.dedent(SCRIPT))

    def start(latency):
        command = [sys.executable, str(script), str(store), latency]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def n_stored():
        if not store.with_name("readings-wal").exists():
            return 0
        try:
            with closing(sqlite3.connect(store, timeout=60)) as connection:
                return connection.execute("SELECT count(*) FROM skopu_readings").fetchone()[0]
        except sqlite3.OperationalError:  # No table yet.
            return 0

    process, end = start("0.5"), time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None and not n_stored():
        time.sleep(0.02)
    assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    outputs = [start("0").communicate(timeout=60)[0].split() for _ in range(2)]
    assert 0 < int(outputs[0][0]) < 400
    assert int(outputs[1][0]) == 400
    assert outputs[0][1] == outputs[1][1]


def digits(n_samples=200):
    rng = np.random.default_rng(0)
    X = bits(rng, n_samples, 50)
    return X, (X[:, :5].sum(axis=1) > 2).astype(int)


def test_models_go_on_after_another_calibration():
    X, y = digits(300)
    for seed in range(3):
        opu = BenchOPU(SimulatedBench(n_inputs=64, random_state=seed))
        model = OpticalRidgeClassifier(n=300, opu=opu).fit(X[:200], y[:200])
        before, score = opu.calibration_.pixels, model.score(X[200:], y[200:])
        after = opu.calibrate().calibration_.pixels
        assert np.mean(before[:300] == after[:300]) > 0.98
        assert len(np.unique(after)) == len(after)
        assert abs(model.score(X[200:], y[200:]) - score) < 0.1
        opu.set_params(reference_size=8).intensity(X[:1], 300)
        kept = np.mean(before[:300] == opu.calibration_.pixels[:300])
        assert 0.5 < kept < 1  # others are dark in the new reference


@pytest.mark.parametrize("n_pixels", [3, 5, 7])
def test_pixels_in_their_places(n_pixels):
    before, chosen = np.array([7, 3, 9, 1, 5]), np.array([2, 3, 1, 4, 8, 7, 6])
    usable = np.array([1, 7, 9, 2, 4, 6, 8])[:n_pixels]
    found = _in_their_places(before, chosen[np.isin(chosen, usable)], usable)
    expected = {3: [7, 1, 9], 5: [7, 2, 9, 1, 4], 7: [7, 2, 9, 1, 4, 8, 6]}[n_pixels]
    assert found.tolist() == expected


def test_in_a_pipeline_and_a_search():
    X, y = digits()
    opu = BenchOPU(SimulatedBench(n_inputs=64))
    model = make_pipeline(OpticalRandomFeatures(n=100, opu=opu), RidgeClassifier())
    search = GridSearchCV(model, {"opticalrandomfeatures__n": [50, 300]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.6
    assert search.best_estimator_[0].opu_ is opu
    assert clone(model)[0].opu is opu
    loaded = pickle.loads(pickle.dumps(search))
    with pytest.raises(BenchError, match="n_jobs=1"):
        loaded.predict(X)
    loaded.best_estimator_[0].opu_.connect(opu.bench)
    # Frames differ by their noise.
    assert (loaded.predict(X) == search.predict(X)).mean() > 0.95


@pytest.mark.filterwarnings("ignore:.*fits failed:sklearn.exceptions.FitFailedWarning")
def test_several_processes():
    X, y = digits(40)
    opu = BenchOPU(SimulatedBench(n_inputs=64))
    model = make_pipeline(OpticalRandomFeatures(n=20, opu=opu), RidgeClassifier())
    options = {"cv": 2, "n_jobs": 2}
    with joblib.parallel_backend("loky"), pytest.raises((ValueError, BenchError), match="n_jobs=1"):
        GridSearchCV(model, {"opticalrandomfeatures__n": [20, 30]}, **options).fit(X, y)
    with joblib.parallel_backend("threading"):
        search = GridSearchCV(model, {"opticalrandomfeatures__n": [20, 30]}, **options).fit(X, y)
    assert np.isfinite(search.best_score_)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("modulation", ["amplitude", "phase"])
def test_under_other_estimators(modulation):
    X, y = digits()
    bench = SimulatedBench(n_inputs=64 if modulation == "amplitude" else 128, modulation=modulation)
    opu = BenchOPU(bench)
    assert OpticalRidgeClassifier(n=300, opu=opu).fit(X, y).score(X, y) > 0.8
    s = np.linalg.svd(X, compute_uv=False)
    svd = OPUTruncatedSVD(n_components=3, opu=opu).fit(X)
    assert np.allclose(svd.singular_values_, s[:3], rtol=0.05)
    network = DFAClassifier(
        (20,), opu=opu, error_encoding="ternary", feedback="optical", max_iter=2, random_state=0
    )
    assert np.isfinite(network.fit(X[:60], y[:60]).loss_)


def test_threads_calibrate_once():
    X, together = bits(np.random.default_rng(0), 20, 40), threading.Barrier(6)
    opu = BenchOPU(Ideal())

    def read(_):
        together.wait()
        return opu.intensity(X, 100)

    with ThreadPoolExecutor(6) as pool:
        for _ in range(5):
            readings = list(pool.map(read, range(6)))
            assert all(np.array_equal(reading, readings[0]) for reading in readings)
            opu.connect(opu.bench)
    calibrating = 8 + 2 * 32 + 1
    assert opu.bench.n_shown == calibrating + 30 * (len(X) + 2)


def test_progress(capsys):
    opu = BenchOPU(SimulatedBench(n_inputs=64), verbose=1)
    OpticalRandomFeatures(n=10, opu=opu).fit(np.ones((40, 5))).transform(np.ones((40, 5)))
    shown = capsys.readouterr().err
    assert "40.0/40.0" in shown
    assert "frames/s" in shown


def test_an_interrupt_leaves_the_device_as_it_was():
    opu = BenchOPU(SimulatedBench(n_inputs=64)).calibrate()
    X, frames = np.ones((3, 5)), opu.bench._frames

    def interrupted(patterns):
        raise KeyboardInterrupt

    opu.bench._frames = interrupted
    with pytest.raises(KeyboardInterrupt):
        opu.intensity(X, 10)
    opu.bench._frames = frames
    assert opu.intensity(X, 10).shape == (3, 10)
