import numpy as np
import pytest

from onnxaudit.detectors.patch import merge, sizes_of
from onnxaudit.records import Inversion, LabelStatus, Trigger


def inversion(label: int, size: float, status: LabelStatus = LabelStatus.SETTLED, passes: int = 100) -> Inversion:
    mask = np.full((1, 10, 10), size / 100, np.float32)
    return Inversion(label, Trigger(mask, np.zeros((1, 10, 10), np.float32)), 1.0, status, passes)


@pytest.mark.parametrize("status", [LabelStatus.UNREACHED, LabelStatus.UNFINISHED])
def test_labels_without_a_trigger_have_no_size(status: LabelStatus) -> None:
    assert sizes_of([inversion(0, 0.0, status), inversion(1, 20)]) == {1: pytest.approx(20)}


def test_smaller_trigger_of_both_counts_and_passes_add_up() -> None:
    merged = merge({label: inversion(label, 9) for label in range(3)}, {0: inversion(0, 5), 1: inversion(1, 12)})
    assert [one.trigger.mask_l1 for one in merged.values()] == pytest.approx([5, 9, 9], abs=1e-4)
    assert [one.passes for one in merged.values()] == [200, 200, 100]


def test_label_whose_refinement_was_cut_short_is_unfinished() -> None:
    merged = merge({0: inversion(0, 9)}, {0: inversion(0, 5, LabelStatus.UNFINISHED)})
    assert merged[0].status is LabelStatus.UNFINISHED
    assert merged[0].trigger.mask_l1 == pytest.approx(9, abs=1e-4)


def test_trigger_of_screening_stays_where_refinement_found_none() -> None:
    merged = merge({0: inversion(0, 9)}, {0: inversion(0, 5, LabelStatus.UNREACHED)})
    assert merged[0].status is LabelStatus.SETTLED
    assert merged[0].trigger.mask_l1 == pytest.approx(9, abs=1e-4)
