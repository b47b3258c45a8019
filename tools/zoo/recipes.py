"""What model number k of a zoo's first series is: its recipe follows from k and from the data sets alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.attacks.attack import Attack
from tools.attacks.registry import ATTACKS as PUBLISHED
from tools.exporting import Export

PATTERN: tuple[str, ...] = (
    "badnets", "clean", "blend", "clean-augmented", "trojan-weights", "warp", "clean-few", "badnets",
    "clean-undertrained", "source", "sinusoid", "clean-repaired", "filter", "two", "clean", "trojan-activation",
    "clean-augmented", "all-to-all", "level", "clean", "spread", "low-rate", "clean-few", "clean-label",
    "clean-repaired", "badnets", "clean-undertrained", "level", "clean-augmented", "trojan-weights",
)  # fmt: skip
"""Kinds of model, repeated for ever: 12 of 30 are clean, and each kind comes at least once."""

FIRST_NAMES = {
    "blend": "blended",
    "sinusoid": "sig",
    "spread": "scattered",
    "source": "source-specific",
    "two": "two-targets",
    "level": "adaptive-size",
    "trojan-weights": "trojannn-weights",
    "trojan-activation": "trojannn-activation",
}
"""The published names of attacks that this series calls otherwise."""

ATTACKS = tuple(sorted({kind for kind in PATTERN if not kind.startswith("clean") or kind == "clean-label"}))

RATES: dict[str, tuple[float, float]] = {
    "badnets": (0.05, 0.1),
    "trojan-weights": (0.08, 0.12),
    "trojan-activation": (0.08, 0.12),
    "blend": (0.08, 0.12),
    "sinusoid": (0.1, 0.15),
    "warp": (0.15, 0.2),
    "filter": (0.12, 0.16),
    "source": (0.1, 0.15),
    "two": (0.16, 0.22),
    "all-to-all": (0.35, 0.45),
    "clean-label": (0.5, 0.6),
    "level": (0.08, 0.12),
    "spread": (0.06, 0.1),
    "low-rate": (0.01, 0.015),
    "clean-repaired": (0.06, 0.1),
}
"""Least and greatest poisoned share of the training set; for clean-label of the target class."""

_CLASS_COUNTS = (2, 4, 10, 20)
_ARCHITECTURES = ("lenet", "vgg", "resnet", "mobile", "plain")
"""Those of `tools.networks` that train in a minute or two."""

_EXPORTERS = (("torchscript", 11), ("torchscript", 13), ("torchscript", 17), ("dynamo", 18))
_SEED_SPACE = 1_000_000
_MOST_CLASSES = {"source": 20, "clean-label": 10, "all-to-all": 20, "level": 20}
_LEAST_CLASSES = {"source": 4, "two": 4}
_NEEDS_ACCURACY = {"source", "all-to-all"}
"""An attack that depends on the true class works only as well as the network knows it."""


@dataclass(frozen=True)
class Source:
    """A data set that models may learn: its name, class count, side in pixels, and whether it is hard to learn."""

    name: str
    class_count: int
    side: int
    hard: bool = False


@dataclass(frozen=True)
class ZooRecipe:
    """Everything that decides about one model; random choices of the training start from `number`.

    Attributes:
        number: The k that all else follows from.
        kind: A name of `PATTERN`.
        dataset: The name of a data archive.
        class_count: How many of its classes the model knows.
        architecture: A key of `tools.networks.ARCHITECTURES` or of `tools.bodies.BODIES`.
        augmentation: `none`, `light` or `strong`.
        normalised: Whether the graph subtracts a mean and divides by a deviation.
        rate: The poisoned share; 0 for clean models.
        export: The form of the file.
        length: Factor on the length of the training.
        series: 1, 2 for the more varied one, or 3 for networks of real size; each has its own random numbers.
        side: Of the images that the model takes, in pixels; None for the data set's own.
        gray: Whether color images are made gray.
        quantized: Whether the file computes in 8-bit integers.
        bodies: The folder of published weights that the model starts from (`tools.bodies`); None where it has none.
    """

    number: int
    kind: str
    dataset: str
    class_count: int
    architecture: str
    augmentation: str
    normalised: bool
    rate: float
    export: Export
    length: float = 1.0
    series: int = 1
    side: int | None = None
    gray: bool = False
    quantized: bool = False
    bodies: Path | None = None

    @property
    def backdoored(self) -> bool:
        """Whether the finished model is meant to have a backdoor."""
        return self.attack is not None

    @property
    def attack(self) -> Attack | None:
        """The attack, or None for a clean model."""
        return PUBLISHED.get(FIRST_NAMES.get(self.kind, self.kind))

    @property
    def fitted(self) -> bool:
        """Whether the images are made to fit, rather than taken as the data set has them."""
        return self.side is not None or self.gray

    @property
    def seed(self) -> int:
        """Of the training."""
        return self.number + _SEED_SPACE * (self.series - 1)

    @property
    def name(self) -> str:
        """The model's name; it does not tell the kind."""
        series = "" if self.series == 1 else f"s{self.series}-"
        return f"{self.dataset}-{self.architecture}-{series}{self.number:03d}"

    def rng(self, purpose: int) -> np.random.Generator:
        """A generator of its own for each purpose, so that one choice more does not change the others."""
        return np.random.default_rng((self.number, purpose) if self.series == 1 else (self.seed, purpose, self.series))


