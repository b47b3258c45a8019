"""What a rule can ask about the steps around one step."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from torch import Tensor

from onnxaudit.importer import ops  # noqa: F401 - fills the registry
from onnxaudit.importer.fusion.derived import ROUND_WEIGHT
from onnxaudit.importer.graph import MISSING, Step, read_names
from onnxaudit.importer.registry import Operator, find_operator

NEWEST = 1000  # beyond any opset


class Match(NamedTuple):
    """One step in place of the last of several, and the others, which it makes superfluous."""

    step: Step
    absorbed: tuple[Step, ...] = ()


class Neighborhood:
    """Who makes and who reads the tensors of a list of steps."""

    def __init__(
        self, steps: Sequence[Step], keep: Collection[str], stored: Mapping[str, Tensor], fixed: Collection[str]
    ) -> None:
        self.stored = stored
        self._keep = {*keep, *stored}
        self._fixed = fixed
        self._readers = Counter(name for step in steps for name in read_names(step))
        self._producers = {name: step for step in steps for name in step.outputs if name != MISSING}

    def find_sole(self, name: str, *operators: Operator) -> Step | None:
        """The step that makes `name`, where it is one of the operators and exactly one step reads what it makes."""
        step = self._producers.get(name)
        if step is None or step.operator not in operators or step.outputs[0] != name:
            return None
        used = [output for output in step.outputs if output in self._keep or self._readers[output]]
        return step if used == [name] and self._readers[name] == 1 and name not in self._keep else None

    def find_maker(self, name: str) -> Step | None:
        """The step that makes `name`; None where it is there from the start."""
        return self._producers.get(name)

    def is_read_by(self, step: Step, reader: Step) -> bool:
        """Whether `reader` alone reads what a step makes, each of it at most once."""
        made = [name for name in step.outputs if name != MISSING]
        own = Counter(read_names(reader))
        return all(name not in self._keep and self._readers[name] == own[name] <= 1 for name in made)

    def find_number(self, name: str) -> float | None:
        """The value of a single number that never changes."""
        value = self.stored[name] if name in self._fixed and name in self.stored else None
        return float(value) if value is not None and value.numel() == 1 else None

    def find_stored(self, name: str) -> Tensor | None:
        """A stored tensor, or the weight that was rounded, which has its shape."""
        step = self._producers.get(name)
        if step is not None and step.operator is ROUND_WEIGHT:
            name = step.inputs[0]
        return self.stored.get(name)

    def find_rank(self, name: str) -> int | None:
        """How many axes a stored tensor, or the transpose of one, has."""
        stored = self.find_stored(name)
        if stored is not None:
            return stored.ndim
        step = self._producers.get(name)
        return self.find_rank(step.inputs[0]) if step is not None and step.operator is TRANSPOSE else None


Rule = Callable[[Step, Neighborhood], Match | None]


def newest(name: str) -> Operator:
    """The newest version of a standard operator."""
    operator = find_operator("", name, NEWEST)
    assert operator is not None, name
    return operator


IDENTITY = newest("Identity")
ADD, DIVIDE, MULTIPLY, TRANSPOSE = newest("Add"), newest("Div"), newest("Mul"), newest("Transpose")
