"""skopu: scikit-learn estimators on a simulated optical processing unit."""

from ._version import __version__
from .kernel_approximation import OpticalRandomFeatures
from .kernels import arc_cosine_kernel, optical_kernel
from .optics import OPU, Camera, GaussianMedium, LayeredMedium, MeasuredMedium

__all__ = [
    "OPU",
    "Camera",
    "GaussianMedium",
    "LayeredMedium",
    "MeasuredMedium",
    "OpticalRandomFeatures",
    "__version__",
    "arc_cosine_kernel",
    "optical_kernel",
]
