"""How much effort a scan spends: named settings.

The constants of the verdict were fitted for `standard`. How good verdicts are at other efforts has not been measured.
"""

from dataclasses import replace
from typing import Literal

from onnxaudit.detection.config import DetectionConfig

Effort = Literal["quick", "standard", "deep"]


def choose_effort(effort: Effort) -> DetectionConfig:
    """Settings of a look at a model in the shortest time, of a gate, or of an inquiry."""
    standard = DetectionConfig()
    match effort:
        case "quick":
            return replace(
                standard,
                first=replace(standard.first, steps=60),
                waves=replace(standard.waves, steps=50),
                closer=replace(standard.closer, steps=120),
                most_labels=50,
                suspects=3,
                controls=5,
            )
        case "deep":
            return replace(
                standard,
                first=replace(standard.first, steps=200),
                waves=replace(standard.waves, steps=200),
                closer=replace(standard.closer, steps=300),
                closer_runs=3,
                most_labels=300,
                shortlist=50,
                suspects=10,
                controls=12,
            )
        case _:
            return standard
