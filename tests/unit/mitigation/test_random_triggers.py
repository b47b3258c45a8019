"""Triggers that are drawn, not found."""

import numpy as np
import pytest
import torch

from onnxaudit.mitigation.random_triggers import draw_triggers


@pytest.mark.parametrize("shape", [(3, 16, 12), (1, 1, 40), (2, 1, 1)])
def test_every_trigger_is_one_rectangle_within_the_image(shape: tuple[int, int, int]) -> None:
    for trigger in draw_triggers(20, shape, torch.Generator().manual_seed(0)):
        assert (trigger.mask.shape, trigger.pattern.shape) == ((1, *shape[1:]), shape)
        assert 0.0 <= trigger.pattern.min() <= trigger.pattern.max() <= 1.0
        rows, columns = np.nonzero(trigger.mask[0])
        covered = trigger.mask[0, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert len(np.unique(covered)) == 1
        assert 0.0 < covered.max() <= 1.0
        assert covered.shape[0] <= max(1, round(0.3 * shape[1]))


def test_triggers_differ_and_follow_from_the_seed() -> None:
    first, second = (draw_triggers(5, (3, 8, 8), torch.Generator().manual_seed(3)) for _ in range(2))
    assert [one.digest for one in first] == [one.digest for one in second]
    assert len({one.digest for one in first}) == 5
