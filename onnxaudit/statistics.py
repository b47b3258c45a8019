"""Shares with their intervals, and robust spreads.

Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).

    (p + z²/2n ± z · √(p(1 − p)/n + z²/4n²)) / (1 + z²/n),   p = successes/n
"""

import math

import numpy as np
import numpy.typing as npt

from onnxaudit.records import Rate

CONSISTENCY = 1.4826  # makes the MAD of normal values estimate their standard deviation
Z_95 = 1.959963984540054  # the 97.5 % quantile of the normal distribution: two-sided 95 %


def rate(successes: int, trials: int) -> Rate:
    """`successes` of `trials` with the 95 % Wilson interval; without trials no value and the interval [0, 1].

    Raises:
        ValueError: not `0 <= successes <= trials`.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials} trials")
    if trials == 0:
        return Rate(0, 0, None, 0.0, 1.0)
    share, z2 = successes / trials, Z_95**2 / trials
    center = (share + z2 / 2) / (1 + z2)
    margin = Z_95 * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials)) / (1 + z2)
    # At the ends the formula meets 0 and 1 exactly; floating point misses them by an ulp.
    low = 0.0 if successes == 0 else center - margin
    high = 1.0 if successes == trials else center + margin
    return Rate(successes, trials, share, low, high)


def rate_of(flags: npt.NDArray[np.bool_]) -> Rate:
    """The share of true entries in `flags` `(n,)`, as `rate` gives it."""
    return rate(int(np.count_nonzero(flags)), int(np.size(flags)))


def student_tail(t: float, freedom: int) -> float:
    """`P(T > t)` for Student's distribution with `freedom` >= 1 degrees.

    Source: M. Abramowitz and I. Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4 (finite sums).
    Below about 1e-15 the difference from 1 is lost to rounding, and the result is 0.
    """
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term, total = (cosine if odd else 1.0), 0.0
    for k in range(freedom // 2):
        total += term
        term *= cosine**2 * (2 * k + 1 + odd) / (2 * k + 2 + odd)
    within = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return max(0.0, (1 - within) / 2)


def measure_spread(values: npt.NDArray[np.float64]) -> float:
    """Standard deviation of normal values with the median absolute deviation of `values`; there has to be one."""
    return CONSISTENCY * float(np.median(np.abs(values - np.median(values))))
