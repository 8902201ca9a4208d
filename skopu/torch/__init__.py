"""The device in networks of PyTorch: random features as a layer, and direct feedback alignment."""

try:
    import torch  # noqa: F401
except ImportError as error:
    raise ImportError("skopu.torch needs PyTorch: python -m pip install 'skopu[torch]'.") from error

from .direct_feedback import DirectFeedback
from .layer import OPULayer

__all__ = ["DirectFeedback", "OPULayer"]
