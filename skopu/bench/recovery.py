"""The inverse: what was shown, from its speckle and the matrix of the glass."""

import warnings
from typing import NamedTuple

import numpy as np
import scipy.sparse
from scipy.optimize import minimize
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh
from sklearn.exceptions import ConvergenceWarning

from .._utils.checks import check_count, check_positive, check_rows
from .._utils.progress import progress_bar
from .._utils.threads import own_threads
from ..optics.medium import Medium

_EXPLAINED = 1e-3  # relative residual of a row that was found
_POWERS = 300  # products that the start may take


class RecoveredInputs(NamedTuple):
    """Inputs recovered from speckle, and how well they explain it.

    Read more in the :doc:`user guide </user_guide/bench>`.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_inputs)
        Real amplitudes. The sign of a row is unknown: without bounds, it is chosen so that its sum
        is not negative.
    residual : ndarray of shape (n_samples,)
        Norm of the difference between the moduli of the recovered and of the read field, relative
        to the norm of the latter.

    See Also
    --------
    recover_inputs : Returns it.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu import OPU, GaussianMedium
    >>> from skopu.bench import recover_inputs
    >>> medium, X = GaussianMedium(), np.array([[1.0, 0.0, 2.0]])
    >>> found = recover_inputs(medium, OPU(medium).intensity(X, 20), n_inputs=3)
    >>> found.X.round(2) + 0.0
    array([[1., 0., 2.]])
    """

    X: np.ndarray
    residual: np.ndarray


def recover_inputs(
    medium,
    intensity,
    n_inputs,
    *,
    bounds=None,
    n_init=3,
    max_residual=0.1,
    max_iter=500,
    tol=1e-7,
    random_state=0,
    verbose=0,
):
    """Recover inputs from the intensities of their speckle (phase retrieval).

    Read more in the :doc:`user guide </user_guide/bench>`.

    Parameters
    ----------
    medium : Medium
        The glass, known or measured (see `measure_transmission_matrix`).
    intensity : array-like of shape (n_samples, n_modes)
        Intensities at the first n_modes modes, in the unit of the matrix of the medium.
    n_inputs : int
        Number of inputs used. Without noise and bounds, 1.75 times as many modes as inputs mostly
        suffice; three times as many are on the safe side.
    bounds : tuple of two floats, default=None
        Smallest and largest amplitude, if known: ``(0, 1)`` for mirrors. Fewer modes are then
        needed. Either may be None.
    n_init : int, default=3
        Maximum number of starts per row. Those after the first are random, and used only while the
        residual is above that of a recovered row or of the noise.
    max_residual : float, default=0.1
        Residual above which a warning is given; choose a little more than that of the noise.
        Without noise, it is below 1e-3 for recovered rows and mostly 0.02 to 0.1 for others.
    max_iter : int, default=500
        Maximum number of steps of the descent.
    tol : float, default=1e-7
        Relative decrease at which the descent stops.
    random_state : int, default=0
        Seed of the starts.
    verbose : int, default=0
        Above 0 shows a progress bar, which needs tqdm.

    Returns
    -------
    recovered : RecoveredInputs
        The rows, and how well each explains its speckle.

    Raises
    ------
    ValueError
        If intensities are negative or not finite, ``medium`` is not a Medium or is too small, or a
        parameter is out of range.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If a recovered row does not explain its speckle, or if several rows may explain it: with
        fewer than 1.5 times as many modes as inputs, or with bounds, fewer modes than inputs.

    See Also
    --------
    measure_transmission_matrix : Measures the matrix of real glass.
    skopu.MeasuredMedium : A medium with a measured matrix.
    skopu.OPU : Its ``intensity`` makes speckle.

    Notes
    -----
    The start is the leading eigenvector of the real part of the sum of T(I_m) conj(r_m) r_m over
    modes m, where r_m are rows of the matrix, intensities are scaled to mean 1 and T(I) = (I - 1) /
    (I + sqrt(n_modes / n_inputs) - 1) [1]_. From there, L-BFGS-B lowers the squared difference of
    moduli [2]_. Both need only products with the matrix and its adjoint.

    References
    ----------
    .. [1] W. Luo, W. Alghamdi and Y. M. Lu, "Optimal spectral initialization for signal recovery
       with applications to phase retrieval", IEEE Transactions on Signal Processing 67, 2019.
    .. [2] G. Wang, G. B. Giannakis and Y. C. Eldar, "Solving systems of random quadratic equations
       via truncated amplitude flow", IEEE Transactions on Information Theory 64, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu import GaussianMedium, OPU
    >>> from skopu.bench import recover_inputs
    >>> X = np.random.default_rng(0).normal(size=(2, 50))
    >>> medium = GaussianMedium(random_state=1)
    >>> found, residual = recover_inputs(medium, OPU(medium).intensity(X, 150), 50)
    >>> signs = np.sign((found * X).sum(axis=1, keepdims=True))
    >>> bool(np.allclose(found, signs * X, atol=1e-3))
    True
    """
    if not isinstance(medium, Medium):
        raise ValueError(f"medium must be a Medium, got {medium!r}.")
    intensity = check_rows(intensity, "intensity")
    if scipy.sparse.issparse(intensity):
        intensity = intensity.toarray()
    intensity = np.asarray(intensity, np.float64)
    if intensity.min() < 0:
        raise ValueError(
            "intensity has negative values. Subtract no more than the background, or clip it at 0."
        )
    n_inputs, max_iter = check_count(n_inputs, "n_inputs"), check_count(max_iter, "max_iter")
    tol, seed = check_positive(tol, "tol"), check_count(random_state, "random_state", 0)
    n_init = check_count(n_init, "n_init")
    max_residual = check_positive(max_residual, "max_residual")
    limits = None if bounds is None else np.tile(_check_bounds(bounds), (n_inputs, 1))
    operator = medium.as_linear_operator(n_inputs, intensity.shape[1])
    found, residuals = np.zeros((len(intensity), n_inputs)), np.zeros(len(intensity))
    # One row is too little work for several threads: they cost more than they bring.
    with own_threads(), progress_bar(verbose, len(intensity), "recover", " rows") as done:
        for i, row in enumerate(intensity):
            if row.any():  # or nothing was shown
                scale = np.sqrt(row.mean())  # the unit in which numbers are about 1
                moduli = np.sqrt(row) / scale
                residuals[i] = np.inf
                for start in _starts(operator, moduli**2, seed, n_init):
                    x, residual = _descend(operator, moduli, start, limits, scale, max_iter, tol)
                    if residual < residuals[i]:
                        residuals[i] = residual
                        found[i] = scale * x
                    if residuals[i] < _EXPLAINED:
                        break
            if bounds is None and found[i].sum() < 0:
                found[i] *= -1
            done(1)
    n_modes = intensity.shape[1]
    if n_modes < (1.5 if bounds is None else 1) * n_inputs:
        warnings.warn(
            f"{n_modes} intensities of {n_inputs} inputs may have more than one explanation, of "
            "which this is one. Read more modes, or give bounds.",
            ConvergenceWarning,
            stacklevel=2,
        )
    poor = int((residuals > max_residual).sum())
    if poor:
        warnings.warn(
            f"{poor} of {len(intensity)} rows do not explain their speckle (residual up to "
            f"{residuals.max():.2g}). Read more modes than {n_modes} for {n_inputs} "
            "inputs, give bounds, or check whether the intensities are in the medium's unit.",
            ConvergenceWarning,
            stacklevel=2,
        )
    return RecoveredInputs(found, residuals)


