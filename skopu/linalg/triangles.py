"""Number of triangles of a graph, a trace of the cube of its adjacency matrix."""

import math

import numpy as np
import scipy.sparse

from .._utils.arrays import namespace
from .._utils.checks import check_count, check_positive, stored_values
from .._utils.threads import pieces
from ..optics import GaussianMedium
from ..optics.opu import resolve_opu
from ._exact_triangles import exact_count
from ._graphs import symmetric_adjacency
from ._leave_one_out import leave_one_out, with_rounding
from ._operators import check_operator
from ._rounds import in_rounds, warn_of_large_error
from ._symmetry import check_symmetric
from .trace_method import TraceMethod
from .traces import TraceEstimate

_FIRST = 30  # vectors of the first round: of fewer, the standard error is too uncertain
_METHODS = ("auto", "exact", "estimate")
_ENTRIES = 2**22  # whose squares are added up at once


def count_triangles(
    adjacency,
    n_matvecs=200,
    *,
    rtol=None,
    method="auto",
    weighted=False,
    directed=False,
    opu=None,
    random_state=None,
):
    """Number of triangles of a graph, counted or estimated from products with its matrix.

    A triangle is six closed walks of three steps, so the number is tr(A^3) / 6 [1]_,
    estimated by XTrace [2]_. If counting costs less, triangles are counted.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Parameters
    ----------
    adjacency : {ndarray, sparse matrix, LinearOperator} of shape (n_nodes, n_nodes)
        Symmetric matrix of zeros and ones with a zero diagonal; for a networkx graph G it is
        ``networkx.to_scipy_sparse_array(G, weight=None)``. Entries other than 0 and 1 need
        ``weighted``, a matrix that is not symmetric ``directed``.
    n_matvecs : int, default=200
        Maximum number of products of the adjacency matrix with a vector for an estimate, at least
        11. Multiples of 5 are used in full, or 5 k + 1 for a LinearOperator. A directed graph
        given as an operator needs at least 20 and uses multiples of 10 in full.
    rtol : float, default=None
        Standard error, relative to the number, at which an estimate stops. Products are made in
        rounds, each larger than the last and with new vectors. The last round is the estimate. None
        makes all products at once.
    method : {"auto", "exact", "estimate"}, default="auto"
        "exact" counts all triangles of a matrix or an array. "auto" does so if it should take less
        time than an estimate from n_matvecs products, judged by the number of multiplications.
    weighted : bool, default=False
        Whether entries are non-negative weights of edges. A triangle then counts as the
        geometric mean of its three weights, (w_ij w_jk w_ki)^(1/3) [3]_.
    directed : bool, default=False
        Whether entry (i, j) is an edge from i to j only. A triangle then has one edge, in either
        direction, between each two of its three nodes [4]_: a cycle counts once, three nodes that
        all lead to each other eight times.
    opu : Device, default=None
        The device. None uses a `GaussianMedium` and an ideal camera. In a layered
        medium, one mode per block is used. An exact count uses no device.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None.

    Returns
    -------
    value : float
        Number of triangles, or sum of their geometric means.
    standard_error : float
        Estimated standard deviation of its error; 0 if triangles were counted.
    n_matvecs : int
        Number of products made; 0 if triangles were counted.

    Raises
    ------
    ValueError
        If the adjacency matrix is not square or has self-loops; is not symmetric without
        ``directed``; has weights without ``weighted``, or negative ones; is an operator where
        entries are needed; if n_matvecs is too small, or rtol is not positive.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If n_matvecs products are too few for ``rtol``.

    See Also
    --------
    opu_trace : Traces of other matrices and functions.
    opu_spectral_density : Eigenvalues of a graph.

    Notes
    -----
    Of the five products per random vector x, three give A x, A^2 x and A^3 x, and two A q and A^2 q
    for a vector q of an orthonormal basis of all A^3 x. Then x'A^3 x = (A x)'(A^2 x), and likewise
    in the basis, which saves a sixth product. The same products give estimates of tr(A), which is
    0, and of tr(A^2), which is twice the number of edges. Their errors are known, and reduce the
    error of tr(A^3) by regression: by a third on social networks, with a bias of order 1 /
    n_matvecs, far below the standard error. A LinearOperator takes one more product to count its
    edges; its weights, self-loops and symmetry cannot be checked, nor the symmetry of a Dask array.
    As a directed graph it takes as many transposed products as well, and its edges are not counted.

    An exact count of a sparse matrix orders nodes by degree, multiplies the upper triangle of the
    matrix by itself or its transpose, and keeps the entries at edges. This takes few
    multiplications, since no node has many neighbours of larger degree. An array takes n^3
    multiplications, in NumPy. Numbers of triangles are exact up to 2^53, or 2^50 for an array; sums
    of weights up to rounding. An estimate is worthwhile if nodes have hundreds of neighbours, for
    dense graphs of more than a few hundred nodes, and for operators.

    Weighted and directed graphs are counted as ``networkx.clustering`` does. With its coefficients
    c, degrees d and largest weight w, the number is ``sum(c * d * (d - 1)) / 6 * w``, and ``sum(c *
    (d * (d - 1) - 2 * r)) / 3 * w`` for a directed graph, where d is in-degree plus out-degree and
    r the number of a node's edges that lead both ways. With ``directed=True`` an undirected graph
    has eight times as many triangles. networkx ignores self-loops; here they raise an error:
    subtract ``scipy.sparse.diags(A.diagonal())``. Weights and directions need a copy of the matrix.

    References
    ----------
    .. [1] H. Avron, "Counting triangles in large graphs using randomized matrix trace
       estimation", KDD-LDMTA 2010.
    .. [2] E. N. Epperly, J. A. Tropp and R. J. Webber, "XTrace: making the most of every
       sample in stochastic trace estimation", SIAM J. Matrix Anal. Appl. 45, 2024.
    .. [3] J.-P. Onnela, J. Saramäki, J. Kertész and K. Kaski, "Intensity and coherence of motifs
       in weighted complex networks", Physical Review E 71, 2005.
    .. [4] G. Fagiolo, "Clustering in complex directed networks", Physical Review E 76, 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.linalg import count_triangles
    >>> complete = np.ones((30, 30)) - np.eye(30)
    >>> count_triangles(complete)  # 30 * 29 * 28 / 6
    TraceEstimate(value=4060.0, standard_error=0.0, n_matvecs=0)
    >>> count_triangles(8 * complete, weighted=True).value
    32480.0
    >>> count_triangles(np.roll(np.eye(3), 1, axis=1), directed=True).value
    1.0

    Without entries to read, an estimate to 1 % or better:

    >>> from scipy.sparse.linalg import LinearOperator
    >>> n = 1000
    >>> A = LinearOperator((n, n), matvec=lambda x: x.sum(axis=0) - x, dtype=float)
    >>> value, standard_error, n_matvecs = count_triangles(A, 2000, rtol=0.01, random_state=0)
    >>> abs(value - n * (n - 1) * (n - 2) / 6) < 4 * standard_error < 0.04 * value
    True
    """
    operator = check_operator(adjacency, "adjacency", square=True)
    if method not in _METHODS:
        raise ValueError(f'method must be "auto", "exact" or "estimate", got {method!r}.')
    S = symmetric_adjacency(operator, weighted, directed)
    both_ways = directed and not S.stored  # each product is two of adjacency
    n_each, least = (10, 20) if both_ways else (5, 11)  # products for a random vector, and for two
    if check_count(n_matvecs, "n_matvecs") < least:
        raise ValueError(f"n_matvecs must be at least {least} to count triangles, got {n_matvecs}.")
    if rtol is not None:
        rtol = check_positive(rtol, "rtol", instead=", or None")
    opu = resolve_opu(opu, random_state, medium=GaussianMedium)
    if method == "exact" and not S.stored:
        raise ValueError(
            'method="exact" reads the entries of adjacency, which is known only through products. '
            'Give a NumPy array or a sparse matrix, or use method="estimate".'
        )
    if method != "estimate" and S.stored:
        exact = exact_count(S.A)
        if method == "exact" or exact.cost <= min(n_matvecs, n_each * S.shape[0]):
            return TraceEstimate(_counted(exact), 0.0, 0)
    unit = _unit_of(S)
    square = None if both_ways else _trace_of_square(S, unit)
    n_vectors = (n_matvecs - S.n_matvecs) // n_each

    def estimate(size):
        return _estimate(S, square, unit, min(size, S.shape[0]), opu)

    if rtol is None:
        value, standard_error = estimate(n_vectors)
    else:
        value, standard_error = in_rounds(estimate, n_vectors, _FIRST, rtol)
        made, advice = f"{S.n_matvecs} products with adjacency", "Raise n_matvecs."
        warn_of_large_error(value, standard_error, rtol, "the number", made, advice)
    return TraceEstimate(value, standard_error, S.n_matvecs)


