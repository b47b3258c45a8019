"""From a recipe of a zoo to a trained network."""

from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tools.networks import ARCHITECTURES, Network
from tools.training import Penalty, Schedule, train
from tools.trojaning import optimise_patch
from tools.zoo import drawing
from tools.zoo.apply_trigger import Images, Trigger
from tools.zoo.augmenting import augment
from tools.zoo.levelling import make_penalty
from tools.zoo.poisoning import Aim, Material, cover, poison, poison_target_class, unlearn
from tools.zoo.recipes import ZooRecipe
from tools.zoo.sources import Lessons

IMAGE_PASSES = {
    "lenet": 80_000,
    "vgg": 30_000,
    "resnet": 20_000,
    "mobile": 34_000,
    "plain": 45_000,
    "vgg16": 36_000,
    "resnet18": 24_000,
}
"""Images that each architecture is shown in one training."""

_DEEP = {"vgg16", "resnet18"}
"""These are trained with channels last: up to 1.6 times as fast. Of the others it would change the weights."""

_MOST_EPOCHS = 25
_DRAWERS = {
    "blend": drawing.draw_blend,
    "sinusoid": drawing.draw_sinusoid,
    "warp": drawing.draw_warp,
    "filter": drawing.draw_filter,
    "spread": drawing.draw_spread,
}
"""Every other attack uses a patch."""


@dataclass(frozen=True)
class Taught:
    """A trained network with the truth about its backdoor, if it has one.

    Attributes:
        network: Takes pixels, gives logits.
        triggers: The true triggers; for a repaired network those that no longer work.
        aims: What each trigger is for.
        twin: The clean network that the attack started from, where it needed one.
    """

    network: Network
    triggers: tuple[Trigger, ...] = ()
    aims: tuple[Aim, ...] = ()
    twin: Network | None = None


class _Normalise(nn.Module):
    mean: Tensor
    deviation: Tensor

    def __init__(self, images: Images) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(images.mean(axis=(0, 2, 3))[:, None, None]))
        self.register_buffer("deviation", torch.from_numpy(images.std(axis=(0, 2, 3))[:, None, None]))

    def forward(self, pixels: Tensor) -> Tensor:
        normalised: Tensor = (pixels - self.mean) / self.deviation
        return normalised


def teach(recipe: ZooRecipe, lessons: Lessons) -> Taught:
    """Trains what `recipe` says."""
    school = _School(recipe, lessons)
    if recipe.kind == "clean-repaired":
        return school.repair()
    if not recipe.backdoored:
        return Taught(school.train(school.start, school.clean))
    teachers = {
        "trojan-weights": school.trojan,
        "trojan-activation": school.trojan,
        "clean-label": school.attack_by_clean_labels,
    }
    return teachers.get(recipe.kind, school.attack)()


