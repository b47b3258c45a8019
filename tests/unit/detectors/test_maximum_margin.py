from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from onnxaudit.deadline import Deadline
from onnxaudit.detectors.base import Context
from onnxaudit.detectors.maximum_margin import MaximumMargin, MaximumMarginConfig, maximize_margins
from onnxaudit.records import Evidence, Samples
from tests.unit.conftest import Planted

SHAPE = (1, 12, 12)


CONFIG = MaximumMarginConfig(steps=40)


def maximize(
    classifier: nn.Module, config: MaximumMarginConfig = CONFIG, deadline: Deadline = Deadline()
) -> dict[int, float]:
    return maximize_margins(classifier, SHAPE, 8, config, seed=0, deadline=deadline)


def test_a_planted_target_can_be_driven_furthest(planted: Callable[..., Planted]) -> None:
    margins = maximize(planted(targets=(3,)))
    assert max(margins, key=margins.__getitem__) == 3
    others = sorted(margins.values())
    assert others[-1] > 1.5 * others[len(others) // 2]


def test_the_largest_other_logit_never_is_the_labels_own() -> None:
    class Shifted(nn.Module):
        """All logits far below zero, where a mask of -1000 would be the largest."""

        def forward(self, pixels: Tensor) -> Tensor:
            return pixels.mean((1, 2, 3))[:, None] * torch.arange(8) - 5000.0

    margins = maximize(Shifted())
    assert margins == {7: pytest.approx(1.0, abs=0.1)}


def test_a_label_that_never_comes_ahead_or_answers_nan_is_missing() -> None:
    class Nan(nn.Module):
        def forward(self, pixels: Tensor) -> Tensor:
            return pixels.mean((1, 2, 3))[:, None] * torch.full((8,), torch.nan)

    assert maximize(Nan()) == {}


def test_chunks_make_no_difference(planted: Callable[..., Planted]) -> None:
    classifier = planted(targets=(3,))
    pieces = maximize(classifier, MaximumMarginConfig(steps=10, chunk_pixels=1))
    assert maximize(classifier, MaximumMarginConfig(steps=10)) == pytest.approx(pieces, rel=1e-4)


def test_a_passed_deadline_gives_nothing_to_compare(planted: Callable[..., Planted]) -> None:
    assert maximize(planted(), deadline=Deadline(0.0)) == {}


def test_where_classes_are_ranked_already_nothing_is_driven(
    planted: Callable[..., Planted], make_samples: Callable[..., Samples]
) -> None:
    samples = make_samples()
    context = Context(classifier=planted(), known=samples, unseen=samples, classes=8, seed=0)
    ranked = {"sonar": Evidence(detector="sonar", distances={0: 1.0})}
    alone = MaximumMargin(MaximumMarginConfig(steps=4, alone=True))
    assert not alone.measure(replace(context, earlier=ranked), range(8)).distances
    assert set(alone.measure(context, range(8)).distances) == set(range(8))
