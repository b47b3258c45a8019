from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from onnxaudit.deadline import Deadline
from onnxaudit.detectors.base import Context
from onnxaudit.detectors.source_specific import SourceSpecific, SourceSpecificConfig
from onnxaudit.inversion.pairs import PairsConfig
from onnxaudit.records import Samples
from tests.some import some
from tests.unit.conftest import PATCH, SIDE, Planted

SOURCE, TARGET = 2, 5
CONFIG = SourceSpecificConfig(inversion=PairsConfig(steps=50))


class OneWay(Planted):
    """A white corner sends images of one class to another, and does nothing to the rest."""

    def forward(self, pixels: Tensor) -> Tensor:
        logits = super().forward(pixels)
        white = pixels[:, 0, :PATCH, :PATCH].sum((1, 2)) / PATCH**2
        # Half-covered images are hardly nearest to anything: a sharper gate would have no slope there.
        of_source = torch.softmax(logits / 4, dim=1)[:, SOURCE, None]
        return logits + of_source * 400 * torch.relu(white - 0.1)[:, None] * (torch.arange(logits.shape[1]) == TARGET)


def open_context(classifier: Planted, samples: Samples, deadline: Deadline = Deadline()) -> Context:
    labels = some(samples.labels)
    halves = [replace(samples, images=samples.images[part::2], labels=labels[part::2]) for part in (0, 1)]
    return Context(classifier=classifier, known=halves[0], unseen=halves[1], classes=8, seed=0, deadline=deadline)


def test_a_trigger_for_one_class_alone_is_found_with_its_source(make_samples: Callable[..., Samples]) -> None:
    found = SourceSpecific(CONFIG).measure(open_context(OneWay(), make_samples()), range(8))
    assert max(found.ratios, key=lambda label: found.ratios[label]) == TARGET
    assert found.ratios[TARGET] > 1.8
    assert found.artifacts[TARGET].source == SOURCE
    assert found.distances[TARGET] < 3 * PATCH**2


def test_a_clean_model_has_no_way_that_stands_out(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    found = SourceSpecific(CONFIG).measure(open_context(planted(), make_samples()), range(8))
    assert max(found.ratios.values()) < 1.8
    assert min(found.ratios.values()) >= 1.0


def test_too_many_pairs_or_too_few_images_are_left_alone(make_samples: Callable[..., Samples]) -> None:
    few = SourceSpecific(SourceSpecificConfig(most_pairs=50))
    assert not few.measure(open_context(OneWay(), make_samples()), range(8)).ratios
    assert few.count_passes(8) == 0
    one_each = Samples(np.zeros((8, 1, SIDE, SIDE), np.float32), np.arange(8), "blank")
    assert not SourceSpecific(CONFIG).measure(open_context(OneWay(), one_each), range(8)).ratios


def test_a_passed_deadline_is_told(make_samples: Callable[..., Samples]) -> None:
    found = SourceSpecific(CONFIG).measure(open_context(OneWay(), make_samples(), Deadline(0.0)), range(8))
    assert not found.complete
    assert not found.ratios


def test_the_course_of_a_pair_does_not_depend_on_its_company(make_samples: Callable[..., Samples]) -> None:
    context = open_context(OneWay(), make_samples())
    both = [SourceSpecific(CONFIG).measure(context, labels).distances for labels in (range(8), range(4, 6))]
    assert both[0].keys() >= both[1].keys() == {4, 5}
