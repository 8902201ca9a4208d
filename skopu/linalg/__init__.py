"""Randomized linear algebra with the device's random matrix.

Where scikit-learn dispatches by the array API, all functions take arrays of PyTorch and CuPy,
multiply by them on their device, and return such arrays.
"""

from ._trace_methods import TRACE_METHODS
from .diagonals import DiagonalEstimate, opu_diagonal
from .eigh import EighResult, opu_eigh
from .lstsq import LstsqResult, opu_lstsq
from .matmul import MatmulEstimate, opu_matmul
from .nystrom import NystromResult, opu_nystrom
from .spectral_density import SpectralDensity, opu_spectral_density
from .svd import SVDResult, opu_svd
from .trace_method import TraceMethod
from .traces import TraceEstimate, opu_trace
from .triangles import count_triangles

__all__ = [
    "TRACE_METHODS",
    "DiagonalEstimate",
    "EighResult",
    "LstsqResult",
    "MatmulEstimate",
    "NystromResult",
    "SVDResult",
    "SpectralDensity",
    "TraceEstimate",
    "TraceMethod",
    "count_triangles",
    "opu_diagonal",
    "opu_eigh",
    "opu_lstsq",
    "opu_matmul",
    "opu_nystrom",
    "opu_spectral_density",
    "opu_svd",
    "opu_trace",
]
