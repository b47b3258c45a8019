"""How a score stands among those of the models of the evidence table.

Two p-values, one among clean models and one among backdoored ones: with weights `w_i` in [0, 1] that say how much alike
two models are,

    p = (1 + Σ_i w_i · [score_i at least as extreme]) / (1 + Σ_i w_i)

Source: V. Vovk, A. Gammerman and G. Shafer, Algorithmic Learning in a Random World, 2005; with weights, R. J.
Tibshirani et al., Conformal prediction under covariate shift, NeurIPS 2019.

Differs from the sources: weights are no likelihood ratios but say how near two models are, as nobody knows from which
distribution models come; the model itself weighs 1, as one that is like itself. The scores of the table come from
fits without the model and without its family of attacks (`tools.calibrate --reference`).
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from onnxaudit.records import Comparison
from onnxaudit.scoring.settings import VerdictConfig

Architecture = Literal["convolutional", "tokens", "dense"]
CONFIDENCE = 0.95
OTHER_ARCHITECTURE = 0.5  # weight of a model of another architecture
ACCURACY_SCALE = 0.2  # models whose accuracies differ by this much are alike by 1/e


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """By what models are compared.

    Attributes:
        classes: how many it tells apart.
        side: geometric mean of its images' height and width, pixels; 0 where it takes no images.
        accuracy: on clean images, in [0, 1]; None where these have no labels.
        architecture: of which kind it is.
        raced: whether its labels were searched by a race, in few steps, as those of large images are.
    """

    classes: int
    side: float
    accuracy: float | None
    architecture: Architecture
    raced: bool = False


@dataclass(frozen=True, kw_only=True)
class Known:
    """A model whose truth is known."""

    likeness: Likeness
    backdoored: bool
    score: float


@cache
def read_known() -> tuple[Known, ...]:
    """The models of the table."""
    text = (files("onnxaudit.scoring") / "reference.json").read_text(encoding="utf-8")
    return tuple(
        Known(likeness=Likeness(**row["likeness"]), backdoored=row["backdoored"], score=row["score"])
        for row in json.loads(text)["models"]
    )


def compare_score(score: float, likeness: Likeness, known: Sequence[Known]) -> Comparison:
    """How `score` stands among those of `known`."""
    pairs = [(one, weigh_likeness(likeness, one.likeness)) for one in known]
    clean = [(one, weight) for one, weight in pairs if not one.backdoored]
    bad = [(one, weight) for one, weight in pairs if one.backdoored]
    like_clean, like_bad = (sum(weight for _, weight in kind) for kind in (clean, bad))
    as_high = sum(weight for one, weight in clean if one.score >= score)
    as_low = sum(weight for one, weight in bad if one.score <= score)
    return Comparison(
        clean=(1 + as_high) / (1 + like_clean),
        backdoored=(1 + as_low) / (1 + like_bad),
        like_clean=like_clean,
        like_backdoored=like_bad,
        least_false_positive_rate=bound_rate(like_clean),
    )


def weigh_likeness(one: Likeness, other: Likeness) -> float:
    """How much alike two models are, in [0, 1]; half as many classes, or images half as large, cost a factor e.

    What few steps show of a model compares with nothing that many showed of another, however near their images are.
    """
    if not (one.side and other.side) or is_small(one) != is_small(other) or one.raced != other.raced:
        return 0.0
    apart = abs(math.log2(one.classes / other.classes)) + abs(math.log2(one.side / other.side))
    if one.accuracy is not None and other.accuracy is not None:
        apart += abs(one.accuracy - other.accuracy) / ACCURACY_SCALE
    return math.exp(-apart) * (1.0 if one.architecture == other.architecture else OTHER_ARCHITECTURE)


def is_small(one: Likeness) -> bool:
    """Whether the model has so few classes that its score is one of its own kind."""
    return one.classes < VerdictConfig().fewest_classes


def bound_rate(models: float) -> float:
    """The rate that so many clean models without a false positive exclude nothing below, with 95 % confidence."""
    return 1 - (1 - CONFIDENCE) ** (1 / models) if models > 0 else 1.0
