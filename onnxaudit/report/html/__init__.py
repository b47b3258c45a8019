"""The HTML report: one file without scripts that loads nothing, for screens and paper."""

from onnxaudit.report.html.folder import render_folder
from onnxaudit.report.html.page import render_html

__all__ = ["render_folder", "render_html"]
