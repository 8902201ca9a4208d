"""Matrix products from sketches."""

import math
from typing import NamedTuple

import numpy as np

from .._utils.arrays import as_type, check_same_place, namespace
from .._utils.checks import check_count, check_finite, check_positive
from ..optics import GaussianMedium
from ..optics.device import project_rows
from ..optics.opu import resolve_opu
from ._operator import pieces_in_memory
from ._operators import check_operator
from ._random_vectors import next_exposure, random_matrix
from ._rounds import warn_of_large_error
from ._tall_blocks import largest_length

_FIRST = 100  # projections of the first round: of fewer, norms are too uncertain
_LEAST_GROWTH, _GROWTH = 1.2, 2  # of all projections over those of the rounds before
_AIM = 0.9  # of the error that is allowed


class MatmulEstimate(NamedTuple):
    """Estimate of a matrix product.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Attributes
    ----------
    value : ndarray of shape (p, q)
        The estimate.
    standard_error : float
        Estimated root mean square of its error in the Frobenius norm.

    See Also
    --------
    skopu.opu_matmul : Returns one.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu import opu_matmul
    >>> found = opu_matmul(np.eye(50, 3), np.eye(50, 3), n_components=2000, random_state=0)
    >>> bool(np.linalg.norm(found.value - np.eye(3)) < 3 * found.standard_error)
    True
    """

    value: np.ndarray
    standard_error: float


