"""Plots of what the device and the estimators do, in the style of scikit-learn's displays.

``from_estimator`` or ``from_matrix`` makes a display, which keeps what it shows as attributes.
``plot`` draws it again, in other axes if needed. Matplotlib is loaded only when drawing.
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
