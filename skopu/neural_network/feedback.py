"""Direct feedback alignment: what the output error tells each hidden layer."""

import math

import numpy as np
import scipy.sparse

from .._utils.arrays import backend_of
from ..optics.device import project_checked_rows


def feedback_device(opu, optical):
    """The device itself, or the same glass with an ideal modulator and camera."""
    return opu if optical else opu.without_noise()


def check_shows_errors(opu, n_outputs, layer_sizes, error_encoding):
    """Raise ValueError unless a device can show errors, and read a projection for each unit."""
    if error_encoding == "exact" and opu.input_bits is not None:
        raise ValueError(
            f"A modulator of input_bits={opu.input_bits} cannot show an error exactly. Set "
            'error_encoding="ternary", or input_bits=None for the device.'
        )
    opu.check(n_outputs, sum(layer_sizes), "linear")


def ternary(error, threshold):
    """Rows reduced to -1, 0 and 1, as two binary frames, and factors for each.

    Of either sign, entries above threshold times the largest of the row become 1, so that
    the rule is the same for large errors, early in training, and for small ones. The factor
    of a frame is the total of that sign over the number of ones: errors of a softmax sum to
    zero, and so do these. With one factor for both frames they do not, which pushes all
    units of a layer the same way, and training fails.

    Returns
    -------
    frames : ndarray of shape (2 * n_samples, n_outputs)
        Zeros and ones: of the positive entries of all rows, then of the negative ones.
    factors : ndarray of shape (2 * n_samples,)
        The rows are about ``factors * frames``, those of the second half subtracted.
    """
    parts = np.maximum(np.vstack([error, -error]), 0)
    largest = parts.max(axis=1, keepdims=True)
    frames = (parts > threshold * largest).astype(error.dtype)
    return frames, parts.sum(axis=1) / np.maximum(frames.sum(axis=1), 1)


def project_error(opu, error, layer_sizes, error_encoding, ternary_threshold, step=0):
    """Error times the feedback matrix of each layer, from one projection by the device.

    Layer i, of n units, reads n projections of its own: it gets error @ B with entries of B of
    variance 2 / (n + n_outputs), as the weights that Glorot initialises a network with.

    error is finite, an array of any library, of which the parts are too. step counts how often the
    device was used, so that the noise of its camera is new.
    """
    n_modes = sum(layer_sizes)
    if n_modes == 0:
        return []
    first_exposure = step * opu.exposures(1, "linear", signed=True)
    if error_encoding == "ternary":
        seen = _project_ternary(opu, error, n_modes, ternary_threshold, first_exposure)
    else:
        seen = project_checked_rows(opu, error, n_modes, "the error", first_exposure)
    parts, start = [], 0
    for size in layer_sizes:
        parts.append(seen[:, start : start + size])
        parts[-1] *= math.sqrt(2 / (size + error.shape[1]))
        start += size
    return parts


def _project_ternary(opu, error, n_modes, threshold, first_exposure):
    backend, n_samples = backend_of(error), error.shape[0]
    frames, factors = ternary(backend.to_numpy(error), threshold)
    # Samples of a batch often err alike; the device is shown each pattern once.
    shown, which = np.unique(frames, axis=0, return_inverse=True)
    which = which.reshape(-1)
    factors[n_samples:] *= -1
    seen = project_checked_rows(opu, backend.asarray(shown), n_modes, "the error", first_exposure)
    if backend.is_numpy:
        place = np.tile(np.arange(n_samples), 2), which
        return scipy.sparse.csr_matrix((factors, place), (n_samples, len(shown))) @ seen
    which, factors = backend.asarray(which), backend.asarray(factors[:, None])
    bright, dark = slice(n_samples), slice(n_samples, None)
    return seen[which[bright], :] * factors[bright] + seen[which[dark], :] * factors[dark]


def angle(update, gradient):
    """Angle between two arrays in degrees; a right one where either is zero."""
    if not (update.any() and gradient.any()):
        return 90.0
    # Scaled, since squares of what has nearly vanished may be too small.
    update, gradient = (array / np.float64(abs(array).max()) for array in (update, gradient))
    cosine = np.vdot(update, gradient) / (np.linalg.norm(update) * np.linalg.norm(gradient))
    return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
