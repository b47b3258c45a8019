"""`scan`, `repair` and `profile`: the only room that chains stages."""

from onnxaudit.detection import DetectionConfig, InversionConfig
from onnxaudit.mitigation.pruning import PruningConfig
from onnxaudit.mitigation.tuning import FineTuningConfig
from onnxaudit.pipeline.context import RepairConfig
from onnxaudit.pipeline.profiling import profile
from onnxaudit.pipeline.repairing import repair
from onnxaudit.pipeline.scanning import ScanConfig, scan

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
