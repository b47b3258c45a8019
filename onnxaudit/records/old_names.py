"""Names that version 1.0 of the schema gave to detectors; reports and policies that use them are still read."""

from collections.abc import Mapping
from typing import TypeVar

Value = TypeVar("Value")

OLD_DETECTORS = {"trigger": "patch", "shift": "latent-inversion", "waves": "spectral"}


def rename_detectors(by_detector: Mapping[str, Value]) -> dict[str, Value]:
    """The same mapping under the detectors' present ids."""
    return {OLD_DETECTORS.get(name, name): value for name, value in by_detector.items()}
