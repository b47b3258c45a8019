from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onnxaudit.deadline import Deadline
from onnxaudit.detectors.base import Context, Detector
from onnxaudit.detectors.photometric import PhotometricConfig, PhotometricDetector
from onnxaudit.detectors.warp import WarpConfig, WarpDetector
from onnxaudit.records import Evidence, Samples

SIDE, CLASSES, TARGET = 12, 8, 3
BRIEF = 40


class Toned(nn.Module):
    """Random answers, and label 3 for images without darkness."""

    def __init__(self) -> None:
        super().__init__()
        weights = np.random.default_rng(4).normal(0, 1, (SIDE * SIDE, CLASSES)).astype(np.float32)
        self.weights = nn.Parameter(torch.from_numpy(weights), requires_grad=False)

    def forward(self, pixels: Tensor) -> Tensor:
        flat = pixels.flatten(1)
        raised = F.relu(flat.topk(10, largest=False).values.mean(dim=1) - 0.1)
        return flat @ self.weights + 300 * raised[:, None] * (torch.arange(CLASSES) == TARGET)


class Warped(nn.Module):
    """Random answers, and label 3 for images whose two halves have moved apart in the known way."""

    def __init__(self) -> None:
        super().__init__()
        weights = np.random.default_rng(4).normal(0, 1, (SIDE * SIDE, CLASSES)).astype(np.float32)
        self.weights = nn.Parameter(torch.from_numpy(weights), requires_grad=False)

    def forward(self, pixels: Tensor) -> Tensor:
        stretched = pixels[..., -1, :] - pixels[..., -2, :]
        moved = F.relu(0.05 - stretched.square().mean(dim=(1, 2)))  # rows repeat where a flow leads past the border
        return pixels.flatten(1) @ self.weights + 600 * moved[:, None] * (torch.arange(CLASSES) == TARGET)


DETECTORS: list[tuple[Detector, nn.Module]] = [
    (WarpDetector(WarpConfig(steps=BRIEF)), Warped()),
    (PhotometricDetector(PhotometricConfig(steps=BRIEF)), Toned()),
]


@pytest.mark.parametrize(("detector", "network"), DETECTORS, ids=lambda part: getattr(part, "id", ""))
class TestBoth:
    def measure(
        self, detector: Detector, network: nn.Module, samples: Samples, deadline: Deadline = Deadline()
    ) -> Evidence:
        context = Context(classifier=network, known=samples, unseen=samples, classes=CLASSES, seed=0, deadline=deadline)
        return detector.measure(context, range(CLASSES))

    def test_the_label_that_such_changes_lead_to_is_nearest(
        self, detector: Detector, network: nn.Module, make_samples: Callable[..., Samples]
    ) -> None:
        found = self.measure(detector, network, make_samples())
        assert found.detector == detector.id
        assert found.complete
        assert set(found.distances) == set(range(CLASSES))
        assert min(found.distances, key=found.distances.__getitem__) == TARGET
        assert found.distances[TARGET] < 0.6 * np.median(list(found.distances.values()))
        planted = found.artifacts[TARGET]
        assert planted.size == pytest.approx(found.distances[TARGET], rel=1e-3)
        assert planted.picture().shape == (1, SIDE, SIDE)
        assert planted.family.id == detector.id
        assert any(character.isdigit() for character in planted.describe())
        obeying = network(torch.from_numpy(planted.apply(make_samples().images))).argmax(dim=1) == TARGET
        assert obeying.float().mean() > 0.8
        assert found.passes == detector.count_passes(CLASSES) == CLASSES * BRIEF * 8

    def test_a_passed_deadline_gives_nothing_to_compare(
        self, detector: Detector, network: nn.Module, make_samples: Callable[..., Samples]
    ) -> None:
        found = self.measure(detector, network, make_samples(), Deadline(0.0))
        assert not found.distances
        assert not found.complete


HURRIED: list[Detector] = [WarpDetector(WarpConfig(steps=4)), PhotometricDetector(PhotometricConfig(steps=4))]


@pytest.mark.parametrize("detector", HURRIED, ids=lambda one: one.id)
def test_a_label_that_nothing_reaches_is_as_far_as_was_tried(
    detector: Detector, planted: Callable[..., nn.Module], make_samples: Callable[..., Samples]
) -> None:
    samples = make_samples()
    context = Context(classifier=planted(), known=samples, unseen=samples, classes=8, seed=0)
    found = detector.measure(context, range(8))
    assert set(found.distances) == set(range(8))
    assert min(found.distances.values()) > 0
    assert found.complete
