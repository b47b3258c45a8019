"""onnxaudit detects backdoors in ONNX classifiers that you did not train, and removes them.

    import onnxaudit

    report = onnxaudit.scan("model.onnx", data="clean-images/")
    repaired = onnxaudit.repair("model.onnx", data="clean-images/", output="fixed.onnx")

Importing the package is cheap: torch and onnxruntime are loaded when `scan`, `repair` or `inspect` is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from onnxaudit.telemetry import switch_off
from onnxaudit.version import __version__

if TYPE_CHECKING:
    from onnxaudit.gate.policy import Policy
    from onnxaudit.notebook import NotebookProgress
    from onnxaudit.pipeline import repair, scan
    from onnxaudit.pipeline.inspection import inspect
    from onnxaudit.report.formats import render_report
    from onnxaudit.statements import verify

switch_off()

__all__ = ["NotebookProgress", "Policy", "__version__", "inspect", "render_report", "repair", "scan", "verify"]
_HOMES = {
    "NotebookProgress": "notebook",
    "Policy": "gate.policy",
    "inspect": "pipeline.inspection",
    "render_report": "report.formats",
    "repair": "pipeline",
    "scan": "pipeline",
    "verify": "statements",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"onnxaudit.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
