"""What is settled by the shapes of the tensors that are fed: sizes, and all that is computed from sizes.

Exporters write a step of shape arithmetic for each size. Its results are the same for all inputs of one shape, so that
they need to be computed once for each shape.
"""

from collections.abc import Collection, Iterable, Sequence

from onnxaudit.importer.graph import MISSING, Step
from onnxaudit.importer.ops.control import branch, loop, scan
from onnxaudit.importer.ops.generation import count
from onnxaudit.importer.ops.scattering import find_nonzero, find_unique, select_where

# The shapes of their outputs follow from the values of inputs that the registry does not call static.
SHAPED_BY_VALUES = frozenset((branch, loop, scan, count, find_nonzero, find_unique, select_where))


def find_settled(steps: Sequence[Step], fixed: Iterable[str], stored: Iterable[str], feeds: Iterable[str]) -> set[str]:
    """Names of the computed tensors whose values follow from the shapes of `feeds`.

    Args:
        steps: what is to be computed, in order.
        fixed: names of the stored tensors that never change.
        stored: names of all stored tensors.
        feeds: names of the tensors that are fed.
    """
    settled: set[str] = set()
    valued = set(fixed) - set(feeds) | {MISSING}
    shaped = {*stored, *feeds, MISSING}
    for step in steps:
        if is_shaped(step, shaped, valued):
            shaped.update(step.outputs)
            if is_valued(step, shaped, valued):
                valued.update(step.outputs)
                settled.update(step.outputs)
    return settled - {MISSING}


def is_shaped(step: Step, shaped: Collection[str], valued: Collection[str]) -> bool:
    """Whether the shapes of a step's outputs are settled."""
    if step.operator.function in SHAPED_BY_VALUES:
        return all(name in valued for name in step.inputs)
    static = {position for position in step.operator.static if position not in step.values}
    return all(name in (valued if position in static else shaped) for position, name in enumerate(step.inputs))


def is_valued(step: Step, shaped: Collection[str], valued: Collection[str]) -> bool:
    """Whether the values of a step's outputs are settled."""
    return all(
        name in (shaped if position in step.operator.described else valued) or position in step.values
        for position, name in enumerate(step.inputs)
    )
