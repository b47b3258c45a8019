import math
from dataclasses import replace

import pytest

from benchmarks.detection import Row, measure_auroc, measure_entropy, sum_up


def row(attack: str, score: float) -> Row:
    return Row(
        model="name",
        attack=attack,
        architecture="lenet",
        dataset="signs",
        classes=10,
        targets=[3],
        verdict="clean",
        score=score,
        found=[],
        plain=[],
        plain_score=0.0,
        seconds=1.0,
    )


def test_auroc_counts_pairs_and_halves_ties() -> None:
    rows = [row("badnets", 0.9), row("badnets", 0.2), row("clean", 0.2), row("clean", 0.1)]
    assert measure_auroc(rows, lambda one: one.score) == pytest.approx(3.5 / 4)


def test_entropy_clips_scores_and_weighs_both_kinds_alike() -> None:
    rows = [row("badnets", 1.0), row("clean", 0.0), row("clean", 0.5)]
    expected = (-math.log(0.99) + (-math.log(0.99) - math.log(0.5)) / 2) / 2
    assert measure_entropy(rows) == pytest.approx(expected)


def test_one_kind_alone_has_no_auroc() -> None:
    assert math.isnan(measure_auroc([row("clean", 0.5)], lambda one: one.score))


def test_all_models_together_are_shares_of_each_kind() -> None:
    caught = replace(row("badnets", 0.9), verdict="backdoored", found=[3])
    together = sum_up([caught, row("badnets", 0.2), row("clean", 0.1)])
    assert (together["detected"], together["target_first"], together["false_negative_rate"]) == (0.5, 0.5, 0.5)
    assert (together["false_positive_rate"], together["auroc"]) == (0.0, 1.0)
