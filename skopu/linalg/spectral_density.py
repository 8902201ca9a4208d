"""Distribution of the eigenvalues of a symmetric matrix, from products with random vectors."""

import math
from typing import NamedTuple

import numpy as np

from .._utils.checks import check_count, check_positive
from ..optics import GaussianMedium
from ..optics.opu import resolve_opu
from ._gauss_quadrature import christoffel_function, gauss_quadrature, share_up_to
from ._operators import check_operator
from ._tridiagonal import groups_of_columns, tridiagonalize
from .trace_method import TraceMethod

_ROUNDING = 100  # units in the last place that equal eigenvalues may seem to differ by


class SpectralEstimate(NamedTuple):
    """Random estimates of something that eigenvalues tell, one or many.

    Attributes
    ----------
    value : float or ndarray
        The estimates.
    standard_error : float or ndarray
        Standard deviation of their errors, estimated from the spread over random vectors.
    """

    value: float | np.ndarray
    standard_error: float | np.ndarray


class SpectralDensity:
    """Distribution of the eigenvalues of a symmetric matrix, as `opu_spectral_density` finds it.

    Each random vector gives a tridiagonal matrix by the Lanczos process, and with it the nodes
    and weights of a Gauss quadrature: what the vector sees of the eigenvalues.

    Parameters
    ----------
    diagonal : ndarray of shape (n_vectors, n_steps)
        Diagonals of the tridiagonal matrices, in units of the eigenvalues.
    coupling : ndarray of shape (n_vectors, n_steps - 1)
        Their entries beside the diagonal. After a zero, the rest has no weight.
    exhausted : ndarray of shape (n_vectors,) of bool
        Where the vector sees no more eigenvalues than its tridiagonal matrix has.
    n_rows : int
        Order of the matrix.
    n_matvecs : int
        Number of products of the matrix with a vector that were made.

    Attributes
    ----------
    nodes : ndarray of shape (n_vectors, n_steps)
        Nodes of the quadratures, which approach eigenvalues, ascending in each row.
    weights : ndarray of shape (n_vectors, n_steps)
        Share of the eigenvalues that each node stands for; each row adds up to 1.
    n_rows : int
        Order of the matrix: its number of eigenvalues.
    n_matvecs : int
        Number of products of the matrix with a vector that were made.
    resolution : float
        Range of the nodes over the number of steps, in units of the eigenvalues. Narrower features
        of the density are not resolved, except at the ends of the spectrum and beside gaps.

    See Also
    --------
    opu_spectral_density : Makes one from a matrix, and shows how it is used.
    """

    def __init__(self, diagonal, coupling, exhausted, n_rows, n_matvecs):
        self.nodes, self.weights = gauss_quadrature(diagonal, coupling)
        self.n_rows, self.n_matvecs = n_rows, n_matvecs
        self.resolution = _spread(self.nodes) / self.nodes.shape[1]
        self._diagonal, self._coupling, self._exhausted = diagonal, coupling, exhausted

    def count(self, low, high):
        """Estimate how many eigenvalues lie above low and up to high.

        Parameters
        ----------
        low : float or array-like
            Lower end, which may be minus infinity.
        high : float or array-like
            Upper end, which may be infinity; of a shape that broadcasts with that of ``low``.

        Returns
        -------
        value : float or ndarray
            Estimate of the number of eigenvalues, which is rarely an integer.
        standard_error : float or ndarray
            Standard deviation of its error, estimated from the spread over vectors.

        Raises
        ------
        ValueError
            If an end is NaN, or low is above high.

        Notes
        -----
        Let both ends lie in gaps of the spectrum, or where it is smooth. Of eigenvalues that are
        equal to an end, or nearer than rounding, any part may be counted: the rank of a positive
        semi-definite matrix is not the count above 0, but above what counts as zero.
        """
        low, high = np.broadcast_arrays(_numbers(low, "low"), _numbers(high, "high"))
        if np.any(low > high):
            wrong = np.argmax(low > high)
            raise ValueError(
                f"low must not be above high, got low={low.flat[wrong]:g} and "
                f"high={high.flat[wrong]:g}. Exchange them."
            )
        return _mean_over_vectors(self._shares(high) - self._shares(low), self.n_rows)

    def cumulative(self, x):
        """Estimate the share of the eigenvalues that lie up to x.

        Parameters
        ----------
        x : float or array-like
            Where, in units of the eigenvalues.

        Returns
        -------
        value : float or ndarray of the shape of x
            Estimate of the share, from 0 to 1. With few steps it may fall a little between nodes.
        standard_error : float or ndarray of the shape of x
            Standard deviation of its error, estimated from the spread over vectors.

        Raises
        ------
        ValueError
            If x is not finite.

        Notes
        -----
        The moments that the quadrature of a vector has in common with what the vector sees leave
        open where the weight of a node lies around it. The share up to a node is taken as the
        middle between the least and the most that they allow [1]_. Between two nodes, the most
        that a single point can weigh, by the Christoffel function, is what is uncertain: the
        share moves from half of it below the sum of the weights so far to half of it above.
        In a gap it is next to nothing, and all weights count in full; where the spectrum is
        smooth, the share grows evenly, and the error is some ten times less than that of a step at
        each node. At an eigenvalue of many copies, half of these are counted.

        References
        ----------
        .. [1] G. Szegő, "Orthogonal Polynomials", section 3.41, American Mathematical
           Society, 1939.
        """
        return _mean_over_vectors(self._shares(_finite(x)), 1)

    def density(self, x, width=None):
        """Estimate the density of the eigenvalues, smoothed by a Gaussian.

        Parameters
        ----------
        x : float or array-like
            Where, in units of the eigenvalues.
        width : float, default=None
            Standard deviation of the Gaussian, in the same units. None is ``resolution``, with
            which nodes that stand for a smooth density leave ripples of less than a per mille. A
            smaller width shows single nodes, whose number is that of the steps and no property of
            the matrix, except where they have found an eigenvalue that stands alone.

        Returns
        -------
        value : float or ndarray of the shape of x
            Share of the eigenvalues per unit: its integral over x is 1.
        standard_error : float or ndarray of the shape of x
            Standard deviation of its error, estimated from the spread over vectors. What the
            Gaussian does to the density is not a part of it.

        Raises
        ------
        ValueError
            If x is not finite, or width is not positive.
        """
        width = self.resolution if width is None else check_positive(width, "width")
        x = _finite(x)
        relative = np.empty((len(self.nodes), *x.shape))
        for i, (nodes, weights) in enumerate(zip(self.nodes, self.weights, strict=True)):
            with np.errstate(over="ignore"):  # far from all nodes
                kernels = np.exp(-0.5 * ((x[..., np.newaxis] - nodes) / width) ** 2)
            relative[i] = kernels @ weights
        return _mean_over_vectors(relative, 1 / (math.sqrt(2 * math.pi) * width))

    def _shares(self, x):
        """Share of the eigenvalues up to each x, as each vector sees it."""
        points, shares = x.ravel(), []
        for i, (nodes, weights) in enumerate(zip(self.nodes, self.weights, strict=True)):
            uncertain = np.zeros_like(points)
            if not self._exhausted[i]:
                uncertain = christoffel_function(self._diagonal[i], self._coupling[i], points)
            shares.append(share_up_to(nodes, weights, uncertain, points))
        return np.reshape(shares, (len(shares), *x.shape))


