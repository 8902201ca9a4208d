"""What a single pass over the rows of a matrix keeps of it."""

import functools
import math
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.sparsefuncs import mean_variance_axis

from .._utils.arrays import as_type, backend_of, namespace, to_numpy
from .._utils.threads import run_pieces
from ._centred import CentredOperator
from ._stacked import StackedOperator
from ._tall_blocks import chunks
from .svd import truncated_svd

_OVERSAMPLES = 10
_TOL = 0.1  # for the last rows kept; the leading ones are then known far better


class Moments(NamedTuple):
    """Number and mean of rows, and the sum of their squared distances from it."""

    count: int
    mean: np.ndarray
    spread: float

    def merge(self, other):
        """Moments of both (T. F. Chan, G. H. Golub and R. J. LeVeque, 1982)."""
        count = self.count + other.count
        shift = other.mean - self.mean
        between = self.count * other.count / count * (shift @ shift)
        mean = self.mean + shift * (other.count / count)
        return Moments(count, mean, self.spread + other.spread + between)


def moments(operator):
    """Moments of the rows of an `Operator` with entries, which are read once.

    Raise ValueError where squares are too large for floats. NaN is left to products to find.
    """
    operator.count(0)
    with np.errstate(over="ignore", invalid="ignore"):  # products see what is not finite
        found = functools.reduce(Moments.merge, operator.map_chunks(_moments))
    if found.spread == math.inf:
        check_squares(math.inf, found.count, operator.dtype)
    return found


def _moments(X):
    if issparse(X):
        mean, variance = mean_variance_axis(X, axis=0)
        return Moments(X.shape[0], mean.astype(np.float64), variance.sum() * X.shape[0])
    if not backend_of(X).is_numpy:
        xp = namespace(X)
        X = as_type(X, np.float64)
        mean = xp.mean(X, axis=0)
        return Moments(X.shape[0], to_numpy(mean), float(xp.sum((X - mean) ** 2)))
    slices = chunks(*X.shape)
    parts = [None] * len(slices)

    def work(i):
        part = X[slices[i]]
        with np.errstate(over="ignore", invalid="ignore"):  # of this thread
            mean = part.mean(axis=0, dtype=np.result_type(part, np.float32))
            centred = part - mean
            spread = float(np.vdot(centred, centred))
            # What rounding has left in the middle belongs to the mean.
            mean = mean + centred.mean(axis=0, dtype=np.float64)
        parts[i] = Moments(len(part), mean, spread)

    run_pieces(work, range(len(slices)))
    return functools.reduce(Moments.merge, parts)


def check_squares(size, n_rows, dtype):
    """Raise ValueError where no float of dtype holds the variance of n_rows of that length."""
    square, limits = float(size) * float(size), np.finfo(dtype)
    if size > 0 and not float(limits.tiny) * n_rows <= square <= float(limits.max):
        raise ValueError(
            f"Entries of X are so {'large' if size > 1 else 'small'} that {dtype} does not hold "
            "their squares. Scale X first, for example by its largest entry."
        )


class Stream(NamedTuple):
    """What is kept of all rows so far: few rows with nearly the same products, and moments.

    Kept rows are singular values times right singular vectors of those kept before and the new
    ones, one below the other. Of centred rows, the products are of their distances from the mean
    of all, and a batch brings one row more, for the distance of its mean from that of the others.
    """

    kept: np.ndarray
    moments: Moments
    centred: bool

    @classmethod
    def empty(cls, n_features, width, centred=False):
        """A stream of no rows yet, of which as many as width are to be kept."""
        none = Moments(0, np.zeros(n_features), 0.0)
        return cls(np.zeros((width, n_features)), none, centred)

    @classmethod
    def after(cls, values, vectors, moments_so_far, width, centred):
        """A stream that goes on from a decomposition, of which as many as width are kept."""
        kept = np.zeros((width, vectors.shape[1]))
        n_kept = min(width, len(values))
        kept[:n_kept] = values[:n_kept, None] * vectors[:n_kept]
        return cls(kept, moments_so_far, centred)

    def add(self, operator, opu):
        """Stream with the rows of an `Operator` added, its singular values and vectors.

        This stream stays as it is.
        """
        added, kept = moments(operator), self.kept
        rows = CentredOperator(operator, added.mean) if self.centred else operator
        if self.centred and self.moments.count:
            weight = self.moments.count * added.count / (self.moments.count + added.count)
            shift = math.sqrt(weight) * (added.mean - self.moments.mean)
            kept = np.vstack([kept, shift])
        stack = StackedOperator(operator.asarray(kept.astype(operator.dtype)), rows)
        found = truncated_svd(stack, opu, len(self.kept), _OVERSAMPLES, "auto", tol=_TOL)
        values, vectors = to_numpy(found.s), to_numpy(found.Vt)
        check_squares(values[0], self.moments.count + added.count, operator.dtype)
        kept = values[:, None] * vectors
        return self._replace(kept=kept, moments=self.moments.merge(added)), values, vectors
