"""Plots of what the device and the estimators do, in the habit of scikit-learn's displays.

Each display is made by ``from_estimator``, or ``from_matrix``, keeps what it shows as attributes,
and is drawn by ``plot``, again and in other axes if need be. Matplotlib is loaded when it draws.
"""

from ._alignment import AlignmentDisplay
from ._kernel_approximation import KernelApproximationDisplay
from ._speckle import SpeckleDisplay
from ._spectral_density import SpectralDensityDisplay
from ._spectrum import SpectrumDisplay
from ._trace_convergence import TraceConvergenceDisplay

__all__ = [
    "AlignmentDisplay",
    "KernelApproximationDisplay",
    "SpeckleDisplay",
    "SpectralDensityDisplay",
    "SpectrumDisplay",
    "TraceConvergenceDisplay",
]
