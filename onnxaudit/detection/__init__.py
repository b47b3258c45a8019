"""Find the label that a backdoor sends images to: inversion, outliers, closer look, judgement."""

from onnxaudit.detection.cascade import detect
from onnxaudit.detection.config import DetectionConfig, InversionConfig
from onnxaudit.detection.inversion import invert
from onnxaudit.detection.profiles import Effort, choose_effort

__all__ = ["DetectionConfig", "Effort", "InversionConfig", "choose_effort", "detect", "invert"]
