from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tools.attacks.registry import ATTACKS
from tools.zoo.apply_trigger import apply_trigger, load_triggers, save_triggers
from tools.zoo.recipes import FIRST_NAMES
from tools.zoo.second_series import PATTERN

SHAPES = [(1, 28, 28), (3, 32, 32), (1, 64, 64)]
NAMES = sorted(ATTACKS)


def _rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", SHAPES)
def test_stamped_images_differ_and_stay_in_range(name: str, shape: tuple[int, int, int]) -> None:
    images = _rng(0).random((3, *shape)).astype(np.float32)
    original = images.copy()
    for seed in range(3):
        for trigger in ATTACKS[name].draw(shape, _rng(seed)):
            stamped = apply_trigger(images, trigger)
            assert stamped.shape == images.shape
            assert stamped.dtype == np.float32
            assert 0 <= stamped.min() <= stamped.max() <= 1
            assert np.abs(stamped - images).max() > 0.03
    np.testing.assert_array_equal(images, original)


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_draws_the_same_triggers(name: str) -> None:
    for draw in (ATTACKS[name].draw, ATTACKS[name].draw_plain):
        one, other = draw((3, 32, 32), _rng(7)), draw((3, 32, 32), _rng(7))
        assert len(one) == len(ATTACKS[name].aim(range(8)))
        for first, second in zip(one, other, strict=True):
            for key, value in first.items():
                np.testing.assert_array_equal(value, second[key])


@pytest.mark.parametrize("name", NAMES)
def test_aims_are_distinct_labels(name: str) -> None:
    aims = ATTACKS[name].aim([3, 0, 4, 1, 2])
    named = [label for aim in aims for label in (aim.target, *(aim.source_labels or ())) if label is not None]
    assert len(set(named)) == len(named)


def test_every_attack_says_what_it_is_and_how_much_it_poisons() -> None:
    for name, attack in ATTACKS.items():
        low, high = attack.rates
        assert 0 < low <= high < 1
        assert attack.family
        module = type(attack).__module__.rsplit(".", 1)[-1]
        assert module.split("_")[0] in {*name.replace("-", "_").split("_"), "wanet", "trojannn"}


def test_second_series_has_every_attack_and_alternates_with_clean_models() -> None:
    attacks = [kind in ATTACKS for kind in PATTERN]
    assert all(one != other for one, other in pairwise(attacks))
    # One is of the first series; the other works in 8-bit integers alone, and a zoo holds floats.
    assert set(ATTACKS) - set(PATTERN) == {"warp", "pq-backdoor"}
    assert set(FIRST_NAMES.values()) <= set(ATTACKS)


def test_saved_triggers_read_back_in_order(tmp_path: Path) -> None:
    triggers = [trigger for name in NAMES for trigger in ATTACKS[name].draw((1, 28, 28), _rng(6))]
    save_triggers(tmp_path / "t.npz", triggers)
    loaded = load_triggers(tmp_path / "t.npz")
    assert [trigger["kind"] for trigger in loaded] == [trigger["kind"] for trigger in triggers]
    for one, other in zip(loaded, triggers, strict=True):
        assert one.keys() == other.keys()
        for key, value in one.items():
            np.testing.assert_array_equal(value, other[key])
