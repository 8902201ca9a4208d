"""Z-scores: how many standard errors a mean lies off what it should be."""

import numpy as np


def z_score(samples, expected):
    """Z-score of the mean of independent samples along the first axis."""
    samples = np.asarray(samples)
    standard_error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    return (samples.mean(axis=0) - expected) / standard_error
