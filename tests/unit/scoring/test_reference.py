import hashlib
import json
from dataclasses import replace
from importlib.resources import files

import pytest

from onnxaudit.scoring.reference import Known, Likeness, bound_rate, compare_score, read_known, weigh_likeness
from tests.unit.tools.calibration.test_constants import TABLE
from tools.calibration.table import read_table

LIKE = Likeness(classes=10, side=32.0, accuracy=0.9, architecture="convolutional")


def know(*scores: float, backdoored: bool = False) -> list[Known]:
    return [Known(likeness=LIKE, backdoored=backdoored, score=score) for score in scores]


def test_a_p_value_is_the_share_of_models_alike_that_are_as_extreme_and_the_model_itself() -> None:
    found = compare_score(0.5, LIKE, [*know(0.1, 0.2, 0.5, 0.9), *know(0.4, 0.6, backdoored=True)])
    assert found.clean == pytest.approx(3 / 5)
    assert found.backdoored == pytest.approx(2 / 3)
    assert (found.like_clean, found.like_backdoored) == (4, 2)


def test_models_that_differ_count_less_and_p_values_say_less() -> None:
    known = know(*([0.1] * 50))
    near, far = (compare_score(0.9, replace(LIKE, classes=classes), known) for classes in (10, 80))
    assert near.clean == pytest.approx(1 / 51)
    assert far.clean > 0.2
    assert far.like_clean < near.like_clean


@pytest.mark.parametrize(
    "other",
    [
        replace(LIKE, classes=20),
        replace(LIKE, side=64.0),
        replace(LIKE, accuracy=0.5),
        replace(LIKE, architecture="tokens"),
    ],
)
def test_likeness_is_mutual_and_falls_with_each_difference(other: Likeness) -> None:
    assert weigh_likeness(LIKE, LIKE) == 1.0
    assert weigh_likeness(LIKE, other) == weigh_likeness(other, LIKE) < 1.0


def test_an_unknown_accuracy_is_no_difference() -> None:
    assert weigh_likeness(LIKE, replace(LIKE, accuracy=None)) == 1.0


def test_what_is_no_image_or_has_few_classes_is_like_no_model_of_images_and_more() -> None:
    assert weigh_likeness(LIKE, replace(LIKE, side=0.0)) == 0.0
    assert weigh_likeness(LIKE, replace(LIKE, classes=9)) == 0.0


def test_a_race_is_like_nothing_but_races() -> None:
    raced = replace(LIKE, raced=True)
    assert weigh_likeness(LIKE, raced) == weigh_likeness(raced, LIKE) == 0.0
    assert weigh_likeness(raced, raced) == 1.0


@pytest.mark.parametrize(("models", "rate"), [(299, 0.01), (58, 0.05), (0, 1.0)])
def test_so_many_models_without_an_alarm_promise_no_lower_rate(models: int, rate: float) -> None:
    assert bound_rate(models) == pytest.approx(rate, abs=0.001)


def test_the_known_models_are_those_of_the_kept_table() -> None:
    text = (files("onnxaudit.scoring") / "reference.json").read_text(encoding="utf-8")
    assert json.loads(text)["table_sha256"] == hashlib.sha256(TABLE.read_bytes()).hexdigest()
    rows = [row for row in read_table(TABLE) if row.held_out]
    assert len(read_known()) == 194 + len(rows)
    assert sum(one.backdoored for one in read_known()) == 83 + sum(row.backdoored for row in rows)
