from argparse import Namespace
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.repair_table import CELLS, find_cell
from tools.make_cells import SPARE, count_made, list_missing
from tools.networks import ARCHITECTURES
from tools.zoo.cells import list_cells
from tools.zoo.publishing import write_json
from tools.zoo.sources import SOURCES
from tools.zoo.teaching import IMAGE_PASSES


def test_recipes_fill_exactly_the_cells_of_the_table() -> None:
    recipes = [next(cell.recipes()) for cell in list_cells(SOURCES)]
    truths = [
        {"dataset": r.dataset, "architecture": r.architecture, "attack": r.kind, "backdoored": r.backdoored}
        for r in recipes
    ]
    assert {find_cell(truth) for truth in truths} == set(CELLS)
    assert len(recipes) == len(CELLS)


def test_no_two_models_of_the_table_share_a_name_or_a_start() -> None:
    recipes = [recipe for cell in list_cells(SOURCES) for recipe in islice(cell.recipes(), 4)]
    assert len({recipe.name for recipe in recipes}) == len(recipes)


def test_every_architecture_of_the_table_can_be_trained() -> None:
    used = {cell.architecture for cell in list_cells(SOURCES)}
    assert used <= set(ARCHITECTURES)
    assert used <= set(IMAGE_PASSES)


def test_drawn_signs_stand_in_where_there_is_no_archive_of_photographs() -> None:
    drawn = tuple(source for source in SOURCES if source.name == "signs")
    assert {cell.source.name for cell in list_cells(drawn)} == {"signs"}
    assert "signs" not in {cell.source.name for cell in list_cells(SOURCES)}


@pytest.fixture
def options(tmp_path: Path) -> Namespace:
    (tmp_path / "truth").mkdir()
    return Namespace(output=tmp_path, models=2)


def test_cells_that_lack_models_go_on_with_their_next_recipe(options: Namespace) -> None:
    cell = list_cells(SOURCES)[0]
    first, second, third = islice(cell.recipes(), 3)
    assert list_missing([cell], options) == [first]
    (options.output / "truth" / f"{first.name}.json").touch()
    write_json(options.output / "rejected.json", {second.name: "too weak"})
    assert list_missing([cell], options) == [third]
    assert count_made(cell, options) == 1
    (options.output / "truth" / f"{third.name}.json").touch()
    assert list_missing([cell], options) == []


def test_a_cell_whose_spare_recipes_all_fail_is_given_up(options: Namespace) -> None:
    cell = list_cells(SOURCES)[0]
    tried = islice(cell.recipes(), options.models + SPARE)
    write_json(options.output / "rejected.json", {recipe.name: "too weak" for recipe in tried})
    assert list_missing([cell], options) == []
    assert count_made(cell, options) == 0