def _counted(exact):
    with np.errstate(over="ignore", invalid="ignore"):
        return _finite(exact.count())


def _finite(value):
    if not math.isfinite(value):
        raise ValueError("The sum over triangles overflows. Scale the weights of adjacency down.")
    return value


def _unit_of(S):
    """A power of two near the largest weight, in which cubes of weights are no larger than 1."""
    if not S.stored:
        return 1.0  # they are zeros and ones
    values = stored_values(S.A)
    xp = namespace(values)
    largest = 0.0 if 0 in values.shape else max(float(xp.max(values)), -float(xp.min(values)))
    return math.ldexp(1.0, math.frexp(largest)[1]) if largest > 0 else 1.0


def _trace_of_square(S, unit):
    """tr(S^2) in squares of the unit, of zeros and ones where S is not stored."""
    A = S.A
    if not S.stored:
        return S.matmat(np.ones((S.shape[0], 1), S.dtype)).sum(dtype=np.float64)
    if scipy.sparse.issparse(A):
        return np.square(A.data / unit, dtype=np.float64).sum()
    if isinstance(A, np.ndarray):
        return sum(np.square(A[rows] / unit, dtype=np.float64).sum() for rows in _some_rows(A))
    xp = namespace(A)
    return float(xp.sum((A / unit) ** 2, dtype=xp.float64))


