"""Compute once what no input and no weight can change."""

from collections.abc import Container, Mapping
from dataclasses import replace

import torch

from onnxaudit.importer.compiling import make_plan
from onnxaudit.importer.graph import MISSING, Graph, Step, read_names


def fold_constants(graph: Graph) -> Graph:
    """The same graph without the steps whose outputs are constant; static inputs bound as Python values.

    The shape of a weight is constant, the weight is not.
    """
    constants = dict(graph.constants)
    steps = []
    for step in graph.steps:
        bound = bind_static(step, constants)
        if not is_constant(bound, constants, graph.weights):
            steps.append(bound)
            continue
        outputs = [name for name in bound.outputs if name != MISSING]
        results = make_plan([bound], {**constants, **graph.weights}, [], outputs).run([])
        constants.update(zip(outputs, results, strict=True))
    return replace(graph, steps=tuple(steps), constants=constants)


def bind_static(step: Step, constants: Mapping[str, torch.Tensor]) -> Step:
    """The step with its static inputs replaced by Python values where they are constant."""
    values = {
        position: constants[step.inputs[position]].tolist()
        for position in step.operator.static
        if position < len(step.inputs) and step.inputs[position] in constants
    }
    return replace(step, values=values) if values else step


def is_constant(step: Step, constants: Container[str], weights: Container[str]) -> bool:
    """Whether nothing that the step reads can change."""
    described = {step.inputs[position] for position in step.operator.described if position < len(step.inputs)}
    return all(name in constants or (name in weights and name in described) for name in read_names(step))
