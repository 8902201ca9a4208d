"""The bench itself: its two functions, its limits, its one process."""

import copy
import gc
import multiprocessing
import pickle
import threading
import time
import weakref

import numpy as np
import pytest
from sklearn.base import clone

from skopu.bench import Bench, BenchError, SimulatedBench

PATTERNS = np.eye(4, dtype=np.uint8)


def frames_of(n_frames):
    return np.zeros((n_frames, 3, 5), np.uint8)


def make(show=lambda patterns: None, grab=frames_of, **options):
    return Bench(show, grab, **{"n_inputs": 4, "batch_size": 4, **options})


def test_two_functions():
    shown = []
    bench = make(shown.append, timeout=None)
    assert bench.take(PATTERNS).shape == (4, 3, 5)
    assert shown[0] is PATTERNS
    assert bench.frame_shape == (3, 5)


def test_methods_of_a_class():
    class Own(Bench):
        def show(self, patterns):
            self.patterns = patterns

        def grab(self, n_frames):
            return self.patterns[:n_frames] * 2.0

    assert np.array_equal(Own(n_inputs=4).take(PATTERNS), 2 * PATTERNS)
    with pytest.raises(ValueError, match="needs a function show"):
        Bench(grab=frames_of, n_inputs=4)
    with pytest.raises(ValueError, match="needs a function grab"):
        Bench(frames_of, n_inputs=4)


@pytest.mark.parametrize(
    "wrong",
    [
        {"show": "pattern"},
        {"n_inputs": 0},
        {"batch_size": 0.5},
        {"input_bits": 17},
        {"modulation": "polarisation"},
        {"modulation": "phase", "n_inputs": 1},
        {"full_scale": -1},
        {"timeout": 0},
        {"exposure_range": (0, 1)},
        {"exposure_range": (2, 1)},
        {"exposure_range": 1.0},
    ],
)
def test_wrong_limits(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        make(**wrong)


@pytest.mark.parametrize("timeout", [None, 5.0])
@pytest.mark.parametrize("which", ["show", "grab"])
def test_functions_that_raise(which, timeout):
    def fails(argument):
        raise OSError("the cable is loose")

    with pytest.raises(BenchError, match=f"{which}.*OSError: the cable is loose") as caught:
        make(**{which: fails}, timeout=timeout).take(PATTERNS)
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize(
    ("frames", "match"),
    [
        (None, "must return an array of counts"),
        (["a"] * 4, "must return an array of counts"),
        (np.zeros(4), "must return an array of counts"),
        (np.zeros((4, 0)), "must return an array of counts"),
        (np.zeros((4, 3, 5), complex), "must return an array of counts"),
        (np.full((4, 3, 5), np.nan), "NaN"),
        ([np.zeros((3, 5)), np.zeros((2, 5))], "must return an array of counts"),
    ],
)
def test_what_are_no_frames(frames, match):
    with pytest.raises(BenchError, match=match):
        make(grab=lambda n_frames: frames).take(PATTERNS)


def test_frames_of_another_shape():
    shapes = iter([(4, 3, 5), (4, 5, 3)])
    bench = make(grab=lambda n_frames: np.zeros(next(shapes)))
    bench.take(PATTERNS)
    with pytest.raises(BenchError, match=r"\(5, 3\), and of \(3, 5\) before"):
        bench.take(PATTERNS)


def test_timeout_waits_for_the_call_before():
    at_once, inside = [], threading.Semaphore(1)

    def grab(n_frames):
        at_once.append(inside.acquire(blocking=False))
        time.sleep(0.3 if len(at_once) == 1 else 0)
        inside.release()
        return frames_of(n_frames)

    bench = make(grab=grab, timeout=0.2)
    with pytest.raises(TimeoutError):
        bench.take(PATTERNS)
    assert bench.take(PATTERNS).shape == (4, 3, 5)
    assert at_once == [True, True]  # never two calls at a time


def test_a_bench_that_does_not_answer():
    over = threading.Event()
    bench = make(grab=lambda n_frames: over.wait(60), timeout=0.05)
    with pytest.raises(TimeoutError):
        bench.take(PATTERNS)
    with pytest.raises(BenchError, match="has not answered"):
        bench.take(PATTERNS)
    over.set()


def test_the_same_thread_calls():
    threads = set()
    bench = make(lambda patterns: threads.add(threading.get_ident()))
    for _ in range(3):
        bench.take(PATTERNS)
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    bench.timeout = None
    bench.take(PATTERNS)
    assert threading.get_ident() in threads


def test_exposure_is_set_once():
    times = []
    bench = make(set_exposure=times.append)
    for exposure in (None, 0.1, 0.1, 0.2):
        bench.expose(exposure)
    assert times == [0.1, 0.2]
    with pytest.raises(BenchError, match="has no set_exposure"):
        make().expose(0.1)


def test_exposure_waits_for_the_call_before():
    busy, beside = threading.Event(), []

    def grab(n_frames):
        busy.set()
        time.sleep(0.3)
        busy.clear()
        return frames_of(n_frames)

    def set_exposure(exposure):
        beside.append(busy.is_set())
        if exposure == 2:
            time.sleep(0.5)

    bench = make(grab=grab, set_exposure=set_exposure, timeout=0.2)
    with pytest.raises(TimeoutError):
        bench.take(PATTERNS)
    bench.expose(1)
    with pytest.raises(BenchError, match="set_exposure has not returned"):
        bench.expose(2)
    assert beside == [False, False]


@pytest.mark.parametrize("bench", [make(), SimulatedBench(n_inputs=4, batch_size=3)])
def test_pickle_keeps_all_but_the_handle(bench):
    loaded = pickle.loads(pickle.dumps(bench))
    for name in ("n_inputs", "batch_size", "input_bits", "modulation", "full_scale", "timeout"):
        assert getattr(loaded, name) == getattr(bench, name)
    with pytest.raises(BenchError, match="n_jobs=1"):
        loaded.take(PATTERNS[:1])
    assert clone(bench) is bench
    assert copy.deepcopy(bench) is bench


def _take_in_a_fork(bench, results):
    try:
        bench.take(PATTERNS)
    except BenchError as error:
        results.put(str(error))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no forks here")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_fork_has_no_bench():
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    process = context.Process(target=_take_in_a_fork, args=(make(), results))
    process.start()
    process.join()
    assert "this is another one" in results.get()


@pytest.mark.parametrize("timeout", [None, 30.0])
def test_a_bench_that_is_dropped_is_freed(timeout):
    bench = SimulatedBench(n_inputs=16, frame_shape=(8, 8), timeout=timeout)
    bench.take(np.eye(16, dtype=np.uint8)[:1])
    freed = weakref.finalize(bench, int)
    del bench
    end = time.monotonic() + 10
    while freed.alive and time.monotonic() < end:  # its thread lets go a moment after it answers
        gc.collect()
        time.sleep(0.01)
    assert not freed.alive


def test_calls_that_hang_need_a_timeout():
    with pytest.raises(ValueError, match="hangs of SimulatedBench"):
        SimulatedBench(hangs=0.5, timeout=None)
