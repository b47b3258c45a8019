"""What a repair did to weights."""

import numpy as np

from onnxaudit.intake import Model
from onnxaudit.intake.stored import list_stored
from onnxaudit.records import WeightChange


def list_changes(original: Model, repaired: Model) -> tuple[WeightChange, ...]:
    """What a repair did to each stored tensor, Constant nodes and nested graphs included, in the order of the graph."""
    changes = []
    for name, _ in list_stored(original.proto):
        if name not in repaired.values:
            continue
        before, after = original.initializer(name), repaired.initializer(name)
        changed = int((before != after).sum())
        if changed:
            norm = float(np.linalg.norm(after.astype(np.float64) - before.astype(np.float64)))
            changes.append(WeightChange(name, changed, int(before.size), norm))
    return tuple(changes)


def describe_saturation(original: Model, repaired: Model) -> tuple[str, ...]:
    """A sentence where quantized weights were moved to an end of their range, which clips what lies beyond; or none."""
    saturated = 0
    for name, after in repaired.values.items():
        if after.dtype.kind in "iu":
            limits = np.iinfo(after.dtype)
            ends = (after == limits.min) | (after == limits.max)
            saturated += int((ends & (after != original.initializer(name))).sum())
    if not saturated:
        return ()
    return (
        f"{saturated} entries of quantized weights were moved to an end of their range; what lay beyond is clipped",
    )
