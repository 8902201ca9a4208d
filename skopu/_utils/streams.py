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

from .threads import pieces, run_pieces

_HASHED = 2**15  # numbers whose digest a thread takes in one go


def bit_generator(seed, domain, *path):
    """Philox generator of one purpose; no two (seed, domain, path) share a stream.

    The domain, a word of at most four letters, keeps these streams apart from any
    that a user draws from the same seed.
    """
    spawn_key = (int.from_bytes(domain.encode("ascii"), "big"), *path)
    return np.random.Philox(np.random.SeedSequence(seed, spawn_key=spawn_key))


class Generators:
    """Generators of one seed on Philox, one for each path, for one thread: each ends the last.

    They share one object, whose state is set anew: a new one would take longer to make than the
    numbers of a short row take to draw.
    """

    def __init__(self, seed):
        self._seed, bits = seed, np.random.Philox(0)
        self._generator, self._state = np.random.Generator(bits), bits.state
        self._state["state"]["counter"][:] = 0

    def __call__(self, domain, *path):
        # SeedSequence would take longer, for the same purpose: keys without a pattern.
        name = b"".join(int(part).to_bytes(16, "little") for part in (self._seed, *path))
        digest = hashlib.blake2b(domain.encode("ascii") + name, digest_size=16, person=b"skopu")
        self._state["state"]["key"][:] = np.frombuffer(digest.digest(), "<u8")
        self._generator.bit_generator.state = self._state
        return self._generator


def raw_bytes(bits, n_bytes):
    """Next n_bytes of a bit generator as uint8, the same on either byte order."""
    words = bits.random_raw(-(-n_bytes // 8))
    return words.astype("<u8", copy=False).view(np.uint8)[:n_bytes]


def random_signs(seed, domain, n_rows, n):
    """Signs 1 and -1 of shape (n_rows, n), as float64."""
    n_bytes = -(-n_rows * n // 8)
    bits = np.unpackbits(raw_bytes(bit_generator(seed, domain), n_bytes))[: n_rows * n]
    return bits.reshape(n_rows, n) * 2.0 - 1


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
    keys = [None] * X.shape[0]

    def digest_rows(rows):
        keys[rows] = map(_digest, *_stored(X, rows))

    run_pieces(digest_rows, pieces(len(keys), max(1, _HASHED // X.shape[1])))
    return keys


def _stored(X, rows):
    """Where some rows have what, other than 0: two lists of arrays."""
    places = "<i4" if X.shape[1] < 2**31 else "<i8"
    if scipy.sparse.issparse(X):
        stored = [slice(*X.indptr[row : row + 2]) for row in range(rows.start, rows.stop)]
        kept = [X.data[part] != 0 for part in stored]
        where = [X.indices[part][keep] for part, keep in zip(stored, kept, strict=True)]
        values = [X.data[part][keep] for part, keep in zip(stored, kept, strict=True)]
        return [x.astype(places) for x in where], [x.astype("<f8") for x in values]
    part = X[rows].astype("<f8", order="C")
    kept, everywhere = part != 0, np.arange(X.shape[1], dtype=places)
    if kept.all():
        return [everywhere] * len(part), part
    where = [everywhere[keep] for keep in kept]
    return where, [row[keep] for row, keep in zip(part, kept, strict=True)]


def _digest(where, values):
    digest = hashlib.blake2b(where, digest_size=16)
    digest.update(values)
    return int.from_bytes(digest.digest(), "big")
