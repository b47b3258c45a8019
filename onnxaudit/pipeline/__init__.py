"""`scan`, `repair` and `profile`: the only room that chains stages."""

from onnxaudit.detection import DetectionConfig, InversionConfig
from onnxaudit.mitigation.finetuning import FinetuningConfig
from onnxaudit.mitigation.pruning import PruningConfig
from onnxaudit.pipeline.job import RepairConfig
from onnxaudit.pipeline.profiling import profile
from onnxaudit.pipeline.repairing import repair
from onnxaudit.pipeline.scanning import ScanConfig, scan

__all__ = [
    "DetectionConfig",
    "FinetuningConfig",
    "InversionConfig",
    "PruningConfig",
    "RepairConfig",
    "ScanConfig",
    "profile",
    "repair",
    "scan",
]
