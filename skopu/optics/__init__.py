"""The simulated optical processing unit: media, camera and the device they form."""

from .camera import Camera
from .measured import IsotropyReport, MeasuredMedium
from .medium import GaussianMedium, LayeredMedium, Medium
from .opu import OPU

__all__ = [
    "OPU",
    "Camera",
    "GaussianMedium",
    "IsotropyReport",
    "LayeredMedium",
    "MeasuredMedium",
    "Medium",
]