def opu_spectral_density(A, n_matvecs=1000, *, lanczos_steps=50, opu=None, random_state=None):
    """Distribution of the eigenvalues of a symmetric matrix, from products with random vectors.

    For example how many eigenvalues lie in an interval, whether there are gaps, or how the
    eigenvalues of a kernel matrix, a Hessian or the Laplacian of a graph fall. By stochastic
    Lanczos quadrature [1]_ [2]_ [3]_: no eigenvalue is computed.

    Parameters
    ----------
    A : {ndarray, memmap, CSR or CSC matrix, LinearOperator} of shape (n, n)
        Real symmetric matrix.
    n_matvecs : int, default=1000
        Most products of A with a vector. They allow ``n_matvecs // lanczos_steps`` random
        vectors, of which there must be two.
    lanczos_steps : int, default=50
        Products that each random vector takes at most; at least 4. More steps resolve
        finer features of the spectrum, more vectors make the standard error smaller.
    opu : OPU, default=None
        The device. None is an ideal one with a `GaussianMedium`. Of a layered medium one
        mode per block is used: modes of a block are not independent.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None.

    Returns
    -------
    spectral_density : SpectralDensity
        Counts eigenvalues in intervals (``count``), gives the share of them up to a number
        (``cumulative``) and their density (``density``), each with its standard error.

    Raises
    ------
    ValueError
        If A is not square, not symmetric, complex or contains NaN; or n_matvecs is too small
        for two vectors.

    See Also
    --------
    opu_trace : Sums of a function over all eigenvalues, with the error of the steps included.
    skopu.SpectralDensityDisplay : Draws the density.

    Notes
    -----
    Standard errors are from the spread over vectors, and are those of n_vectors independent
    values: take intervals from Student's t distribution with n_vectors - 1 degrees of freedom. In
    an interval that holds few eigenvalues values are skewed, and intervals of 95 % cover less.
    What a finite number of steps leaves out is not a part of the standard error. In a gap it
    vanishes soonest. Where more eigenvalues crowd than the resolution tells apart, as those near
    zero of a spectrum that falls fast, the share up to a number among them may be wrong by
    half of theirs: compare with what twice the steps give.

    Lanczos vectors are reorthogonalised in full, for which those of some random vectors are held
    at once, up to 256 MiB, or those of two random vectors if these take more.

    Where A fits the memory and n is at most some thousands, ``numpy.linalg.eigvalsh`` is exact.

    References
    ----------
    .. [1] G. H. Golub and G. Meurant, "Matrices, moments and quadrature", Numerical
       Analysis 1993, Longman, 1994.
    .. [2] L. Lin, Y. Saad and C. Yang, "Approximating spectral densities of large
       matrices", SIAM Review 58, 2016.
    .. [3] T. Chen, T. Trogdon and S. Ubaru, "Analysis of stochastic Lanczos quadrature for
       spectrum approximation", ICML 2021.

    Examples
    --------
    Of 2000 eigenvalues 500 lie around 5, and the others between 0 and 1:

    >>> import numpy as np
    >>> import scipy.sparse
    >>> from skopu.linalg import opu_spectral_density
    >>> eigenvalues = np.r_[np.linspace(0, 1, 1500), np.linspace(4.9, 5.1, 500)]
    >>> A = scipy.sparse.diags(eigenvalues, format="csr")
    >>> found = opu_spectral_density(A, random_state=0)
    >>> value, standard_error = found.count(2, 10)
    >>> bool(abs(value - 500) < 3 * standard_error), bool(standard_error < 10)
    (True, True)
    >>> found.cumulative([-1, 0.5, 3]).value.round(1)
    array([0. , 0.4, 0.8])
    >>> bool(abs(found.density(0.5).value - 0.75) < 0.05)
    True
    """
    operator = check_operator(A, square=True)
    opu = resolve_opu(opu, random_state, medium=GaussianMedium)
    n_matvecs = check_count(n_matvecs, "n_matvecs")
    n = operator.shape[0]
    n_steps = min(check_count(lanczos_steps, "lanczos_steps", 4), n)
    if n_matvecs < 2 * n_steps:
        raise ValueError(
            f"The standard error takes two random vectors, of {n_steps} products each, so "
            f"n_matvecs must be at least {2 * n_steps}, got {n_matvecs}. Or lower lanczos_steps."
        )
    units = TraceMethod.probes(operator, n_matvecs // n_steps, opu) / math.sqrt(n)
    diagonal, coupling, exhausted = _tridiagonal_matrices(operator, units, n_steps)
    return SpectralDensity(diagonal, coupling, exhausted, n, operator.n_matvecs)


def _tridiagonal_matrices(operator, units, n_steps):
    """Diagonals, couplings and whether the Krylov space is exhausted, for each unit column."""
    n_vectors = units.shape[1]
    diagonal, coupling = np.empty((n_vectors, n_steps)), np.zeros((n_vectors, n_steps - 1))
    exhausted = np.empty(n_vectors, bool)
    with operator.threads():
        for some in groups_of_columns(operator, n_vectors, n_steps):
            _, T, exhausted[some] = tridiagonalize(operator, units[:, some], n_steps)
            k = T.shape[1]  # fewer where all Krylov spaces of a group are exhausted
            diagonal[some, :k] = T[:, range(k), range(k)]
            diagonal[some, k:] = T[:, -1:, -1]
            coupling[some, : k - 1] = T[:, range(1, k), range(k - 1)]
    return diagonal, coupling, exhausted


def _spread(nodes):
    """Range of the nodes; their size where they are equal, and 1 where they are all zero."""
    largest = float(abs(nodes).max())
    spread = float(nodes.max() - nodes.min())
    if spread > _ROUNDING * np.finfo(np.float64).eps * largest:
        return spread
    return largest or 1.0


def _numbers(values, name):
    """Values as an array of float64 without NaN."""
    values = np.asarray(values)
    if values.dtype.kind not in "iuf" or np.isnan(values).any():
        raise ValueError(f"{name} must be a number or an array of numbers, got {values!r}.")
    return values.astype(np.float64)


def _finite(x):
    x = _numbers(x, "x")
    if not np.isfinite(x).all():
        raise ValueError("x must be finite, and holds an infinity. Only `count` takes these.")
    return x


def _mean_over_vectors(values, unit):
    """Mean along the first axis, and its standard error, both times a unit."""
    standard_error = values.std(axis=0, ddof=1) / math.sqrt(len(values))
    return SpectralEstimate(values.mean(axis=0) * unit, standard_error * unit)
