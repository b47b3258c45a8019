"""How good scores are: separation, honesty, and shares with exact intervals."""

import math
from collections.abc import Callable

import numpy as np

from tools.calibration.table import Values

CLIP = 0.01


def measure_auroc(bad: Values, clean: Values) -> float:
    """Share of pairs in which the backdoored model has the higher score; ties count half; NaN without pairs."""
    if not (len(bad) and len(clean)):
        return math.nan
    wins = (bad[:, None] > clean).sum() + 0.5 * (bad[:, None] == clean).sum()
    return float(wins / (len(bad) * len(clean)))


def measure_entropy(bad: Values, clean: Values) -> float:
    """Mean −ln of the probability of the truth, clipped to [0.01, 0.99], each kind of model weighing one half."""
    losses = [-np.log(np.clip(right, CLIP, 1 - CLIP)).mean() for right in (bad, 1 - clean) if len(right)]
    return float(np.mean(losses)) if losses else math.nan


def bound(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share.

    Source: C. J. Clopper and E. S. Pearson, The use of confidence or fiducial limits illustrated in the case of the
    binomial, Biometrika 26 (1934). `p` is in it if neither as few nor as many successes have less than half of the
    remaining probability.
    """
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else _solve(lambda p: 1 - _at_most(successes - 1, trials, p) - tail)
    high = 1.0 if successes == trials else _solve(lambda p: tail - _at_most(successes, trials, p))
    return low, high


def _at_most(successes: int, trials: int, p: float) -> float:
    return math.fsum(math.comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(successes + 1))


def _solve(rising: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


def format_share(count: int, total: int) -> str:
    """For tables: `17/24 [49, 87]`, in percent."""
    if not total:
        return "-"
    low, high = bound(count, total)
    return f"{count}/{total} [{100 * low:.0f}, {100 * high:.0f}]"
