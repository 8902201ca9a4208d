"""Random sums of the rows of a matrix."""

import math

import numpy as np
import scipy.sparse

from .._utils.streams import bit_generator, raw_bytes
from .._utils.threads import pieces

_TERMS = 4  # sums that a row enters
_COLUMNS_AT_ONCE = 2**16


class SignEmbedding:
    """Sparse matrix (n_sums, m) with 4 random signs, 1/2 in size, in each column.

    Columns are made when they are asked for: all of them would take 48 bytes each.
    """

    def __init__(self, n_sums, m, seed):
        self.shape, self._seed = (n_sums, m), seed

    def columns(self, chosen):
        """CSC matrix of a slice of the columns."""
        even = chosen.start // 2 * 2  # two columns take a step of Philox
        bits = bit_generator(self._seed, "sums").advance(even // 2)
        words = raw_bytes(bits, 4 * _TERMS * (chosen.stop - even)).view("<u4")
        words = words[_TERMS * (chosen.start - even) :]
        # The lowest bit is the sign, the rest one sum of each quarter, so that all are distinct.
        n_sums, n_columns = self.shape[0], chosen.stop - chosen.start
        quarter = np.uint32(n_sums // _TERMS)
        rows = (words >> 1) % quarter
        rows = rows + np.tile(np.arange(_TERMS, dtype=np.uint32) * quarter, n_columns)
        values = 1.0 - 2.0 * (words & 1).astype(float)
        indptr = np.arange(0, _TERMS * n_columns + 1, _TERMS)
        values /= math.sqrt(_TERMS)
        matrix = values, rows.astype(np.int32), indptr
        return scipy.sparse.csc_matrix(matrix, (n_sums, n_columns))

    def __matmul__(self, b):
        parts = pieces(self.shape[1], _COLUMNS_AT_ONCE)
        return sum(self.columns(part) @ b[part] for part in parts)
