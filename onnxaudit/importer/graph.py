"""A protobuf graph as a flat list of steps, parsed once.

Integers stay where they are cheapest: everything that shapes the computation (axes, sizes, pads) is bound to its step
as a Python value when it is constant.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import onnx
import torch
from onnx import AttributeProto, helper, inliner

from onnxaudit.errors import UnsupportedOperatorError
from onnxaudit.importer.registry import Operator, find_operator
from onnxaudit.importer.tensors import from_proto

MISSING = ""  # ONNX's own name for an optional input or output that is left out


@dataclass(frozen=True)
class Step:
    """One node, ready to be computed.

    Attributes:
        name: for messages: the node's operator and name (or first output).
        operator: what the registry knows of it.
        attributes: keyword arguments, the spec's defaults left out.
        inputs: tensor names, `MISSING` where an optional one is left out.
        outputs: tensor names, likewise.
        values: inputs by position that are known beforehand, in place of the tensors of those names.
    """

    name: str
    operator: Operator
    attributes: Mapping[str, Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    values: Mapping[int, Any]

    @property
    def function(self) -> Callable[..., Any]:
        """The operator with its attributes bound."""
        return partial(self.operator.function, **self.attributes) if self.attributes else self.operator.function


@dataclass(frozen=True)
class Graph:
    """A flat graph.

    Attributes:
        inputs: names of the tensors that have to be fed.
        outputs: names of the graph's outputs.
        steps: in an order in which they can be computed.
        tensors: what is stored in the file, by name: initializers and Constant nodes.
        initializers: which of them are initializers.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    steps: tuple[Step, ...]
    tensors: Mapping[str, torch.Tensor]
    initializers: frozenset[str]


def parse(proto: onnx.ModelProto) -> Graph:
    """The flat graph of a model, its local functions inlined.

    Raises:
        UnsupportedOperatorError: names every operator that is not known, with its nodes.
    """
    if proto.functions:
        proto = inliner.inline_local_functions(proto)
    opsets = {entry.domain: entry.version for entry in proto.opset_import}
    refuse_unknown(proto.graph.node, opsets)
    tensors = {tensor.name: from_proto(tensor) for tensor in proto.graph.initializer}
    initializers = frozenset(tensors)
    steps = []
    for node in proto.graph.node:
        if node.op_type == "Constant":
            tensors[node.output[0]] = parse_constant(node)
        else:
            steps.append(parse_node(node, opsets))
    inputs = tuple(value.name for value in proto.graph.input if value.name not in tensors)
    return Graph(inputs, tuple(value.name for value in proto.graph.output), tuple(steps), tensors, initializers)


def parse_node(node: onnx.NodeProto, opsets: Mapping[str, int]) -> Step:
    """The step of one node whose operator is known."""
    operator = find_operator(node.domain, node.op_type, opsets.get(node.domain, 1))
    assert operator is not None, node.op_type
    attributes = {attribute.name: parse_attribute(attribute) for attribute in node.attribute}
    if "outputs" in operator.attributes:
        attributes["outputs"] = len(node.output)
    name = f"{node.op_type} {node.name or node.output[0]!r}"
    return Step(name, operator, attributes, tuple(node.input), tuple(node.output), {})


def parse_attribute(attribute: onnx.AttributeProto) -> Any:
    """An attribute's value: numbers, text, lists of them, or a tensor."""
    if attribute.type == AttributeProto.TENSOR:
        return from_proto(attribute.t)
    value = helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [item.decode() if isinstance(item, bytes) else item for item in value]
    return value


def parse_constant(node: onnx.NodeProto) -> torch.Tensor:
    """The tensor of a Constant node."""
    value = parse_attribute(node.attribute[0])
    if isinstance(value, torch.Tensor):
        return value
    integral = node.attribute[0].name in ("value_int", "value_ints")
    return torch.tensor(value, dtype=torch.int64 if integral else torch.float32)


def refuse_unknown(nodes: Iterable[onnx.NodeProto], opsets: Mapping[str, int]) -> None:
    """Raise UnsupportedOperatorError that names every node whose operator the registry does not hold."""
    unknown: dict[str, list[str]] = {}
    for node in nodes:
        if node.op_type != "Constant" and not find_operator(node.domain, node.op_type, opsets.get(node.domain, 1)):
            unknown.setdefault(f"{node.domain or 'ai.onnx'}.{node.op_type}", []).append(node.name or node.output[0])
    if unknown:
        listed = "; ".join(f"{operator} (node {', '.join(names)})" for operator, names in sorted(unknown.items()))
        raise UnsupportedOperatorError(f"operators that onnxaudit cannot import: {listed}")


def bind_static(step: Step, constants: Mapping[str, torch.Tensor]) -> Step:
    """The step with its static inputs replaced by Python values where they are constant."""
    values = {
        position: constants[step.inputs[position]].tolist()
        for position in step.operator.static
        if position < len(step.inputs) and step.inputs[position] in constants
    }
    return replace(step, values=values) if values else step
