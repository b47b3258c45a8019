"""Which figures a repair is shown by, in which order and words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from onnxaudit.records import Measurement, Rate


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One figure of a model.

    Attributes:
        field: of `Measurement`.
        name: in words.
        symbol: short for it, or "".
        note: what it is measured on.
    """

    field: str
    name: str
    symbol: str = ""
    note: str

    @property
    def heading(self) -> str:
        """The name, with its symbol where it has one."""
        return f"{self.name} ({self.symbol})" if self.symbol else self.name


MEASURES = (
    Measure(field="accuracy", name="clean accuracy", symbol="PA", note="on clean images, by their labels"),
    Measure(field="agreement", name="agreement", symbol="Q", note="with the original's answers on clean images"),
    Measure(
        field="success_rate",
        name="attack success",
        symbol="S",
        note="of the trigger found: triggered images called the target class",
    ),
    Measure(
        field="poisoned_accuracy",
        name="poisoned accuracy",
        symbol="PACC",
        note="with the trigger found: triggered images called by their own class again",
    ),
    Measure(
        field="known_success_rate",
        name="attack success, known trigger",
        note="of the known trigger, which the repair never used",
    ),
    Measure(
        field="known_poisoned_accuracy",
        name="poisoned accuracy, known trigger",
        note="with the known trigger: triggered images called by their own class again",
    ),
)


def list_measures(stages: Sequence[Measurement]) -> Iterator[tuple[Measure, list[Rate | None]]]:
    """Each figure with its value at every stage; figures that were measured at none are left out."""
    for measure in MEASURES:
        rates: list[Rate | None] = [getattr(stage, measure.field) for stage in stages]
        if any(rate is not None and rate.trials for rate in rates):
            yield measure, rates
