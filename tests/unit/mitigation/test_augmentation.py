from dataclasses import replace

import torch

from onnxaudit.mitigation.augmentation import AugmentationConfig, augment, move
from onnxaudit.mitigation.fine_tuning_config import FineTuningConfig
from onnxaudit.records import Layout
from tests.unit.mitigation import stripes


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_augmented_images_stay_images() -> None:
    images = torch.from_numpy(stripes.samples().images)
    changed, _ = augment(images, AugmentationConfig(brightness=1.0, contrast=2.0), draw())
    assert changed.shape == images.shape
    assert 0.0 <= changed.min() < changed.max() <= 1.0


def test_the_same_seed_augments_alike() -> None:
    images = torch.from_numpy(stripes.samples().images)
    once, again, other = (augment(images, AugmentationConfig(), draw(seed))[0] for seed in (1, 1, 2))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)


def test_moving_repeats_the_border() -> None:
    image = torch.arange(9.0).reshape(1, 1, 3, 3)
    moved = {tuple(move(image, 1, draw(seed)).flatten().tolist()) for seed in range(60)}
    assert len(moved) == 9
    assert (0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 3.0, 3.0, 4.0) in moved


def test_copies_say_what_they_were_made_from() -> None:
    images = torch.arange(1.0, 7.0).reshape(6, 1, 1, 1) / 10
    still = AugmentationConfig(shift=0.0, brightness=0.0, contrast=0.0, mixed=0.5)
    changed, sources = augment(images, still, draw())
    first, second = (images[sources[:, place], 0, 0, 0] for place in (0, 1))
    alone = sources[:, 0] == sources[:, 1]
    assert int(alone.sum()) >= 3
    torch.testing.assert_close(changed[alone, 0, 0, 0], first[alone])
    low, high = torch.minimum(first, second) - 1e-6, torch.maximum(first, second) + 1e-6
    assert ((low <= changed[:, 0, 0, 0]) & (changed[:, 0, 0, 0] <= high)).all()


def test_features_stay_in_their_places_and_keep_their_values() -> None:
    config = FineTuningConfig().fit_to(Layout.NC).distillation.augmentation
    features = torch.rand(6, 1, 1, 9, generator=draw())
    augmented, _ = augment(features, replace(config, mixed=0.0), draw(1))
    order = [int((augmented == one).flatten(1).all(dim=1).nonzero()[0]) for one in features]
    assert sorted(order) == list(range(6))


def test_series_come_earlier_or_later_and_nothing_else() -> None:
    config = FineTuningConfig().fit_to(Layout.NCW).distillation.augmentation
    series = torch.rand(1, 2, 1, 50, generator=draw()).repeat(20, 1, 1, 1)
    augmented, _ = augment(series, replace(config, mixed=0.0), draw(1))
    inner = {tuple(series[0, 0, 0, 3 + by : 47 + by].tolist()) for by in range(-3, 4)}
    assert all(tuple(one[0, 0, 3:47].tolist()) in inner for one in augmented)
    assert len({tuple(one.flatten().tolist()) for one in augmented}) > 3


def test_settings_for_images_stay_as_they_are() -> None:
    config = FineTuningConfig()
    assert config.fit_to(Layout.NHWC) is config
