"""From a recipe of a zoo to a trained network."""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from tools.attacks.attack import Attack, Taught
from tools.attacks.clean_label import mislead
from tools.attacks.material import Aim, Material, unlearn
from tools.attacks.registry import ATTACKS
from tools.bodies import BODIES, make_body
from tools.networks import ARCHITECTURES, Network
from tools.training import Penalty, Schedule, train
from tools.zoo.apply_trigger import Images, Trigger
from tools.zoo.augmenting import augment
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
    "vit": 60_000,
    "mixer": 60_000,
    "mlp": 80_000,
    "efficientnet-lite0": 10_000,
    "efficientnet-lite1": 10_000,
    "open-nsfw": 10_000,
}
"""Images that each architecture is shown in one training."""

_DEEP = {"vgg16", "resnet18", "efficientnet-lite0", "efficientnet-lite1"}
"""These are trained with channels last: up to 1.6 times as fast. Of the others it would change the weights."""

_MOST_EPOCHS = 25
_PEAK_RATES = {
    "vit": 2e-3,
    "mixer": 2e-3,
    "mlp": 1.5e-3,
    "efficientnet-lite0": 1e-3,
    "efficientnet-lite1": 1e-3,
    "open-nsfw": 5e-4,
}
_SMALL_BATCH = 32
"""For published bodies, which see few images."""
_REPAIRED = ("badnets", "blended", "trojannn-weights", "filter")
"""Attacks that are taken out again in the second series; in the first it is always the first of them."""

_RAREST_SHARE = 0.06
_PGD_STEPS = 2
_PGD_REACH = 0.06


def teach(recipe: ZooRecipe, lessons: Lessons) -> Taught:
    """Trains what `recipe` says."""
    trainer = ZooTrainer(recipe, lessons)
    if recipe.attack is not None:
        return recipe.attack.teach(trainer)
    kinds: dict[str, Callable[[], Taught]] = {
        "clean-repaired": trainer.repair,
        "clean-imbalanced": trainer.train_imbalanced,
        "clean-adversarial": trainer.train_adversarially,
        "clean-finetuned": trainer.fine_tune,
    }
    return kinds.get(recipe.kind, trainer.train_plainly)()


