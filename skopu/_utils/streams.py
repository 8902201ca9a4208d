"""What a seed is turned into: raw bits, phases and circular Gaussian numbers.

Everything here is the same to the last bit on every machine and NumPy version:
the bits come straight from the counter-based generator Philox, whose raw stream
NumPy keeps stable, and they select entries of tables made with correctly rounded
operations only. Distribution methods of NumPy's ``Generator`` carry no such promise.
"""

import functools
import hashlib
import math

import numpy as np
import scipy.sparse


def bit_generator(seed, domain, *path):
    """Philox generator of one purpose; no two (seed, domain, path) share a stream.

    The domain, a word of at most four letters, keeps these streams apart from any
    that a user draws from the same seed.
    """
    return np.random.Philox(_seed_sequence(seed, domain, *path))


def _seed_sequence(seed, domain, *path):
    spawn_key = (int.from_bytes(domain.encode("ascii"), "big"), *path)
    return np.random.SeedSequence(seed, spawn_key=spawn_key)


class Generators:
    """Generators on `bit_generator` of one seed, for one thread: each ends the one before.

    They share one object, whose state is set anew: a new one would take longer to make than the
    numbers of a short row take to draw.
    """

    def __init__(self, seed):
        self._seed, bits = seed, np.random.Philox(0)
        self._generator, self._state = np.random.Generator(bits), bits.state
        self._state["state"]["counter"][:] = 0

    def __call__(self, domain, *path):
        key = _seed_sequence(self._seed, domain, *path).generate_state(2, np.uint64)
        self._state["state"]["key"] = key
        self._generator.bit_generator.state = self._state
        return self._generator


def raw_bytes(bits, n_bytes):
    """Next n_bytes of a bit generator as uint8, the same on either byte order."""
    words = bits.random_raw(-(-n_bytes // 8))
    return words.astype("<u8", copy=False).view(np.uint8)[:n_bytes]


@functools.cache
def phase_table(n_bits, dtype):
    """The 2**n_bits unit phasors exp(2j pi k / 2**n_bits), read-only.

    Made by halving angles and adding them with separate real operations: library
    sines and fused complex products differ between machines in the last bit.
    """
    cosines, sines = np.array([1.0, 0.0, -1.0, 0.0]), np.array([0.0, 1.0, 0.0, -1.0])
    half_cos, half_sin = 0.0, 1.0  # the quarter turn, halved at each round
    while len(cosines) < 2**n_bits:
        half_sin = half_sin / math.sqrt(2 + 2 * half_cos)
        half_cos = math.sqrt((1 + half_cos) / 2)
        turned_cos = cosines * half_cos - sines * half_sin
        turned_sin = sines * half_cos + cosines * half_sin
        cosines = np.column_stack([cosines, turned_cos]).ravel()
        sines = np.column_stack([sines, turned_sin]).ravel()
    table = np.empty(len(cosines), dtype)
    table.real, table.imag = cosines, sines
    table.flags.writeable = False
    return table


@functools.cache
def _rayleigh_table():
    """65536 equiprobable amplitudes |r| of a circular Gaussian with E|r|^2 = 1.

    Rounded to multiples of 2**-20, far coarser than the differences between
    logarithms of different math libraries and exact in float32.
    """
    levels = (np.arange(65536) + 0.5) / 65536
    amplitudes = np.sqrt(-np.log(levels))
    amplitudes /= np.sqrt(np.mean(amplitudes**2))
    amplitudes = np.rint(amplitudes * 2**20) / 2**20
    amplitudes.flags.writeable = False
    return amplitudes


def circular_gaussian(raw, dtype):
    """Complex Gaussian numbers, E|r|^2 = 1, from four raw bytes each (Box-Muller)."""
    halves = raw.view("<u2").astype(np.uint16, copy=False).reshape(-1, 2)
    real_dtype = np.empty(0, dtype).real.dtype
    amplitudes = _rayleigh_table().astype(real_dtype, copy=False)[halves[:, 0]]
    entries = phase_table(16, dtype)[halves[:, 1]]
    parts = entries.view(real_dtype).reshape(-1, 2)
    parts *= amplitudes[:, None]
    return entries


def row_keys(X):
    """An integer for the content of each row: equal for equal values, however stored."""
    keys = []
    for row in range(X.shape[0]):
        if scipy.sparse.issparse(X):
            stored = slice(X.indptr[row], X.indptr[row + 1])
            kept = np.flatnonzero(X.data[stored])
            where, values = X.indices[stored][kept], X.data[stored][kept]
        else:
            where = np.flatnonzero(X[row])
            values = X[row][where]
        digest = hashlib.blake2b(where.astype("<i8").tobytes(), digest_size=16)
        digest.update(values.astype("<f8").tobytes())
        keys.append(int.from_bytes(digest.digest(), "big"))
    return keys
