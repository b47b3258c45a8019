"""From protobuf to a flat graph, once."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

import onnx
import torch
from onnx import AttributeProto, helper

from onnxaudit.errors import ModelError, UnsupportedOperatorError
from onnxaudit.importer.body import Body
from onnxaudit.importer.graph import MISSING, Graph, Step, read_names
from onnxaudit.importer.registry import find_operator
from onnxaudit.importer.tensors import from_proto
from onnxaudit.intake.declarations import STANDARD_DOMAINS
from onnxaudit.intake.known_operators import find_opsets
from onnxaudit.intake.operators import expand_functions, refuse_unknown
from onnxaudit.intake.stored import list_stored, make_unique


def parse(proto: onnx.ModelProto) -> Graph:
    """The flat graph of a model, its functions inlined.

    Single numbers in Constant nodes (an exponent, a bound) do not count as weights; initializers always do, in nested
    graphs as in the outermost. What a function of the model stores is no weight: each call has a copy.

    Raises:
        UnsupportedOperatorError: names every operator that is not known, with its nodes.
        ModelError: the graph has a cycle, or tensors of a type that cannot be computed.
    """
    writable = {name for name, _ in list_stored(proto)}
    proto = expand_functions(proto)
    opsets = find_opsets(proto)
    refuse_unknown(proto.graph, opsets)
    parser = _Parser(opsets)
    steps = parser.parse_steps(proto.graph)
    stored, candidates = parser.stored, parser.candidates & writable & find_computed(steps)
    inputs = tuple(value.name for value in proto.graph.input if value.name not in stored)
    outputs = tuple(value.name for value in proto.graph.output)
    weights = {name: value for name, value in stored.items() if name in candidates and value.is_floating_point()}
    constants = {name: value for name, value in stored.items() if name not in weights}
    return Graph(inputs, outputs, sort_steps(steps), weights, constants)


def find_computed(steps: Iterable[Step]) -> set[str]:
    """Names of the tensors whose values take part in the computation, rather than shape or scale it."""
    return {
        name
        for step in steps
        for position, name in enumerate(step.inputs)
        if min(position, len(step.operator.inputs) - 1)
        not in step.operator.static | step.operator.described | step.operator.settings
    }


def sort_steps(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps in an order in which they can be computed; as they are where that is one.

    Raises:
        ModelError: there is no such order.
    """
    producers = {name: index for index, step in enumerate(steps) for name in step.outputs}
    needs = {
        index: [producers[name] for name in read_names(step) if name in producers] for index, step in enumerate(steps)
    }
    if all(source < index for index, sources in needs.items() for source in sources):
        return tuple(steps)
    try:
        return tuple(steps[index] for index in TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise ModelError("the graph has a cycle; it cannot be computed") from error


class _Parser:
    """Parses a graph and the graphs nested in it; what they store is gathered in one place."""

    def __init__(self, opsets: Mapping[str, int]) -> None:
        self.opsets = opsets
        self.stored: dict[str, torch.Tensor] = {}
        self.taken: set[str] = set()
        self.candidates: set[str] = set()

    def parse_steps(self, graph: onnx.GraphProto) -> list[Step]:
        """The steps of the outermost graph."""
        for tensor in graph.initializer:
            self._store(tensor.name, from_proto(tensor), may_be_weight=True)
        for node in graph.node:
            if node.op_type == "Constant":
                self._store(node.output[0], parse_constant(node), may_be_weight=is_array(node))
        return [self.parse_node(node) for node in graph.node if node.op_type != "Constant"]

    def parse_node(self, node: onnx.NodeProto, rename: Callable[[str], str] = str) -> Step:
        """The step of one node whose operator is known."""
        domain = "" if node.domain in STANDARD_DOMAINS else node.domain
        operator = find_operator(domain, node.op_type, self.opsets.get(domain, 1))
        assert operator is not None, node.op_type
        attributes = {attribute.name: self.parse_attribute(attribute) for attribute in node.attribute}
        bodies = [attributes[name] for name in operator.attributes if isinstance(attributes.get(name), Body)]
        captured = [rename(name) for body in bodies for name in body.outer]
        if "outputs" in operator.attributes:
            attributes["outputs"] = len(node.output)
        inputs = tuple(rename(name) for name in node.input)
        if captured and not operator.variadic:
            raise UnsupportedOperatorError(f"{node.op_type} {node.name!r} cannot hold a nested graph")
        inputs += (MISSING,) * (len(operator.inputs) - 1 - len(inputs)) if operator.variadic else ()
        name = f"{node.op_type} {node.name or node.output[0]!r}"
        return Step(name, operator, attributes, (*inputs, *captured), tuple(node.output), {})

    def parse_attribute(self, attribute: onnx.AttributeProto) -> Any:
        """An attribute's value: numbers, text, lists of them, a tensor, or a nested graph."""
        if attribute.type == AttributeProto.GRAPH:
            return self.parse_body(attribute.g)
        return parse_attribute(attribute)

    def parse_body(self, graph: onnx.GraphProto) -> Body:
        """A nested graph; what it stores becomes stored, and captured, in the outermost one."""
        names: dict[str, str] = {}
        steps = []
        for tensor in graph.initializer:
            names[tensor.name] = self._store(tensor.name, from_proto(tensor), may_be_weight=True)
        for node in graph.node:
            if node.op_type == "Constant":
                names[node.output[0]] = self._store(node.output[0], parse_constant(node), may_be_weight=is_array(node))
        for node in graph.node:
            if node.op_type != "Constant":
                steps.append(self.parse_node(node, lambda name: names.get(name, name)))
        inputs = tuple(value.name for value in graph.input if value.name not in names)
        outputs = tuple(names.get(value.name, value.name) for value in graph.output)
        return Body(inputs, outputs, sort_steps(steps))

    def _store(self, name: str, value: torch.Tensor, *, may_be_weight: bool) -> str:
        """Store under a name of its own: nested graphs side by side may use the same one."""
        unique = make_unique(name, self.taken)
        self.stored[unique] = value
        if may_be_weight:
            self.candidates.add(unique)
        return unique


def is_array(node: onnx.NodeProto) -> bool:
    """Whether a Constant node holds more than one number."""
    return node.attribute[0].name == "value" and math.prod(node.attribute[0].t.dims) > 1


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
