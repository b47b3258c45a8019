"""A graph nested in a node."""

from collections.abc import Sequence
from functools import cached_property

from torch import Tensor

from onnxaudit.importer.compiler import make_plan
from onnxaudit.importer.graph import MISSING, Step, read_names
from onnxaudit.importer.plan import Plan


class Body:
    """A nested graph as a function of its inputs and of the outer tensors that it reads.

    Attributes:
        inputs: names of its own inputs.
        outputs: names of its outputs.
        steps: in an order in which they can be computed.
        outer: names of the outer tensors, in the order in which a call wants them.
    """

    def __init__(self, inputs: tuple[str, ...], outputs: tuple[str, ...], steps: tuple[Step, ...]) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.steps = steps
        made = {*inputs, *(name for step in steps for name in step.outputs), MISSING}
        read = [*(name for step in steps for name in read_names(step)), *outputs]
        self.outer = tuple(dict.fromkeys(name for name in read if name not in made))

    @property
    def captures(self) -> int:
        """How many outer tensors a call wants."""
        return len(self.outer)

    def __call__(self, inputs: Sequence[Tensor], captured: Sequence[Tensor]) -> list[Tensor]:
        """The outputs."""
        return self._plan.run([*inputs, *captured])

    @cached_property
    def _plan(self) -> Plan:
        return make_plan(self.steps, {}, [*self.inputs, *self.outer], self.outputs)