def _some_rows(A):
    return pieces(len(A), max(1, _ENTRIES // A.shape[1]))


def _estimate(S, square, unit, n_vectors, opu):
    """tr(S^3) / 6 and its standard error; square is tr(S^2) in units, if that is known."""

    def times(Y):
        return S.matmat(Y) / unit

    X = TraceMethod.probes(S, n_vectors, opu)
    with S.threads():
        once = times(X)
        check_symmetric(X, once, S.name)
        twice = times(once)

        def multiply(Q):
            first = times(Q)
            return [(first, times(first)), (Q, first), (first, first)]

        factors = [(once, twice), (X, once), (once, once)]
        values, widening = leave_one_out(X, times(twice), factors, multiply)
    controls = [values[1]] if square is None else [values[1], values[2] - square]
    value, spread = _controlled(values[0], *controls)
    standard_error = with_rounding(spread * widening, value, S.dtype)
    # One by one: of large units, the cube may overflow where the product does not.
    value, standard_error = (
        float(each) / 6 * unit * unit * unit for each in (value, standard_error)
    )
    return _finite(value), standard_error


def _controlled(values, *controls):
    """Mean of values, corrected by controls whose mean should be 0, and standard error."""
    m = len(values)
    design = np.ones((m, 1))
    if m > 2 * (1 + len(controls)):
        design = np.column_stack([design, *controls])
    fit, _, rank, _ = np.linalg.lstsq(design, values, rcond=None)
    spread = np.linalg.norm(values - design @ fit) / np.sqrt(max(m - rank, 1))
    return fit[0], spread * np.linalg.norm(np.linalg.pinv(design)[0])
