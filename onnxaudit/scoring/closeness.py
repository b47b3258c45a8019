"""How far a label stands out from the others of its model: forms that an evidence's ratios take in the score.

Each takes `ln r` by label, `(labels,)`, with `r` how many times closer than is normal a label is and NaN where nothing
was measured, and gives numbers at least zero that rise with `ln r`; 0 where nothing was measured.
"""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from onnxaudit.statistics import measure_spread

Values = npt.NDArray[np.float64]

FEWEST_FOR_SPREAD = 6  # with fewer labels a spread is not measured
USUAL_SPREAD = 0.25  # taken then
LEAST_SPREAD = 0.15  # runs with other seeds differ by this much
FULL_Z = 4.0  # from here on closeness counts in full
PRIOR_LABELS, PRIOR_SPREAD = 10, 0.15  # what is known of exact shifts before a model's own labels are seen
HIGHEST_Z = 6.0
FULL_SIZE = math.log(2.5)
NATURAL_LEADS = {"spectral": 0.6, "photometric": 1.0, "warp": 0.28}
"""All well trained clean models of the table but one have no label that is ahead by more."""
HIGHEST_EXCESS = 2.0
MOST_LABELS = 0.9  # a tenth of a clean model's labels may be near: of ten one, of forty-three five
LEAST_UNIT = 0.3  # added to the standard deviation that a gap is measured in: few labels are alike by chance
HIGHEST_GAP = 2.0
FEWEST_FOR_GAP = 5
BY_NATURE = 0.75
"""Share of how near surrogates expect a label to be (`detectors.surrogate`) that is taken off what was found."""


def take_log(values: Values) -> Values:
    """The logarithm of ratios; a ratio of nothing is a very small one."""
    return np.asarray(np.log(np.maximum(values, 1e-6)))


def take_off_nature(sizes: Values, surrogate: Values) -> Values:
    """`ln r` of trigger sizes against what is near by nature.

    A label that ought to be far gains no more than its own trigger shows: a repaired network gives its former target so
    reluctantly that surrogates which learn its answers expect a larger trigger there, and a label that is as near as
    others must not be accused by that.

    Args:
        sizes: `ln r` `(labels,)`.
        surrogate: those of the surrogates; NaN where they expect nothing.
    """
    shown = np.maximum(0.0, np.nan_to_num(sizes))
    return sizes + BY_NATURE * np.minimum(np.nan_to_num(surrogate), shown)


def limit(logs: Values) -> Values:
    """`max(0, ln r) · min(1, z / 4)`, `z = ln r / spread`: in full only what is unusual among this model's labels."""
    found = logs[np.isfinite(logs)]
    spread = USUAL_SPREAD
    if len(found) >= FEWEST_FOR_SPREAD:
        spread = max(measure_spread(found), LEAST_SPREAD)
    return _fill(np.maximum(0.0, logs) * np.clip(logs / spread / FULL_Z, 0.0, 1.0))


def score_z(logs: Values) -> Values:
    """`ln r / spread` in [0, 6]; the spread of few labels is pulled towards the usual one, as if ten more had it."""
    found = logs[np.isfinite(logs)]
    own = len(found) * measure_spread(found) ** 2 if len(found) else 0.0
    spread = math.sqrt((own + PRIOR_LABELS * PRIOR_SPREAD**2) / (len(found) + PRIOR_LABELS))
    return _fill(np.clip(logs / spread, 0.0, HIGHEST_Z))


def count_with_size(logs: Values, sizes: Values) -> Values:
    """`max(0, ln r) · min(1, ln r_size / ln 2.5)`: it counts only together with a small trigger."""
    return _fill(np.maximum(0.0, logs) * np.clip(np.nan_to_num(sizes) / FULL_SIZE, 0.0, 1.0))


def exceed_natural(found: Mapping[str, Values]) -> Values:
    """By how much labels lead beyond what some class of a clean model does, in [0, 2]; the largest of all counts.

    In multiples of the lead over the best other label that is natural (`NATURAL_LEADS`), less one.

    Args:
        found: `ln r` `(labels,)`, by detector.
    """
    leads = [measure_lead(found[name]) / natural for name, natural in NATURAL_LEADS.items() if name in found]
    return np.asarray(np.clip(np.max(leads, axis=0) - 1.0, 0.0, HIGHEST_EXCESS))


def measure_gap(logs: Values) -> Values:
    """How far labels lie beyond nine tenths of the model's labels, in [0, 2].

    `(ln r − q) / (σ + 0.3)` with `q` the largest `ln r` of these nine tenths and `σ` their standard deviation: where a
    tenth of the labels, or the two nearest, are equally near, nothing is unusual however near they are.
    """
    found = logs[np.isfinite(logs)]
    if len(found) < FEWEST_FOR_GAP:
        return np.zeros_like(logs)
    edge = np.quantile(found, MOST_LABELS, method="lower")
    unit = float(found[found <= edge].std()) + LEAST_UNIT
    return _fill(np.clip((logs - edge) / unit, 0.0, HIGHEST_GAP))


def measure_lead(logs: Values) -> Values:
    """By how much `ln r` is ahead of the best other label, and above 0."""
    known = np.nan_to_num(logs, nan=-np.inf)
    best = [np.max(np.delete(known, label), initial=0.0) for label in range(len(known))]
    return np.asarray(np.maximum(0.0, known - np.array(best)))


def _fill(values: Values) -> Values:
    return np.asarray(np.nan_to_num(values, nan=0.0))
