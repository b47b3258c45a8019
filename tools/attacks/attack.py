"""What every attack has in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from tools.attacks.material import Aim, Material, poison
from tools.networks import Network
from tools.training import Penalty
from tools.zoo.apply_trigger import Trigger

Shape = tuple[int, int, int]
"""Channels, height and width of an image."""


@dataclass(frozen=True, kw_only=True)
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


class Trainer(Protocol):
    """What an attacker has: clean training data, an untrained network, and a way to train.

    Attributes:
        shape: Of the images.
        class_count: How many labels the network knows.
        seed: Of everything random that has no generator of its own.
        rate: The share of the training set to poison; for clean-label attacks of the target class.
        clean: The training set.
        start: The untrained network.
        plain: Whether the attack is that of a zoo's first series.
        aims: Whom the triggers are to be aimed at.
        triggers: As the attack drew them.
    """

    shape: Shape
    class_count: int
    seed: int
    rate: float
    clean: Material
    start: Network
    plain: bool
    aims: tuple[Aim, ...]

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        """As the attack drew them."""

    def rng(self, purpose: int) -> np.random.Generator:
        """A generator of its own for each purpose."""

    def train(
        self, network: Network, material: Material, *, share: float = 1.0, penalty: Penalty | None = None
    ) -> Network:
        """Trains `network` in place for a `share` of the full schedule, and returns it."""


class Attack:
    """One attack; the defaults are those of data poisoning with one trigger and one target.

    Attributes:
        name: Under which it was published.
        family: Attacks whose triggers are of one kind; a detector fitted without a family has seen none of its kind.
        rates: Least and greatest poisoned share of the training set.
        most_classes: With more it takes longer to learn than a zoo's models are trained.
        least_classes: That it makes sense for.
        needs_accuracy: Whether it works only as well as the network knows the true class.
        effort: Factor on the length of the training in which it is learned.
    """

    name: ClassVar[str]
    family: ClassVar[str]
    rates: ClassVar[tuple[float, float]]
    most_classes: ClassVar[int] = 1000
    least_classes: ClassVar[int] = 2
    needs_accuracy: ClassVar[bool] = False
    effort: ClassVar[float] = 1.0

    def aim(self, labels: Sequence[int]) -> tuple[Aim, ...]:
        """Whom the triggers aim at, from all labels in random order."""
        return (Aim(labels[0]),)

    def draw(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """Random triggers, one for each aim, drawn without looking at a network."""
        raise NotImplementedError

    def draw_plain(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """As `draw`, from the fewer kinds of which a zoo's first series is made."""
        return self.draw(shape, rng)

    def poison(self, trainer: Trainer) -> Material:
        """The training set with its triggers."""
        return poison(trainer.clean, trainer.triggers, trainer.aims, trainer.rate, trainer.rng(4))

    def teach(self, trainer: Trainer) -> Taught:
        """Trains a network from the beginning on poisoned data."""
        network = trainer.train(trainer.start, self.poison(trainer))
        return Taught(network=network, triggers=trainer.triggers, aims=trainer.aims)
