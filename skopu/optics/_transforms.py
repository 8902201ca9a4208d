"""Which engine transforms the light of layered media: numba's compiled functions, or SciPy."""

import functools
import os
import threading
import warnings

import numpy as np

from ._scipy_transforms import SciPyTransforms

_VARIABLE = "SKOPU_ENGINE"
_FEW_MODES = 2**18  # of all rows; they take SciPy a millisecond
_lock, _outcomes = threading.Lock(), {}


def transforms_of(masks, n_rows):
    """The engine for n_rows rows behind these masks.

    Where the environment variable ``SKOPU_ENGINE`` is ``"scipy"``, numba is not used; where it is
    ``"numba"``, always; else where it is installed and there is enough to do.
    """
    asked = os.environ.get(_VARIABLE, "")
    if asked not in ("", "scipy", "numba"):
        raise ValueError(
            f'The environment variable {_VARIABLE} must be "numba", "scipy" or unset, '
            f"got {asked!r}."
        )
    few = n_rows * masks.n_modes < _FEW_MODES
    if asked == "scipy" or (few and asked != "numba"):
        return SciPyTransforms(masks)
    with _lock:  # threads wait while one compiles
        if masks.dtype not in _outcomes:
            _outcomes[masks.dtype] = _compile(masks)
        engine, failure = _outcomes[masks.dtype]
    if failure and (asked or failure != _MISSING):
        _warn(failure)
    return engine(masks)


_MISSING = "numba is not installed"


def _compile(masks):
    """The compiled engine, tried out on one row, or SciPy's and what went wrong."""
    try:
        from ._numba_transforms import NumbaTransforms

        (field, squares), (expected, expected_squares) = (
            _first_block(engine(masks), masks) for engine in (NumbaTransforms, SciPyTransforms)
        )
        tolerance = {"rtol": 0, "atol": 1e3 * np.finfo(masks.dtype).eps * expected_squares.max()}
        if not (
            np.allclose(field, expected, **tolerance)
            and np.allclose(squares, expected_squares, **tolerance)
        ):
            raise ArithmeticError("its results are not SciPy's")
    except ModuleNotFoundError as error:
        return SciPyTransforms, _MISSING if error.name == "numba" else str(error)
    except Exception as error:  # what a compiler raises has many names
        return SciPyTransforms, f"{type(error).__name__}: {error}"
    return NumbaTransforms, None


def _first_block(engine, masks):
    row, block, inside = np.ones((1, masks.n_inputs), masks.dtype), slice(0, 1), slice(0, 1024)
    field = engine.field(engine.illuminate(row, 1), block, inside, 1)
    squares = np.empty((1, 1024), masks.dtype)
    engine.read(engine.illuminate(row, 1), block, inside, "intensity", squares, 1)
    return field, squares


@functools.cache
def _warn(failure):
    warnings.warn(
        f"The numba engine cannot be used, and SciPy takes its place: {failure}. Install "
        f'skopu[fast], or set the environment variable {_VARIABLE} to "scipy".',
        RuntimeWarning,
        stacklevel=2,
    )
