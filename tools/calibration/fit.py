"""Logistic regression over models, each of which counts by its most suspicious label.

    log-odds_k = b − ln max(N, 10) + w · x_k,       p = 1 / (1 + exp(−max_k log-odds_k))

`b` and `w >= 0` minimize, under a prior of one half (the clean and the backdoored models weigh the same),

    mean clean −ln(1 − p)  +  mean backdoored −ln p(log-odds of the true target)  +  ridge · |w|²
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from onnxaudit.scoring.label_evidence import CONTROL, choose_least
from onnxaudit.scoring.label_mappings import weigh_sources
from onnxaudit.scoring.settings import VerdictConfig
from tools.calibration.features import measure
from tools.calibration.table import Row, Values

RIDGE_OF_FEW_CLASSES = 0.05  # evidence that hardly separates shall not move the score far
RIDGE = 0.01  # with less, cross-entropy is lower, but a patch ten times smaller than normal could be called clean
_FEWEST = VerdictConfig().fewest_compared
_ABSENT = -1e9


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The constants: `b` and, by feature, `w`."""

    offset: float
    weights: Values


@dataclass(frozen=True, kw_only=True, eq=False)
class Cases:
    """Models as arrays, padded to the same number of labels.

    Attributes:
        rows: The models.
        features: `x` `(models, labels, features)`.
        uncorrected: the same without what surrogates say.
        present: Which labels a model has, `(models, labels)`.
        aimed: Its true targets; all labels where it has no single one, `(models, labels)`.
    """

    rows: tuple[Row, ...]
    features: Values
    uncorrected: Values
    present: npt.NDArray[np.bool_]
    aimed: npt.NDArray[np.bool_]

    @property
    def backdoored(self) -> npt.NDArray[np.bool_]:
        """By model."""
        return np.array([row.backdoored for row in self.rows])

    def take(self, chosen: npt.NDArray[np.bool_]) -> "Cases":
        """The models where `chosen` `(models,)` is true."""
        rows = tuple(row for row, one in zip(self.rows, chosen, strict=True) if one)
        return Cases(
            rows=rows,
            features=self.features[chosen],
            uncorrected=self.uncorrected[chosen],
            present=self.present[chosen],
            aimed=self.aimed[chosen],
        )


def choose_rows(rows: Sequence[Row], *, few: bool = False, held_out: bool = False) -> list[Row]:
    """The models that the constants in force were fitted on: of few classes, or of more and with exact shifts.

    With `held_out` the models of that kind that take part in no fit.
    """
    fewest = VerdictConfig().fewest_classes
    alike = [row for row in rows if row.held_out == held_out and (row.classes < fewest) == few]
    return alike if few else [row for row in alike if np.isfinite(row.values("exact-shift")).any()]


def make_cases(rows: Sequence[Row], features: Sequence[str]) -> Cases:
    """Measures `features` of all models."""
    most = max(row.classes for row in rows)
    values, bare = (np.zeros((len(rows), most, len(features))) for _ in range(2))
    present, aimed = (np.zeros((len(rows), most), bool) for _ in range(2))
    for number, row in enumerate(rows):
        values[number, : row.classes] = measure(row, features)
        without = {name: found for name, found in row.evidence.items() if name != CONTROL}
        bare[number, : row.classes] = measure(replace(row, evidence=without), features)
        present[number, : row.classes] = True
        aimed[number, list(row.targets) or slice(row.classes)] = True
    return Cases(rows=tuple(rows), features=values, uncorrected=bare, present=present, aimed=aimed)


def fit(cases: Cases, ridge: float = RIDGE) -> Fit:
    """`b` and `w`, of the models that can teach them.

    Models without a single target (all-to-all) take no part: their labels are not singled out. Nor do badly trained
    ones of ten classes and more: they have labels that are near by nature, and constants that allow for them see less
    in the models that a gate is given.
    """
    used = cases.take(np.array([_is_lesson(row) for row in cases.rows]))
    backdoored = torch.from_numpy(used.backdoored)
    start = torch.from_numpy(_start(used))
    present, aimed = torch.from_numpy(used.present), torch.from_numpy(used.aimed)
    features = torch.from_numpy(used.features)
    raw = torch.zeros(1 + features.shape[2], dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([raw], max_iter=300, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        solver.zero_grad()
        weights = raw[1:].exp()
        odds = raw[0] + start[:, None] + features @ weights
        seen = torch.where(torch.where(backdoored[:, None], aimed, present), odds, _ABSENT).amax(dim=1)
        losses = torch.nn.functional.softplus(torch.where(backdoored, -seen, seen))
        loss = losses[backdoored].mean() + losses[~backdoored].mean() + ridge * weights.square().sum()
        torch.autograd.backward(loss)
        return loss

    solver.step(closure)  # type: ignore[no-untyped-call]
    found = raw.detach()
    return Fit(offset=float(found[0]), weights=found[1:].exp().numpy())


def _is_lesson(row: Row) -> bool:
    config = VerdictConfig()
    trained = row.accuracy >= config.well_trained or row.classes < config.fewest_classes
    return trained and (not row.backdoored or bool(row.targets))


def weigh(cases: Cases, fitted: Fit) -> Values:
    """Log-odds `(models, labels)` as in `scoring.label_evidence`; far below zero for labels that are not there."""
    odds, without = (
        fitted.offset + _start(cases)[:, None] + one @ fitted.weights for one in (cases.features, cases.uncorrected)
    )
    odds = np.maximum(odds, np.minimum(without, VerdictConfig().least_open))
    for number, row in enumerate(cases.rows):
        sources = weigh_sources(row.values("source-specific"), row.classes, VerdictConfig())
        odds[number, : row.classes] = np.maximum(odds[number, : row.classes], sources)
    return np.where(cases.present, odds, _ABSENT)


def hold_down(cases: Cases, odds: Values) -> Values:
    """Log-odds `(models,)` as they count in the score: what convinces nobody is 0 at most."""
    config = VerdictConfig()
    least = [choose_least(row.classes, config, well_trained=row.accuracy >= config.well_trained) for row in cases.rows]
    return np.where(odds < least, np.minimum(odds, 0.0), odds)


def _start(cases: Cases) -> Values:
    return np.array([-math.log(max(row.classes, _FEWEST)) for row in cases.rows])
