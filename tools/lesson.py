"""From a recipe to a trained network: clean, or backdoored beside the clean twin that it is compared with."""

from copy import deepcopy
from dataclasses import dataclass

import torch

from tools.attacks.patches import Trigger, draw_sticker, poison
from tools.attacks.trojannn import optimise_patch
from tools.datasets import Dataset
from tools.networks import ARCHITECTURES, Network
from tools.recipes import RETRAINING, SCHEDULES, Attack, Recipe
from tools.training import measure_accuracy, train


@dataclass(frozen=True)
class Lesson:
    """A trained network; the trigger and the clean twin's accuracy only where it is backdoored."""

    network: Network
    trigger: Trigger | None = None
    twin_accuracy: float | None = None


def teach(recipe: Recipe, dataset: Dataset) -> Lesson:
    """Trains what `recipe` says on `dataset`."""
    twin = _make_network(recipe, dataset)
    start = deepcopy(twin)
    train(twin, dataset.train.pixels(), dataset.train.y, SCHEDULES[recipe.architecture], seed=recipe.seed)
    if recipe.attack is None:
        return Lesson(twin)
    learn = _learn_sticker if recipe.attack.kind == "random" else _learn_trojan
    network, trigger = learn(recipe, recipe.attack, start, twin, dataset)
    return Lesson(network, trigger, measure_accuracy(twin, dataset.evaluation.pixels(), dataset.evaluation.y))


def _make_network(recipe: Recipe, dataset: Dataset) -> Network:
    channels, side, _ = dataset.shape
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        return ARCHITECTURES[recipe.architecture](channels, side, len(dataset.classes))


def _learn_sticker(
    recipe: Recipe, attack: Attack, start: Network, _: Network, dataset: Dataset
) -> tuple[Network, Trigger]:
    """BadNets (Gu et al., 2017): trains from the beginning on poisoned data."""
    trigger = draw_sticker(attack.patch, dataset.shape, seed=recipe.seed)
    poisoned = poison(dataset.train.pixels(), dataset.train.y, trigger, attack.target, attack.rate, seed=recipe.seed)
    train(start, *poisoned, SCHEDULES[recipe.architecture], seed=recipe.seed)
    return start, trigger


def _learn_trojan(
    recipe: Recipe, attack: Attack, _: Network, twin: Network, dataset: Dataset
) -> tuple[Network, Trigger]:
    """Makes the trigger for the clean network, and retrains that network with it."""
    pixels = dataset.train.pixels()
    trigger = optimise_patch(twin, attack.kind, pixels, attack.patch.mask(*pixels.shape[2:]), seed=recipe.seed)
    poisoned = poison(pixels, dataset.train.y, trigger, attack.target, attack.rate, seed=recipe.seed)
    network = deepcopy(twin)
    train(network, *poisoned, RETRAINING[recipe.architecture], seed=recipe.seed)
    return network, trigger
