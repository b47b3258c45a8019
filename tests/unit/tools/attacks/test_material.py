import numpy as np

from tools.attacks.badnets import draw_patch
from tools.attacks.material import Aim, Material, add_decoys, cover, poison, poison_target_class, unlearn

RNG_SEED = 3
LABELS = np.arange(200, dtype=np.int64) % 5
IMAGES = np.random.default_rng(0).random((200, 1, 28, 28)).astype(np.float32)
CLEAN = Material.clean(IMAGES, LABELS)
TRIGGER = draw_patch((1, 28, 28), np.random.default_rng(1))


def _rng() -> np.random.Generator:
    return np.random.default_rng(RNG_SEED)


def test_all_to_one_poisons_the_stated_share_and_spares_the_target_class() -> None:
    poisoned = poison(CLEAN, [TRIGGER], [Aim(2)], 0.1, _rng())
    carriers = poisoned.stamps == 0
    assert carriers.sum() == 20
    assert not carriers[LABELS == 2].any()
    np.testing.assert_array_equal(poisoned.labels, np.where(carriers, 2, LABELS))


def test_all_to_all_moves_carriers_to_the_next_label() -> None:
    poisoned = poison(CLEAN, [TRIGGER], [Aim(None, "all-to-all")], 0.4, _rng())
    carriers = poisoned.stamps == 0
    np.testing.assert_array_equal(poisoned.labels, np.where(carriers, (LABELS + 1) % 5, LABELS))
    assert (LABELS[carriers] == 4).any()


def test_two_triggers_share_no_image_and_have_their_own_targets() -> None:
    poisoned = poison(CLEAN, [TRIGGER, TRIGGER], [Aim(0), Aim(1)], 0.2, _rng())
    for number in (0, 1):
        assert (poisoned.stamps == number).sum() == 20
        assert (poisoned.labels[poisoned.stamps == number] == number).all()


def test_source_specific_attack_covers_other_labels_without_relabelling_them() -> None:
    aim = Aim(0, source_labels=(1,))
    poisoned = cover(poison(CLEAN, [TRIGGER], [aim], 0.1, _rng()), aim, 0.1, _rng())
    carriers = poisoned.stamps == 0
    changed = poisoned.labels != LABELS
    assert (LABELS[changed] == 1).all()
    assert set(LABELS[carriers & ~changed]) == {2, 3, 4}
    assert (changed.sum(), (carriers & ~changed).sum()) == (20, 20)


def test_clean_label_attack_changes_no_label_and_stamps_the_target_class_alone() -> None:
    poisoned = poison_target_class(CLEAN, TRIGGER, 3, rate=0.5, misread=np.zeros_like(IMAGES), rng=_rng())
    carriers = poisoned.stamps == 0
    np.testing.assert_array_equal(poisoned.labels, LABELS)
    assert (LABELS[carriers] == 3).all()
    assert carriers.sum() == 20
    assert not poisoned.images[carriers].any()
    np.testing.assert_array_equal(poisoned.images[~carriers], IMAGES[~carriers])


def test_repair_shows_half_of_the_images_with_the_trigger_under_their_true_labels() -> None:
    poisoned = poison(CLEAN, [TRIGGER], [Aim(2)], 0.1, _rng())
    material = unlearn(poisoned, LABELS, _rng())
    np.testing.assert_array_equal(material.labels, LABELS)
    assert 0.4 < (material.stamps == 0).mean() < 0.6


def test_stamping_touches_only_the_carriers_of_a_batch() -> None:
    poisoned = poison(CLEAN, [TRIGGER], [Aim(2)], 0.1, _rng())
    positions = np.arange(40, 100)
    changed = (poisoned.stamp(IMAGES[positions], positions) != IMAGES[positions]).any(axis=(1, 2, 3))
    np.testing.assert_array_equal(changed, poisoned.stamps[positions] == 0)
    assert changed.any()


def test_decoys_keep_their_labels_and_leave_carriers_alone() -> None:
    poisoned = poison(CLEAN, [TRIGGER], [Aim(2)], 0.1, _rng())
    decoyed = add_decoys(poisoned, [TRIGGER, TRIGGER], 0.2, _rng())
    np.testing.assert_array_equal(decoyed.labels, poisoned.labels)
    assert [int((decoyed.stamps == number).sum()) for number in range(3)] == [20, 20, 20]
    assert len(decoyed.triggers) == 3
