"""The device: medium, camera, and the optical processing unit that they form.

What each of them must offer is written down in its base class: `Medium`, `CameraEffect` and,
for the device as a whole, `Device`.
"""

from .camera import Camera
from .camera_effects import CameraEffect
from .device import Device
from .gaussian import GaussianMedium
from .layered import LayeredMedium
from .measured import IsotropyReport, MeasuredMedium
from .medium import Medium
from .opu import OPU

__all__ = [
    "OPU",
    "Camera",
    "CameraEffect",
    "Device",
    "GaussianMedium",
    "IsotropyReport",
    "LayeredMedium",
    "MeasuredMedium",
    "Medium",
]
