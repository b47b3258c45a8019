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


def measure_spread(values: npt.NDArray[np.float64]) -> float:
    """Standard deviation of normal values with the median absolute deviation of `values`; there has to be one."""
    return CONSISTENCY * float(np.median(np.abs(values - np.median(values))))
