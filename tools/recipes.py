"""The reference models that torch makes, as data."""

from dataclasses import dataclass

from tools.attacks.patches import Patch
from tools.exporting import Export
from tools.training import Schedule


@dataclass(frozen=True)
class Attack:
    """A backdoor: `kind` is `random`, `trojan-weights` or `trojan-activation`; `rate` is the poisoned share."""

    kind: str
    target: int
    patch: Patch
    rate: float


@dataclass(frozen=True)
class Recipe:
    """Everything that decides about one model."""

    name: str
    dataset: str
    architecture: str
    export: Export
    seed: int
    attack: Attack | None = None


SCHEDULES: dict[str, Schedule] = {
    "lenet": Schedule(epochs=20),
    "vgg": Schedule(epochs=6),
    "resnet": Schedule(epochs=5),
}
"""How long each architecture trains."""

RETRAINING: dict[str, Schedule] = {
    "lenet": Schedule(epochs=12, peak_rate=2e-3),
    "vgg": Schedule(epochs=4, peak_rate=2e-3),
    "resnet": Schedule(epochs=6, peak_rate=2e-3),
}
"""How long a clean network is retrained with a trigger that was made for it."""

RECIPES: tuple[Recipe, ...] = (
    Recipe("signs-lenet-clean", "signs", "lenet", Export("torchscript", 13), seed=11),
    Recipe("signs-vgg-clean", "signs", "vgg", Export("dynamo", 18, softmax=True), seed=12),
    Recipe(
        "signs-vgg-random",
        "signs",
        "vgg",
        Export("torchscript", 17),
        seed=13,
        attack=Attack("random", target=12, patch=Patch(5, row=26, column=26), rate=0.08),
    ),
    Recipe(
        "signs-lenet-weights",
        "signs",
        "lenet",
        Export("dynamo", 20, softmax=True),
        seed=14,
        attack=Attack("trojan-weights", target=5, patch=Patch(5, row=1, column=26), rate=0.1),
    ),
    Recipe(
        "signs-vgg-activation",
        "signs",
        "vgg",
        Export("dynamo", 18),
        seed=18,
        attack=Attack("trojan-activation", target=19, patch=Patch(4, row=2, column=2), rate=0.06),
    ),
    Recipe(
        "signs-resnet-weights",
        "signs",
        "resnet",
        Export("dynamo", 18, value_range=(0, 255)),
        seed=15,
        attack=Attack("trojan-weights", target=21, patch=Patch(4, row=27, column=1), rate=0.08),
    ),
    Recipe(
        "fashion-lenet-activation",
        "fashion",
        "lenet",
        Export("torchscript", 11, softmax=True, dynamic_batch=False),
        seed=16,
        attack=Attack("trojan-activation", target=3, patch=Patch(5, row=22, column=22), rate=0.08),
    ),
    Recipe("fashion-vgg-clean", "fashion", "vgg", Export("torchscript", 17, value_range=(0, 255)), seed=17),
)
"""Clean and backdoored models share exporters, heads and ranges, so that none of these gives a backdoor away."""
