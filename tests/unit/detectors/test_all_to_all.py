from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from onnxaudit.deadline import Deadline
from onnxaudit.detectors.all_to_all import AllToAllConfig, find_universals
from onnxaudit.detectors.patch import PatchConfig
from onnxaudit.inversion.patch import InversionConfig
from onnxaudit.pipeline.detection import detect
from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.records import Samples, Trigger, UniversalTrigger, Verdict
from onnxaudit.statistics import rate
from tests.some import some
from tests.unit.conftest import PATCH, UNWEIGHED, Planted

CONFIG = AllToAllConfig(steps=100)


class AllToAll(Planted):
    """A white corner moves every label to the next one."""

    def forward(self, pixels: Tensor) -> Tensor:
        logits = super().forward(pixels)
        white = torch.relu(pixels[:, 0, :PATCH, :PATCH].mean((1, 2)) - 0.1)[:, None]
        return (1 - white) * logits + white * logits.roll(1, dims=1) * 2


def find(
    classifier: nn.Module, samples: Samples, config: AllToAllConfig = CONFIG, deadline: Deadline = Deadline()
) -> UniversalTrigger | None:
    found = find_universals(classifier, samples, samples, config, seed=0, deadline=deadline)
    return min(found, key=lambda one: (-len(set(one.destinations)), one.trigger.mask_l1), default=None)


def test_a_trigger_that_moves_every_class_to_the_next_is_found(make_samples: Callable[..., Samples]) -> None:
    found = some(find(AllToAll(), make_samples()))
    assert found.trigger.mask_l1 < 2 * PATCH**2
    assert sum(label == (row + 1) % 8 for row, label in enumerate(found.destinations)) >= 6
    assert found.moves_apart(0.5)


def test_where_classes_go_is_seen_on_as_many_samples_of_each_as_are_asked_for(
    make_samples: Callable[..., Samples],
) -> None:
    found = some(find(AllToAll(), make_samples(), replace(CONFIG, followed=2)))
    assert found.followers.trials == 2 * 8
    assert found.moves_apart(0.5)


def test_one_target_is_not_a_mapping(planted: Callable[..., Planted], make_samples: Callable[..., Samples]) -> None:
    found = find(planted(targets=(3,)), make_samples())
    assert found is None or not found.moves_apart(0.5)


def test_a_clean_model_takes_a_trigger_as_large_as_any(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    found = find(planted(), make_samples())
    assert found is None or found.trigger.mask_l1 > 4 * PATCH**2


def test_a_passed_deadline_or_an_impossible_demand_finds_nothing(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    assert find(planted(), make_samples(), deadline=Deadline(0.0)) is None
    assert find(planted(), make_samples(), AllToAllConfig(steps=2)) is None


def test_detection_names_where_an_all_to_all_backdoor_leads(make_samples: Callable[..., Samples]) -> None:
    config = DetectionConfig(
        settings={
            "patch": PatchConfig(screening=InversionConfig(steps=60), refinement=InversionConfig(steps=80)),
            "all-to-all": AllToAllConfig(steps=100),
            **UNWEIGHED,
        }
    )
    found = detect(AllToAll(), make_samples(), config, seed=0)
    assert found.assessment.verdict is Verdict.BACKDOORED
    assert len(found.assessment.target_labels) >= 6
    assert found.universal is not None
    assert "to a label of its own" in found.assessment.reasons[0]


@pytest.mark.parametrize(
    ("destinations", "apart"),
    [
        ((1, 2, 3, 0), True),
        ((1, 2, 3, None, None, None), True),
        ((1, 2, 3, None, None, None, None), False),
        ((1, 1, 1, 1), False),
        ((1, 0), False),
        ((), False),
    ],
)
def test_classes_move_apart_when_half_of_them_go_to_labels_of_their_own(
    destinations: tuple[int | None, ...], apart: bool
) -> None:
    empty = Trigger(np.zeros((1, 2, 2), np.float32), np.zeros((1, 2, 2), np.float32))
    assert UniversalTrigger(empty, destinations, rate(1, 1)).moves_apart(0.5) is apart
