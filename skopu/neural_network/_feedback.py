"""Direct feedback alignment: what the output error tells each hidden layer."""

import math

import numpy as np
from sklearn.base import clone

from ..optics import OPU


def feedback_device(opu, optical):
    """The device itself, or the same glass with an ideal modulator and camera."""
    return opu if optical else clone(opu).set_params(camera=None, input_bits=None)


def check_shows_errors(opu, n_outputs, layer_sizes, error_encoding):
    """Raise ValueError unless a device can show errors, and read as many modes as units."""
    if not isinstance(opu, OPU):
        raise ValueError(f"opu must be an OPU or None, got {opu!r}.")
    if error_encoding == "exact" and opu.input_bits is not None:
        raise ValueError(
            f"A modulator of input_bits={opu.input_bits} cannot show an error exactly. Set "
            'error_encoding="ternary", or input_bits=None for the device.'
        )
    opu._check(n_outputs, max(1, -(-sum(layer_sizes) // 2)))


def ternary(error, threshold):
    """Rows as -1, 0 and 1, and a factor for each row.

    An entry is 0 if it is at most threshold times the largest of its row, so that the rule
    is the same for large errors, early in training, and for small ones. The factor is the
    mean size of the entries kept, which makes the product nearest to the row in least
    squares.
    """
    sizes = abs(error)
    kept = sizes > threshold * sizes.max(axis=1, keepdims=True)
    signs = np.where(kept, np.sign(error), 0).astype(error.dtype)
    factors = np.where(kept, sizes, 0).sum(axis=1) / np.maximum(kept.sum(axis=1), 1)
    return signs, factors.astype(error.dtype)


def project_error(opu, error, layer_sizes, error_encoding, ternary_threshold, step=0):
    """Error times the feedback matrix of each layer, from one projection by the device.

    Layer i, of n units, reads n modes of its own: it gets error @ B with entries of B of
    variance 2 / (n + n_outputs), as the weights that Glorot initialises a network with.

    step counts how often the device was used, so that the noise of its camera is new.
    """
    if not layer_sizes:
        return []
    inverse, factors = slice(None), np.ones(len(error), error.dtype)
    if error_encoding == "ternary":
        error, factors = ternary(error, ternary_threshold)
        # Samples of a batch often err alike; the device is shown each pattern once.
        error, inverse = np.unique(error, axis=0, return_inverse=True)
        inverse = inverse.reshape(-1)
    first = step * opu.exposures(1, "linear", signed=True)
    seen = opu._project(error, sum(layer_sizes), "linear", name="the error", exposure=first)
    parts, start = [], 0
    for size in layer_sizes:
        scale = math.sqrt(2 / (size + error.shape[1]))
        part = seen[inverse, start : start + size]
        parts.append(np.multiply(part, scale * factors[:, None], dtype=seen.dtype))
        start += size
    return parts


def angle(inputs, deltas, true_deltas):
    """Angle in degrees between inputs.T @ deltas and inputs.T @ true_deltas."""
    gram = inputs @ inputs.T
    gram = gram.toarray() if hasattr(gram, "toarray") else gram

    def inner(first, second):
        return float(np.sum(first * (gram @ second), dtype=np.float64))

    length = math.sqrt(inner(deltas, deltas) * inner(true_deltas, true_deltas))
    cosine = inner(deltas, true_deltas) / length if length > 0 else 0.0
    return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
