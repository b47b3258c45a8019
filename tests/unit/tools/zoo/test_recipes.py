from collections import Counter

import pytest

from tools.zoo.recipes import ATTACKS, PATTERN, RATES, make_recipe
from tools.zoo.second_series import make_varied_recipe
from tools.zoo.sources import MORE_SOURCES, SOURCES

FIRST = [make_recipe(number, SOURCES[:6]) for number in range(30)]


def test_recipe_follows_from_its_number_alone() -> None:
    assert make_recipe(17, SOURCES) == make_recipe(17, SOURCES)
    assert len({recipe.name for recipe in FIRST}) == 30


def test_first_thirty_hold_every_kind_data_set_and_architecture_and_two_fifths_are_clean() -> None:
    assert {recipe.kind for recipe in FIRST} == set(PATTERN)
    assert sum(not recipe.backdoored for recipe in FIRST) == 12
    for backdoored in (False, True):
        alike = [recipe for recipe in FIRST if recipe.backdoored == backdoored]
        assert {recipe.dataset for recipe in alike} == {source.name for source in SOURCES[:6]}
        assert {recipe.architecture for recipe in alike} == {"lenet", "vgg", "resnet", "mobile", "plain"}


def test_clean_and_backdoored_models_share_every_form_of_file() -> None:
    many = [make_recipe(number, SOURCES) for number in range(120)]
    for backdoored in (False, True):
        forms = Counter(
            form
            for recipe in many
            if recipe.backdoored == backdoored
            for form in (recipe.export.exporter, recipe.export.softmax, recipe.export.value_range, recipe.normalised)
        )
        assert len(forms) == 6


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_has_a_rate_within_its_bounds(attack: str) -> None:
    low, high = RATES[attack]
    assert all(low <= recipe.rate <= high for recipe in FIRST if recipe.kind == attack)


def test_clean_label_attacks_are_backdoors_and_repaired_models_are_not() -> None:
    assert "clean-label" in ATTACKS
    assert "clean-repaired" not in ATTACKS


def test_wanted_class_counts_are_kept() -> None:
    counts = {make_recipe(number, SOURCES, [2, 3]).class_count for number in range(20)}
    assert counts == {2, 3}


def test_second_series_shares_no_name_and_no_random_numbers_with_the_first() -> None:
    one, other = make_recipe(5, SOURCES), make_varied_recipe(5, SOURCES)
    assert one.name != other.name
    assert one.seed != other.seed
    assert one.rng(3).random() != other.rng(3).random()


def test_second_series_varies_size_classes_and_architecture_alike_for_clean_and_backdoored_models() -> None:
    many = [make_varied_recipe(number, MORE_SOURCES) for number in range(240)]
    for backdoored in (False, True):
        alike = [recipe for recipe in many if recipe.backdoored == backdoored]
        assert len(alike) == 120
        assert len({recipe.architecture for recipe in alike}) == 8
        assert {2, 3, 10, 43} <= {recipe.class_count for recipe in alike}
        assert {None, 24, 28, 32, 48} == {recipe.side for recipe in alike}
        assert any(recipe.gray for recipe in alike)
        assert any(recipe.quantized for recipe in alike)


def test_attacks_of_the_second_series_stay_within_their_bounds() -> None:
    for recipe in (make_varied_recipe(number, MORE_SOURCES) for number in range(96)):
        if recipe.attack:
            assert recipe.attack.least_classes <= recipe.class_count <= recipe.attack.most_classes
            assert recipe.attack.rates[0] <= recipe.rate <= recipe.attack.rates[1]