def opu_matmul(A, B, n_components, *, rtol=None, opu=None, random_state=None):
    """Approximate product A'B, from random projections of the columns of both.

    Columns of A and of B, of length n, go through the device; inner products of the projections are
    unbiased estimates of inner products of the columns [1]_ [2]_.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Parameters
    ----------
    A : {ndarray, memmap, CSR or CSC matrix, LinearOperator, Dask array} of shape (n, p)
        Real matrix. An operator needs transposed products; it multiplies a test matrix
        read from the device.
    B : {ndarray, memmap, CSR or CSC matrix, LinearOperator, Dask array} of shape (n, q)
        Real matrix.
    n_components : int
        Number of projections; with ``rtol``, the maximum number. The error falls like 1 /
        sqrt(n_components).
    rtol : float, default=None
        Standard error, relative to the Frobenius norm of A'B, at which to stop. Projections are
        made in rounds, each of which at most doubles their number; the estimate uses all of them.
        None makes n_components at once.
    opu : Device, default=None
        The device. None uses a `GaussianMedium` and an ideal camera.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None.

    Returns
    -------
    value : ndarray of shape (p, q)
        Estimate of A'B; float32 if both are, else float64.
    standard_error : float
        Estimated root mean square of its error in the Frobenius norm:
        ``sqrt((|A|^2 |B|^2 + |A'B|^2) / n_components)`` for independent modes. It includes
        camera noise.

    Raises
    ------
    ValueError
        If A and B have different numbers of rows, are complex, empty or contain NaN, their
        product is too large or too small for its dtype, rtol is not positive, or the device
        cannot show their columns.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If n_components projections are too few for ``rtol``.

    See Also
    --------
    opu_svd : Leading singular values and vectors of one matrix.
    opu_trace : The sum of the diagonal of a matrix, in fewer products.
    sklearn.random_projection.GaussianRandomProjection : Projections that keep inner products.
    sklearn.utils.extmath.safe_sparse_dot : The exact product.

    Notes
    -----
    The norm of A'B that ``rtol`` refers to is estimated as well. Errors make the norm of the
    estimate too large, so the square of the standard error is subtracted from its square. If A'B is
    far smaller than ``|A| |B|``, nothing remains, and n_components projections are made. Later
    rounds repeat the first projections of a matrix and drop them; products with an operator are not
    repeated.

    A and B are read in different frames, even if they are the same matrix, so their noise is
    independent and leaves no bias. Rows of a layered medium are orthogonal within a block; its
    error is at most about that of independent rows.

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
    >>> value, standard_error = opu_matmul(A, A, 100_000, rtol=0.02, random_state=0)
    >>> bool(standard_error < 0.02 * np.linalg.norm(value))
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
    if rtol is not None:
        rtol = check_positive(rtol, "rtol", instead=", or None")
    opu = resolve_opu(opu, random_state, medium=GaussianMedium)
    sketches = _Sketches(opu, left, right)
    sketches.extend(n_components if rtol is None else min(_FIRST, n_components))
    value, error = sketches.estimate()
    if rtol is None:
        return MatmulEstimate(value, error)
    norm = _norm_less_error(value, error)
    while error > rtol * norm and sketches.n < n_components:
        times = _times_as_many(error, norm, rtol) / _AIM**2
        n = math.ceil(sketches.n * min(max(times, _LEAST_GROWTH), _GROWTH))
        sketches.extend(min(n, n_components))
        value, error = sketches.estimate()
        norm = _norm_less_error(value, error)
    made = f"{sketches.n} projections"
    needed = sketches.n * _times_as_many(error, norm, rtol)
    if math.isfinite(needed):
        advice = f"Raise n_components: about {needed:.2g} would do."
    else:
        advice = "The product is too near to zero for a relative error: take rtol=None."
    warn_of_large_error(norm, error, rtol, "the norm of A.T @ B", made, advice)
    return MatmulEstimate(value, error)


class _Sketches:
    """Projections of the columns of two operators, as many as were asked for, multiplied."""

    def __init__(self, opu, left, right):
        self._opu, self._left, self._right = opu, left, right
        self._dtype = np.result_type(left.dtype, right.dtype)
        self._product, self._left_size, self._right_size = 0, 0.0, 0.0
        self.n = 0

    def extend(self, n):
        """Make n projections of each column, less those that there are."""
        first = _sketch_columns(self._opu, self._left, self.n, n)
        second = _sketch_columns(self._opu, self._right, self.n, n, next_exposure(self._opu))
        self._left_size = math.hypot(self._left_size, _norm(first))
        self._right_size = math.hypot(self._right_size, _norm(second))
        with np.errstate(over="ignore", invalid="ignore"):
            product = as_type(first, self._dtype).T @ as_type(second, self._dtype)
            self._product = self._product + product
        self.n = n

    def estimate(self):
        """The product of the operators, and its standard error."""
        value = self._product / self.n
        check_finite(value, "The product A.T @ B")
        sizes = self._left_size / self.n * self._right_size
        if self._left_size > 0 < self._right_size and sizes < np.finfo(self._dtype).tiny:
            raise ValueError(
                f"The product A.T @ B is too small for {self._dtype}, which would lose most of it. "
                "Scale A or B up first."
            )
        # The estimate's own square norm is too large by the square of its error.
        return value, math.hypot(sizes, _norm(value)) / math.sqrt(self.n + 1)


def _norm(X):
    """Frobenius norm, also of numbers whose squares no float holds."""
    return largest_length(namespace(X).reshape(X, (-1, 1)))


def _norm_less_error(value, error):
    """Frobenius norm of what is estimated; 0 where errors may be all that there is."""
    size = _norm(value)
    return math.sqrt(max(size - error, 0.0)) * math.sqrt(size + error)


def _times_as_many(error, norm, rtol):
    """How many times the projections that there are would reach rtol; infinite where unknown."""
    share = error / norm / rtol if norm > 0 else math.inf
    return share * share  # infinite as well where it overflows, which share**2 would not be


def _sketch_columns(opu, operator, start, n, first_exposure=0):
    """Projections (n - start, p) of the columns of an operator, in frames from that number on."""
    if not operator.stored:
        test = random_matrix(opu, operator.shape[0], n, operator.dtype, first_exposure)
        return operator.rmatmat(test[:, start:]).T
    return _project_columns(opu, operator, n, first_exposure)[start:, :]


def _project_columns(opu, operator, n, first_exposure):
    A = operator.A
    if not isinstance(A, np.ndarray) or A.dtype == operator.dtype:
        return project_rows(opu, A.T, n, operator.name, first_exposure).T
    sketch = np.empty((n, A.shape[1]), operator.dtype)
    for part in pieces_in_memory(A.shape[1], A.shape[0] * operator.dtype.itemsize):
        columns = A[:, part].T.astype(operator.dtype)  # never all of a large map of integers
        sketch[:, part] = project_rows(opu, columns, n, operator.name, first_exposure).T
    return sketch