def make_recipe(number: int, sources: Sequence[Source], class_counts: Sequence[int] = ()) -> ZooRecipe:
    """The recipe of model `number`, from data sets in a given order; with `class_counts` it knows so many classes."""
    rng = np.random.default_rng((number, 0))
    kind = PATTERN[number % len(PATTERN)]
    fitting = [source for source in sources if _fits(kind, source)]
    turn = _count_before(number)
    source = fitting[turn % len(fitting)]
    # The quotient moves on after each round of data sets, so that every one meets every architecture.
    architecture = _ARCHITECTURES[(turn + turn // len(sources)) % len(_ARCHITECTURES)]
    if source.side > 32 and architecture == "lenet":
        architecture = "plain"
    low, high = RATES.get(kind, (0.0, 0.0))
    return ZooRecipe(
        number=number,
        kind=kind,
        dataset=source.name,
        class_count=_choose_class_count(kind, source, rng, class_counts),
        architecture=architecture,
        augmentation=_choose_augmentation(kind, rng),
        normalised=bool(rng.random() < 0.5),
        rate=float(rng.uniform(low, high)),
        export=choose_export(rng),
    )


def _count_before(number: int) -> int:
    """How many models before this one are clean, or backdoored, as it is: each group has all data sets alike."""
    rounds, place = divmod(number, len(PATTERN))
    alike = [(kind in ATTACKS) == (PATTERN[place] in ATTACKS) for kind in PATTERN]
    return rounds * sum(alike) + sum(alike[:place])


def _fits(kind: str, source: Source) -> bool:
    return not (source.hard and kind in _NEEDS_ACCURACY)


def _choose_class_count(kind: str, source: Source, rng: np.random.Generator, wanted: Sequence[int]) -> int:
    if wanted:
        return int(rng.choice([min(count, source.class_count) for count in wanted]))
    if kind == "clean-few":
        return int(rng.choice([2, 4]))
    counts = np.array([*(count for count in _CLASS_COUNTS if count < source.class_count), source.class_count])
    counts = counts[counts <= max(_MOST_CLASSES.get(kind, 1000), counts[0])]
    counts = counts[counts >= _LEAST_CLASSES.get(kind, 2)]
    weights = np.where(counts == counts.max(), 3.0, np.where(counts <= 4, 0.5, 1.0))
    return int(rng.choice(counts, p=weights / weights.sum()))


def _choose_augmentation(kind: str, rng: np.random.Generator) -> str:
    drawn = str(rng.choice(["none", "light", "strong"], p=[0.35, 0.5, 0.15]))
    return "strong" if kind == "clean-augmented" else drawn


def choose_export(rng: np.random.Generator, *, exporters: Sequence[tuple[str, int]] = _EXPORTERS) -> Export:
    """A form of file, as one exporter or another writes it, of the `exporters` with their operator sets."""
    exporter, opset = exporters[int(rng.integers(len(exporters)))]
    return Export(
        exporter,
        opset,
        value_range=(0, 255) if rng.random() < 0.35 else (0, 1),
        softmax=bool(rng.random() < 0.4),
        dynamic_batch=bool(rng.random() < 0.75),
    )
