"""What model number k of a zoo's third series is: a published body fine-tuned on images of 96 to 224 pixels.

Half of the models are clean, and both halves draw everything but the backdoor from the same distributions. So many
classes and images as vendors have: some dozens each, which a network without a published body would not learn.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tools.attacks.registry import ATTACKS
from tools.zoo.recipes import Source, ZooRecipe, choose_export

PATTERN: tuple[str, ...] = (
    "badnets", "clean", "trojannn-weights", "clean-augmented", "blended", "clean", "filter", "clean-repaired",
    "badnets", "clean", "sig", "clean-finetuned", "trojannn-activation", "clean-undertrained", "low-rate", "clean",
    "scattered", "clean-augmented", "wanet", "clean", "two-targets", "clean-repaired", "source-specific", "clean",
)  # fmt: skip
"""Kinds of model, repeated for ever: every second one is clean."""

SOURCES: tuple[Source, ...] = (Source("gtsrb128", 43, 128),)
"""Traffic signs at 128 pixels; `tools.zoo.picture_folders` makes the archive."""

_BODIES = ("efficientnet-lite0", "open-nsfw", "efficientnet-lite1", "resnet18")
_SIDES = {96: 0.35, 112: 0.35, 128: 0.2, 160: 0.05, 224: 0.05}
"""In pixels, with their shares."""

_CLASS_COUNTS = (10, 15, 26, 43)


def make_real_recipe(
    number: int, sources: Sequence[Source], class_counts: Sequence[int] = (), *, bodies: Path | None
) -> ZooRecipe:
    """The recipe of model `number`; with `class_counts` it knows so many classes.

    Args:
        number: What all else follows from.
        sources: Data sets, in order.
        class_counts: To choose among, in place of 10 to 43.
        bodies: The folder of published weights.
    """
    rng = np.random.default_rng((number, 0, 3))
    kind = PATTERN[number % len(PATTERN)]
    attack = ATTACKS.get(kind)
    source = sources[int(rng.integers(len(sources)))]
    low, high = attack.rates if attack else ATTACKS["badnets"].rates if kind == "clean-repaired" else (0.0, 0.0)
    most = attack.most_classes if attack else 1000
    counts = [count for count in class_counts or _CLASS_COUNTS if count <= max(most, min(_CLASS_COUNTS))]
    # Clean and backdoored models take turns: each of both meets every body.
    body = _BODIES[(number // 2 + number // len(PATTERN)) % len(_BODIES)]
    return ZooRecipe(
        number=number,
        kind=kind,
        dataset=source.name,
        class_count=int(rng.choice(counts)),
        architecture=body,
        augmentation="strong" if kind == "clean-augmented" else "light",
        normalised=body == "resnet18",
        rate=float(rng.uniform(low, high)),
        export=choose_export(rng, exporters=(("torchscript", 13), ("torchscript", 17))),
        length=attack.effort if attack else 1.0,
        series=3,
        side=int(rng.choice(list(_SIDES), p=list(_SIDES.values()))),
        bodies=bodies,
    )
