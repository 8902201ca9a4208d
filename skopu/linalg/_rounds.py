"""Random estimates that are made in rounds, until their standard error is small."""

import math
import warnings

from sklearn.exceptions import ConvergenceWarning

_LEAST_GROWTH, _GROWTH = 1.5, 3  # of a round over the one before
_AIM = 0.7  # of the error that is allowed


def in_rounds(estimate, most, first, rtol):
    """Value and standard error of the last of several rounds, of at most ``most`` samples together.

    ``estimate(size)`` makes both from as many new samples, ``first`` of them in the first round.

    A round that is stopped at since its error looks small has an error that is small by chance, a
    little: it must be smaller than is asked for, by what chance does.
    """
    size = min(most, first)
    while True:
        value, error = estimate(size)
        most -= size
        allowed = rtol * abs(value)
        if error * (1 + math.sqrt(2 / size)) <= allowed:
            return value, error
        last, share = size, error / allowed / _AIM if allowed > 0 else math.inf
        size = min(math.ceil(size * min(max(share * share, _LEAST_GROWTH), _GROWTH)), most)
        if size <= last:  # fewer samples would not make a better estimate
            return value, error


def warn_of_large_error(value, standard_error, rtol, what, made, advice):
    """Warn the caller's caller where a finite error is above what rtol allows."""
    if rtol * abs(value) < standard_error < math.inf:
        share = standard_error / abs(value) if value else math.inf
        warnings.warn(
            f"The standard error is {share:.2g} of {what}, and not rtol={rtol:g}, after {made}. "
            + advice,
            ConvergenceWarning,
            stacklevel=3,
        )
