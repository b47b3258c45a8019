"""From the bytes of a stranger's file to a `Model`, and back to a file."""

from onnxaudit.intake.loader import load_model
from onnxaudit.intake.model import Model
from onnxaudit.intake.writer import check_destination, save_model

__all__ = ["Model", "check_destination", "load_model", "save_model"]
