"""Number of triangles of a graph, a trace of the cube of its adjacency matrix."""

import numpy as np
import scipy.sparse

from .._utils.arrays import backend_of, namespace
from .._utils.checks import check_count
from ..optics import GaussianMedium
from ..optics.opu import resolve_opu
from ._lanczos import check_symmetric
from ._leave_one_out import leave_one_out, with_rounding
from ._operators import check_operator
from ._random_vectors import probes
from .traces import Estimate


def count_triangles(adjacency, n_matvecs=200, *, opu=None, random_state=None):
    """Number of triangles of a graph, estimated from products with its adjacency matrix.

    A triangle is six closed walks of three steps, so the number is tr(A^3) / 6 [1]_,
    estimated by XTrace [2]_.

    Parameters
    ----------
    adjacency : {ndarray, CSR or CSC matrix, LinearOperator} of shape (n_nodes, n_nodes)
        Symmetric matrix of zeros and ones with a zero diagonal; of a networkx graph G it is
        ``networkx.to_scipy_sparse_array(G, weight=None)``.
    n_matvecs : int, default=200
        Most products of the adjacency matrix with a vector, at least 11; multiples of 5
        are used in full, 5 k + 1 where it is a LinearOperator.
    opu : OPU, default=None
        The device. None is an ideal one with a `GaussianMedium`. Of a layered medium one
        mode per block is used.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None.

    Returns
    -------
    value : float
        Estimate of the number of triangles.
    standard_error : float
        Standard deviation of its error, estimated.
    n_matvecs : int
        Number of products that were made.

    Raises
    ------
    ValueError
        If the adjacency matrix is not square, not symmetric, has weights or self-loops,
        or n_matvecs is below 11.

    Notes
    -----
    Of the five products per random vector x, three give A x, A^2 x and A^3 x, and two A q
    and A^2 q for a vector q of an orthonormal basis of all A^3 x. Then
    x'A^3 x = (A x)'(A^2 x), and the same in the basis, without a sixth. The same products
    give estimates of tr(A), which is 0, and of tr(A^2), twice the number of edges. Their
    errors, known, correct that of tr(A^3) by regression, which makes it smaller by a third
    on social networks and leaves a bias of order 1 / n_matvecs, far below the standard
    error. A LinearOperator takes one more product to count its edges; its weights and
    self-loops cannot be seen and are not refused.

    An exact count is faster for sparse graphs whose nodes have some dozens of neighbours: with
    nodes in the order of their degrees, and L the lower triangle of the adjacency matrix,
    ``(L @ L.T).multiply(L).sum()``. This estimate pays where there are hundreds, for dense
    graphs of more than some thousand nodes, and for operators.

    References
    ----------
    .. [1] H. Avron, "Counting triangles in large graphs using randomized matrix trace
       estimation", KDD-LDMTA 2010.
    .. [2] E. N. Epperly, J. A. Tropp and R. J. Webber, "XTrace: making the most of every
       sample in stochastic trace estimation", SIAM J. Matrix Anal. Appl. 45, 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.linalg import count_triangles
    >>> complete = np.ones((30, 30)) - np.eye(30)
    >>> round(count_triangles(complete, random_state=0).value)  # 30 * 29 * 28 / 6
    4060
    """
    operator = check_operator(adjacency, "adjacency", square=True)
    if operator.stored:
        _check_simple(operator.A)
    opu = resolve_opu(opu, random_state, medium=GaussianMedium)
    n = operator.shape[0]
    if check_count(n_matvecs, "n_matvecs") < 11:
        raise ValueError(f"n_matvecs must be at least 11 to count triangles, got {n_matvecs}.")
    if not operator.stored:  # trace of A^2: two for each edge
        n_ends = operator.matmat(np.ones((n, 1), operator.dtype)).sum(dtype=np.float64)
    elif scipy.sparse.issparse(operator.A):
        n_ends = operator.A.sum(dtype=np.float64)
    else:
        xp = namespace(operator.A)
        n_ends = float(xp.sum(operator.A, dtype=xp.float64))
    n_vectors = min((n_matvecs - operator.n_matvecs) // 5, n)
    with operator.threads():
        X = operator.asarray(probes(opu, n, n_vectors, operator.dtype))
        once = operator.matmat(X)
        check_symmetric(X, once, "adjacency")
        twice = operator.matmat(once)

        def multiply(Q):
            first = operator.matmat(Q)
            return [(first, operator.matmat(first)), (Q, first), (first, first)]

        factors = [(once, twice), (X, once), (once, once)]
        values, widening = leave_one_out(X, operator.matmat(twice), factors, multiply)
    value, spread = _controlled(values[0], values[1], values[2] - n_ends)
    standard_error = with_rounding(spread * widening, value, operator.dtype)
    return Estimate(float(value) / 6, float(standard_error) / 6, operator.n_matvecs)


def _controlled(values, *controls):
    """Mean of values, corrected by controls whose mean should be 0, and standard error."""
    m = len(values)
    design = np.ones((m, 1))
    if m > 2 * (1 + len(controls)):
        design = np.column_stack([design, *controls])
    fit, _, rank, _ = np.linalg.lstsq(design, values, rcond=None)
    spread = np.linalg.norm(values - design @ fit) / np.sqrt(max(m - rank, 1))
    return fit[0], spread * np.linalg.norm(np.linalg.pinv(design)[0])


def _check_simple(A):
    """Raise ValueError unless A is the adjacency matrix of a simple undirected graph."""
    sparse = scipy.sparse.issparse(A)
    values = A.data if sparse else A
    xp = namespace(values)
    if not xp.all((values == 0) | (values == 1)):
        raise ValueError(
            "adjacency must hold zeros and ones: weights have no number of triangles. Take "
            "(adjacency != 0) to count those of the unweighted graph."
        )
    if not (abs(A - A.T).max() == 0 if sparse else xp.all(A == A.T)):
        raise ValueError(
            "adjacency must be symmetric. Take the maximum of it and its transpose to ignore "
            "the direction of edges."
        )
    if xp.any(A.diagonal() if backend_of(A).is_numpy else xp.linalg.diagonal(A)):
        raise ValueError(
            "adjacency has self-loops (entries on its diagonal), which belong to no triangle. "
            "Set them to zero first."
        )
