"""What is normal for a model, and how many times closer than that a label is.

A backdoor shows in how a label differs from the other labels of the same model, never in an absolute figure.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from statistics import median
from typing import Literal

import numpy as np

Role = Literal["suspect", "control"]


def compare(distances: Mapping[int, float], normal: float | None = None) -> dict[int, float]:
    """How many times closer each label is than `normal`, by default the median of all."""
    if not distances:
        return {}
    middle = median(distances.values()) if normal is None else normal
    return {label: middle / max(distance, math.ulp(1.0)) for label, distance in distances.items()}


def find_median(distances: Mapping[int, float], labels: Collection[int]) -> float | None:
    """The median of those `labels` that have a distance; None where none has."""
    drawn = [distance for label, distance in distances.items() if label in labels]
    return median(drawn) if drawn else None


def find_lead(ratios: Mapping[int, float]) -> float | None:
    """How many times closer the nearest label is than the next; None where there are fewer than two."""
    *_, second, first = (None, None, *sorted(ratios.values()))
    return None if second is None or first is None else first / max(second, math.ulp(1.0))


def fill_unreached(distances: Mapping[int, float], labels: Sequence[int]) -> dict[int, float]:
    """A label that was not reached is as far away as the farthest; nothing if none was."""
    if not distances:
        return {}
    farthest = max(distances.values())
    return {label: distances.get(label, farthest) for label in labels}


def find_normal(values: Mapping[int, float], roles: Mapping[int, Role], settled: int) -> float | None:
    """The weighted median of the labels of a refinement; None where there are none.

    A control was drawn from many labels and stands for them; a suspect was chosen and stands for itself alone. Without
    these weights (D. G. Horvitz and D. J. Thompson, JASA 47, 1952) the most suspicious labels, all of them in the
    sample, would make small sizes look common.

    Args:
        values: size of the trigger, or compactness of its mask, by label.
        roles: of the refined labels; others are left out.
        settled: labels that have such a value.
    """
    # A label whose refinement was cut short has no value that could be compared.
    roles = {label: role for label, role in roles.items() if label in values}
    if not roles:
        return None
    controls = sum(role == "control" for role in roles.values())
    others = settled - (len(roles) - controls)
    ascending = sorted(roles, key=lambda label: values[label])
    shares = np.array([others / controls if roles[label] == "control" else 1.0 for label in ascending])
    below = np.cumsum(shares / shares.sum())
    # The mean of the lower and the upper weighted median: with equal weights the true median.
    low, high = np.searchsorted(below, 0.5 - 1e-9), np.searchsorted(below, 0.5 + 1e-9)
    return (values[ascending[low]] + values[ascending[high]]) / 2