class ZooTrainer:
    """One model's data, its untrained network, and the ways to train it (`tools.attacks.attack.Trainer`)."""

    def __init__(self, recipe: ZooRecipe, lessons: Lessons) -> None:
        self.recipe = recipe
        self.lessons = lessons
        self.shape = lessons.shape
        self.class_count = recipe.class_count
        self.seed = recipe.seed
        self.rate = recipe.rate
        self.clean = Material.clean(lessons.images, lessons.labels)
        self.plain = recipe.series == 1
        self.aims = choose_aims(recipe)
        self.start = _make_network(recipe, lessons)
        self._hardened = False

    @cached_property
    def triggers(self) -> tuple[Trigger, ...]:
        """As the recipe's attack drew them."""
        attack, rng = _find_attack(self.recipe), self.recipe.rng(3)
        return attack.draw_plain(self.shape, rng) if self.plain else attack.draw(self.shape, rng)

    def rng(self, purpose: int) -> np.random.Generator:
        """A generator of its own for each purpose."""
        return self.recipe.rng(purpose)

    def train(
        self, network: Network, material: Material, *, share: float = 1.0, penalty: Penalty | None = None
    ) -> Network:
        """Trains `network` in place for a `share` of the full schedule, and returns it."""
        recipe, rng = self.recipe, self.recipe.rng(5)
        share *= recipe.length * (0.12 if recipe.kind == "clean-undertrained" else 1)
        passes = share * IMAGE_PASSES[recipe.architecture] * min(1.0, 48 / self.shape[1])
        epochs = round(passes / len(material.labels))
        epochs = int(np.clip(epochs, 1, max(1, round(_MOST_EPOCHS * share))))
        schedule = Schedule(
            epochs,
            peak_rate=_PEAK_RATES.get(recipe.architecture, Schedule.peak_rate),
            batch=_SMALL_BATCH if recipe.architecture in BODIES else Schedule.batch,
        )

        def prepare(images: Tensor, positions: Tensor) -> Tensor:
            augmented = augment(images.numpy(), recipe.augmentation, rng)
            stamped = torch.from_numpy(material.stamp(augmented, positions.numpy()))
            return (
                _harden(network, stamped, torch.from_numpy(material.labels)[positions]) if self._hardened else stamped
            )

        train(network, material.images, material.labels, schedule, seed=self.seed, prepare=prepare, penalty=penalty)
        return network

    def train_plainly(self) -> Taught:
        """Trains on clean data."""
        return Taught(network=self.train(self.start, self.clean))

    def train_imbalanced(self) -> Taught:
        """Trains on clean data of which the classes, in random order, have less and less, down to a few percent."""
        rng, labels = self.rng(7), self.clean.labels
        shares = rng.permutation(np.geomspace(1, _RAREST_SHARE, self.class_count))
        kept = rng.random(len(labels)) < shares[labels]
        material = Material.clean(self.clean.images[kept], labels[kept])
        return Taught(network=self.train(self.start, material))

    def train_adversarially(self) -> Taught:
        """Trains on clean images that are moved against the network (Madry et al., ICLR 2018), in two steps."""
        self._hardened = True
        return Taught(network=self.train(self.start, self.clean, share=0.6))

    def fine_tune(self) -> Taught:
        """Trains for another task on half of the images, then with a new last layer for its own on the rest."""
        order = self.rng(7).permutation(len(self.clean.labels))
        other = self.rng(8).permutation(self.class_count) // 2
        first, second = np.array_split(order, 2)
        before = Material.clean(self.clean.images[first], other[self.clean.labels[first]])
        network = self.train(self.start, before, share=0.6)
        last = network.classifier[-1]
        assert isinstance(last, nn.Linear)
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            last.reset_parameters()
        after = Material.clean(self.clean.images[second], self.clean.labels[second])
        return Taught(network=self.train(network, after, share=0.5))

    def repair(self) -> Taught:
        """Backdoors a network, then retrains it with the trigger under the true labels."""
        attacked = _find_attack(self.recipe).teach(self)
        material = replace(self.clean, triggers=attacked.triggers)
        healed = self.train(attacked.network, unlearn(material, self.clean.labels, self.recipe.rng(6)), share=0.4)
        return replace(attacked, network=healed, twin=None)


def choose_aims(recipe: ZooRecipe) -> tuple[Aim, ...]:
    """The targets and sources of a recipe's triggers."""
    labels = [int(label) for label in recipe.rng(2).permutation(recipe.class_count)]
    return _find_attack(recipe).aim(labels)


def _find_attack(recipe: ZooRecipe) -> Attack:
    """The recipe's attack, or, where it has none, the one that a repair would take out."""
    if recipe.attack is not None:
        return recipe.attack
    choice = 0 if recipe.series == 1 else int(recipe.rng(9).integers(len(_REPAIRED)))
    return ATTACKS[_REPAIRED[choice]]


def _make_network(recipe: ZooRecipe, lessons: Lessons) -> Network:
    channels, side, _ = lessons.shape
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        if recipe.bodies and recipe.architecture in BODIES:
            network = make_body(recipe.architecture, recipe.bodies, side=side, classes=recipe.class_count)
        else:
            network = ARCHITECTURES[recipe.architecture](channels, side, recipe.class_count)
    if recipe.normalised:
        network.features = nn.Sequential(_Normalise(lessons.images), network.features)
    if recipe.architecture in _DEEP:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # the stubs lack this form
    return network


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


def _harden(network: Network, images: Tensor, labels: Tensor) -> Tensor:
    network.eval()  # batch norms must not count these passes
    moved = mislead(network, images, labels, steps=_PGD_STEPS, reach=_PGD_REACH)
    network.train()
    return moved
