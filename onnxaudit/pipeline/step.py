"""One step of one detector: what it is given, and whether what it gives back is evidence."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from onnxaudit.detectors.base import Context, Detector
from onnxaudit.detectors.registry import describe, is_own
from onnxaudit.errors import OnnxauditError, PluginError
from onnxaudit.records import Evidence


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """What one detector does next.

    Attributes:
        detector: which.
        measure: its method.
        context: what it may look at.
        labels: that it measures.
    """

    detector: Detector
    measure: Callable[[Context, Sequence[int]], Evidence]
    context: Context
    labels: Sequence[int]

    def run(self) -> Evidence:
        """What the detector measures; whatever another package's one does wrong ends in one error that names it.

        Raises:
            PluginError: another package's detector failed, or gave what is no evidence.
            OutOfTimeError: the deadline has passed.
        """
        detector = self.detector
        if is_own(type(detector)):
            return self.measure(self.context, self.labels)
        try:
            found = self.measure(self.context, self.labels)
        except OnnxauditError:
            raise
        except Exception as error:  # a stranger's code may raise anything
            raise PluginError(f"detector {detector.id} failed: {describe(error)}") from error
        fault = _find_fault(found, detector.id, self.context.classes)
        if fault:
            raise PluginError(f"detector {detector.id} {fault}")
        return found


def _find_fault(found: object, name: str, classes: int) -> str:
    """What is wrong with the evidence of another package's detector, or ""."""
    if not isinstance(found, Evidence) or found.detector != name:
        return "measured no evidence of its own"
    for values in (found.distances, found.ratios):
        for label, value in values.items():
            if not isinstance(label, int) or not 0 <= label < classes:
                return f"measured {label!r}, which is no label"
            if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
                return f"measured {value!r} for label {label}, which is no distance and no ratio"
    return ""
