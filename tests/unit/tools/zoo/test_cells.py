from itertools import islice

from benchmarks.repair_table import CELLS, find_cell
from tools.networks import ARCHITECTURES
from tools.zoo.cells import list_cells
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
