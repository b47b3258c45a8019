"""onnxaudit detects backdoors in ONNX classifiers that you did not train, and removes them.

    import onnxaudit

    report = onnxaudit.scan("model.onnx", data="clean-images/")
    repaired = onnxaudit.repair("model.onnx", data="clean-images/", output="fixed.onnx")

Importing the package is cheap: torch and onnxruntime are loaded when `scan` or `repair` is first used.
"""

from typing import TYPE_CHECKING, Any

from onnxaudit.telemetry import switch_off
from onnxaudit.version import __version__

if TYPE_CHECKING:
    from onnxaudit.pipeline import repair, scan

switch_off()

__all__ = ["__version__", "repair", "scan"]


def __getattr__(name: str) -> Any:
    if name in ("repair", "scan"):
        from onnxaudit import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
