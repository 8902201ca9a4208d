"""Products with all unit vectors, which show a diagonal without an error."""

import numpy as np

from ._operator import pieces_in_memory
from ._tall_blocks import forms


def diagonal_entries(A):
    """The diagonal, in double precision and NumPy's, from as many products as A has rows."""
    n = A.shape[0]
    entries = np.empty(n)
    with A.threads():
        for part in pieces_in_memory(n, n * A.dtype.itemsize):
            units = A.asarray(np.eye(n, part.stop - part.start, -part.start, A.dtype))
            entries[part] = forms(units, A.matmat(units))
    return entries
