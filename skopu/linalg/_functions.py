"""Functions of the eigenvalues of a symmetric matrix, and where they are defined."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class SpectralFunction(NamedTuple):
    """A function of eigenvalues, by a name or a user's callable."""

    name: str
    evaluate: Callable
    domain: str = "any"  # or "positive", "non-negative", "definite": all of one sign, none 0
    # How far below the nearest eigenvalue to zero that was seen there may be nearer ones; for a
    # function that is singular at zero.
    below: float | None = None
    # Whether what may be there can be all of the trace.
    unbounded: bool = False

    def at(self, eigenvalues, dtype, name):
        """Values at eigenvalues of a matrix of that dtype and name, of which it is a ValueError
        to be outside of the domain.
        """
        rounding = 10 * np.finfo(dtype).eps * abs(eigenvalues).max()
        if self.domain == "non-negative":
            eigenvalues = np.where(abs(eigenvalues) <= rounding, 0, eigenvalues)
        self._check_domain(eigenvalues.min(), eigenvalues.max(), rounding, name)
        with np.errstate(all="ignore"):
            values = np.asarray(self.evaluate(eigenvalues))
        if values.shape != eigenvalues.shape or values.dtype.kind not in "biuf":
            raise ValueError(
                "function must map an array of eigenvalues to a real array of the same shape "
                f"{eigenvalues.shape}, got dtype {values.dtype} and shape {values.shape}. Make it "
                "return numbers, for example numpy.asarray(result, dtype=float)."
            )
        with np.errstate(over="ignore"):
            finite = np.isfinite(values.astype(dtype))
        if not finite.all():
            wrong = eigenvalues[~finite][0]
            raise ValueError(
                f"function is not finite at {wrong:.3g}, which lies between the eigenvalues of "
                f"{name}, or overflows {dtype}. Shift or scale the matrix, or choose a "
                "function defined there."
            )
        return values

    def _check_domain(self, low, high, rounding, name):
        if self.domain == "non-negative" and low < 0:
            raise ValueError(
                f'function="{self.name}" needs eigenvalues of at least 0, but those of {name} '
                f"reach down to {low:.3g}. Add a multiple of the identity to it."
            )
        if self.domain == "positive" and low <= rounding:
            raise ValueError(
                f'function="{self.name}" needs positive eigenvalues, above the rounding '
                f"error {rounding:.1g}, but those of {name} reach down to {low:.3g}. Add a "
                "multiple of the identity to it."
            )
        if self.domain == "definite" and low <= rounding and high >= -rounding:
            raise ValueError(
                f'function="{self.name}" needs a definite matrix, but {name} has eigenvalues from '
                f"{low:.3g} to {high:.3g}. Add a multiple of the identity to it."
            )


FUNCTIONS = {
    function.name: function
    for function in (
        SpectralFunction("log", np.log, "positive", below=100),
        SpectralFunction("sqrt", np.sqrt, "non-negative"),
        SpectralFunction("exp", np.exp),
        SpectralFunction("inv", np.reciprocal, "definite", below=10, unbounded=True),
    )
}


def spectral_function(function):
    """The function of that name, or of a callable."""
    if callable(function):
        return SpectralFunction("function", function)
    if isinstance(function, str) and function in FUNCTIONS:
        return FUNCTIONS[function]
    raise ValueError(
        f"function must be None, a callable or one of {sorted(FUNCTIONS)}, got {function!r}."
    )
