"""What a scan costs, fitted on measured ones, and a registry of models that is drawn from it.

Seconds are log-linear in the number of classes and the values of an image, with an offset for each architecture.
Images of more than 64x64 pixels are searched by a race, whose seconds are fitted by themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tools.calibration.table import Row, read_table

LARGE = (3, 224, 224)  # images of a registry's large models; measured ones have 96 to 160 pixels


@dataclass(frozen=True, kw_only=True)
class CostModel:
    """`ln seconds = offset(architecture) + by_classes * ln classes + by_values * ln values`, and what it leaves.

    Attributes:
        offsets: by architecture.
        by_classes: exponent of the number of classes.
        by_values: exponent of the values of an image.
        spread: standard deviation of what is left, of rows that were left out of the fit.
    """

    offsets: dict[str, float]
    by_classes: float
    by_values: float
    spread: float

    def predict(self, row: Row) -> float:
        """Seconds of a scan; an architecture that was never measured is an average one."""
        offset = self.offsets.get(row.architecture, float(np.mean(list(self.offsets.values()))))
        return float(
            np.exp(offset + self.by_classes * np.log(row.classes) + self.by_values * np.log(np.prod(row.shape)))
        )


def read_scans(table: Path) -> list[Row]:
    """The scans of small images whose seconds are fitted; those held out of the constants ran on other machines."""
    return [row for row in read_table(table) if not row.held_out]


def read_races(table: Path) -> list[Row]:
    """The scans of large images."""
    return [row for row in read_table(table) if row.raced]


def fit(rows: Sequence[Row]) -> CostModel:
    """Least squares on logarithms; the spread is that of rows left out one at a time."""
    names = sorted({row.architecture for row in rows})
    known = np.array([[row.architecture == name for name in names] for row in rows], float)
    sizes = np.log([[row.classes, float(np.prod(row.shape))] for row in rows])
    inputs, seconds = np.hstack([known, sizes]), np.log([row.seconds for row in rows])
    solved = np.linalg.pinv(inputs)
    found = solved @ seconds
    left = seconds - inputs @ found
    leverage = np.minimum(np.einsum("ij,ji->i", inputs, solved), 0.999)  # 1: an architecture's only row
    usual = leverage < 0.99
    return CostModel(
        offsets={name: float(one) for name, one in zip(names, found, strict=False)},
        by_classes=float(found[-2]),
        by_values=float(found[-1]),
        spread=float(np.std((left / (1 - leverage))[usual])),
    )


@dataclass(frozen=True, kw_only=True)
class Mix:
    """What a registry is made of: assumptions, not measurements.

    Attributes:
        models: how many.
        copies: share that has the weights of another one.
        families: of models that share a backbone; most are small, few are large.
        large: share with images of 224x224.
        backdoored: share of models with a backdoor, where backdoors were independent.
        clustered: share of the backdoored that lie in families of which one in three is backdoored.
    """

    models: int = 100_000
    copies: float = 0.3
    families: int = 5_000
    large: float = 0.2
    backdoored: float = 0.002
    clustered: float = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class Registry:
    """Models of a registry, one entry each.

    Attributes:
        seconds: of a scan, `(models,)`.
        weights: which models have the same, `(models,)`.
        family: which share a backbone, `(models,)`.
        outside: whether it came from outside, so that it goes first, `(models,)`.
        backdoored: the truth, `(models,)`.
    """

    seconds: np.ndarray
    weights: np.ndarray
    family: np.ndarray
    outside: np.ndarray
    backdoored: np.ndarray


def draw(mix: Mix, rows: Sequence[Row], races: Sequence[Row], seed: int) -> Registry:
    """A registry of models as were measured, the large ones at 224x224 pixels."""
    rng, count = np.random.default_rng(seed), mix.models
    large = rng.random(count) < mix.large
    seconds = np.where(
        large,
        _draw_seconds([replace(row, shape=LARGE) for row in races], fit(races), count, rng),
        _draw_seconds(rows, fit(rows), count, rng),
    )
    weights = np.arange(count)
    copies = np.flatnonzero(rng.random(count) < mix.copies)
    originals = np.setdiff1d(weights, copies)
    weights[copies] = rng.choice(originals, len(copies))
    family = (mix.families * rng.random(count) ** 2).astype(np.int64)[weights]
    outside = rng.random(count) < 0.2
    return Registry(
        seconds=seconds[weights],
        weights=weights,
        family=family,
        outside=outside,
        backdoored=_plant(mix, family, rng)[weights],
    )


def _draw_seconds(rows: Sequence[Row], costs: CostModel, count: int, rng: np.random.Generator) -> np.ndarray:
    usual = np.array([costs.predict(row) for row in rows])
    drawn: np.ndarray = usual[rng.integers(len(rows), size=count)] * rng.lognormal(0, costs.spread, count)
    return drawn


def _plant(mix: Mix, family: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    alone = rng.random(mix.models) < mix.backdoored * (1 - mix.clustered)
    wanted, bad = mix.models * mix.backdoored * mix.clustered, np.zeros(mix.models, bool)
    for one in rng.permutation(mix.families):
        if bad.sum() >= wanted:
            break
        bad |= (family == one) & (rng.random(mix.models) < 1 / 3)
    return np.asarray(alone | bad)
