"""Leading eigenvalues and eigenvectors of symmetric matrices, from random projections."""

import warnings
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._utils.arrays import like
from ..optics import GaussianMedium
from ..optics.opu import resolve_opu
from ._block_lanczos import ORDERS, eigen_errors, krylov_space, rounding_of
from ._krylov import Tolerances, check_n_iter, complete, signs_of
from ._operators import check_operator
from ._orthonormal import polish
from ._random_vectors import random_matrix, sketch_rows, sketch_width
from ._tall_blocks import multiply


class _Pairs(NamedTuple):
    w: np.ndarray
    V: np.ndarray


class EighResult(_Pairs):
    """Leading eigenvalues and eigenvectors, a tuple ``w, V``.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Attributes
    ----------
    w : ndarray of shape (n_components,)
        Eigenvalues, leading ones first.
    V : ndarray of shape (n, n_components)
        Eigenvectors as columns.
    error_bound : ndarray of shape (n_components,), float64
        Bound on the relative error of each eigenvalue; infinite if there were too few
        refinements to tell, or if the value is zero.
    vector_error_bound : ndarray of shape (n_components,), float64
        Bound on the sine of the angle between each eigenvector and the true one. It is 1 where
        eigenvalues are equal: their vectors are then not determined.
    n_iter : int
        Number of refinements.

    See Also
    --------
    skopu.opu_eigh : Returns it.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.linalg import opu_eigh
    >>> A = np.diag((-0.5) ** np.arange(50.0))
    >>> found = opu_eigh(A, n_components=2, random_state=0)
    >>> bool((abs(found.w - [1, -0.5]) <= found.error_bound * [1, 0.5]).all())
    True
    """

    error_bound = vector_error_bound = n_iter = None  # set once it is made


