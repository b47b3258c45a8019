import numpy as np
import torch

from onnxaudit.mitigation.augmentation import AugmentationConfig, augment, move, stack, stamp, unstack
from tests.unit.mitigation import stripes

STILL = AugmentationConfig(trigger_shift=0, trigger_noise=0.0)


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_augmented_images_stay_images() -> None:
    images = torch.from_numpy(stripes.samples().images)
    changed = augment(images, AugmentationConfig(brightness=1.0, contrast=2.0), draw())
    assert changed.shape == images.shape
    assert 0.0 <= changed.min() < changed.max() <= 1.0


def test_the_same_seed_augments_alike() -> None:
    images = torch.from_numpy(stripes.samples().images)
    once, again, other = (augment(images, AugmentationConfig(), draw(seed)) for seed in (1, 1, 2))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)


def test_moving_repeats_the_border() -> None:
    image = torch.arange(9.0).reshape(1, 1, 3, 3)
    moved = {tuple(move(image, 1, draw(seed)).flatten().tolist()) for seed in range(60)}
    assert len(moved) == 9
    assert (0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 3.0, 3.0, 4.0) in moved


def test_each_image_carries_the_trigger_that_is_named() -> None:
    first, second = stripes.trigger(), stripes.Trigger(np.ones((1, 8, 8)), np.zeros((1, 8, 8)))
    triggers = stack([first, stripes.Trigger(second.mask.astype(np.float32), second.pattern.astype(np.float32))])
    images = torch.from_numpy(stripes.samples().images)
    stamped, which = stamp(images, triggers, STILL, draw())
    assert set(which.tolist()) == {0, 1}
    np.testing.assert_allclose(stamped[which == 0], first.apply(images[which == 0].numpy()), atol=1e-6)
    assert not stamped[which == 1].any()


def test_triggers_survive_stacking() -> None:
    (back,) = unstack(stack([stripes.trigger()]))
    assert back.digest == stripes.trigger().digest
