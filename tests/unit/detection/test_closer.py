import numpy as np
import pytest

from onnxaudit.detection import DetectionConfig
from onnxaudit.detection.closer import choose_labels, count_represented, merge, sizes_of
from onnxaudit.records import Inversion, LabelStatus, Trigger

CONFIG = DetectionConfig()


def inversion(label, size, status=LabelStatus.SETTLED, passes=100):
    mask = np.full((1, 10, 10), size / 100, np.float32)
    return Inversion(label, Trigger(mask, np.zeros((1, 10, 10), np.float32)), 1.0, status, passes)


def looks(sizes):
    return [inversion(label, size) for label, size in enumerate(sizes)]


def test_smallest_labels_are_suspects_and_ten_others_controls():
    sizes = np.random.default_rng(0).permutation(np.linspace(20, 40, 43))
    roles = choose_labels(looks(sizes), {}, CONFIG, seed=0)
    suspects = [label for label, role in roles.items() if role == "suspect"]
    assert suspects == np.argsort(sizes)[: CONFIG.suspects].tolist()
    assert len(roles) == CONFIG.suspects + CONFIG.controls


def test_every_outlier_is_a_suspect_however_many():
    roles = choose_labels(looks([3.0] * 8 + np.linspace(40, 60, 35).tolist()), {}, CONFIG, seed=0)
    assert {label for label, role in roles.items() if role == "suspect"} == set(range(8))


def test_controls_are_drawn_by_seed():
    sizes = np.linspace(20, 40, 100).tolist()
    first, again, other = (choose_labels(looks(sizes), {}, CONFIG, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_all_labels_are_looked_at_where_there_are_few():
    roles = choose_labels(looks(np.linspace(20, 40, 10).tolist()), {}, CONFIG, seed=0)
    assert sorted(roles) == list(range(10))


def test_controls_stand_for_all_labels_that_they_were_drawn_from():
    represented = count_represented({7: "suspect", 1: "control", 2: "control"}, settled=43)
    assert represented == {7: 1.0, 1: 21.0, 2: 21.0}
    assert sum(represented.values()) == 43


@pytest.mark.parametrize("status", [LabelStatus.UNREACHED, LabelStatus.UNFINISHED])
def test_labels_without_a_trigger_are_left_out(status):
    found = [inversion(0, 0.0, status), *looks([0, 20, 21, 22])[1:]]
    assert 0 not in choose_labels(found, {}, CONFIG, seed=0)
    assert 0 not in sizes_of(found)


def test_no_labels_at_all_are_no_error():
    assert choose_labels([], {}, CONFIG, seed=0) == {}


def test_smaller_trigger_of_both_looks_counts_and_passes_add_up():
    merged = merge([inversion(0, 9), inversion(1, 9), inversion(2, 9)], [inversion(0, 5), inversion(1, 12)])
    assert [one.trigger.mask_l1 for one in merged.values()] == pytest.approx([5, 9, 9], abs=1e-4)
    assert [one.passes for one in merged.values()] == [200, 200, 100]


def test_label_whose_closer_look_was_cut_short_is_unfinished():
    merged = merge([inversion(0, 9)], [inversion(0, 5, LabelStatus.UNFINISHED)])
    assert merged[0].status is LabelStatus.UNFINISHED
    assert merged[0].trigger.mask_l1 == pytest.approx(9, abs=1e-4)


def test_trigger_of_the_first_look_stays_where_the_closer_one_found_none():
    merged = merge([inversion(0, 9)], [inversion(0, 5, LabelStatus.UNREACHED)])
    assert merged[0].status is LabelStatus.SETTLED
    assert merged[0].trigger.mask_l1 == pytest.approx(9, abs=1e-4)


def test_labels_with_the_shortest_shifts_are_suspects_too():
    sizes = np.linspace(20, 40, 43).tolist()
    shifts = dict.fromkeys(range(43), 1.0) | {40: 0.5, 41: 0.6, 42: 0.7}
    roles = choose_labels(looks(sizes), shifts, CONFIG, seed=0)
    assert {label for label, role in roles.items() if role == "suspect"} == {0, 1, 2, 3, 4, 40, 41}
