"""Memory that threads use again, piece after piece."""

import math
import threading

import numpy as np

_LINE = 64  # bytes


class Scratch:
    """Arrays for intermediate results, one of each name for each thread.

    Threads that ask the system for some megabytes, give them back and ask again wait for it as
    long as they compute.
    """

    def __init__(self):
        self._local = threading.local()

    def __call__(self, name, shape, dtype):
        """An array with any content, which overwrites the last one of that name."""
        kept, size = vars(self._local), math.prod(shape)
        if name not in kept or kept[name].size < size or kept[name].dtype != dtype:
            kept[name] = _aligned(size, np.dtype(dtype))
        return kept[name][:size].reshape(shape)


def _aligned(size, dtype):
    """A new array that begins with a line of the cache, so that vectors lie in one each."""
    memory = np.empty(size * dtype.itemsize + _LINE, np.uint8)
    start = -memory.ctypes.data % _LINE
    return memory[start : start + size * dtype.itemsize].view(dtype)
