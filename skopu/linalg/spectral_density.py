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
    """Random estimates, one or many, of some property of the eigenvalues.

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
    """Distribution of eigenvalues of a symmetric matrix, from `~skopu.opu_spectral_density`.

    The Lanczos process turns each random vector into a tridiagonal matrix, and so into the nodes
    and weights of a Gauss quadrature: what that vector sees of the eigenvalues.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Parameters
    ----------
    diagonal : ndarray of shape (n_vectors, n_steps)
        Diagonals of the tridiagonal matrices, in units of the eigenvalues.
    coupling : ndarray of shape (n_vectors, n_steps - 1)
        Their off-diagonal entries. What follows a zero has no weight.
    exhausted : ndarray of shape (n_vectors,) of bool
        Whether the vector sees no more eigenvalues than its tridiagonal matrix has.
    n_rows : int
        Order of the matrix.
    n_matvecs : int
        Number of products of the matrix with a vector.

    Attributes
    ----------
    nodes : ndarray of shape (n_vectors, n_steps)
        Nodes of the quadratures, close to eigenvalues and ascending in each row.
    weights : ndarray of shape (n_vectors, n_steps)
        Share of the eigenvalues that each node represents; each row adds up to 1.
    n_rows : int
        Order of the matrix: its number of eigenvalues.
    n_matvecs : int
        Number of products of the matrix with a vector.
    resolution : float
        Range of the nodes divided by the number of steps, in units of the eigenvalues. Narrower
        features of the density are not resolved, except at the ends of the spectrum and next to
        gaps.

    See Also
    --------
    skopu.opu_spectral_density : Finds the distribution of a matrix.
    skopu.SpectralDensityDisplay : Draws the density.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.linalg import opu_spectral_density
    >>> A = np.diag(np.r_[np.zeros(600), np.ones(400)])
    >>> found = opu_spectral_density(A, 3000, lanczos_steps=4, random_state=0)
    >>> value, standard_error = found.count(0.5, 1.5)
    >>> bool(abs(value - 400) < 3 * standard_error < 10)
    True
    """

    def __init__(self, diagonal, coupling, exhausted, n_rows, n_matvecs):
        self.nodes, self.weights = gauss_quadrature(diagonal, coupling)
        self.n_rows, self.n_matvecs = n_rows, n_matvecs
        self.resolution = _spread(self.nodes) / self.nodes.shape[1]
        self._diagonal, self._coupling, self._exhausted = diagonal, coupling, exhausted

    def count(self, low, high):
        """Estimate how many eigenvalues lie above low and no higher than high.

        Parameters
        ----------
        low : float or array-like
            Lower end, which may be minus infinity.
        high : float or array-like
            Upper end, which may be infinity; of a shape that broadcasts with ``low``.

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
        Choose both ends in gaps of the spectrum, or where it is smooth. Of eigenvalues equal to an
        end, or closer than rounding, any share may be counted: for the rank of a positive
        semi-definite matrix, count not above 0 but above a small positive number.
        """
        low, high = np.broadcast_arrays(_numbers(low, "low"), _numbers(high, "high"))
        if np.any(low > high):
            wrong = np.argmax(low > high)
            raise ValueError(
                f"low must not be above high, got low={low.flat[wrong]:g} and "
                f"high={high.flat[wrong]:g}. Swap them."
            )
        return _mean_over_vectors(self._shares(high) - self._shares(low), self.n_rows)

    def cumulative(self, x):
        """Estimate the share of the eigenvalues that are at most x.

        Parameters
        ----------
        x : float or array-like
            Points, in units of the eigenvalues.

        Returns
        -------
        value : float or ndarray of the shape of x
            Estimate of the share, from 0 to 1. With few steps it may fall slightly between nodes.
        standard_error : float or ndarray of the shape of x
            Standard deviation of its error, estimated from the spread over vectors.

        Raises
        ------
        ValueError
            If x is not finite.

        Notes
        -----
        The moments of a quadrature do not say where around a node its weight lies. The share up to
        a node is taken as the middle between the least and the most that the moments allow [1]_.
        Between two nodes, the uncertainty is the largest weight that a single point can have, given
        by the Christoffel function: the share moves from half of it below the sum of the weights so
        far to half of it above. In a gap it is almost zero, and all weights count in full. Where
        the spectrum is smooth, the share grows evenly, and the error is about ten times smaller
        than with a step at each node. At a multiple eigenvalue, half of the copies are counted.

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
            Points, in units of the eigenvalues.
        width : float, default=None
            Standard deviation of the Gaussian, in the same units. None means ``resolution``, with
            which the nodes of a smooth density leave ripples below 0.1 %. A smaller width shows
            single nodes, which depend on the number of steps and not on the matrix, unless they
            have found an isolated eigenvalue.

        Returns
        -------
        value : float or ndarray of the shape of x
            Share of the eigenvalues per unit: its integral over x is 1.
        standard_error : float or ndarray of the shape of x
            Standard deviation of its error, estimated from the spread over vectors. It does not
            include the smoothing by the Gaussian.

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

    It tells, for example, how many eigenvalues lie in an interval, whether there are gaps, or how
    the eigenvalues of a kernel matrix, a Hessian or a graph Laplacian fall. The method is
    stochastic Lanczos quadrature [1]_ [2]_ [3]_, which computes no single eigenvalue.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Parameters
    ----------
    A : {ndarray, memmap, CSR or CSC matrix, LinearOperator, Dask array} of shape (n, n)
        Real symmetric matrix.
    n_matvecs : int, default=1000
        Maximum number of products of A with a vector. They allow ``n_matvecs // lanczos_steps``
        random vectors, at least two.
    lanczos_steps : int, default=50
        Maximum number of products for each random vector, at least 4. More steps resolve finer
        features of the spectrum; more vectors make the standard error smaller.
    opu : Device, default=None
        The device. None uses a `GaussianMedium` and an ideal camera. In a layered
        medium, one mode per block is used, since modes of a block are not independent.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None.

    Returns
    -------
    spectral_density : SpectralDensity
        Its methods ``count`` the eigenvalues in an interval, give the share of them up to a number
        (``cumulative``) and their ``density``, each with its standard error.

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
    Standard errors come from the spread over vectors, which are independent: take intervals from
    Student's t distribution with n_vectors - 1 degrees of freedom. If an interval holds few
    eigenvalues, values are skewed, and intervals of 95 % cover less.

    The standard error does not include the effect of a finite number of steps. In a gap this
    vanishes soonest. Where eigenvalues are too crowded for the resolution, such as those near zero
    of a spectrum that falls fast, the share up to a number among them may be wrong by half of
    theirs: compare with twice as many steps.

    Lanczos vectors are reorthogonalised in full. Those of several random vectors are held at once,
    up to 256 MiB, or those of two if these take more.

    If A fits into memory and n is at most a few thousand, use ``numpy.linalg.eigvalsh``, which is
    exact.

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
            f"The standard error needs two random vectors, of {n_steps} products each, so "
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
        raise ValueError("x must be finite, but contains an infinity. Only `count` accepts these.")
    return x


def _mean_over_vectors(values, unit):
    """Mean along the first axis, and its standard error, both times a unit."""
    standard_error = values.std(axis=0, ddof=1) / math.sqrt(len(values))
    return SpectralEstimate(values.mean(axis=0) * unit, standard_error * unit)