def _starts(operator, intensity, seed, n_init):
    """That of the spectrum, then random ones, all of the norm that the intensities tell."""
    spectral = _start(operator, intensity, seed)
    yield spectral
    draws = np.random.default_rng(seed)
    for _ in range(n_init - 1):
        start = draws.normal(size=len(spectral))
        yield start * np.linalg.norm(spectral) / np.linalg.norm(start)


def _start(operator, intensity, seed):
    """Estimate from the spectrum; of intensities with mean 1."""
    n_modes, n_inputs = operator.shape
    power = _mean_power(operator)
    # With no more modes than inputs, the formula has a pole.
    weights = (intensity - 1) / (intensity + np.sqrt(max(n_modes / n_inputs, 1.01)) - 1)
    if n_inputs == 1:
        return np.full(1, 1 / np.sqrt(power))

    def product(x):
        return operator.rmatvec(weights * operator.matvec(x.ravel())).real / n_modes

    shape = n_inputs, n_inputs
    weighted = LinearOperator(shape, matvec=product, dtype=np.float64)
    first = np.random.default_rng(seed).normal(size=n_inputs)
    try:
        vector = eigsh(weighted, 1, which="LA", v0=first, tol=1e-2, maxiter=_POWERS)[1][:, 0]
    except ArpackError as error:  # it has not converged, or all intensities are equal
        vectors = getattr(error, "eigenvectors", np.empty((n_inputs, 0)))
        vector = vectors[:, 0] if vectors.shape[1] else first / np.linalg.norm(first)
    # The speckle of norm 1 has the mean intensity of the matrix's power.
    return vector * np.sign(vector.sum() or 1) / np.sqrt(power)


def _mean_power(operator):
    """Mean squared modulus of entries, from the light of one random row."""
    signs = np.sign(np.random.default_rng(0).normal(size=operator.shape[1]))
    return float(np.mean(abs(operator.matvec(signs)) ** 2)) / operator.shape[1]


def _descend(operator, moduli, start, limits, scale, max_iter, tol):
    """What lowers the squared difference of moduli most, and the relative residual."""
    n_modes = len(moduli)

    def loss(x):
        field = operator.matvec(x)
        found = abs(field)
        # At a mode that is dark, any phase is as good.
        towards = np.divide(field, found, out=np.zeros_like(field), where=found > 0)
        difference = found - moduli
        gradient = operator.rmatvec(difference * towards).real
        return 0.5 * np.sum(difference**2) / n_modes, gradient / n_modes

    if limits is not None:
        limits = limits / scale
        inside = [np.clip(sign * start, *limits.T) for sign in (1, -1)]
        start = min(inside, key=lambda x: np.linalg.norm(abs(x) - abs(start)))
    options = {"maxiter": max_iter, "ftol": tol * 1e-3, "gtol": tol, "maxcor": 20}
    result = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=limits, options=options)
    return result.x, float(np.sqrt(2 * result.fun * n_modes) / np.linalg.norm(moduli))


def _check_bounds(bounds):
    ends = bounds if isinstance(bounds, tuple | list) and len(bounds) == 2 else (None, "")
    numbers = [end for end in ends if end is not None]
    if any(not np.isscalar(end) or isinstance(end, str) or not np.isfinite(end) for end in numbers):
        raise ValueError(f"bounds must be two numbers or None, got {bounds!r}.")
    if len(numbers) == 2 and numbers[0] >= numbers[1]:
        raise ValueError(f"bounds are empty: {bounds!r}.")
    lower, upper = ends
    return -np.inf if lower is None else float(lower), np.inf if upper is None else float(upper)
