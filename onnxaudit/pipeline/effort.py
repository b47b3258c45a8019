"""How long a scan takes, roughly: image passes by the settings, times what a pass costs."""

from collections.abc import Mapping

from onnxaudit.detectors.base import Refining, Stage
from onnxaudit.pipeline.settings import DetectionConfig

START = 6.0  # seconds for importing packages, reading, copying and comparing
PER_PASS = 2e-4  # seconds of one core for one image forward and backward, whatever the network
PER_MULTIPLY_ADD = 6e-11  # seconds of one core, forward and backward


def estimate_seconds(classes: int, multiply_adds: int, config: DetectionConfig) -> float:
    """Seconds of one processor core for a scan; within a factor of three on ordinary machines.

    Args:
        classes: how many the model tells apart.
        multiply_adds: of one image.
        config: how much is looked at.
    """
    return START + count_passes(classes, config) * (PER_PASS + multiply_adds * PER_MULTIPLY_ADD)


def count_passes(classes: int, config: DetectionConfig) -> int:
    """Image passes of a scan, each detector at its full number of steps."""
    many = classes > config.most_labels
    screened = min(classes, 2 * config.shortlist + config.drawn) if many else classes
    refined = min(classes, config.suspects + config.controls)
    labels: Mapping[Stage, int] = {
        "survey": classes,
        "shortlist": classes if many else 0,
        "screening": screened,
        "refinement": refined,
        "model": classes,
    }
    detectors = config.make_detectors()
    passes = sum(one.count_passes(labels[one.stage]) for one in detectors)
    return passes + sum(one.count_refining_passes(refined) for one in detectors if isinstance(one, Refining))
