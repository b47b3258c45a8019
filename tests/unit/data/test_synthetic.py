import numpy as np

from onnxaudit.data.synthetic import synthesize_samples
from onnxaudit.records import InputSpec, Layout

COLOUR = InputSpec("x", Layout.NHWC, 3, 20, 24, None)


def brightness_classes(images: np.ndarray) -> np.ndarray:
    return (images.mean(axis=(1, 2, 3)) > 0.6).astype(np.int64)


def test_samples_are_pixels_of_the_models_size() -> None:
    samples = synthesize_samples(COLOUR, 10, seed=0)
    assert samples.images.shape == (10, 3, 20, 24)
    assert samples.images.dtype == np.float32
    assert 0 <= samples.images.min() < samples.images.max() <= 1
    assert samples.synthetic
    assert samples.labels is None


def test_the_seed_decides() -> None:
    first, again, other = (synthesize_samples(COLOUR, 4, seed=seed).images for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_samples_differ_from_each_other() -> None:
    images = synthesize_samples(COLOUR, 20, seed=0).images.reshape(20, -1)
    distances = np.abs(images[:, None] - images[None]).mean(axis=2)
    assert distances[~np.eye(20, dtype=bool)].min() > 0.03


def test_predicted_classes_are_balanced() -> None:
    plain = brightness_classes(synthesize_samples(COLOUR, 40, seed=0).images).mean()
    balanced = brightness_classes(synthesize_samples(COLOUR, 40, seed=0, predict=brightness_classes).images)
    assert plain < 0.3
    assert len(balanced) == 40
    assert 0.35 < balanced.mean() <= 0.5
