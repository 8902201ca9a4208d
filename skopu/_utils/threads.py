"""How pieces of work share the processor."""

import contextlib
import functools
import threading
from concurrent.futures import ThreadPoolExecutor

from joblib import cpu_count
from threadpoolctl import ThreadpoolController


def pieces(length, size):
    """Slices of at most size that cover range(length)."""
    # sklearn.utils.gen_batches checks its parameters, for longer than a piece often takes.
    return [slice(start, min(start + size, length)) for start in range(0, length, size)]


@functools.cache
def _thread_pools():
    """The loaded BLAS libraries, or OpenMP where the BLAS is one that cannot be asked."""
    pools = ThreadpoolController()
    blas = pools.select(user_api="blas")
    return blas if blas.lib_controllers else pools.select(user_api="openmp")


def _all_threads():
    """As many threads as NumPy's BLAS would use just now."""
    limits = [library.num_threads for library in _thread_pools().lib_controllers]
    return max(filter(None, limits), default=None) or cpu_count()  # which reads files


def n_threads():
    """As many threads as NumPy's BLAS would use just now, or this task's part of them.

    So the device follows ``threadpoolctl.threadpool_limits`` and ``OMP_NUM_THREADS``,
    and takes its share only inside a joblib worker process, or beside other `shared_threads`.
    """
    return max(1, _all_threads() // _n_tasks) if hasattr(_task, "running") else _all_threads()


_task_lock, _task = threading.Lock(), threading.local()
_n_tasks = 0


@contextlib.contextmanager
def shared_threads():
    """One of several tasks that a scheduler runs at once in threads: each takes its part.

    Otherwise all of them would start as many threads as there are processors.
    """
    global _n_tasks
    if hasattr(_task, "running"):  # within a task
        yield
        return
    with _task_lock:
        _n_tasks += 1
    _task.running = True
    try:
        yield
    finally:
        del _task.running
        with _task_lock:
            _n_tasks -= 1


class SharedContext:
    """A context that any number of threads may be in, and leave in any order.

    The first one in enters what ``make()`` returns, all get its value, and the last one out
    leaves it.
    """

    def __init__(self, make):
        self._make, self._lock, self._n_inside = make, threading.Lock(), 0
        self._stack, self._value = contextlib.ExitStack(), None

    @contextlib.contextmanager
    def __call__(self):
        """Be inside."""
        with self._lock:
            if self._n_inside == 0:
                self._value = self._stack.enter_context(self._make())
            self._n_inside += 1
            value = self._value
        try:
            yield value
        finally:
            with self._lock:
                self._n_inside -= 1
                if self._n_inside == 0:
                    self._value = None
                    self._stack.close()


@contextlib.contextmanager
def _blas_on_one_thread():
    """Keep the BLAS to one thread, and give the number of threads that it would have used.

    Its idle threads spin for a while, which slows threads of our own to half their speed.
    """
    threads, limit = n_threads(), _thread_pools().limit(limits=1)
    try:
        yield threads
    finally:
        limit.restore_original_limits()


own_threads = SharedContext(_blas_on_one_thread)  # the limit is the process's


@contextlib.contextmanager
def product_threads():
    """A function like `map`, on threads for work that multiplies by the BLAS, and their number.

    The BLAS keeps to one thread meanwhile, so that what follows a product has threads as well.
    """
    with own_threads() as threads, ThreadPoolExecutor(threads) as pool:
        yield pool.map, threads


def run_pieces(work, tasks, run=None):
    """Call work on every task: by run, like `map`, else on threads of its own (`n_threads`)."""
    threads = 1 if run else min(n_threads(), len(tasks))
    with contextlib.ExitStack() as stack:
        if threads > 1:
            run = stack.enter_context(ThreadPoolExecutor(threads)).map
        for _ in (run or map)(work, tasks):
            pass
