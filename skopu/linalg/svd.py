"""Singular value decomposition from random projections."""

import itertools
import warnings
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._utils.arrays import concat
from ..optics import GaussianMedium
from ..optics.opu import resolve_opu
from ._krylov import (
    Tolerances,
    bidiagonalize,
    check_n_iter,
    leading,
    overlooked,
    singular_values,
)
from ._operator import Turned
from ._operators import check_operator
from ._orthonormal import orthonormalize
from ._random_vectors import sketch_rows, sketch_width
from ._svd_errors import vector_errors
from ._tall_blocks import largest_length

_WITNESSES = 8  # columns of the sketch that check the result of the others
_ALIKE = 3e-3  # relative difference up to which values hid more of them


class _Factors(NamedTuple):
    U: np.ndarray
    s: np.ndarray
    Vt: np.ndarray


class SVDResult(_Factors):
    """Factors of a truncated singular value decomposition, a tuple ``U, s, Vt``.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Attributes
    ----------
    U : ndarray of shape (m, n_components)
        Left singular vectors.
    s : ndarray of shape (n_components,)
        Singular values.
    Vt : ndarray of shape (n_components, n)
        Right singular vectors as rows.
    error_bound : ndarray of shape (n_components,), float64
        Bound on the relative error of each singular value; infinite if there were too few
        refinements to tell, or if the value is zero.
    vector_error_bound : ndarray of shape (n_components,), float64
        Bound on the sine of the angle between each singular vector and the true one. It is 1 where
        singular values are equal: their vectors are then not determined.
    n_iter : int
        Number of refinements.

    See Also
    --------
    skopu.opu_svd : Returns it.

    Examples
    --------
    >>> import numpy as np
    >>> from skopu.linalg import opu_svd
    >>> A = np.diag(0.5 ** np.arange(50.0))
    >>> found = opu_svd(A, n_components=2, random_state=0)
    >>> bool((abs(found.s - [1, 0.5]) <= found.error_bound * [1, 0.5]).all())
    True
    """

    error_bound = vector_error_bound = n_iter = None  # set once it is made


def opu_svd(
    A,
    n_components,
    *,
    tol=0.01,
    vector_tol=None,
    n_oversamples=10,
    n_iter="auto",
    opu=None,
    random_state=None,
):
    """Largest singular values and vectors, by randomized block Krylov iteration.

    The rows of A go through the device once [1]_. The resulting sketch already holds most of the
    leading singular vectors; products with A refine it, and together they span the space in which
    the vectors are sought [2]_.

    Read more in the :doc:`user guide </user_guide/linear_algebra>`.

    Parameters
    ----------
    A : {ndarray, memmap, CSR or CSC matrix, LinearOperator, Dask array} of shape (m, n)
        Real matrix, read in passes. Arrays, memory maps, and CSR and CSC matrices of floats
        are not copied. An operator needs transposed products; it multiplies a test
        matrix read from the device.
    n_components : int
        Number of singular values, at most min(m, n).
    tol : float, default=0.01
        Relative error allowed for each singular value, if n_iter is "auto". Values smaller than
        the rounding error are exempt.
    vector_tol : float, default=None
        The same for the vectors: the sine of the largest angle to the true ones. None sets no
        limit.
    n_oversamples : int, default=10
        Projections beyond n_components, which make the sketch more reliable. With fewer than some
        5, leading values may be missed by more than ``error_bound``.
    n_iter : int or "auto", default="auto"
        Number of refinements; A is read 2 * n_iter + 2 times. 0 decomposes a
        single sketch [1]_. "auto" refines until all error bounds are below the tolerances, in
        blocks of a third of the columns, which take more passes but fewer products. It reads A once
        more to check that no value was overlooked, and once more if A has more rows than columns.
        For a tolerance of 1 % it typically takes 2 to 9 refinements, and up to 30 for a flat
        spectrum.
    opu : Device, default=None
        The device. None uses a `GaussianMedium` and an ideal camera.
    random_state : int, RandomState instance or None, default=None
        Seeds the device if ``opu`` is None.

    Returns
    -------
    result : SVDResult
        A tuple ``U, s, Vt`` of shapes (m, n_components), (n_components,) and (n_components, n).
        Vectors are orthonormal even if A has a lower rank; the largest entry of each row of Vt
        is positive. All three are float32 if A is, else float64. ``result.error_bound`` bounds
        the error of each singular value, ``result.vector_error_bound`` that of its vectors.

    Raises
    ------
    ValueError
        If A is complex, empty or contains NaN, n_components is not between 1 and
        min(m, n), a tolerance is below what the dtype can give, or the device cannot show the
        rows of A.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If vectors are not determined to ``vector_tol`` because singular values are equal.

    See Also
    --------
    skopu.OPUTruncatedSVD : The same as a transformer.
    opu_eigh : Eigenvalues of a symmetric matrix, in fewer passes.
    sklearn.utils.extmath.randomized_svd : Power iteration on a stored random matrix.

    Notes
    -----
    Memory is (m + n) times the width of the Krylov space, about 2 to 5 (n_components +
    n_oversamples) columns with "auto".

    An error bound is the larger of two: what a geometric series of the last gains would add, and
    twice Temple's bound [3]_, from the residual and the gap to the next value. Both take what was
    found for what there is, so that the bound is an estimate, if a conservative one: it held in all
    of 3276 decompositions, also where more values lie close together than the sketch has columns;
    the median error was a five-hundredth of it, see :doc:`/user_guide/linear_algebra`. Blocks of
    fewer columns than the sketch has may miss copies of a value: where as many values as they have
    columns agree to 0.3 %, "auto" starts again with blocks of all columns.

    A noisy camera affects the sketch, not the products that follow: refinements remove most of the
    noise.

    References
    ----------
    .. [1] D. Hesslow et al., "Photonic co-processors in HPC: using LightOn OPUs for
       Randomized Numerical Linear Algebra", Hot Chips 33, 2021.
    .. [2] C. Musco and C. Musco, "Randomized block Krylov methods for stronger and faster
       approximate singular value decomposition", NIPS 2015.
    .. [3] T. Kato, "On the upper and lower bounds of eigenvalues", Journal of the Physical
       Society of Japan 4, 1949.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skopu.linalg import opu_svd
    >>> A = load_digits().data
    >>> U, s, Vt = opu_svd(A, n_components=3, random_state=0)
    >>> s.round()
    array([2193.,  567.,  542.])
    >>> bool(opu_svd(A, 3, tol=1e-6, random_state=0).error_bound.max() < 1e-6)
    True
    """
    operator = check_operator(A)
    opu = resolve_opu(opu, random_state, medium=GaussianMedium)
    options = {"tol": tol, "vector_tol": vector_tol}
    return truncated_svd(operator, opu, n_components, n_oversamples, n_iter, **options)


