"""Which engine transforms the light of layered media: numba's compiled functions, or SciPy."""

import functools
import os
import threading
import warnings

import numpy as np

from .._utils.threads import n_threads
from ._masks import Masks
from ._scipy_transforms import SciPyTransforms

_VARIABLE = "SKOPU_ENGINE"
_FEW_ENTRIES = 2**18  # they take SciPy a millisecond
_lock, _outcomes = threading.Lock(), {}


def engine_of(medium, n_rows, n_modes, dtype):
    """The class that transforms light of a layered medium, for rows of a field of n_modes.

    Where the environment variable ``SKOPU_ENGINE`` is ``"scipy"``, numba is not used; where it is
    ``"numba"``, always; else where it is installed and there is enough to do, for each thread: it
    takes rows one by one.
    """
    asked = os.environ.get(_VARIABLE, "")
    if asked not in ("", "scipy", "numba"):
        raise ValueError(
            f'The environment variable {_VARIABLE} must be "numba", "scipy" or unset, '
            f"got {asked!r}."
        )
    few = n_rows * n_modes < _FEW_ENTRIES or n_rows < n_threads()
    if asked == "scipy" or (few and asked != "numba"):
        return SciPyTransforms
    with _lock:  # threads wait while one compiles
        if dtype not in _outcomes:
            _outcomes[dtype] = _compile(medium, dtype)
        engine, failure = _outcomes[dtype]
    if failure and (asked or failure != _MISSING):
        _warn(failure)
    return engine


_MISSING = "numba is not installed"


def _compile(medium, dtype):
    """The compiled engine, tried out on one row, or SciPy's and what went wrong."""
    try:
        from ._numba_transforms import NumbaTransforms

        masks = Masks(medium, 1000, range(1024), 0, np.empty(0, dtype))
        (field, squares), (expected, expected_squares) = (
            _first_block(engine(masks)) for engine in (NumbaTransforms, SciPyTransforms)
        )
        tolerance = {"rtol": 0, "atol": 1e3 * np.finfo(dtype).eps * expected_squares.max()}
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


def _first_block(engine):
    row, block, inside = np.ones((1, 1000), engine.dtype), slice(0, 1), slice(0, 1024)
    field = engine.field(engine.illuminate(row, 1), block, inside, 1)
    squares = np.empty((1, 1024), engine.dtype)
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
