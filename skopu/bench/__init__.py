"""Real optics: a laboratory's modulator and camera as the device of every estimator.

Nothing here has been run by a laboratory yet; it is tested on simulated benches.
"""

from ._calibration import BenchCalibration
from ._readings import BenchReport, BenchWarning
from .adapters import ALP4Bench, OpenWFSBench, SLMSuiteBench
from .bench import Bench, BenchError
from .opu import BenchOPU
from .recovery import RecoveredInputs, recover_inputs
from .simulated import SimulatedBench
from .transmission import TransmissionReport, measure_transmission_matrix

__all__ = [
    "ALP4Bench",
    "Bench",
    "BenchCalibration",
    "BenchError",
    "BenchOPU",
    "BenchReport",
    "BenchWarning",
    "OpenWFSBench",
    "RecoveredInputs",
    "SLMSuiteBench",
    "SimulatedBench",
    "TransmissionReport",
    "measure_transmission_matrix",
    "recover_inputs",
]
