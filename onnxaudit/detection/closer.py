"""The closer look: suspects and random controls, inverted again with equal effort.

Extra effort alone makes a mask smaller. A suspect may therefore be compared only with labels that got the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from onnxaudit.detection.config import DetectionConfig
from onnxaudit.detection.outliers import log_indexes
from onnxaudit.records import Inversion, LabelStatus

Role = Literal["suspect", "control"]


def choose_labels(
    found: Iterable[Inversion], shifts: Mapping[int, float], config: DetectionConfig, *, seed: int
) -> dict[int, Role]:
    """Who is looked at again: suspects, the smallest first, then controls in the order of labels.

    Suspects are the smallest few, those with the shortest latent shifts, and every label whose log index exceeds the
    limit. Controls are drawn at random
    from the other labels, so that they stand for all of them. A label without a trigger is neither.
    """
    sizes = sizes_of(found)
    ascending = sorted(sizes, key=lambda label: (sizes[label], label))
    indexes = dict(zip(sizes, log_indexes(list(sizes.values())), strict=True))
    shortest = sorted((label for label in sizes if label in shifts), key=lambda label: (shifts[label], label))
    suspects = [
        label
        for rank, label in enumerate(ascending)
        if rank < config.suspects
        or (indexes[label] or 0.0) > config.suspect_index
        or label in shortest[: config.latent_suspects]
    ]
    others = sorted(set(ascending) - set(suspects))
    controls = np.random.default_rng(seed).permutation(others)[: config.controls].tolist()
    roles: dict[int, Role] = dict.fromkeys(suspects, "suspect")
    return roles | dict.fromkeys(sorted(int(label) for label in controls), "control")


def sizes_of(found: Iterable[Inversion]) -> dict[int, float]:
    """`|m|₁` in pixels by label, of the labels for which a trigger was found."""
    return {one.label: one.trigger.mask_l1 for one in found if one.status is LabelStatus.SETTLED}


def count_represented(roles: Mapping[int, Role], settled: int) -> dict[int, float]:
    """For how many of the `settled` labels each one speaks: a suspect for itself, controls for all others."""
    controls = sum(role == "control" for role in roles.values())
    others = settled - (len(roles) - controls)
    return {label: others / controls if role == "control" else 1.0 for label, role in roles.items()}


def merge(first: Sequence[Inversion], closer: Sequence[Inversion]) -> dict[int, Inversion]:
    """Both looks as one, by label: the smaller trigger, all passes; unfinished if the closer look was cut short.

    All labels of the closer look had the same effort in both, so that their sizes can still be compared.
    """
    again = {one.label: one for one in closer}
    return {one.label: _join(one, again[one.label]) if one.label in again else one for one in first}


def _join(first: Inversion, closer: Inversion) -> Inversion:
    better = closer if closer.trigger.mask_l1 < first.trigger.mask_l1 else first
    if closer.status is not LabelStatus.SETTLED:
        better = replace(first, status=closer.status if closer.status is LabelStatus.UNFINISHED else first.status)
    return replace(better, passes=first.passes + closer.passes)
