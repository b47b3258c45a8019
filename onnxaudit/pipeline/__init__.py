"""`scan`, `repair` and `profile`: the only package that chains stages."""

from onnxaudit.inversion.patch import InversionConfig
from onnxaudit.mitigation.pruning import PruningConfig
from onnxaudit.mitigation.tuning import FineTuningConfig
from onnxaudit.pipeline.context import RepairConfig
from onnxaudit.pipeline.neuron_ranking import profile
from onnxaudit.pipeline.repairs import repair
from onnxaudit.pipeline.scans import ScanConfig, scan
from onnxaudit.pipeline.settings import DetectionConfig

__all__ = [
    "DetectionConfig",
    "FineTuningConfig",
    "InversionConfig",
    "PruningConfig",
    "RepairConfig",
    "ScanConfig",
    "profile",
    "repair",
    "scan",
]
