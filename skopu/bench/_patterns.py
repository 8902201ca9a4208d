"""From rows to amplitudes, and from these to what a modulator shows."""

import numpy as np
import scipy.sparse

from .._utils.threads import pieces
from ..optics.modulator import bit_planes

_ENTRIES = 2**22  # amplitudes that are held at once


def shown_planes(X, bench, input_bits):
    """Weights and parts of X, of which the bench shows each in a frame: a list of pairs."""
    if bench.modulation == "phase":
        return [(1, X)]
    if bench.input_bits == 1:
        return list(bit_planes(X, input_bits))
    absolute = abs(X)
    return [(sign, (absolute + sign * X) / 2) for sign in (1, -1)]


def lit_rows(X, bench, input_bits):
    """Rows of X that are not dark, in pieces: where they are, their amplitudes, their units.

    Amplitudes, of shape (n_rows, bench.n_amplitudes) and at most 1, times the units are the rows.
    Each row is shown as brightly as the bench can: integers times the largest integer that fits.
    """
    for rows in pieces(X.shape[0], max(32, _ENTRIES // bench.n_amplitudes)):
        light = X[rows].toarray() if scipy.sparse.issparse(X) else np.asarray(X[rows])
        largest = abs(light).max(axis=1).astype(np.float64)
        lit = np.flatnonzero(largest)
        units = largest[lit]
        if input_bits is not None:
            levels = 2.0**bench.input_bits - 1
            units = levels / np.floor(levels / units)
        amplitudes = np.zeros((len(lit), bench.n_amplitudes))
        amplitudes[:, : X.shape[1]] = light[lit] / units[:, None]
        yield rows.start + lit, amplitudes, units


def encode(amplitudes, bench):
    """Patterns that show amplitudes of shape (n, bench.n_amplitudes); 1 is the largest."""
    if bench.modulation == "phase":
        phases = np.arccos(np.clip(amplitudes, -1, 1)).astype(np.float32)
        patterns = np.zeros((len(amplitudes), bench.n_inputs), np.float32)
        last = 2 * amplitudes.shape[1]  # an odd input is left over
        patterns[:, 0:last:2], patterns[:, 1:last:2] = phases, -phases
        return patterns
    if bench.input_bits is None:
        return amplitudes.astype(np.float32)
    levels = 2**bench.input_bits - 1
    return np.rint(amplitudes * levels).astype(np.uint8 if levels < 256 else np.uint16)


def overlaps(some, others):
    """Correlation of the speckles that corresponding amplitudes make: their cosine, squared."""
    return _cosines(some, others) ** 2


def correlations(some, others):
    """Correlation over pixels of corresponding frames; 0 where one has no contrast."""
    some = some - some.mean(axis=1, keepdims=True)
    return _cosines(some, others - others.mean(axis=1, keepdims=True))


def _cosines(some, others):
    """Cosines of the angles between corresponding rows; 0 where one is zero."""
    products = np.einsum("ij,ij->i", some, others)
    squares = np.einsum("ij,ij->i", some, some) * np.einsum("ij,ij->i", others, others)
    return np.divide(products, np.sqrt(squares), out=np.zeros(len(some)), where=squares > 0)
