import pytest

from onnxaudit.detectors.comparison import Role, compare, fill_unreached, find_median, find_normal


def test_ratios_are_relative_to_the_median() -> None:
    assert compare({0: 10.0, 1: 20.0, 2: 40.0}) == {0: 2.0, 1: 1.0, 2: 0.5}
    assert compare({0: 10.0}, normal=30.0) == {0: 3.0}
    assert compare({}) == {}


def test_nothing_measured_has_no_normal() -> None:
    assert find_normal({}, {}, 0) is None
    assert find_median({}, {1, 2}) is None


def test_labels_that_were_drawn_show_what_is_normal() -> None:
    assert find_median({0: 1.0, 1: 10.0, 2: 30.0}, {1, 2, 3}) == pytest.approx(20.0)


def test_a_label_that_was_not_reached_is_as_far_as_the_farthest() -> None:
    assert fill_unreached({0: 1.0, 1: 4.0}, range(3)) == {0: 1.0, 1: 4.0, 2: 4.0}
    assert fill_unreached({}, range(3)) == {}


def test_few_suspects_do_not_make_small_sizes_look_normal() -> None:
    roles: dict[int, Role] = {label: "suspect" if label < 5 else "control" for label in range(9)}
    sizes = {label: 2.0 if label < 5 else 40.0 for label in roles}
    assert find_normal(sizes, roles, settled=43) == 40.0
    assert find_normal(sizes, roles, settled=9) == 2.0


def test_with_equal_weights_normal_is_the_median() -> None:
    roles: dict[int, Role] = dict.fromkeys(range(4), "suspect")
    assert find_normal({0: 1.0, 1: 2.0, 2: 4.0, 3: 9.0}, roles, settled=4) == 3.0