def opu_eigh(
    A,
    n_components,
    *,
    which="LM",
    tol=0.01,
    vector_tol=None,
    n_oversamples=10,
    n_iter="auto",
    opu=None,
    random_state=None,
):
    """Leading eigenvalues and eigenvectors of a symmetric matrix, by block Krylov iteration.

    The rows of A go through the device once [1]_. Multiply that sketch by A again and again: all
    products together span a space that holds the leading eigenvectors ever more accurately [2]_.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Parameters
    ----------
    A : {ndarray, memmap, CSR or CSC matrix, LinearOperator, Dask array} of shape (n, n)
        Real symmetric matrix.
    n_components : int
        Number of eigenvalues, at most n.
    which : {"LM", "LA", "SA"}, default="LM"
        Which ones: those of largest magnitude, the largest, or the smallest; named as in
        `scipy.sparse.linalg.eigsh`.
    tol : float, default=0.01
        Relative error allowed for each eigenvalue, if n_iter is "auto". Values smaller than the
        rounding error are exempt.
    vector_tol : float, default=None
        The same for the vectors: the sine of the largest angle to the true ones. None sets no
        limit.
    n_oversamples : int, default=10
        Projections beyond n_components. Of equal eigenvalues, up to n_components + n_oversamples
        are found. With fewer than some 5, a leading one may be missed by more than ``error_bound``.
    n_iter : int or "auto", default="auto"
        Number of refinements; A is read n_iter + 2 times, or n_iter + 1 times for eigenvalues at
        one end. "auto" refines until all error bounds are below the tolerances.
    opu : Device, default=None
        The device. None uses a `GaussianMedium` and an ideal camera.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None.

    Returns
    -------
    result : EighResult
        A tuple ``w, V`` of shapes (n_components,) and (n, n_components): the largest magnitude
        first with "LM", the largest with "LA" and the smallest with "SA". The largest entry of each
        vector is positive. Both are float32 if A is, else float64. ``result.error_bound`` bounds
        the error of each eigenvalue, ``result.vector_error_bound`` that of its vector.

    Raises
    ------
    ValueError
        If A is not symmetric, complex, empty or contains NaN, n_components is not between 1 and
        n, a tolerance is below what the dtype can give, or the device cannot show the rows of A.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If vectors are not determined to ``vector_tol`` because eigenvalues are equal.

    See Also
    --------
    opu_svd : Singular values of any matrix.
    opu_nystrom : A low-rank approximation from a single pass.
    opu_spectral_density : How all eigenvalues are distributed.
    scipy.sparse.linalg.eigsh : A few eigenvalues to full accuracy; with ``sigma``, inner ones.

    Notes
    -----
    An error bound is the larger of two: what a geometric series of the last gains would add, and
    twice Temple's bound [3]_, from the residual and the gap to the next value. Both take what was
    found for what there is, so that the bound is an estimate, if a conservative one: it held in all
    of 1566 decompositions, also where more values lie close together than the sketch has columns;
    the median error was a thirtieth to a fortieth of it, see :doc:`/user_guide/linear_algebra`. It
    is relative to the value found, which tells nothing where it is 1 or more. Bounds of "LM" apply
    to magnitudes: values of nearly the same magnitude and opposite sign may come in either order.

    Memory is n times the width of the Krylov space, n_iter + 1 times n_components + n_oversamples
    columns. Eigenvalues near zero, such as the smallest ones of a positive matrix, are lost in the
    rounding of the others and need a space of nearly all dimensions. To find them, invert A.

    References
    ----------
    .. [1] D. Hesslow et al., "Photonic co-processors in HPC: using LightOn OPUs for
       Randomized Numerical Linear Algebra", Hot Chips 33, 2021.
    .. [2] J. A. Tropp and R. J. Webber, "Randomized algorithms for low-rank matrix approximation:
       design, analysis, and applications", 2023.
    .. [3] T. Kato, "On the upper and lower bounds of eigenvalues", Journal of the Physical
       Society of Japan 4, 1949.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.linalg import opu_eigh
    >>> rng = np.random.default_rng(0)
    >>> Q, _ = np.linalg.qr(rng.normal(size=(300, 300)))
    >>> A = (Q * np.r_[5, -4, 3, 0.1 * rng.normal(size=297)]) @ Q.T
    >>> w, V = opu_eigh((A + A.T) / 2, n_components=3, random_state=0)
    >>> w.round(2)
    array([ 5., -4.,  3.])
    """
    operator = check_operator(A, square=True)
    opu = resolve_opu(opu, random_state, medium=GaussianMedium)
    width = sketch_width(operator, n_components, n_oversamples)
    if which not in ORDERS:
        raise ValueError(f"which must be one of {sorted(ORDERS)}, got {which!r}.")
    n_iter = check_n_iter(n_iter)
    tolerances = Tolerances.checked(tol, vector_tol, operator)
    if which == "LM":
        start = sketch_rows(opu, operator, width)
    else:  # zero may lead, whose vectors no product shows
        start = operator.asarray(random_matrix(opu, operator.shape[0], width, operator.dtype))
    with operator.threads() as run:
        space = krylov_space(operator, start, n_components, which, n_iter, tolerances, run)
        return _result(space, n_components, which, tolerances, run)


def _result(space, n_components, which, tolerances, run):
    values, errors, sines = eigen_errors(space, n_components, which)
    w, vectors = space.ritz(which)
    k = min(n_components, len(w))
    missing = n_components - k  # of a matrix of lower rank
    V = complete(polish(multiply(space.basis, vectors[:, :k], run), run), n_components, run)
    V *= signs_of(V)
    w = np.pad(w[:k], (0, missing))
    errors, sines = np.pad(errors, (0, missing)), np.pad(sines, (0, missing), constant_values=1)
    if tolerances.vectors is not None and sines.max() > tolerances.vectors and space.R is None:
        warnings.warn(
            f"Eigenvectors are known only to a sine of {sines.max():.1g}, not to "
            f"vector_tol={tolerances.vectors}: some eigenvalues are equal, or nearly so, and "
            "their vectors are then not determined. Raise vector_tol.",
            ConvergenceWarning,
            stacklevel=3,
        )
    result = EighResult(like(w, V), V)
    result.error_bound, result.vector_error_bound = errors + rounding_of(w, values, w.dtype), sines
    result.n_iter = len(space.basis) - 1
    return result
