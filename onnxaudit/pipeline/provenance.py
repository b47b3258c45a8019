"""What a report says of how it was made."""

import platform
from dataclasses import asdict, is_dataclass
from importlib import metadata
from typing import Any

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


def describe_config(config: Any) -> dict[str, Any]:
    """A config dataclass, nested ones included, as plain values."""
    assert is_dataclass(config)
    assert not isinstance(config, type)
    return asdict(config)
