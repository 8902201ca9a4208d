"""How products with random vectors become an estimate of a trace."""

import math

from ._leave_one_out import leave_one_out, mean_cosine, widening_by_correlation, with_rounding
from ._nystrom import nystrom_sketch
from ._random_vectors import next_exposure, random_matrix, scaled_to, sketch_rows
from ._tall_blocks import forms, qr
from .trace_method import TraceMethod

# Of values that differ by rounding alone, where the vectors are one more than the rank.
_MOST_CORRELATION = 0.9
_INDEFINITE = 'Use method="xtrace", which takes any matrix.'


class Hutchinson(TraceMethod):
    """The mean of quadratic forms."""

    name, unit_vectors = "hutchinson", True

    def estimate(self, A, n_products, opu):
        X = self.probes(A, n_products, opu)
        with A.threads():
            return _mean(forms(X, A.matmat(X)))


class Sketch(Hutchinson):
    """tr(R'AR) from rows of A that the device is shown, where there are rows."""

    name, unit_vectors = "sketch", False

    def estimate(self, A, n_products, opu):
        if not A.has_rows:
            return super().estimate(A, n_products, opu)
        n = A.shape[0]
        opu = opu.with_independent_modes(n, n_products)
        # Not by sending A R through the glass again: column i would put n times the mean light
        # on mode i, more than a camera can read.
        test = A.asarray(random_matrix(opu, n, n_products, A.dtype))
        return _mean(forms(test, sketch_rows(opu, A, n_products, next_exposure(opu))))


class HutchPlusPlus(TraceMethod):
    """The trace in a space of leading images, and Hutchinson's estimate of the rest."""

    name, least, unit_vectors = "hutch++", 4, True

    def estimate(self, A, n_products, opu):
        n = A.shape[0]
        rank = min(n_products // 3, n)
        n_probes = 0 if rank == n else n_products - 2 * rank
        X = self.probes(A, rank + n_probes, opu)
        with A.threads():
            Q, _ = qr(A.matmat(X[:, :rank]))
            exact = forms(Q, A.matmat(Q)).sum()
            if rank == n:
                return exact, with_rounding(0.0, exact, A.dtype)
            X = X[:, rank:]
            X = scaled_to(X - Q @ (Q.T @ X), n - rank)
            rest, standard_error = _mean(forms(X, A.matmat(X)))
        return exact + rest, with_rounding(standard_error, exact + rest, A.dtype)


class XTrace(TraceMethod):
    """Both with the same vectors, of which each is left out of the space in its turn."""

    name, least, unit_vectors = "xtrace", 4, True

    def estimate(self, A, n_products, opu):
        X = self.probes(A, min(n_products // 2, A.shape[0]), opu)
        with A.threads():
            images = A.matmat(X)
            values, widening = leave_one_out(X, images, [(X, images)], lambda Q: [(Q, A.matmat(Q))])
        value, spread = _mean(values[0])
        return value, with_rounding(spread * widening, value, A.dtype)


class XNysTrace(TraceMethod):
    """The trace of a Nyström approximation, and of the rest, for positive semi-definite matrices.

    Each vector is left out of the approximation in its turn, and gives a form of what it misses.
    """

    name, unit_vectors = "xnystrace", True

    def estimate(self, A, n_products, opu):
        n = A.shape[0]
        X = self.probes(A, min(n_products, n), opu)
        with A.threads():
            sketch = nystrom_sketch(A, X, _INDEFINITE)
        shift, outside = sketch.shift, sketch.missed * (n - X.shape[1] + 1)
        inside = forms(sketch.B, sketch.B).sum() - forms(sketch.left_out, sketch.left_out)
        value, spread = _mean(inside + outside)
        spread *= _widening_of_nystrom(n, sketch.cosines)
        # What rounding does is a part of the shift's.
        return value - n * shift, math.hypot(with_rounding(spread, value, A.dtype), n * shift)


def _widening_of_nystrom(n, cosines):
    """Standard error of the mean over the one from the spread, of values of `XNysTrace`.

    Let A be 1 + E with a small E. The error of value i is then E's trace in the space of the
    q = n - m dimensions outside of all vectors, less q u_i'E u_i, where u_i is what vector i has
    outside of the span of the others, scaled to length 1. If E looks the same from all sides, the
    covariance of two errors is in proportion to q + q^2 (u_i'u_j)^2: they share the trace, and the
    u_i are nearly parallel once q is small. Of any other A, the u_i are those of its root times the
    vectors; how well this holds was measured (benchmarks/nystrom_trace_errors.py).
    """
    m, cosine = len(cosines), mean_cosine(cosines)
    correlation = cosine + (1 - cosine) / (n - m + 1)
    return widening_by_correlation(m, min(correlation, _MOST_CORRELATION))


def _mean(samples):
    """Mean and its standard error, 0 of one sample, also where no float holds their squares."""
    if len(samples) == 1:
        return samples[0], 0.0
    unit = abs(samples).max() or 1.0
    return samples.mean(), (samples / unit).std(ddof=1) / math.sqrt(len(samples)) * unit


TRACE_METHODS = {
    method.name: method
    for method in (XTrace(), XNysTrace(), HutchPlusPlus(), Hutchinson(), Sketch())
}
