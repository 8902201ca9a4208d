"""Real optics: a laboratory's modulator and camera as the device of every estimator.

Nothing here has been run by a laboratory yet; it is tested on simulated benches.
"""

from ._readings import BenchReport, BenchWarning
from .bench import Bench, BenchError
from .opu import BenchOPU
from .simulated import SimulatedBench
from .transmission import TransmissionReport, measure_transmission_matrix

__all__ = [
    "Bench",
    "BenchError",
    "BenchOPU",
    "BenchReport",
    "BenchWarning",
    "SimulatedBench",
    "TransmissionReport",
    "measure_transmission_matrix",
]
