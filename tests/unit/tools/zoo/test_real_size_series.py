from pathlib import Path

import numpy as np
import pytest

from tools.bodies import BODIES, make_body
from tools.networks import ARCHITECTURES
from tools.zoo.real_size_series import PATTERN, SOURCES, make_real_recipe

MANY = [make_real_recipe(number, SOURCES, bodies=None) for number in range(96)]


def test_every_second_model_is_clean() -> None:
    assert [recipe.backdoored for recipe in MANY] == [True, False] * 48


def test_clean_and_backdoored_models_share_bodies_sizes_and_class_counts() -> None:
    for backdoored in (False, True):
        alike = [recipe for recipe in MANY if recipe.backdoored == backdoored]
        assert {recipe.architecture for recipe in alike} == {*BODIES, "resnet18"}
        assert {recipe.side for recipe in alike} >= {96, 112, 128, 160}
        assert {recipe.class_count for recipe in alike} == {10, 15, 26, 43}


def test_every_body_meets_most_attacks() -> None:
    attacks = len({kind for kind in PATTERN if not kind.startswith("clean")})
    for body in (*BODIES, "resnet18"):
        met = {recipe.kind for recipe in MANY if recipe.architecture == body and recipe.backdoored}
        assert len(met) >= attacks // 2


def test_attacks_stay_within_their_bounds() -> None:
    for recipe in MANY:
        if recipe.attack:
            assert recipe.class_count <= max(recipe.attack.most_classes, 10)
            assert recipe.attack.rates[0] <= recipe.rate <= recipe.attack.rates[1]


def test_wanted_class_counts_are_kept() -> None:
    assert {make_real_recipe(number, SOURCES, [5], bodies=None).class_count for number in range(12)} == {5}


def test_names_of_bodies_are_no_names_of_networks() -> None:
    assert not BODIES.keys() & ARCHITECTURES.keys()


@pytest.mark.parametrize("name", BODIES)
def test_missing_weights_name_the_package(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="lacks the package"):
        make_body(name, tmp_path, side=96, classes=3)


def test_random_numbers_are_those_of_no_other_series() -> None:
    drawn = [recipe.rng(3).random() for recipe in MANY]
    assert len(np.unique(drawn)) == len(drawn)
