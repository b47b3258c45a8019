"""How much smaller the triggers of pairs of classes are than their sources and targets lead to expect."""

import numpy as np

from onnxaudit.records.arrays import Doubles
from onnxaudit.statistics import measure_spread

_ROUNDS = 20  # it settles within a few


def compare_pairs(logs: Doubles, shifts: Doubles | None) -> tuple[Doubles, float]:
    """`D` of all pairs, at least zero and zero where nothing was measured, and the spread of `−P(L)`.

    Args:
        logs: `L` `(classes, classes)`, source by target; NaN where there is none.
        shifts: lengths of exact shifts of the same shape; None where there are none.
    """
    near = -polish(logs)
    likeness = np.nan_to_num(near.T)
    if shifts is not None:
        short = -polish(np.log(shifts))
        likeness = np.maximum(likeness, np.nan_to_num(np.minimum(short, short.T)))
    excess = np.nan_to_num(near - np.maximum(0.0, likeness))
    return np.maximum(0.0, excess), measure_spread(near[np.isfinite(near)])


def polish(values: Doubles) -> Doubles:
    """What is left of a matrix once the medians of its rows and of its columns are taken off, in turn.

    Source: J. W. Tukey, Exploratory Data Analysis, 1977. Differs from the source: means are taken off first, without
    which gaps in a matrix of few rows may leave something of a matrix that is a sum of rows and columns. NaN stays NaN,
    and takes no part.
    """
    rest = np.where(np.isfinite(values), values, np.nan)
    for center in (np.nanmean, np.nanmedian):
        for axis in (1, 0) * _ROUNDS:
            known = np.isfinite(rest).any(axis=axis, keepdims=True)
            rest = rest - np.where(known, center(np.where(known, rest, 0.0), axis=axis, keepdims=True), 0.0)
    return rest
