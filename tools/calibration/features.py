"""What a score may be made of: numbers at least zero by label, from a row of the evidence table.

A feature is written `FORM:NAMES`. The names are evidence of the table joined by `+`, whose logarithms are added; the
forms are

    log           max(0, ln r)
    lead          by how much ln r is ahead of the best other label, and above 0
    limited, gap, z, with-size   those of `onnxaudit.scoring.closeness`
    beyond-natural          the same; of several names each stands for itself

where `r` is how many times closer than is normal a label is. Names of raw distances start with `1/`: `1/mask_l1` is
`median / mask_l1`. The size and the form of a trigger that fails on unseen samples do not count.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from onnxaudit.scoring.closeness import (
    NATURAL_LEADS,
    count_with_size,
    exceed_natural,
    limit,
    measure_gap,
    measure_lead,
    score_z,
    take_log,
    take_off_nature,
)
from onnxaudit.scoring.settings import VerdictConfig
from tools.calibration.table import Row, Values

VERDICT = (
    "limited:patch+latent-inversion",
    "gap:patch",
    "with-size:compactness",
    "z:exact-shift",
    f"beyond-natural:{'+'.join(NATURAL_LEADS)}",
)
"""What the verdict is made of."""

OF_FEW_CLASSES = (VERDICT[0], VERDICT[2])
"""The same for models of few classes."""

_OF_MASKS = {"patch", "compactness", "1/mask_l1"}
_CONFIG = VerdictConfig()


def measure(row: Row, features: Sequence[str]) -> Values:
    """All features of a model, `(labels, features)`; 0 where nothing was measured."""
    columns = [_measure_one(row, feature) for feature in features]
    return np.nan_to_num(np.stack(columns, axis=1), nan=0.0)


def _measure_one(row: Row, feature: str) -> Values:
    form, _, names = feature.partition(":")
    if form == "beyond-natural":
        return exceed_natural({name: _take_log(row, name) for name in names.split("+")})
    if form not in FORMS or not names:
        raise ValueError(
            f"a feature is FORM:NAMES with a form of {', '.join((*FORMS, 'beyond-natural'))}, not {feature}"
        )
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
    logs = take_log(row.values(name))
    return take_off_nature(logs, take_log(row.values("surrogate"))) if name == "patch" else logs


def _median(values: Values) -> float:
    found = values[np.isfinite(values)]
    return float(np.median(found)) if len(found) else math.nan


FORMS: dict[str, Callable[[Values, Row], Values]] = {
    "log": lambda logs, _: np.maximum(0.0, logs),
    "lead": lambda logs, _: measure_lead(logs),
    "limited": lambda logs, _: limit(logs),
    "gap": lambda logs, _: measure_gap(logs),
    "z": lambda logs, _: score_z(logs),
    "with-size": lambda logs, row: count_with_size(logs, _take_log(row, "patch")),
}
"""How the logarithms of a model's labels become a feature."""
