"""What is normal: log sizes of labels of which some were chosen and others drawn.

A control was drawn from many labels and stands for them; a suspect was chosen and stands for itself alone. Without
these weights (D. G. Horvitz and D. J. Thompson, JASA 47, 1952) the smallest labels, all of them in the sample, would
make small sizes look common.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST_SPREAD = 0.1  # of log sizes: runs with other seeds differ by this much


@dataclass(frozen=True)
class Normal:
    """The distribution of log sizes.

    Attributes:
        median: weighted.
        mean: weighted.
        spread: weighted standard deviation, at least `LEAST_SPREAD`.
        count: how many equally weighted values would tell as much (Kish's effective sample size).
    """

    median: float
    mean: float
    spread: float
    count: float

    def distance(self, log_size: float) -> float:
        """How far a new value lies below the mean, in units of its prediction error: Student's `t`."""
        return (self.mean - log_size) / (self.spread * math.sqrt(1 + 1 / self.count))

    @property
    def freedom(self) -> int:
        """Degrees of freedom of `distance`."""
        return max(1, math.floor(self.count) - 1)


def describe_normal(log_sizes: Sequence[float], weights: Sequence[float]) -> Normal:
    """Estimate from at least two values; `weights[k]` is how many labels `log_sizes[k]` stands for."""
    order = np.argsort(log_sizes)
    values, shares = np.asarray(log_sizes)[order], np.asarray(weights, dtype=np.float64)[order]
    shares /= shares.sum()
    mean = float(shares @ values)
    count = float(1 / (shares @ shares))
    variance = float(shares @ (values - mean) ** 2) * count / (count - 1)
    # The mean of the lower and the upper weighted median: with equal weights the true median.
    below = np.cumsum(shares)
    low, high = np.searchsorted(below, 0.5 - 1e-9), np.searchsorted(below, 0.5 + 1e-9)
    median = float(values[low] + values[high]) / 2
    return Normal(median, mean, max(math.sqrt(variance), LEAST_SPREAD), count)
