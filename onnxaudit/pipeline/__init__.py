"""`scan`, `repair` and `profile`: the only room that chains stages."""

from onnxaudit.pipeline.profiling import profile
from onnxaudit.pipeline.repairing import RepairConfig, repair
from onnxaudit.pipeline.scanning import ScanConfig, scan

__all__ = ["RepairConfig", "ScanConfig", "profile", "repair", "scan"]
