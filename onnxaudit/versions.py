"""Versions of what decides results, without importing it."""

import contextlib
import platform
from collections.abc import Iterable
from importlib import metadata

from onnxaudit.version import __version__

_PACKAGES = ("numpy", "onnx", "onnx-graphsurgeon", "onnxruntime-gpu", "onnxruntime", "torch")
_READERS = ("pillow", "pyarrow")


def list_versions() -> dict[str, str]:
    """Versions of onnxaudit, Python and the packages that decide results."""
    return {"onnxaudit": __version__, "python": platform.python_version(), **_find(_PACKAGES)}


def list_readers() -> dict[str, str]:
    """Versions of the packages that read images and tables, of those that are there."""
    return _find(_READERS)


def _find(packages: Iterable[str]) -> dict[str, str]:
    found = dict[str, str]()
    for package in packages:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found
