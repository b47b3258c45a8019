"""What model number k of a zoo's second series is: every published attack, more architectures, sizes and clean kinds.

About half of the models are clean. Both halves draw data set, class count, size, architecture and form of file from the
same distributions, so that nothing but the backdoor tells them apart.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tools.attacks.registry import ATTACKS
from tools.exporting import Export
from tools.zoo.recipes import Source, ZooRecipe, choose_export

PATTERN: tuple[str, ...] = (
    "badnets", "clean", "trojannn-weights", "clean-augmented", "filter", "clean", "blended", "clean-imbalanced",
    "sig", "clean-few", "wanet", "clean", "source-specific", "clean-finetuned", "badnets", "clean-undertrained",
    "trojannn-activation", "clean", "input-aware", "clean-adversarial", "scattered", "clean-augmented",
    "two-key", "clean", "adaptive-size", "clean-imbalanced", "checkerboard", "clean-repaired", "low-rate", "clean",
    "all-to-all", "clean-few", "trojannn-weights", "clean-adversarial", "adaptive-latent", "clean-augmented",
    "filter", "clean-undertrained", "clean-label", "clean-repaired", "two-targets", "clean-imbalanced",
    "adaptive-compactness", "clean", "badnets", "clean-finetuned", "adaptive-size-latent", "clean-few",
)  # fmt: skip
"""Kinds of model, repeated for ever: every second one is clean."""

_CLASS_COUNTS = (2, 3, 4, 5, 8, 10, 15, 20, 30, 43)
_ARCHITECTURES = {
    "lenet": 0.24,
    "plain": 0.18,
    "mlp": 0.12,
    "mixer": 0.1,
    "vit": 0.1,
    "mobile": 0.12,
    "vgg": 0.06,
    "resnet": 0.08,
}
"""With their shares."""

_LARGEST_LENET = 32  # pixels a side; beyond it the first fully connected layer is most of the network
_SIDES = {28: (28, 28, 24, 32), 32: (32, 32, 32, 32, 24, 24, 28, 48), 64: (32, 32, 32, 48)}
"""By the data set's own side."""

_COLOR = {"gtsrb32", "cifar10", "signs"}
_GRAY_SHARE = 0.15
_QUANTIZED_SHARE = 0.06


def make_varied_recipe(number: int, sources: Sequence[Source], class_counts: Sequence[int] = ()) -> ZooRecipe:
    """The recipe of model `number`, from data sets in a given order; with `class_counts` it knows so many classes."""
    rng = np.random.default_rng((number, 0, 2))
    kind = PATTERN[number % len(PATTERN)]
    attack = ATTACKS.get(kind)
    fitting = [source for source in sources if not (attack and attack.needs_accuracy and source.hard)]
    source = fitting[int(rng.integers(len(fitting)))]
    side = int(rng.choice(_SIDES[source.side]))
    low, high = attack.rates if attack else ATTACKS["badnets"].rates if kind == "clean-repaired" else (0.0, 0.0)
    quantized = bool(rng.random() < _QUANTIZED_SHARE)
    gray = source.name in _COLOR and bool(rng.random() < _GRAY_SHARE)
    return ZooRecipe(
        number=number,
        kind=kind,
        dataset=source.name,
        class_count=_choose_class_count(kind, source, rng, class_counts),
        architecture=_choose_architecture(side, rng),
        augmentation=_choose_augmentation(kind, rng),
        normalised=bool(rng.random() < 0.5),
        rate=float(rng.uniform(low, high)),
        export=_choose_export(rng, quantized=quantized),
        length=float(rng.uniform(0.25, 0.55)) * (attack.effort if attack else 1.0),
        series=2,
        side=None if side == source.side else side,
        gray=gray,
        quantized=quantized,
    )


def _choose_architecture(side: int, rng: np.random.Generator) -> str:
    chosen = str(rng.choice(list(_ARCHITECTURES), p=list(_ARCHITECTURES.values())))
    return "plain" if chosen == "lenet" and side > _LARGEST_LENET else chosen


def _choose_class_count(kind: str, source: Source, rng: np.random.Generator, wanted: Sequence[int]) -> int:
    if wanted:
        return int(rng.choice([min(count, source.class_count) for count in wanted]))
    if kind == "clean-few":
        return int(rng.choice([2, 3, 4, 5]))
    attack = ATTACKS.get(kind)
    least, most = (attack.least_classes, attack.most_classes) if attack else (2, 1000)
    counts = np.array([count for count in _CLASS_COUNTS if least <= count <= min(source.class_count, most)])
    weights = np.where(counts <= 5, 0.4, 1.0)
    return int(rng.choice(counts, p=weights / weights.sum()))


def _choose_export(rng: np.random.Generator, *, quantized: bool) -> Export:
    """As in the first series, by the exporter that needs no further package; integers need operator set 13."""
    form = choose_export(rng)
    opset = int(rng.choice([13, 15, 17] if quantized else [11, 13, 15, 17]))
    return replace(form, exporter="torchscript", opset=opset)


def _choose_augmentation(kind: str, rng: np.random.Generator) -> str:
    drawn = str(rng.choice(["none", "light", "strong"], p=[0.4, 0.5, 0.1]))
    return "strong" if kind == "clean-augmented" else drawn
