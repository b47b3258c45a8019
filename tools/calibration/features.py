"""What a score may be made of: numbers at least zero by label, from a row of the evidence table.

A feature is written `FORM:NAMES`. The names are evidence of the table joined by `+`, whose logarithms are added; the
forms are

    log      max(0, ln r)
    z        robust z of ln r among the model's labels, in [0, 8]
    root-z   its square root, for evidence with long tails
    limited  max(0, ln r) · min(1, z / 4), the `c` of `onnxaudit.scoring.verdict`
    lead     by how much ln r is ahead of the best other label, and above 0
    with-size  max(0, ln r) · min(1, max(0, ln r_patch) / ln 2.5): it counts only together with a small trigger

where `r` is how many times closer than is normal a label is. Names of raw distances start with `1/`: `1/mask_l1` is
`median / mask_l1`. The size and the form of a trigger that fails on unseen samples do not count.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from onnxaudit.scoring.outliers import CONSISTENCY
from onnxaudit.scoring.verdict import JudgementConfig
from tools.calibration.table import Row, Values

VERDICT = ("limited:patch+latent-inversion", "log:compactness", "limited:spectral")
"""What the verdict is made of."""

_OF_MASKS = {"patch", "compactness", "1/mask_l1"}
_HIGHEST_Z = 8.0
_FULL_SIZE = math.log(2.5)
_CONFIG = JudgementConfig()


def measure(row: Row, features: Sequence[str]) -> Values:
    """All features of a model, `(labels, features)`; 0 where nothing was measured."""
    columns = [_measure_one(row, feature) for feature in features]
    return np.nan_to_num(np.stack(columns, axis=1), nan=0.0)


def _measure_one(row: Row, feature: str) -> Values:
    form, _, names = feature.partition(":")
    if form not in FORMS or not names:
        raise ValueError(f"a feature is FORM:NAMES with a form of {', '.join(FORMS)}, not {feature}")
    logs = [_take_log(row, name) for name in names.split("+")]
    known = ~np.isnan(logs[0])
    total = np.where(known, logs[0] + sum(np.nan_to_num(log) for log in logs[1:]), np.nan)
    values = FORMS[form](total, row)
    unseen = row.values("success")
    fails = ~(unseen >= _CONFIG.unseen_success)
    return np.asarray(np.where(fails, 0.0, values)) if _OF_MASKS & set(names.split("+")) else values


def _take_log(row: Row, name: str) -> Values:
    """`ln r` of one evidence, `(labels,)`."""
    if name.startswith("1/"):
        distances = np.maximum(row.values(name.removeprefix("1/")), 1e-6)
        return np.asarray(np.log(_median(distances)) - np.log(distances))
    return np.asarray(np.log(np.maximum(row.values(name), 1e-6)))


def _median(values: Values) -> float:
    found = values[np.isfinite(values)]
    return float(np.median(found)) if len(found) else math.nan


def _score_z(logs: Values) -> Values:
    found = logs[np.isfinite(logs)]
    spread = _CONFIG.usual_spread
    if len(found) >= _CONFIG.fewest_for_spread:
        spread = max(CONSISTENCY * _median(np.abs(found - np.median(found))), _CONFIG.least_spread)
    return np.asarray(logs / spread)


def _lead(logs: Values, _: Row) -> Values:
    known = np.nan_to_num(logs, nan=-np.inf)
    best = np.array([np.max(np.delete(known, label), initial=0.0) for label in range(len(known))])
    return np.asarray(np.maximum(0.0, known - best))


def _limited(logs: Values, _: Row) -> Values:
    return np.asarray(np.maximum(0.0, logs) * np.clip(_score_z(logs) / _CONFIG.full_distance, 0.0, 1.0))


def _with_size(logs: Values, row: Row) -> Values:
    sizes = np.clip(np.nan_to_num(_take_log(row, "patch")) / _FULL_SIZE, 0.0, 1.0)
    return np.asarray(np.maximum(0.0, logs) * sizes)


FORMS: dict[str, Callable[[Values, Row], Values]] = {
    "log": lambda logs, _: np.maximum(0.0, logs),
    "z": lambda logs, _: np.clip(_score_z(logs), 0.0, _HIGHEST_Z),
    "root-z": lambda logs, _: np.sqrt(np.clip(_score_z(logs), 0.0, _HIGHEST_Z**2)),
    "limited": _limited,
    "lead": _lead,
    "with-size": _with_size,
}
"""How the logarithms of a model's labels become a feature."""
