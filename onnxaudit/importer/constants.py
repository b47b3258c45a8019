"""Compute once what no input and no weight can change."""

from collections.abc import Container, Mapping
from dataclasses import replace
from typing import Any

import torch

from onnxaudit.importer.compiler import make_plan
from onnxaudit.importer.graph import MISSING, Graph, Quantization, Step, read_names
from onnxaudit.importer.ops.quantization import dequantize
from onnxaudit.importer.registry import make_operator


def fold_constants(graph: Graph) -> Graph:
    """The same graph without the steps whose outputs are constant; static inputs bound as Python values.

    The shape of a weight is constant, the weight is not. What is dequantized from stored whole numbers is a weight too,
    under the name of the dequantized tensor; where several nodes dequantize it alike, under that of the first.
    """
    constants, weights = dict(graph.constants), dict(graph.weights)
    steps, quantized = [], {}
    twins: dict[Any, str] = {}
    for step in graph.steps:
        bound = bind_static(step, constants)
        if not is_constant(bound, constants, weights):
            steps.append(bound)
            continue
        outputs = [name for name in bound.outputs if name != MISSING]
        results = make_plan([bound], {**constants, **weights}, [], outputs).run([])
        if is_quantized_weight(bound, graph.constants, results[0]):
            alike = twins.setdefault((bound.inputs, tuple(bound.attributes.items())), outputs[0])
            if alike != outputs[0]:
                steps.append(Step(bound.name, REPEATED, {}, (alike,), bound.outputs, {}))
                continue
            weights[outputs[0]] = results[0]
            quantized[outputs[0]] = describe_quantization(bound, constants)
        else:
            constants.update(zip(outputs, results, strict=True))
    return replace(graph, steps=tuple(steps), weights=weights, constants=constants, quantized=quantized)


def repeat(x: torch.Tensor) -> torch.Tensor:
    """`x` under another name."""
    return x


REPEATED = make_operator(repeat, "x")


def is_quantized_weight(step: Step, stored: Mapping[str, torch.Tensor], value: torch.Tensor) -> bool:
    """Whether a constant step dequantizes more than a single number that the file stores."""
    return step.operator.function is dequantize and step.inputs[0] in stored and value.numel() > 1


def describe_quantization(step: Step, constants: Mapping[str, torch.Tensor]) -> Quantization:
    """How the output of a DequantizeLinear is stored."""
    codes, scale, zero_point = (*step.inputs, MISSING)[:3]
    axis, block_size = (step.attributes.get(name, step.operator.attributes[name]) for name in ("axis", "block_size"))
    return Quantization(codes, constants[scale], constants.get(zero_point), axis, block_size)


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
