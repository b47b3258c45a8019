"""How long a scan takes, roughly: image passes by the settings, times what a pass is measured to cost."""

import time
from collections.abc import Mapping

import numpy as np
from torch import nn

from onnxaudit.deadline import Deadline
from onnxaudit.detectors.base import Refining, Stage
from onnxaudit.inversion.forwards import device_of
from onnxaudit.inversion.labels import LabelsConfig, prepare
from onnxaudit.perturbations.patch import Patch
from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.workers import Workers, count_rows

START = 6.0  # seconds for importing packages, reading, copying and comparing
MEASURED = 0.5  # seconds, at least one step
MOST_STEPS = 10_000  # more are never made in that time


def estimate_seconds(classes: int, per_pass: float, config: DetectionConfig) -> float:
    """Seconds of one processor core for a scan, each detector at its full number of steps.

    Args:
        classes: how many the model tells apart.
        per_pass: seconds of one image forward and backward.
        config: how much is looked at.
    """
    return START + count_passes(classes, config) * per_pass


def measure_pass(classifier: nn.Module, image: tuple[int, int, int], classes: int) -> float:
    """Processor seconds of one image forward and backward, within a step as detectors make them.

    Args:
        classifier: logits of images.
        image: shape `(c, h, w)`.
        classes: how many the model tells apart.
    """
    config, device = LabelsConfig(steps=MOST_STEPS), device_of(classifier)
    each = config.samples_per_step
    rows = min(classes, count_rows(config.chunk_pixels, each * image[1] * image[2], device))
    images = np.random.default_rng(0).random((each, *image), dtype=np.float32)
    others = {label: np.arange(each) for label in range(rows)}
    with Workers(device) as workers:
        search = prepare(classifier, images, others, Patch(image=image), config, seed=0, workers=workers)
        search.step()  # plans and folded weights are made once
        until = Deadline.after(MEASURED)
        costs: list[float] = []
        while not costs or (len(search.active) and not until.passed):
            begun, before = time.process_time(), int(search.steps_of.sum())
            search.step()
            costs.append((time.process_time() - begun) / (each * (int(search.steps_of.sum()) - before)))
    return min(costs)  # what others do on the machine makes steps longer, never shorter


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
