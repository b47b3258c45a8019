"""The closer look: suspects and random controls, inverted again with equal effort.

Extra effort alone makes a mask smaller. A suspect may therefore be compared only with labels that got the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from onnxaudit.detection.config import DetectionConfig
from onnxaudit.detectors.compactness import measure_compactness
from onnxaudit.records import Inversion, LabelStatus
from onnxaudit.scoring.verdict import Evidence

Role = Literal["suspect", "control"]


def choose_labels(evidence: Sequence[Evidence], config: DetectionConfig, *, seed: int) -> dict[int, Role]:
    """Who is looked at again: suspects, the strongest evidence first, then controls in the order of labels.

    Controls are drawn at random from the other labels, so that they stand for all of them. A label without a trigger
    is neither.
    """
    settled = [one.label for one in evidence if one.size is not None]
    suspects, others = settled[: config.suspects], sorted(settled[config.suspects :])
    controls = np.random.default_rng(seed).permutation(others)[: config.controls].tolist()
    roles: dict[int, Role] = dict.fromkeys(suspects, "suspect")
    return roles | dict.fromkeys(sorted(int(label) for label in controls), "control")


def find_normal(values: Mapping[int, float], roles: Mapping[int, Role], settled: int) -> float | None:
    """The median of labels looked at closer, weighted; None where there are none.

    A control was drawn from many labels and stands for them; a suspect was chosen and stands for itself alone. Without
    these weights (D. G. Horvitz and D. J. Thompson, JASA 47, 1952) the most suspicious labels, all of them in the
    sample, would make small sizes look common.

    Args:
        values: size of the trigger, or compactness of its mask, by label.
        roles: of the labels looked at closer; others are left out.
        settled: labels that have such a value.
    """
    # A label whose closer look was cut short has no value that could be compared.
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


def sizes_of(found: Iterable[Inversion]) -> dict[int, float]:
    """`|m|₁` in pixels by label, of the labels for which a trigger was found."""
    return {one.label: one.trigger.mask_l1 for one in found if one.status is LabelStatus.SETTLED}


def compactness_of(found: Iterable[Inversion]) -> dict[int, float]:
    """How much of its mask lies close together by label, of the labels for which a trigger was found."""
    return {one.label: measure_compactness(one.trigger.mask) for one in found if one.status is LabelStatus.SETTLED}


def merge(found: Mapping[int, Inversion], closer: Sequence[Inversion]) -> dict[int, Inversion]:
    """All looks as one, by label: the smaller trigger, all passes; unfinished if the closer look was cut short.

    All labels of the closer look had the same effort in all, so that their sizes can still be compared.
    """
    again = {one.label: one for one in closer}
    return {label: _join(one, again[label]) if label in again else one for label, one in found.items()}


def _join(first: Inversion, closer: Inversion) -> Inversion:
    better = closer if closer.trigger.mask_l1 < first.trigger.mask_l1 else first
    if closer.status is not LabelStatus.SETTLED:
        better = replace(first, status=closer.status if closer.status is LabelStatus.UNFINISHED else first.status)
    return replace(better, passes=first.passes + closer.passes)
