"""A relaxed copy of the steps that lead to a gate: tests become distances, so that gradients reach the image.

Truth is a number in (0, 1) that rises with every step towards what the test asks for, however far away that is: tails
are heavy, because a gate that is shut by a wide margin has to be opened from there. Whole numbers are held as floats.
What is saturated on clean images (a dead ReLU, a shut sigmoid) is given such tails too; all else computes what it does.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from onnxaudit.importer.graph import Graph, Step
from onnxaudit.structure.branches import SELECT
from onnxaudit.structure.flow import find_kind
from onnxaudit.structure.soft_operators import Function, as_number, find_soft, is_equal, rise

MOVES = ("Cast", "CastLike", "Identity", "Squeeze", "Unsqueeze", "Reshape", "Flatten")  # the same numbers elsewhere


def relax(graph: Graph, steps: Collection[int], saturated: Collection[str]) -> Graph:
    """The same graph with relaxed steps.

    Args:
        graph: a flow's graph.
        steps: indices of those that lead to the gate.
        saturated: names of tensors that hardly move on clean images.
    """
    relaxed = list(graph.steps)
    producers = {name: index for index, step in enumerate(graph.steps) for name in step.outputs}
    for index in steps:
        step = relaxed[index]
        kind = find_kind(step)
        source = _find_position(graph, step, producers) if kind == "Equal" else None
        if source is not None:
            function = _equal_position(source)
            inputs = (*step.inputs[:2], source.inputs[0])
            operator = replace(step.operator, function=function, inputs=("a", "b", "scores"))
            relaxed[index] = replace(step, operator=operator, attributes={}, inputs=inputs)
            continue
        unspread = kind == "If" and step.operator is not SELECT
        soft = None if unspread else find_soft(step, kind, saturated=step.outputs[0] in saturated)
        if soft is not None:
            relaxed[index] = replace(step, operator=replace(step.operator, function=soft), attributes={})
    return replace(graph, steps=tuple(relaxed))


def _find_position(graph: Graph, step: Step, producers: Mapping[str, int]) -> Step | None:
    """The ArgMax or ArgMin whose answer a step compares with another position."""
    name = next((name for name in step.inputs if name in producers), "")
    while name in producers:
        source = graph.steps[producers[name]]
        if find_kind(source) in ("ArgMax", "ArgMin"):
            return source
        if find_kind(source) not in MOVES:
            return None
        name = source.inputs[0]
    return None


def _equal_position(source: Step) -> Function:
    """By how much the entry at a position leads all others."""
    axis, sign = int(source.attributes.get("axis", 0)), 1.0 if find_kind(source) == "ArgMax" else -1.0

    def compute(a: Any, b: Any, scores: Any) -> Tensor:
        first, second = torch.as_tensor(a), torch.as_tensor(b)
        found, wanted = (first, second) if first.numel() >= second.numel() else (second, first)
        if wanted.numel() != 1:
            return is_equal(a, b)
        value = (sign * as_number(scores)).movedim(axis, 0)
        place = int(wanted.flatten()[0]) % len(value)
        others = value.index_fill(0, torch.tensor([place], device=value.device), -torch.inf)
        return rise(8.0 * (value[place] - others.amax(0))).reshape(found.shape)

    return compute
