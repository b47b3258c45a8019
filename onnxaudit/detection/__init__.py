"""Find the label that a backdoor sends images to: inversion, outliers, closer look, judgement."""

from onnxaudit.detection.cascade import detect
from onnxaudit.detection.config import DetectionConfig
from onnxaudit.detection.profiles import Effort, choose_effort
from onnxaudit.inversion.patch import InversionConfig, invert

__all__ = ["DetectionConfig", "Effort", "InversionConfig", "choose_effort", "detect", "invert"]
