"""Matrix products from sketches."""

import math
from typing import NamedTuple

import numpy as np

from .._utils.arrays import as_type, check_same_place, namespace
from .._utils.checks import check_count, check_finite
from ..optics import GaussianMedium
from ..optics.device import project_rows
from ..optics.opu import resolve_opu
from ._operator import pieces_in_memory
from ._operators import check_operator
from ._random_vectors import next_exposure, random_matrix
from ._tall_blocks import largest_length


class MatmulEstimate(NamedTuple):
    """A random estimate of a matrix product.

    Attributes
    ----------
    value : ndarray of shape (p, q)
        The estimate.
    standard_error : float
        Root mean square of its error in the Frobenius norm, estimated.
    """

    value: np.ndarray
    standard_error: float


def opu_matmul(A, B, n_components, *, opu=None, random_state=None):
    """Approximate product A'B, from random projections of the columns of both.

    Columns of A and of B, of length n, go through the device; the inner products of what
    comes back are unbiased estimates of theirs [1]_ [2]_.

    Parameters
    ----------
    A : {ndarray, memmap, CSR or CSC matrix, LinearOperator} of shape (n, p)
        Real matrix. An operator needs transposed products; it multiplies a test matrix
        read from the device.
    B : {ndarray, memmap, CSR or CSC matrix, LinearOperator} of shape (n, q)
        Real matrix.
    n_components : int
        Number of projections. The error falls like 1 / sqrt(n_components).
    opu : OPU, default=None
        The device. None is an ideal one with a `GaussianMedium`.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None.

    Returns
    -------
    value : ndarray of shape (p, q)
        Estimate of A'B; float32 if both are, else float64.
    standard_error : float
        Root mean square of its error in the Frobenius norm, estimated:
        ``sqrt((|A|^2 |B|^2 + |A'B|^2) / n_components)`` for independent modes. Noise of
        the camera is part of it.

    Raises
    ------
    ValueError
        If A and B have different numbers of rows, are complex, empty or contain NaN, their
        product is too large or too small for its dtype, or the device cannot show their
        columns.

    Notes
    -----
    The noise in the projections of A is independent of that in those of B, also where both
    are the same matrix, so that it leaves no bias: B is read in other frames. Rows of a layered
    medium are orthogonal within a block, and its error is at most about that of independent
    ones.

    References
    ----------
    .. [1] D. Hesslow et al., "Photonic co-processors in HPC: using LightOn OPUs for
       Randomized Numerical Linear Algebra", Hot Chips 33, 2021.
    .. [2] P. Drineas, R. Kannan and M. W. Mahoney, "Fast Monte Carlo algorithms for
       matrices I", SIAM J. Comput. 36, 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.linalg import opu_matmul
    >>> A = np.random.default_rng(0).normal(size=(5000, 3)) + [1, 2, 3]
    >>> value, standard_error = opu_matmul(A, A, n_components=2000, random_state=0)
    >>> value.shape
    (3, 3)
    >>> bool(np.linalg.norm(value - A.T @ A) < 3 * standard_error)
    True
    """
    left, right = check_operator(A, "A"), check_operator(B, "B")
    if left.shape[0] != right.shape[0]:
        raise ValueError(
            f"A and B must have the same number of rows, got {left.shape[0]} and "
            f"{right.shape[0]}: the product is A.T @ B."
        )
    check_same_place(left.sample, right.sample, ("A", "B"))
    n_components = check_count(n_components, "n_components")
    opu = resolve_opu(opu, random_state, medium=GaussianMedium)
    first = _sketch_columns(opu, left, n_components)
    second = _sketch_columns(opu, right, n_components, next_exposure(opu))
    with np.errstate(over="ignore", invalid="ignore"):
        dtype = np.result_type(left.dtype, right.dtype)
        value = as_type(first, dtype).T @ as_type(second, dtype) / n_components
    check_finite(value, "The product A.T @ B")
    # The estimate's own square norm is too large by the square of its error.
    left_size, right_size, size = (
        largest_length(namespace(x).reshape(x, (-1, 1))) for x in (first, second, value)
    )
    if left_size > 0 < right_size and left_size / n_components * right_size < np.finfo(dtype).tiny:
        raise ValueError(
            f"The product A.T @ B is too small for {dtype}, which would lose most of it. Scale A "
            "or B up first."
        )
    error = math.hypot(left_size / n_components * right_size, size) / math.sqrt(n_components + 1)
    return MatmulEstimate(value, error)


def _sketch_columns(opu, operator, n, exposure=0):
    """Projections (n, p) of the columns of an operator, in frames from that number on."""
    if not operator.stored:
        test = random_matrix(opu, operator.shape[0], n, operator.dtype, exposure)
        return operator.rmatmat(test).T
    A = operator.A
    if not isinstance(A, np.ndarray) or A.dtype == operator.dtype:
        return project_rows(opu, A.T, n, operator.name, exposure).T
    sketch = np.empty((n, A.shape[1]), operator.dtype)
    for part in pieces_in_memory(A.shape[1], A.shape[0] * operator.dtype.itemsize):
        columns = A[:, part].T.astype(operator.dtype)  # never all of a large map of integers
        sketch[:, part] = project_rows(opu, columns, n, operator.name, exposure).T
    return sketch
