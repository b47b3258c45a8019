"""How far a label stands out from the others of its model: forms that an evidence's ratios take in the score.

Each takes `ln r` by label, `(labels,)`, with `r` how many times closer than is normal a label is and NaN where nothing
was measured, and gives numbers at least zero that rise with `ln r`; 0 where nothing was measured.
"""

import math

import numpy as np
import numpy.typing as npt

from onnxaudit.scoring.outliers import CONSISTENCY

Values = npt.NDArray[np.float64]

FEWEST_FOR_SPREAD = 6  # with fewer labels a spread is not measured
USUAL_SPREAD = 0.25  # taken then
LEAST_SPREAD = 0.15  # runs with other seeds differ by this much
FULL_Z = 4.0  # from here on closeness counts in full
PRIOR_LABELS, PRIOR_SPREAD = 10, 0.15  # what is known of exact shifts before a model's own labels are seen
HIGHEST_Z = 6.0
FULL_SIZE = math.log(2.5)
FULL_LEAD = 0.5
NATURAL_LEAD, HIGHEST_LEAD = 0.3, 0.6  # of photo filters: some class is always the darkest


def take_log(values: Values) -> Values:
    """The logarithm of ratios; a ratio of nothing is a very small one."""
    return np.asarray(np.log(np.maximum(values, 1e-6)))


def limit(logs: Values) -> Values:
    """`max(0, ln r) · min(1, z / 4)`, `z = ln r / spread`: in full only what is unusual among this model's labels."""
    found = logs[np.isfinite(logs)]
    spread = USUAL_SPREAD
    if len(found) >= FEWEST_FOR_SPREAD:
        spread = max(_measure_spread(found), LEAST_SPREAD)
    return _fill(np.maximum(0.0, logs) * np.clip(logs / spread / FULL_Z, 0.0, 1.0))


def score_z(logs: Values) -> Values:
    """`ln r / spread` in [0, 6]; the spread of few labels is pulled towards the usual one, as if ten more had it."""
    found = logs[np.isfinite(logs)]
    own = len(found) * _measure_spread(found) ** 2 if len(found) else 0.0
    spread = math.sqrt((own + PRIOR_LABELS * PRIOR_SPREAD**2) / (len(found) + PRIOR_LABELS))
    return _fill(np.clip(logs / spread, 0.0, HIGHEST_Z))


def count_with_size(logs: Values, sizes: Values) -> Values:
    """`max(0, ln r) · min(1, ln r_size / ln 2.5)`: it counts only together with a small trigger."""
    return _fill(np.maximum(0.0, logs) * np.clip(np.nan_to_num(sizes) / FULL_SIZE, 0.0, 1.0))


def stand_alone(logs: Values) -> Values:
    """`max(0, ln r) · min(1, lead / 0.5)`: it counts only where one label is ahead of all others."""
    return _fill(np.maximum(0.0, logs) * np.clip(measure_lead(logs) / FULL_LEAD, 0.0, 1.0))


def exceed_natural_lead(logs: Values) -> Values:
    """By how much the lead over the best other label exceeds what clean models have, in [0, 0.6]."""
    return _fill(np.clip(measure_lead(logs) - NATURAL_LEAD, 0.0, HIGHEST_LEAD))


def measure_lead(logs: Values) -> Values:
    """By how much `ln r` is ahead of the best other label, and above 0."""
    known = np.nan_to_num(logs, nan=-np.inf)
    best = [np.max(np.delete(known, label), initial=0.0) for label in range(len(known))]
    return np.asarray(np.maximum(0.0, known - np.array(best)))


def _measure_spread(found: Values) -> float:
    """Standard deviation of normal values with the same median absolute deviation."""
    return CONSISTENCY * float(np.median(np.abs(found - np.median(found))))


def _fill(values: Values) -> Values:
    return np.asarray(np.nan_to_num(values, nan=0.0))
