"""The map from samples to random features of a kernel, made by a device."""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln
from sklearn.base import clone
from sklearn.utils import check_random_state

from ._arrays import in_place, like, namespace, numpy_dtype
from ._progress import progress_bar
from .kernels import check_degree, check_order
from .optics import OPU
from .optics._glass import bit_generator, raw_bytes
from .optics._rows import check_count, pieces

_BLOCK_BYTES = 2**27


class FeatureMap(NamedTuple):
    """Features whose inner products converge to a kernel; see `OpticalRandomFeatures`."""

    opu: OPU
    n: int
    kernel: str
    degree: float
    gamma: float
    n_inputs: int
    offset_seed: int

    def __call__(self, X, out=None, verbose=0):
        """Features of the rows of a validated X, of shape (n_samples, n), in out or a new array."""
        mode = "intensity" if self.kernel == "speckle" else "linear"
        kernels = {"speckle": _finish_speckle, "arc_cosine": _finish_arc_cosine, "rbf": _finish_rbf}
        finish = kernels[self.kernel](self)
        with progress_bar(verbose, X.shape[0] * self.n, "features", "") as done:

            def finish_and_count(piece, outputs):
                piece = finish(piece, outputs)
                done(math.prod(piece.shape))
                return piece

            return self.opu._project(X, self.n, mode, finish=finish_and_count, out=out)

    def blocks(self, X):
        """Slices of rows that cover X, whose features take some 128 MB each."""
        return pieces(X.shape[0], max(1, _BLOCK_BYTES // (self.n * X.dtype.itemsize)))

    def _scale(self):
        """1 / sqrt(n), corrected for modes on a sphere instead of Gaussian ones."""
        size, degree = self.opu.block_size(self.n_inputs), self.degree
        correction = 0.0
        if size > 1:
            correction = gammaln(size + degree) - gammaln(size) - degree * math.log(size)
        return math.exp(correction / 2) / math.sqrt(self.n)


def feature_map(estimator, n_inputs):
    """The map that an estimator's n, kernel, degree, gamma, opu and random_state describe.

    Raises ValueError where one of them does not suit the kernel, or the device is smaller.
    """
    kernel, degree, gamma = estimator.kernel, estimator.degree, estimator.gamma
    n = check_count(estimator.n, "n")
    _check_kernel(kernel, degree, gamma)
    seed = int(check_random_state(estimator.random_state).randint(np.iinfo(np.int32).max))
    opu = OPU(random_state=seed) if estimator.opu is None else clone(estimator.opu)
    opu._check(n_inputs, n if kernel == "speckle" else -(-n // 2))
    if degree is None:
        degree = {"speckle": 2, "arc_cosine": 1, "rbf": None}[kernel]
    return FeatureMap(opu, n, kernel, degree, gamma or 1 / n_inputs, n_inputs, seed)


def _check_kernel(kernel, degree, gamma):
    if kernel == "speckle" and degree is not None:
        check_degree(degree)
    if kernel == "arc_cosine" and degree is not None:
        check_order(degree)
    if kernel == "rbf" and degree is not None:
        raise ValueError(
            f"The rbf kernel has no degree, got degree={degree!r}. Leave it None, or "
            'choose kernel="speckle" or "arc_cosine".'
        )
    if kernel != "rbf" and gamma is not None:
        raise ValueError(
            f"The {kernel} kernel has no gamma, got gamma={gamma!r}. Leave it "
            'None and scale X instead, or choose kernel="rbf".'
        )


def _finish_speckle(features):
    degree, scale = features.degree, features._scale()

    def finish(piece, outputs):
        if degree != 2:
            xp = namespace(piece)
            piece = in_place(xp.clip, piece, 0, None)  # read noise can fall below 0
            if degree == 1:
                piece = in_place(xp.sqrt, piece)
            else:
                piece **= degree / 2
        piece *= scale
        return piece

    return finish


def _finish_arc_cosine(features):
    degree, scale = features.degree, math.sqrt(2) * features._scale()

    def finish(piece, outputs):
        xp = namespace(piece)
        if degree == 0:  # 0, 1/2 or 1
            piece = in_place(xp.sign, piece)
            piece += 1
            piece /= 2
        else:
            piece = in_place(xp.clip, piece, 0, None)
        if degree == 2:
            piece *= piece
        piece *= scale
        return piece

    return finish


def _finish_rbf(features):
    n = features.n
    spread, scale = math.sqrt(2 * features.gamma), math.sqrt(2 / n)
    words = raw_bytes(bit_generator(features.offset_seed, "offs"), 4 * n).view("<u4")
    offsets = words * (2 * math.pi / 2**32)

    def finish(piece, outputs):
        piece *= spread
        piece += like(offsets[outputs].astype(numpy_dtype(piece)), piece)
        piece = in_place(namespace(piece).cos, piece)
        piece *= scale
        return piece

    return finish