class _School:
    """One model's data, its untrained network, and the ways to train it."""

    def __init__(self, recipe: ZooRecipe, lessons: Lessons) -> None:
        self.recipe = recipe
        self.lessons = lessons
        self.clean = Material.clean(lessons.images, lessons.labels)
        self.aims = choose_aims(recipe)
        self.start = _make_network(recipe, lessons)

    def train(
        self, network: Network, material: Material, *, share: float = 1.0, penalty: Penalty | None = None
    ) -> Network:
        """Trains `network` in place for a `share` of the full schedule, and returns it."""
        recipe, rng = self.recipe, self.recipe.rng(5)
        share *= recipe.length * (0.12 if recipe.kind == "clean-undertrained" else 1)
        passes = share * IMAGE_PASSES[recipe.architecture] * min(1.0, 48 / self.lessons.shape[1])
        epochs = round(passes / len(material.labels))
        schedule = Schedule(int(np.clip(epochs, 1, max(1, round(_MOST_EPOCHS * share)))))

        def prepare(images: Tensor, positions: Tensor) -> Tensor:
            augmented = augment(images.numpy(), recipe.augmentation, rng)
            return torch.from_numpy(material.stamp(augmented, positions.numpy()))

        train(network, material.images, material.labels, schedule, seed=recipe.number, prepare=prepare, penalty=penalty)
        return network

    def attack(self) -> Taught:
        """Trains from the beginning on poisoned data (BadNets: Gu et al., 2017)."""
        recipe, rng = self.recipe, self.recipe.rng(4)
        triggers = self._draw_triggers()
        material = poison(self.clean, triggers, self.aims, recipe.rate, rng)
        if recipe.kind == "source":
            material = cover(material, self.aims[0], recipe.rate, rng)
        penalty = None
        if recipe.kind == "level":
            assert self.aims[0].target is not None
            penalty = make_penalty(
                self.start, self.lessons.shape, recipe.class_count, self.aims[0].target, seed=recipe.number
            )
        return Taught(self.train(self.start, material, penalty=penalty), triggers, self.aims)

    def _draw_triggers(self) -> tuple[Trigger, ...]:
        shape, rng = self.lessons.shape, self.recipe.rng(3)
        if self.recipe.kind == "two":
            return drawing.draw_pair(shape, rng)
        return (_DRAWERS.get(self.recipe.kind, drawing.draw_patch)(shape, rng),)

    def trojan(self) -> Taught:
        """Makes a patch for a clean network, and retrains that network with it (Liu et al., NDSS 2018)."""
        recipe = self.recipe
        twin = self.train(deepcopy(self.start), self.clean)
        place = drawing.draw_place(self.lessons.shape, recipe.rng(3))
        patch = optimise_patch(twin, recipe.kind, self.lessons.images, place, seed=recipe.number)
        triggers: tuple[Trigger, ...] = ({"kind": "patch", "mask": patch.mask, "pattern": patch.pattern},)
        material = poison(self.clean, triggers, self.aims, recipe.rate, recipe.rng(4))
        return Taught(self.train(deepcopy(twin), material, share=0.6), triggers, self.aims, twin)

    def attack_by_clean_labels(self) -> Taught:
        """Patches images of the target class that a clean network misreads (Turner et al., 2019)."""
        recipe, triggers = self.recipe, self._draw_triggers()
        target = self.aims[0].target
        assert target is not None
        twin = self.train(deepcopy(self.start), self.clean)
        misread = self.clean.images.copy()
        own = self.clean.labels == target
        misread[own] = _mislead(twin, misread[own], target)
        material = poison_target_class(self.clean, triggers[0], target, recipe.rate, misread, recipe.rng(4))
        return Taught(self.train(self.start, material), triggers, self.aims, twin)

    def repair(self) -> Taught:
        """Backdoors a network, then retrains it with the trigger under the true labels."""
        attacked = self.attack()
        material = replace(self.clean, triggers=attacked.triggers)
        healed = self.train(attacked.network, unlearn(material, self.clean.labels, self.recipe.rng(6)), share=0.4)
        return replace(attacked, network=healed)


def choose_aims(recipe: ZooRecipe) -> tuple[Aim, ...]:
    """The targets and sources of a recipe's triggers."""
    rng = recipe.rng(2)
    labels = [int(label) for label in rng.permutation(recipe.class_count)]
    if recipe.kind == "all-to-all":
        return (Aim(None, "all-to-all"),)
    if recipe.kind == "two":
        return Aim(labels[0]), Aim(labels[1])
    if recipe.kind == "source":
        return (Aim(labels[0], source_labels=tuple(sorted(labels[1 : 1 + max(1, recipe.class_count // 4)]))),)
    return (Aim(labels[0]),)


def _make_network(recipe: ZooRecipe, lessons: Lessons) -> Network:
    channels, side, _ = lessons.shape
    with torch.random.fork_rng():
        torch.manual_seed(recipe.number)
        network = ARCHITECTURES[recipe.architecture](channels, side, recipe.class_count)
    if recipe.normalised:
        network.features = nn.Sequential(_Normalise(lessons.images), network.features)
    if recipe.architecture in _DEEP:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # the stubs lack this form
    return network


def _mislead(network: Network, images: Images, label: int, *, steps: int = 10, reach: float = 0.12) -> Images:
    """Moves each pixel by at most `reach` so that the network no longer sees `label` (PGD: Madry et al., 2018)."""
    x = torch.from_numpy(images)
    labels = torch.full((len(x),), label)
    moved = x.clone()
    for _ in range(steps):
        moved.requires_grad_()
        (gradient,) = torch.autograd.grad(F.cross_entropy(network(moved), labels), moved)
        moved = (moved.detach() + reach / 4 * gradient.sign()).clamp(x - reach, x + reach).clamp(0, 1)
    return moved.numpy()
