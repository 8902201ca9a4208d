"""Eigenvalues of a positive semidefinite matrix from one product with a few random vectors."""

import numpy as np


def nystrom(sketch, test, dtype):
    """Largest eigenvalues, in descending order, and eigenvectors of A from sketch = A @ test.

    test has orthonormal columns; dtype is the type that products were computed in. What comes
    back is below A: J. A. Tropp, A. Yurtsever, M. Udell and V. Cevher, "Fixed-rank
    approximation of a positive-semidefinite matrix from streaming data", NIPS 2017, whose
    algorithm 3 this is.
    """
    # About the rounding of the sketch, and above zero where that is zero.
    shift = float(np.finfo(dtype).eps) * np.linalg.norm(sketch) + np.finfo(np.float64).tiny
    shifted = sketch + shift * test
    core = test.T @ shifted
    values, rotation = np.linalg.eigh((core + core.T) / 2)
    half = shifted @ (rotation / np.sqrt(np.maximum(values, shift)))
    vectors, values, _ = np.linalg.svd(half, full_matrices=False)
    return np.maximum(values**2 - shift, 0), vectors
