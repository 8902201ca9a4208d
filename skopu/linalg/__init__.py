"""Randomized linear algebra with the device's random matrix."""

from .lstsq import opu_lstsq
from .matmul import opu_matmul
from .svd import opu_svd
from .trace import opu_trace
from .triangles import count_triangles

__all__ = ["count_triangles", "opu_lstsq", "opu_matmul", "opu_svd", "opu_trace"]
