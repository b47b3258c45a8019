"""How long a scan takes, roughly: image passes by the settings, times what a pass costs."""

from onnxaudit.detection.config import DetectionConfig

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
    """Image passes of a scan, each look at its full number of steps; shifts of inner features cost little beside."""
    many = classes > config.most_labels
    looked = min(classes, 2 * config.shortlist + config.drawn) if many else classes
    first, waves, closer, universal = config.first, config.waves, config.closer, config.universal
    passes = looked * (first.steps * first.samples_per_step + waves.steps * waves.samples_per_step)
    again = min(classes, config.suspects + config.controls)
    passes += again * config.closer_runs * closer.steps * closer.samples_per_step
    passes += universal.starts * universal.steps * universal.samples_per_step
    return passes + (classes * config.margin.starts * config.margin.steps if many else 0)
