"""Which recipes a zoo asks for."""

import argparse
from itertools import islice
from pathlib import Path

from tools.make_zoo import find_open_recipes
from tools.zoo.sources import SOURCES


def options(folder: Path, first: int, only: list[str] | None = None) -> argparse.Namespace:
    return argparse.Namespace(output=folder, only=only, series=1, classes=[], first=first, length=1.0)


def test_recipes_begin_at_the_first_number(tmp_path: Path) -> None:
    recipes = islice(find_open_recipes(SOURCES, options(tmp_path, first=1000)), 3)
    assert [recipe.number for recipe in recipes] == [1000, 1001, 1002]


def test_a_recipe_that_was_rejected_is_not_tried_again(tmp_path: Path) -> None:
    rejected = next(find_open_recipes(SOURCES, options(tmp_path, first=5)))
    (tmp_path / "rejected.json").write_text(f'{{"{rejected.name}": "badnets: accuracy 0.1 is below 0.5"}}')
    assert next(find_open_recipes(SOURCES, options(tmp_path, first=5))).number == 6


def test_only_the_wanted_kinds_are_asked_for(tmp_path: Path) -> None:
    recipes = islice(find_open_recipes(SOURCES, options(tmp_path, first=0, only=["warp"])), 4)
    assert {recipe.kind for recipe in recipes} == {"warp"}
