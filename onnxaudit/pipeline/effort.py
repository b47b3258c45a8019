"""How long a scan takes, roughly: passes and runs by the settings, times what a pass is measured to cost.

Whether a score comes near a limit, and is measured again, nobody knows before: one such run is counted.

`inspect` and the first line of a scan's progress tell the same estimate; neither knows the samples yet.
"""

import time
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn

from onnxaudit.data.preprocessing import common_preprocessings
from onnxaudit.data.preprocessing_choice import FIRST_LABELED
from onnxaudit.deadline import Deadline
from onnxaudit.detectors.base import Detector, Refining, Stage
from onnxaudit.detectors.surrogate import SurrogateDetector
from onnxaudit.importer import Classifier
from onnxaudit.importer.module import TorchModel
from onnxaudit.inversion.forwards import device_of
from onnxaudit.inversion.labels import LabelsConfig, prepare
from onnxaudit.perturbations.patch import Patch
from onnxaudit.pipeline.gradient_types import fit_gradients
from onnxaudit.pipeline.multiply_adds import fit_settings
from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.records import Event, Layout, OnEvent, Preprocessing
from onnxaudit.text import format_duration
from onnxaudit.workers import Workers, count_rows

REPLICATES = 1  # runs counted beside the first: none or two are made, and either is within a factor of 1.5 of one
START = 6.0  # seconds for importing packages, reading, copying and comparing
FORWARD = 0.45  # of a pass: an image that goes through the network once
SAMPLES = 500  # clean images that somebody gives
PROBED = 330  # images on which outputs and batches are compared
CONFIRMED, CONFIRMED_AGAIN = 96, 384  # images on which a trigger is tried in screening and in refinement
CONFIRMED_OF_LARGE, CONFIRMED_AGAIN_OF_LARGE = 36, 72  # likewise, of large images
SOLVED = 1.7e-8  # seconds of the exact shift for each cube of the number of classes
TAUGHT, TAUGHT_LABEL = 2.0, 0.05  # seconds for each surrogate, and for each label of it
LONG = 60.0  # seconds; of a scan that takes less nothing is told at its beginning
MEASURED = 0.1  # seconds, at least one step
COLORS = 3
EACH, EACH_OF_LARGE = 8, 4  # images a label and step
MOST_STEPS = 200  # more are never made in that time; orders are drawn for all of them


def estimate_seconds(classes: int, per_pass: float, config: DetectionConfig) -> float:
    """Seconds of one processor core for a scan, each detector at its full number of steps.

    Args:
        classes: how many the model tells apart.
        per_pass: seconds of one image forward and backward.
        config: how much is looked at.
    """
    passes = count_passes(classes, config) + min(REPLICATES, config.replicates) * _count_replicated(classes, config)
    work = passes + FORWARD * count_runs(classes, config)
    return START + work * per_pass + SOLVED * classes**3 + _time_surrogates(classes, config)


def estimate(torch_model: TorchModel, config: DetectionConfig) -> float:
    """The same for a copy that was opened; a few steps are made."""
    info = torch_model.info
    spec, classes, config = info.input, info.output.classes, fit_settings(config, torch_model)
    bounds = ((0.0, 1.0),) * (spec.width if spec.layout is Layout.NC else spec.channels)
    classifier = Classifier(torch_model, Preprocessing() if spec.layout.is_image else Preprocessing(bounds=bounds))
    classifier = fit_gradients(classifier, config)
    image, each = (spec.channels, spec.height, spec.width), EACH_OF_LARGE if config.large else EACH
    return estimate_seconds(classes, measure_pass(classifier, image, classes, each), config)


def tell_estimate(torch_model: TorchModel, config: DetectionConfig, on_event: OnEvent) -> None:
    """Say how long a scan takes, where that is long; of small models not even a step is made to find out."""
    spec, place = torch_model.info.input, torch_model.device
    config, begun = fit_settings(config, torch_model), time.process_time()
    with torch.no_grad():
        torch_model(torch.zeros(spec.shape(spec.batch or 1), device=place))
    least = (time.process_time() - begun) * count_passes(torch_model.info.output.classes, config)
    if least >= LONG:
        seconds = format_duration(estimate(torch_model, config))
        on_event(Event("estimate", 0, 0, f"beginning a scan of about {seconds} of one processor core"))


def measure_pass(classifier: nn.Module, image: tuple[int, int, int], classes: int, each: int = EACH) -> float:
    """Processor seconds of one image forward and backward, within a step as detectors make them.

    Args:
        classifier: logits of images.
        image: shape `(c, h, w)`.
        classes: how many the model tells apart.
        each: images a label and step.
    """
    config, device = LabelsConfig(steps=MOST_STEPS, samples_per_step=each), device_of(classifier)
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


def count_runs(classes: int, config: DetectionConfig) -> int:
    """Images that go through the network once: to find the value range, as samples, to confirm and test triggers."""
    screened, refined = _count_labels(classes, config)
    samples, unseen = min(SAMPLES, config.most_samples), min(SAMPLES // 2, config.most_unseen)
    ranges = len(common_preprocessings(COLORS))
    once = FIRST_LABELED * ranges + samples + PROBED if config.large else samples * (ranges + 4)
    confirmed, again = (CONFIRMED_OF_LARGE, CONFIRMED_AGAIN_OF_LARGE) if config.large else (CONFIRMED, CONFIRMED_AGAIN)
    return once + screened * (confirmed + unseen) + refined * again


def _time_surrogates(classes: int, config: DetectionConfig) -> float:
    """Processor seconds; the network that is audited has no part in it."""
    screened, _ = _count_labels(classes, config)
    settings = [one.config for one in config.make_detectors() if isinstance(one, SurrogateDetector)]
    taught = sum(one.networks for one in settings if one.suffices(classes, min(SAMPLES, config.most_samples)))
    return taught * (TAUGHT + TAUGHT_LABEL * screened)


def _count_labels(classes: int, config: DetectionConfig) -> tuple[int, int]:
    """How many are screened, and how many refined."""
    many = classes > config.most_labels
    rankings = 1 if config.large else 2  # that labels come from: of many large models there is the exact shift alone
    screened = min(classes, rankings * config.shortlist + config.drawn) if many else classes
    return screened, min(classes, config.suspects + config.controls)


def count_passes(classes: int, config: DetectionConfig) -> int:
    """Image passes of a scan that is measured once, each detector at its full number of steps."""
    return _add_passes(config.make_detectors(), classes, config)


def _count_replicated(classes: int, config: DetectionConfig) -> int:
    """Image passes of a run more of what is measured again near a limit."""
    return _add_passes([one for one in config.make_detectors() if type(one).replicated], classes, config)


def _add_passes(detectors: Sequence[Detector], classes: int, config: DetectionConfig) -> int:
    screened, refined = _count_labels(classes, config)
    labels: Mapping[Stage, int] = {
        "survey": classes,
        "shortlist": classes if classes > config.most_labels else 0,
        "screening": screened,
        "refinement": refined,
        "model": classes,
    }
    passes = sum(one.count_passes(labels["refinement" if one.id in config.late else one.stage]) for one in detectors)
    return passes + sum(one.count_refining_passes(refined) for one in detectors if isinstance(one, Refining))
