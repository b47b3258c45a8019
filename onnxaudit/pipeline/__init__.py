"""`scan`, `repair` and `profile`: the only package that chains stages.

Imported on first use: `inspect` tells of a file before PyTorch is loaded, and where it is not installed.
"""

from typing import TYPE_CHECKING, Any

from onnxaudit.packages import load, require_all

if TYPE_CHECKING:
    from onnxaudit.inversion.patch import InversionConfig
    from onnxaudit.mitigation.fine_tuning_config import FineTuningConfig
    from onnxaudit.mitigation.pruning_config import PruningConfig
    from onnxaudit.pipeline.context import RepairConfig
    from onnxaudit.pipeline.neuron_ranking import profile
    from onnxaudit.pipeline.repairs import repair
    from onnxaudit.pipeline.scans import scan
    from onnxaudit.pipeline.settings import DetectionConfig, ScanConfig

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
_HOMES = {
    "DetectionConfig": "pipeline.settings",
    "FineTuningConfig": "mitigation.fine_tuning_config",
    "InversionConfig": "inversion.patch",
    "PruningConfig": "mitigation.pruning_config",
    "RepairConfig": "pipeline.context",
    "ScanConfig": "pipeline.settings",
    "profile": "pipeline.neuron_ranking",
    "repair": "pipeline.repairs",
    "scan": "pipeline.scans",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require_all(name if name.islower() else "an audit")
    return getattr(load(f"onnxaudit.{_HOMES[name]}"), name)
