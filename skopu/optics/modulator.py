"""What a modulator of a few bits shows."""

import numpy as np
import scipy.sparse

from .._utils.arrays import backend_of, numpy_dtype
from .._utils.checks import stored_values


def check_shown(X, input_bits, signed, name):
    """Raise ValueError unless a modulator of so many bits can show checked rows."""
    if input_bits is None:
        return
    largest = 2**input_bits - 1
    values = stored_values(X)
    backend = backend_of(values)
    xp = backend.namespace
    wrong = (values != xp.round(values)) | (values > largest)
    wrong |= (values < -largest) if signed else (values < 0)
    if not xp.any(wrong):
        return
    values, wrong = backend.to_numpy(values), backend.to_numpy(wrong)
    some = ", ".join(repr(float(value)) for value in np.unique(values[wrong])[:3])
    shown = "0 and 1" if largest == 1 else f"the integers 0 to {largest}"
    if not signed and np.isin(-values[wrong], np.arange(1, largest + 1)).all():
        remedy = "Negative values have no intensity, send them through linear projections"
    elif largest == 1:
        remedy = f"Binarise {name} first, for example with sklearn.preprocessing.Binarizer"
    else:
        scaled = f"numpy.rint({largest} * {name} / {name}.max())"
        remedy = f"Scale and round {name} first, for example {scaled}"
    raise ValueError(
        f"A modulator of input_bits={input_bits} shows {shown}"
        f"{', with either sign' if signed else ''}, but {name} contains {some}. {remedy}; "
        "input_bits=None shows any value."
    )


def bit_planes(X, input_bits):
    """Weights and non-negative binary parts of X, or X itself where any value shows."""
    if input_bits is None:
        yield 1, X
        return
    values, dtype = stored_values(X), numpy_dtype(X)
    backend = backend_of(values)
    for sign in (1, -1) if backend.namespace.any(values < 0) else (1,):
        shown = backend.as_type((abs(values) + sign * values) / 2, np.int64)  # of that sign alone
        for bit in range(input_bits):
            plane = backend.as_type((shown >> bit) & 1, dtype)
            if scipy.sparse.issparse(X):
                plane = scipy.sparse.csr_matrix((plane, X.indices, X.indptr), X.shape)
            yield sign * 2**bit, plane
