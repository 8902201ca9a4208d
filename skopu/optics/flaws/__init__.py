"""What real optics do besides: each flaw is small, off by default, and goes with the others.

Flaws of the light and of the glass wrap a medium, one around the other; flaws of the camera are
effects of it.
"""

from .coherence import PartialCoherence
from .drift import Drift
from .glass import Grains, UnscatteredLight
from .medium import FlawedMedium
from .modulator import Crosstalk, UnevenLight
from .sensor import DarkLevel, DefectivePixels, Nonlinearity, PixelGain

__all__ = [
    "Crosstalk",
    "DarkLevel",
    "DefectivePixels",
    "Drift",
    "FlawedMedium",
    "Grains",
    "Nonlinearity",
    "PartialCoherence",
    "PixelGain",
    "UnevenLight",
    "UnscatteredLight",
]