def truncated_svd(operator, opu, n_components, n_oversamples, n_iter, *, tol=0.01, vector_tol=None):
    """`opu_svd` of an `Operator`."""
    width = sketch_width(operator, n_components, n_oversamples)
    narrow = min(width, max(16, -(-width // 3)))
    tolerances = Tolerances.checked(tol, vector_tol, operator)
    n_iter = check_n_iter(n_iter)
    turned = n_iter == "auto" and operator.shape[0] > operator.shape[1]
    iterated, options = Turned(operator) if turned else operator, (n_components, n_iter, tolerances)
    if n_iter == "auto" and narrow + _WITNESSES < width:
        sketch = sketch_rows(opu, operator, narrow + _WITNESSES)
        with operator.threads() as run:
            parts = sketch[:, :narrow], sketch[:, narrow:]
            start, witnesses = _on_the_shorter_side(operator, parts, run) if turned else parts
            bases = bidiagonalize(iterated, start, *options, run)
            if not _fill_a_block(singular_values(bases.B, n_components)[:n_components], narrow):
                values, rises = overlooked(iterated, witnesses, n_components, bases, run)
                if tolerances.are_met(values, bases, rises):
                    return _result(bases, turned, rises, n_components, tolerances, run)
    sketch = sketch_rows(opu, operator, width)
    with operator.threads() as run:
        if turned:
            (sketch,) = _on_the_shorter_side(operator, [sketch], run)
        bases = bidiagonalize(iterated, sketch, *options, run)
        return _result(bases, turned, np.zeros(n_components), n_components, tolerances, run)


def _fill_a_block(values, n_columns):
    """Whether as many values are alike as a block has columns: it may have left out more of them.

    A few witnesses don't tell in a large matrix, where they mostly see what all others have in the
    mean.
    """
    last = values[n_columns - 1 :]
    return bool(np.any((last > 0) & (last >= (1 - _ALIKE) * values[: len(last)])))


def _on_the_shorter_side(operator, sketches, run):
    """Sketches of A's rows from those of its columns, where A has more rows than columns.

    Begun on the longer side, the iteration would take rounding outside of A's range for a direction
    of its own, which grows where singular values are nearly equal.
    """
    blocks = [orthonormalize(each, [], 0, largest_length(each), run)[0] for each in sketches]
    images = operator.rmatmat(concat(blocks, axis=1))
    ends = np.cumsum([0, *(block.shape[1] for block in blocks)])
    return [images[:, start:end] for start, end in itertools.pairwise(ends)]


def _result(bases, turned, rises, n_components, tolerances, run):
    if turned:
        bases = bases._replace(lefts=bases.rights, B=bases.B.T, rights=bases.lefts)
    U, s, Vt, values = leading(bases, n_components, run)
    rounding = tolerances.rounding(values, n_components)
    sines = vector_errors(values, bases.errors, bases.residuals, rises, rounding)
    if tolerances.vectors is not None and sines.max() > tolerances.vectors and bases.is_final:
        warnings.warn(
            f"Singular vectors are known only to a sine of {sines.max():.1g}, not to "
            f"vector_tol={tolerances.vectors}: some singular values are equal, or nearly so, and "
            "their vectors are then not determined. Raise vector_tol.",
            ConvergenceWarning,
            stacklevel=4,
        )
    result = SVDResult(U, s, Vt)
    result.error_bound, result.vector_error_bound = bases.errors + rises + rounding, sines
    result.n_iter = len(bases.lefts) - 1
    return result
