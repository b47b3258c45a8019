"""Which sizes stick out below the others.

Source: B. Wang et al., Neural Cleanse, IEEE S&P 2019: `index_k = |a_k − median(a)| / (1.4826 · MAD(a))`.

Differs from the source:

- `log_indexes` is signed and works on log sizes: what matters is how many times smaller a trigger is.
- Where the index means nothing (fewer than three sizes, `MAD = 0`) there is none, instead of 0/0.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from onnxaudit.statistics import measure_spread

FEWEST = 3  # of two sizes each is as far from the median as the other

# Sizes below a hundredth of a pixel are numerically nothing; the logarithm shall not tell them apart.
SMALLEST_SIZE = 0.01

Index = float | None


def anomaly_indexes(sizes: Sequence[float | None]) -> tuple[Index, ...]:
    """The index on raw sizes in pixels: unsigned, so that it must be read with the size.

    Args:
        sizes: one a label; None or NaN where no trigger was found. These take no part.

    Returns:
        One index >= 0 a size; None for sizes that take no part, and for all where the index means nothing.
    """
    values = _as_array(sizes)
    return _as_indexes(np.abs(_deviations(values)))


def log_indexes(sizes: Sequence[float | None]) -> tuple[Index, ...]:
    """The index on log sizes, positive for sizes below the median; otherwise as `anomaly_indexes`."""
    values = _as_array(sizes)
    return _as_indexes(-_deviations(np.log(np.maximum(values, SMALLEST_SIZE))))


def _as_array(sizes: Sequence[float | None]) -> npt.NDArray[np.float64]:
    values = np.array([np.nan if size is None else size for size in sizes], dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    return values


def _deviations(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Distance from the median in units of the consistent MAD; NaN where it means nothing."""
    known = values[np.isfinite(values)]
    if len(known) < FEWEST:
        return np.full(values.shape, np.nan)
    center = np.median(known)
    spread = measure_spread(known)
    # Rounding alone makes equal sizes differ by a few ulps.
    if spread <= 1e-9 * max(1.0, abs(float(center))):
        return np.full(values.shape, np.nan)
    return np.asarray((values - center) / spread)


def _as_indexes(values: npt.NDArray[np.float64]) -> tuple[Index, ...]:
    return tuple(float(value) if np.isfinite(value) else None for value in values)
