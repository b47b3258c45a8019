import numpy as np
import pytest
import torch

from tools.networks import ARCHITECTURES
from tools.zoo.augmenting import augment
from tools.zoo.recipes import PATTERN, make_recipe
from tools.zoo.sources import SOURCES
from tools.zoo.teaching import choose_aims


@pytest.mark.parametrize("number", range(len(PATTERN)))
def test_targets_and_sources_are_distinct_labels_of_the_model(number: int) -> None:
    recipe = make_recipe(number, SOURCES)
    for aim in choose_aims(recipe):
        named = [label for label in (aim.target, *(aim.source_labels or ())) if label is not None]
        assert len(set(named)) == len(named)
        assert all(0 <= label < recipe.class_count for label in named)
    assert len({aim.target for aim in choose_aims(recipe)}) == (2 if recipe.kind == "two" else 1)


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_networks_give_one_logit_a_class(architecture: str) -> None:
    for side in (32, 64) if architecture == "vgg16" else (28, 32, 64):
        network = ARCHITECTURES[architecture](3, side, 7).eval()
        assert network(torch.zeros(2, 3, side, side)).shape == (2, 7)


@pytest.mark.parametrize(
    ("architecture", "convolutions", "linear"), [("lenet", 2, 3), ("vgg16", 13, 3), ("resnet18", 17 + 3, 1)]
)
def test_networks_of_the_papers_have_their_depth(architecture: str, convolutions: int, linear: int) -> None:
    layers = list(ARCHITECTURES[architecture](3, 32, 7).modules())
    assert sum(isinstance(layer, torch.nn.Conv2d) for layer in layers) == convolutions  # shortcuts count as well
    assert sum(isinstance(layer, torch.nn.Linear) for layer in layers) == linear


@pytest.mark.parametrize(("strength", "changes"), [("none", False), ("light", True), ("strong", True)])
def test_augmentation_keeps_shape_and_range(strength: str, changes: bool) -> None:
    images = np.random.default_rng(0).random((4, 3, 28, 28)).astype(np.float32)
    augmented = augment(images, strength, np.random.default_rng(1))
    assert augmented.shape == images.shape
    assert 0 <= augmented.min() <= augmented.max() <= 1
    assert (not np.array_equal(augmented, images)) == changes
