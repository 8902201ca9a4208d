"""Random sums of samples, as a preconditioner of a ridge regression."""

import math

import numpy as np
import scipy.linalg

from .._utils.arrays import working_rows
from .._utils.streams import bit_generator, random_signs, raw_bytes
from .._utils.threads import pieces
from ._ridge_checks import check_overflow

_SUMS, _MOST_SUMS = 4, 2**12  # for each feature, and in all up to some 50,000 features
_WORKING = 4  # times scikit-learn's working_memory: what the sums may take
_KNOWN = 0.7  # directions that are taken for known, of those that the sums have
_AT_ONCE = 64  # samples or sums that are changed at once
_STEP = 8  # from one penalty to the next
_NEAR = 2  # a ratio of penalties that is not worth another trial
_PROBES = 10  # random vectors that a trace is estimated from


class RowSums:
    """S Z, where S adds each sample, with a random sign, to one of about a thousand sums.

    Their inner products are near G = Z' Z in the directions in which features vary most. So
    they solve G + alpha I well where alpha hides all others, and a larger penalty does the rest:
    it leaves errors of like size in all directions, which conjugate gradients then take away.
    See K. L. Clarkson and D. P. Woodruff, "Low-rank approximation and regression in input
    sparsity time", J. ACM 63, 2017. Here samples in a row go to sums in a row, as many as there
    are, which then start anew with a random one: nothing is gathered or scattered.
    """

    def __init__(self, problem):
        n, n_samples = problem.n, problem.n_samples
        most = max(_MOST_SUMS, n // 12)  # long passes are worth more sums
        fit = _WORKING * working_rows(n * problem.dtype.itemsize)
        n_sums = min(n_samples, _SUMS * n, most, fit)
        n_turns = -(-n_samples // n_sums)
        words = raw_bytes(bit_generator(problem.seed, "turn"), 8 * n_turns).view("<u8")
        self._firsts = (words % n_sums).tolist()
        self._backend, self._dtype = problem.backend, problem.dtype
        signs = random_signs(problem.seed, "sign", n_samples, 1).astype(problem.dtype)
        self._signs = self._backend.asarray(signs)
        self._sums = self._backend.zeros((n_sums, n), problem.dtype)
        self._roots = np.zeros((n_sums, 1))
        self._add(self._roots, signs, slice(0, n_samples), problem.roots[:, None])
        # With as many sums as samples, S is orthogonal.
        self._most_known = n_sums if n_sums == n_samples else _KNOWN * n_sums

    def _parts(self, start, stop):
        """Slices of samples, and of the sums that they go to, one each."""
        n_sums = self._sums.shape[0]
        while start < stop:
            turn, along = divmod(start, n_sums)
            place = (self._firsts[turn] + along) % n_sums
            length = min(stop - start, n_sums - along, n_sums - place, _AT_ONCE)
            yield slice(start, start + length), slice(place, place + length)
            start += length

    def add(self, rows, block):
        """Add the features of some samples."""
        self._add(self._sums, self._signs, rows, block)

    def _add(self, sums, signs, rows, values):
        for samples, places in self._parts(rows.start, rows.stop):
            part = slice(samples.start - rows.start, samples.stop - rows.start)
            sums[places, :] += signs[samples, :] * values[part, :]

    def preconditioner(self, mean, least_shift):
        """Function of (columns, shifts), near the inverse of G + shift for each column.

        mean is that of the features added: what it has in G is taken away. No shift is below
        least_shift.
        """
        backend, dtype, sums = self._backend, self._dtype, self._sums
        mean = mean.astype(dtype)
        for part in pieces(len(self._roots), _AT_ONCE):
            sums[part, :] -= backend.asarray(self._roots[part].astype(dtype) * mean)
        gram = backend.to_numpy(sums @ sums.T).astype(np.float64)
        check_overflow(gram, dtype)
        unit = gram.max() or 1.0  # of penalties, whose squares are then within range
        gram /= unit
        least, factor = self._least_penalty(gram, least_shift / unit)
        factors, largest = {least: factor}, _STEP * len(gram)

        def precondition(columns, shifts):
            inside = backend.to_numpy(sums @ backend.asarray(columns.astype(dtype)))
            inside = inside.astype(np.float64) / unit
            # In steps, so that many alphas do not take a factor each.
            penalties = np.clip(shifts / unit, least, largest)
            penalties = least * _STEP ** np.rint(np.log(penalties / least) / math.log(_STEP))
            for penalty in set(penalties.tolist()):
                if penalty not in factors:
                    factors[penalty] = _factor(gram, penalty)
                chosen = penalties == penalty
                inside[:, chosen] = scipy.linalg.cho_solve(factors[penalty], inside[:, chosen])
            known = backend.asarray(inside.T.astype(dtype)) @ sums
            return (columns - backend.to_numpy(known).T) / (unit * penalties)

        return precondition

    def _least_penalty(self, gram, shift):
        """Least penalty for which the sums know enough directions, and the factor of gram + it."""
        low = max(shift, 10 * np.finfo(self._dtype).eps * max(1, np.linalg.norm(gram)))
        factor = _factor(gram, low)
        if _n_directions(factor, low) <= self._most_known:
            return low, factor
        high, factor = np.trace(gram) / self._most_known, None  # which knows no more for certain
        while high > _NEAR * low:
            middle = math.sqrt(low * high)
            tried = _factor(gram, middle)
            if _n_directions(tried, middle) <= self._most_known:
                high, factor = middle, tried
            else:
                low = middle
        return high, _factor(gram, high) if factor is None else factor


def _factor(gram, penalty):
    shifted = gram.copy()
    shifted.ravel()[:: len(gram) + 1] += penalty
    return scipy.linalg.cho_factor(shifted.T, lower=True, overwrite_a=True)


def _n_directions(factor, penalty):
    """About how many directions the penalty does not hide, by random vectors."""
    size = len(factor[0])
    probes = random_signs(0, "tr", size, _PROBES)
    inverse = np.mean(np.sum(probes * scipy.linalg.cho_solve(factor, probes), axis=0))
    return size - penalty * inverse
