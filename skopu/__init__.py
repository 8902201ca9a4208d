"""skopu: scikit-learn estimators on a simulated optical processing unit."""

from ._version import __version__
from .decomposition import OPUPCA, OPUTruncatedSVD
from .inspection import (
    AlignmentDisplay,
    KernelApproximationDisplay,
    SpeckleDisplay,
    SpectralDensityDisplay,
    SpectrumDisplay,
    TraceConvergenceDisplay,
)
from .kernel_approximation import OpticalRandomFeatures
from .kernels import arc_cosine_kernel, optical_kernel
from .linalg import (
    count_triangles,
    opu_diagonal,
    opu_eigh,
    opu_lstsq,
    opu_matmul,
    opu_nystrom,
    opu_spectral_density,
    opu_svd,
    opu_trace,
)
from .linear_model import OpticalRidge, OpticalRidgeClassifier
from .neural_network import DFAClassifier, DFAGraphClassifier, DFARegressor, NodeClassifier
from .optics import OPU, Camera, GaussianMedium, LayeredMedium, MeasuredMedium
from .trace import OPUTraceEstimator

__all__ = [
    "OPU",
    "OPUPCA",
    "AlignmentDisplay",
    "Camera",
    "DFAClassifier",
    "DFAGraphClassifier",
    "DFARegressor",
    "GaussianMedium",
    "KernelApproximationDisplay",
    "LayeredMedium",
    "MeasuredMedium",
    "NodeClassifier",
    "OPUTraceEstimator",
    "OPUTruncatedSVD",
    "OpticalRandomFeatures",
    "OpticalRidge",
    "OpticalRidgeClassifier",
    "SpeckleDisplay",
    "SpectralDensityDisplay",
    "SpectrumDisplay",
    "TraceConvergenceDisplay",
    "__version__",
    "arc_cosine_kernel",
    "count_triangles",
    "optical_kernel",
    "opu_diagonal",
    "opu_eigh",
    "opu_lstsq",
    "opu_matmul",
    "opu_nystrom",
    "opu_spectral_density",
    "opu_svd",
    "opu_trace",
]
