"""Versions of what decides results, without importing it."""

import platform
from importlib import metadata

from onnxaudit.version import __version__

_PACKAGES = ("numpy", "onnx", "onnx-graphsurgeon", "onnxruntime-gpu", "onnxruntime", "torch")


def list_versions() -> dict[str, str]:
    """Versions of onnxaudit, Python and the packages that decide results."""
    versions = {"onnxaudit": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
