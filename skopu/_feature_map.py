"""The map from samples to random features of a kernel, made by a device."""

import functools
import math
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from scipy.special import gammaln
from sklearn.base import clone

from ._utils.arrays import as_type, backend_of, namespace, numpy_dtype, to_numpy
from ._utils.checks import (
    check_count,
    check_finite,
    check_positive,
    check_returned,
    stored_values,
)
from ._utils.dask_collections import is_dask, results_of_chunks
from ._utils.progress import progress_bar
from ._utils.streams import bit_generator, raw_bytes
from ._utils.threads import pieces
from .kernels import KERNELS, Kernel
from .optics import Device
from .optics.opu import draw_seed, resolve_opu

_BLOCK_BYTES = 2**27
_KEPT_PHASES = 2**16  # of a map, for its next piece or call; they take longer to draw than to use


class FeatureMap(NamedTuple):
    """Features whose inner products converge to a kernel; see `OpticalRandomFeatures`."""

    opu: Device
    n: int
    kernel: Kernel
    degree: float | None
    gamma: float | None
    n_inputs: int
    seed: int

    def __call__(self, X, out=None, verbose=0, shift=None):
        """Features of the rows of a validated X, of shape (n_samples, n), in out or a new array.

        A shift, of shape (n,), is taken away from each row.
        """
        self._check_range(X)
        scale, who = self.scale(), f"{type(self.kernel).__name__}.activate"
        advice = " A feature is made of each reading."
        with progress_bar(verbose, X.shape[0] * self.n, "features", "") as done:

            def finish(readings, outputs):
                piece = self.kernel.activate(readings, outputs, self)
                piece = as_type(
                    check_returned(piece, readings.shape, who, advice), numpy_dtype(readings)
                )
                piece *= scale
                if shift is not None:
                    piece -= shift[outputs]
                done(math.prod(piece.shape))
                return piece

            return self.opu.project(X, self.n, self.kernel.reading, finish=finish, out=out)

    def blocks(self, X):
        """Slices of rows that cover X, whose features take some 128 MB each."""
        return pieces(X.shape[0], max(1, _BLOCK_BYTES // (self.n * numpy_dtype(X).itemsize)))

    def phases(self, outputs):
        """Random phases of some features, uniform from 0 to 2 pi."""
        kept = self.n <= _KEPT_PHASES
        return (_phases if kept else _phases.__wrapped__)(self.seed, outputs.start, outputs.stop)

    def scale(self):
        """Factor of all features, corrected for modes on a sphere instead of Gaussian ones."""
        size, correction = self.opu.block_size(self.n_inputs), 0.0
        if size > 1 and self.degree is not None:
            degree = self.degree
            correction = gammaln(size + degree) - gammaln(size) - degree * math.log(size)
        return self.kernel.factor * math.exp(correction / 2) / math.sqrt(self.n)

    def _check_range(self, X):
        """Raise ValueError where gamma, or a power of readings, is out of a float's range."""
        if self.gamma is not None and math.sqrt(2 * self.gamma) > float(
            np.finfo(numpy_dtype(X)).max
        ):
            raise ValueError(
                f"gamma={self.gamma:.1g} is out of the range of {numpy_dtype(X)}. Scale X, for "
                "example with sklearn.preprocessing.StandardScaler, or give it as float64."
            )
        power = self.degree or 0
        if power <= (2 if self.kernel.reading == "intensity" else 1):
            return  # what is read is checked by the device
        values = stored_values(X)
        if 0 in values.shape:
            return
        xp, limits = namespace(values), np.finfo(numpy_dtype(values))
        largest = float(max(xp.max(values), -xp.min(values)))
        bright = 4 * math.sqrt(self.n_inputs) * largest  # a bright speckle of the longest row
        if largest > 0 and not (
            power * math.log(bright) < math.log(limits.max)
            and power * math.log(largest) > math.log(limits.tiny)
        ):
            raise ValueError(
                f"Features of degree {power:g} of entries up to {largest:.1g} are out of the range "
                f"of {limits.dtype}. Scale X, for example with sklearn.preprocessing.normalize, or "
                "lower the degree."
            )


@functools.lru_cache(maxsize=64)
def _phases(seed, start, stop):
    first = start // 8 * 8  # eight phases take a step of Philox
    bits = bit_generator(seed, "offs").advance(first // 8)
    words = raw_bytes(bits, 4 * (stop - first)).view("<u4")
    phases = words[start - first :] * (2 * math.pi / 2**32)
    phases.flags.writeable = False
    return phases


def feature_map(estimator, X, sample_weight=None):
    """The map that an estimator's n, kernel, degree, gamma, opu and random_state describe.

    Of X, the number of features counts, and their variance, where gamma is "scale"; then weights
    of samples count as repeated ones would. Raises ValueError as `make_map` does.
    """
    kernel, gamma = kernel_of(estimator.kernel), estimator.gamma
    if kernel.has_gamma and (gamma is None or gamma == "scale"):
        gamma = _scale_gamma(X, sample_weight)
        if not 0 < gamma < math.inf:
            raise ValueError(
                f"The variance of X is out of the range of floats, so that gamma={gamma:g}. Scale "
                "X, for example with sklearn.preprocessing.StandardScaler, or give gamma."
            )
    opu, seed = estimator.opu, draw_seed(estimator.random_state)
    return make_map(estimator.n, kernel, estimator.degree, gamma, X.shape[1], opu, seed)


def kernel_of(kernel):
    """A kernel by its name, or itself."""
    return kernel if isinstance(kernel, Kernel) else KERNELS[kernel]


def make_map(n, kernel, degree, gamma, n_inputs, opu, seed):
    """The map of these parameters, with a device of its own.

    Raises ValueError where a parameter does not suit the kernel, or the device is smaller.
    """
    n = check_count(n, "n")
    if kernel.reading not in ("intensity", "linear"):
        raise ValueError(
            f'reading of {type(kernel).__name__} must be "intensity" or "linear", got '
            f"{kernel.reading!r}."
        )
    degree = kernel.default_degree if degree is None else kernel.check_degree(degree)
    if kernel.has_gamma:
        gamma = check_positive(gamma, "gamma")
    elif gamma is not None:
        raise ValueError(
            f"The {kernel.name} kernel has no gamma, got gamma={gamma!r}. Leave it "
            'None and scale X instead, or choose kernel="rbf".'
        )
    opu = resolve_opu(None if opu is None else clone(opu), seed=seed)
    opu.check(n_inputs, n, kernel.reading)
    features = FeatureMap(opu, n, kernel, degree, gamma, n_inputs, seed)
    try:
        features.scale()
    except OverflowError as error:
        raise ValueError(f"degree={degree} is too large: features overflow. Lower it.") from error
    return features


def _scale_gamma(X, sample_weight=None):
    """1 / (n_features * X.var()), as scikit-learn's RBFSampler has it; 0 where that overflows."""
    try:
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            variance = float(_variance(X, sample_weight))
        if not math.isfinite(variance):
            return 0.0
        return 1 / (X.shape[1] * variance) if variance > 0 else 1.0
    except (OverflowError, ZeroDivisionError):  # of numbers of Python's
        return 0.0


def _variance(X, sample_weight):
    """Variance of all entries; infinite or NaN, or an OverflowError, where squares overflow."""
    if is_dask(X):
        return _variance_of_chunks(X)
    if sample_weight is None:
        backend = backend_of(X)
        values = backend.as_type(stored_values(X), np.float64)
        size, xp = math.prod(X.shape), backend.namespace
        mean = float(xp.sum(values)) / size
        squares = float(xp.sum((values - mean) ** 2)) + (size - math.prod(values.shape)) * mean**2
        return squares / size
    X = to_numpy(X)
    centred = X if issparse(X) else X - X.mean(dtype=np.float64)
    squares = centred.power(2) if issparse(X) else centred**2
    mean, square = (
        np.average(np.ravel(each.mean(axis=1)), weights=sample_weight)
        for each in (centred, squares)
    )
    return square - mean**2


def _variance_of_chunks(X):
    """Of chunks, dense or sparse, of which some may be empty; Dask's own is NaN then."""
    parts = results_of_chunks(_moments_of_entries, X.to_delayed().ravel())
    sizes, means, spreads = np.transpose(parts)
    if not sizes.any():
        raise ValueError(f"X of shape {X.shape} has no rows. Give some.")
    mean = np.average(means, weights=sizes)
    return (spreads.sum() + sizes @ (means - mean) ** 2) / sizes.sum()


def _moments_of_entries(chunk):
    """Number of entries, their mean, and the sum of their squared distances from it."""
    size, values = math.prod(chunk.shape), stored_values(chunk)
    if size == 0:
        return 0, 0.0, 0.0
    check_finite(values, "X")
    values = values.astype(np.float64, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):  # of this thread
        mean = values.sum() / size
        return size, mean, np.square(values - mean).sum() + (size - values.size) * mean**2
