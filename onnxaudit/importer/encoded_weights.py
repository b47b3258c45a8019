"""Weights inside quantized operators, as parameters.

QLinearConv and its kin read weights as whole numbers, with the scale beside them. Each such weight becomes a float
parameter under the name of its whole numbers, and a step in front of the operator turns it into whole numbers again:

    codes = round(weight / scale) + zero point        with the gradient of the identity past the rounding

MatMulInteger and ConvInteger know no scale: it follows in a product behind them, where it is looked for. Such a scale
is no weight any more.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch

from onnxaudit.importer.graph import MISSING, Graph, Quantization, Step, read_names
from onnxaudit.importer.ops import microsoft_quantized as microsoft
from onnxaudit.importer.ops import quantization as standard
from onnxaudit.importer.registry import make_operator

WEIGHTS: dict[Any, tuple[tuple[str, int], ...]] = {
    standard.convolve_quantized: (("w", 0),),
    standard.multiply_quantized: (("b", -1),),
    standard.convolve_integers: (("w", 0),),
    standard.multiply_integers: (("b", -1),),
    microsoft.convolve_quantized_in_any_layout: (("w", 0),),
    microsoft.gemm_quantized: (("b", 1),),
    microsoft.add_quantized: (("a", 1), ("b", 1)),
    microsoft.multiply_elements_quantized: (("a", 1), ("b", 1)),
    microsoft.multiply_with_quantized: (("b", -1),),
    microsoft.multiply_integers_to_float: (("b", -1),),
}
BIASES: dict[Any, tuple[str, str, str]] = {
    standard.convolve_quantized: ("b", "x_scale", "w_scale"),
    microsoft.convolve_quantized_in_any_layout: ("b", "x_scale", "w_scale"),
    microsoft.gemm_quantized: ("c", "a_scale", "b_scale"),
}
FARTHEST = 5  # steps from an integer product to the scale that turns it into floats


class Use(NamedTuple):
    """How one step reads a weight as whole numbers; `factor` names the scale that follows behind it, if it does."""

    quantization: Quantization
    factor: str = MISSING


def expose_weights(graph: Graph, stored: Collection[str]) -> Graph:
    """The graph with the weights of quantized operators among its weights.

    Args:
        graph: constants folded.
        stored: names of the tensors that the file itself stores.
    """
    uses: dict[str, list[Use]] = {}
    for step in graph.steps:
        for use in _list_uses(step, graph):
            uses.setdefault(use.quantization.codes, []).append(use)
    readers = [name for step in graph.steps for name in read_names(step)]
    chosen = {
        name: found[0]
        for name, found in uses.items()
        if name in stored and len(found) == readers.count(name) and _agree(found)
    }
    exposed = {name: use.quantization for name, use in chosen.items()}
    factors = {use.factor for use in chosen.values()}
    before = {name: _make_view(quantization) for name, quantization in exposed.items()}
    weights = {name: _decode(graph.constants[name], quantization) for name, quantization in exposed.items()}
    constants = {name: value for name, value in graph.constants.items() if name not in exposed}
    constants |= {name: value for name, value in graph.weights.items() if name in factors}
    for name, quantization in exposed.items():
        constants[f"scale of {name}"] = quantization.scale
        if quantization.zero_point is not None:
            constants[f"zero point of {name}"] = quantization.zero_point
    steps = [replace(step, inputs=tuple(_rename(name, exposed) for name in step.inputs)) for step in graph.steps]
    return replace(
        graph,
        steps=(*before.values(), *steps),
        weights={name: value for name, value in graph.weights.items() if name not in factors} | weights,
        constants=constants,
        quantized={**graph.quantized, **exposed},
    )


def view_codes(
    weight: torch.Tensor, scale: torch.Tensor, zero_point: torch.Tensor | None = None, *, axis: int
) -> torch.Tensor:
    """A float weight as whole numbers."""
    return standard.find_codes(weight, scale, zero_point, axis=axis, block_size=0)


VIEW = make_operator(view_codes, "weight", "scale", "zero_point", settings=("scale", "zero_point"))


def _make_view(quantization: Quantization) -> Step:
    name = quantization.codes
    zero_point = MISSING if quantization.zero_point is None else f"zero point of {name}"
    inputs = (name, f"scale of {name}", zero_point)
    return Step(f"codes of {name!r}", VIEW, {"axis": quantization.axis}, inputs, (f"codes of {name}",), {})


def _rename(name: str, exposed: Collection[str]) -> str:
    return f"codes of {name}" if name in exposed else name


def _decode(codes: torch.Tensor, quantization: Quantization) -> torch.Tensor:
    scale, zero_point = quantization.scale, quantization.zero_point
    return standard.dequantize(codes, scale, zero_point, axis=quantization.axis)


def _agree(uses: Sequence[Use]) -> bool:
    """Whether one float weight stands for all uses."""
    first = uses[0].quantization
    return all(
        torch.equal(first.scale, other.scale)
        and (first.zero_point is None) == (other.zero_point is None)
        and (first.zero_point is None or torch.equal(first.zero_point, _present(other.zero_point)))
        and first.axis == other.axis
        for other, _ in uses[1:]
    )


def _present(value: torch.Tensor | None) -> torch.Tensor:
    return torch.empty(0) if value is None else value


def _list_uses(step: Step, graph: Graph) -> Iterator[Use]:
    function, constants = step.operator.function, graph.constants
    for name, axis in WEIGHTS.get(function, ()):
        position = step.operator.inputs.index(name)
        codes = _find_codes(step, position, constants)
        known = f"{name}_scale" in step.operator.inputs
        factor = MISSING if known or codes is None else _find_factor(step, graph)
        scale = _read(step, f"{name}_scale", constants) if known else _flatten(_find_float(factor, graph))
        zero_name = _name(step, f"{name}_zero_point")
        if codes is None or scale is None or (zero_name != MISSING and zero_name not in constants):
            continue
        axis = 0 if function is microsoft.gemm_quantized and step.attributes.get("transB") else axis
        yield Use(Quantization(codes, scale, constants.get(zero_name), axis, 0), factor)
    if function in BIASES:
        name, *factors = BIASES[function]
        codes = _find_codes(step, step.operator.inputs.index(name), constants)
        left, right = (_read(step, factor, constants) for factor in factors)
        if codes is not None and left is not None and right is not None:
            scale = left * right * step.attributes.get("alpha", 1.0)
            yield Use(Quantization(codes, scale, None, -1 if name == "c" else 0, 0))


def _find_codes(step: Step, position: int, constants: Mapping[str, torch.Tensor]) -> str | None:
    """The name of a constant array of whole numbers."""
    name = step.inputs[position] if position < len(step.inputs) else MISSING
    value = constants.get(name)
    return None if value is None or value.numel() < 2 or value.is_floating_point() else name


def _name(step: Step, parameter: str) -> str:
    inputs = step.operator.inputs
    position = inputs.index(parameter) if parameter in inputs else len(step.inputs)
    return step.inputs[position] if position < len(step.inputs) else MISSING


def _read(step: Step, parameter: str, constants: Mapping[str, torch.Tensor]) -> torch.Tensor | None:
    return constants.get(_name(step, parameter))


def _find_factor(step: Step, graph: Graph) -> str:
    """The name of the constant factor of the first product behind an integer product, or `MISSING`."""
    name = step.outputs[0]
    for _ in range(FARTHEST):
        followers = [other for other in graph.steps if name in read_names(other)]
        if len(followers) != 1:
            return MISSING
        others = [other for other in read_names(followers[0]) if other != name]
        if others:
            return _find_origin(others[0], graph)
        name = followers[0].outputs[0]
    return MISSING


def _find_origin(name: str, graph: Graph) -> str:
    """The first stored float tensor on the way back from a tensor."""
    producers = {name: step for step in graph.steps for name in step.outputs}
    waiting = [name]
    for _ in range(FARTHEST):
        found = [name for name in waiting if _find_float(name, graph) is not None]
        if found:
            return found[0]
        waiting = [other for name in waiting if name in producers for other in read_names(producers[name])]
    return MISSING


def _find_float(name: str, graph: Graph) -> torch.Tensor | None:
    value = graph.weights.get(name, graph.constants.get(name))
    return value if value is not None and value.is_floating_point() else None


def _flatten(scale: torch.Tensor | None) -> torch.Tensor | None:
    """One number, or one a channel in a row, as a scale that operators read."""
    return None if scale is None else scale.reshape(-1) if scale.numel() > 1 else scale.reshape(())
