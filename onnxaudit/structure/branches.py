"""Both branches of each If side by side, so that the one not taken can be looked at as well."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from onnxaudit.importer.body import Body
from onnxaudit.importer.graph import MISSING, Graph, Step
from onnxaudit.importer.ops.control import choose_rows
from onnxaudit.importer.registry import make_operator

BRANCHES = ("then_branch", "else_branch")


def select(cond: Tensor, chosen: Tensor, other: Tensor) -> Tensor:
    """`chosen` where the condition holds, one for all or one for each row; else `other`."""
    if cond.numel() > 1:
        return choose_rows(cond, [chosen], [other])[0]
    return torch.where(cond.reshape(()).bool(), chosen, other)


SELECT = make_operator(select, "cond", "chosen", "other")


def spread_branches(graph: Graph, dependent: frozenset[str]) -> Graph:
    """The same graph without those If nodes whose condition depends on the image: both branches are computed."""
    steps: list[Step] = []
    for step in graph.steps:
        steps.extend(_spread(step, dependent))
    return replace(graph, steps=tuple(steps))


def is_branch(step: Step) -> bool:
    """Whether a step chooses one of two graphs."""
    return all(isinstance(step.attributes.get(name), Body) for name in BRANCHES)


def _spread(step: Step, dependent: frozenset[str]) -> list[Step]:
    if not is_branch(step) or step.inputs[0] not in dependent:
        return [step]
    steps: list[Step] = []
    chosen = []
    split = 1 + step.attributes[BRANCHES[0]].captures
    for name, captured in zip(BRANCHES, (step.inputs[1:split], step.inputs[split:]), strict=True):
        body: Body = step.attributes[name]
        names = dict(zip(body.outer, captured, strict=True))
        for inner in body.steps:
            names |= {made: f"{made} of the {name} of {step.name}" for made in inner.outputs if made != MISSING}
            for part in _spread(_rename(inner, names), dependent | set(names.values())):
                steps.append(part)
        chosen.append([names[output] for output in body.outputs])
    for place, output in enumerate(step.outputs):
        if output != MISSING:
            inputs = (step.inputs[0], chosen[0][place], chosen[1][place])
            steps.append(Step(step.name, SELECT, {}, inputs, (output,), {}))
    return steps


def _rename(step: Step, names: Mapping[str, str]) -> Step:
    return replace(
        step,
        inputs=tuple(names.get(name, name) for name in step.inputs),
        outputs=tuple(names.get(name, name) for name in step.outputs),
    )
