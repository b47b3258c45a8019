"""Scores of models that took no part in their fit, because a whole group of their like was left out."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tools.calibration.fit import RIDGE, Cases, fit, weigh
from tools.calibration.table import Row, Values

GROUPS: dict[str, Callable[[Row], str]] = {
    "family": lambda row: row.family,
    "architecture": lambda row: row.architecture,
    "dataset": lambda row: row.dataset,
    "zoo": lambda row: row.zoo,
    "kind": lambda row: row.kind,
}
"""What may be left out as a whole."""

_PARTS = 5  # into which the clean models are divided while a family is left out


def score_left_out(cases: Cases, group: str, *, ridge: float = RIDGE, seed: int = 0) -> Values:
    """Log-odds `(models, labels)`, each from fits without the model and without its group.

    Clean models have no family: beside each family a fifth of them is left out in turn, and their log-odds are the mean
    over families, as are those of the family over the fifths.
    """
    names = np.array([GROUPS[group](row) for row in cases.rows])
    if group in ("family", "kind"):
        return _leave_out_attacks(cases, names, ridge, seed)
    odds = np.zeros(cases.present.shape)
    for name in np.unique(names):
        held = names == name
        odds[held] = weigh(cases.take(held), fit(cases.take(~held), ridge))
    return odds


def _leave_out_attacks(cases: Cases, names: npt.NDArray[np.str_], ridge: float, seed: int) -> Values:
    parts = np.random.default_rng(seed).permutation(len(names)) % _PARTS
    bad = cases.backdoored
    total, count = np.zeros(cases.present.shape), np.zeros(len(names))
    for name in np.unique(names[bad]):
        for part in range(_PARTS):
            held = (bad & (names == name)) | (~bad & (parts == part))
            total[held] += weigh(cases.take(held), fit(cases.take(~held), ridge))
            count[held] += 1
    return np.asarray(total / count[:, None])
