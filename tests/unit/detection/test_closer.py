from collections.abc import Sequence

import numpy as np
import pytest

from onnxaudit.detection import DetectionConfig
from onnxaudit.detection.closer import choose_labels, find_normal, merge, sizes_of
from onnxaudit.records import Inversion, LabelStatus, Trigger
from onnxaudit.scoring.verdict import Evidence
from onnxaudit.statistics import rate

CONFIG = DetectionConfig()


def inversion(label: int, size: float, status: LabelStatus = LabelStatus.SETTLED, passes: int = 100) -> Inversion:
    mask = np.full((1, 10, 10), size / 100, np.float32)
    return Inversion(label, Trigger(mask, np.zeros((1, 10, 10), np.float32)), 1.0, status, passes)


def weighed(sizes: Sequence[float]) -> list[Evidence]:
    """The smaller, the stronger the evidence."""
    order = np.argsort(sizes)
    return [Evidence(int(label), {}, -float(rank), sizes[label], rate(1, 1)) for rank, label in enumerate(order)]


def test_labels_with_the_strongest_evidence_are_suspects_and_others_controls() -> None:
    sizes = np.random.default_rng(0).permutation(np.linspace(20, 40, 43))
    roles = choose_labels(weighed(sizes), CONFIG, seed=0)
    suspects = [label for label, role in roles.items() if role == "suspect"]
    assert suspects == np.argsort(sizes)[: CONFIG.suspects].tolist()
    assert len(roles) == CONFIG.suspects + CONFIG.controls


def test_controls_are_drawn_by_seed() -> None:
    sizes = np.linspace(20, 40, 100)
    first, again, other = (choose_labels(weighed(sizes), CONFIG, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_all_labels_are_looked_at_where_there_are_few() -> None:
    assert sorted(choose_labels(weighed(np.linspace(20, 40, 10)), CONFIG, seed=0)) == list(range(10))


def test_a_label_without_a_trigger_is_neither_suspect_nor_control() -> None:
    evidence = [Evidence(0, {}, 9.0, None, rate(0, 0)), *weighed(np.array([np.inf, 20, 21, 22]))[:3]]
    assert 0 not in choose_labels(evidence, CONFIG, seed=0)


def test_no_labels_at_all_are_no_error() -> None:
    assert choose_labels([], CONFIG, seed=0) == {}
    assert find_normal({}, {}, 0) is None


def test_few_suspects_do_not_make_small_sizes_look_normal() -> None:
    roles = dict.fromkeys(range(5), "suspect") | dict.fromkeys(range(5, 9), "control")
    sizes = {label: 2.0 if label < 5 else 40.0 for label in roles}
    assert find_normal(sizes, roles, settled=43) == 40.0
    assert find_normal(sizes, roles, settled=9) == 2.0


def test_with_equal_weights_normal_is_the_median() -> None:
    roles = dict.fromkeys(range(4), "suspect")
    assert find_normal({0: 1.0, 1: 2.0, 2: 4.0, 3: 9.0}, roles, settled=4) == 3.0


@pytest.mark.parametrize("status", [LabelStatus.UNREACHED, LabelStatus.UNFINISHED])
def test_labels_without_a_trigger_have_no_size(status: LabelStatus) -> None:
    assert sizes_of([inversion(0, 0.0, status), inversion(1, 20)]) == {1: pytest.approx(20)}


def test_smaller_trigger_of_both_looks_counts_and_passes_add_up() -> None:
    merged = merge({label: inversion(label, 9) for label in range(3)}, [inversion(0, 5), inversion(1, 12)])
    assert [one.trigger.mask_l1 for one in merged.values()] == pytest.approx([5, 9, 9], abs=1e-4)
    assert [one.passes for one in merged.values()] == [200, 200, 100]


def test_label_whose_closer_look_was_cut_short_is_unfinished() -> None:
    merged = merge({0: inversion(0, 9)}, [inversion(0, 5, LabelStatus.UNFINISHED)])
    assert merged[0].status is LabelStatus.UNFINISHED
    assert merged[0].trigger.mask_l1 == pytest.approx(9, abs=1e-4)


def test_trigger_of_the_first_look_stays_where_the_closer_one_found_none() -> None:
    merged = merge({0: inversion(0, 9)}, [inversion(0, 5, LabelStatus.UNREACHED)])
    assert merged[0].status is LabelStatus.SETTLED
    assert merged[0].trigger.mask_l1 == pytest.approx(9, abs=1e-4)
