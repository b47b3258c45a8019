from typing import Any

import pytest

from benchmarks.repair_table import (
    CELLS,
    Cell,
    find_cell,
    format_cells,
    format_others,
    format_summaries,
    group,
    read_figures,
    sum_up,
)
from tests.some import some

SIGNS, FACES = Cell("signs", "LeNet-5", "random"), Cell("faces", "ResNet", "weights")


def treated(accuracy: float, *success: float, agreement: float = 0.98, seconds: float = 2.0) -> dict[str, Any]:
    return {"accuracy": accuracy, "true_asr": list(success), "agreement": agreement, "seconds": seconds}


def row(cell: Cell, **ways: Any) -> dict[str, Any]:
    ways = {"none": {"accuracy": 0.9, "true_asr": [1.0]}, **ways}
    return {"cell": [cell.data, cell.network, cell.trigger], "ways": ways}


def test_the_table_has_a_cell_for_each_combination() -> None:
    assert len(CELLS) == 2 * 3 * 3
    assert len(set(CELLS)) == 18


@pytest.mark.parametrize(
    ("dataset", "architecture", "attack", "cell"),
    [
        ("gtsrb32", "vgg16", "trojan-activation", Cell("signs", "VGG", "activation")),
        ("faces_yaleb", "resnet8", "trojan-weights", Cell("faces", "ResNet", "weights")),
        ("gtsrb32", "mobile", "badnets", None),
        ("mnist", "lenet", "badnets", None),
        ("gtsrb32", "lenet", "warp", None),
    ],
)
def test_models_belong_to_the_cell_of_their_data_network_and_attack(
    dataset: str, architecture: str, attack: str, cell: Cell | None
) -> None:
    truth = {"dataset": dataset, "architecture": architecture, "attack": attack, "backdoored": True}
    assert find_cell(truth) == cell
    assert find_cell(truth | {"backdoored": False, "attack": None}) is None


def test_the_strongest_of_several_true_triggers_counts() -> None:
    figures = some(read_figures(row(SIGNS, full=treated(0.85, 0.1, 0.3)), "full"))
    assert figures.success == 0.3
    assert figures.cost == pytest.approx(0.3 + 0.05)


def test_a_way_that_failed_has_no_figures_and_is_counted_as_missing() -> None:
    rows = [row(SIGNS, full={"error": "no"}), row(FACES, full=treated(0.9, 0.0))]
    (summary,) = sum_up(rows, ["full"])
    assert (summary.cells, summary.missing) == (1, 1)
    assert read_figures(rows[0], "full") is None


def test_cells_weigh_alike_however_many_runs_they_have() -> None:
    rows = [row(SIGNS, full=treated(0.9, success)) for success in (0.0, 0.2)] + [row(FACES, full=treated(0.9, 0.5))]
    (summary,) = sum_up(rows, ["full"])
    assert summary.success == pytest.approx((0.1 + 0.5) / 2)
    assert summary.worst_success == 0.5


def test_ways_are_ranked_by_what_is_left_of_the_attack_plus_accuracy_lost() -> None:
    rows = [row(SIGNS, a=treated(0.5, 0.0), b=treated(0.9, 0.1), c=treated(0.8, 0.1))]
    assert [summary.way for summary in sum_up(rows, ["none", "a", "b", "c"])] == ["b", "c", "a", "none"]


def test_the_table_shows_cells_without_models_and_the_worst_of_several_runs() -> None:
    lines = format_cells([row(SIGNS, full=treated(0.9, success)) for success in (0.0, 0.2)], ["none", "full"])
    (line,) = [line for line in lines if line.startswith(str(SIGNS))]
    assert "10.0 (20.0)" in line
    assert sum(line.endswith("no model") for line in lines) == 17


def test_rows_are_grouped_in_the_order_of_the_table() -> None:
    groups = group([row(FACES), row(SIGNS)])
    assert list(groups) == list(CELLS)
    assert len(groups[SIGNS]) == len(groups[FACES]) == 1


def test_the_ranking_says_so_where_nothing_is_known_of_seconds() -> None:
    bare = {"accuracy": 0.9, "true_asr": [0.5]}
    lines = format_summaries(sum_up([row(SIGNS, full=bare)], ["full"]))
    assert lines[1].split()[-1] == "-"


def test_other_attacks_have_a_table_of_their_own() -> None:
    warped = row(SIGNS, full=treated(0.88, 0.05)) | {"cell": None, "attack": "warp", "model": "m-1"}
    inside = row(SIGNS, full=treated(0.8, 0.5)) | {"model": "m-2"}
    lines = format_others([inside, warped], ["none", "full"])
    assert [line.split() for line in lines[1:]] == [["warp", "m-1", "90.0", "100.0", "88.0", "5.0"]]
    assert sum_up([inside, warped], ["full"])[0].success == 0.5
    assert format_others([inside], ["full"]) == []
