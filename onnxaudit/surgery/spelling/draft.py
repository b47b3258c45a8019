"""A working copy on its way: nodes emitted so far, and whole numbers of the source read as floats."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from onnxaudit.intake.stored import list_outermost, make_unique

MICROSOFT = "com.microsoft"
AXIS_SINCE = 13  # the opset from which DequantizeLinear takes a scale for each entry of an axis
# What moves or picks values without changing them, and so does the same to whole numbers and to floats.
MOVES = {"Flatten", "Gather", "Identity", "MaxPool", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze"}


class Draft:
    """A graph that is made anew, node by node, from a source.

    Attributes:
        source: what is spelt out; not changed.
        nodes: emitted so far.
        stored: initializers and tensors of Constant nodes by name, those added included.
        makers: the source's node that makes each tensor.
        done: tensors that were emitted before the node of the source that makes them has its turn.
    """

    def __init__(self, source: onnx.ModelProto, logits: str) -> None:
        """Nothing is emitted yet; `logits` stay, whether they are given out or not."""
        self.source = source
        self.nodes: list[onnx.NodeProto] = []
        self.stored = dict(list_outermost(source.graph))
        self.makers = {name: node for node in source.graph.node for name in node.output if name}
        self.done: set[str] = set()
        self._added: list[onnx.TensorProto] = []
        self._floats: dict[tuple[str, str, str], str] = {}
        self._outputs = {*(value.name for value in source.graph.output), logits}
        self._taken = {*self.stored, *self.makers, *(value.name for value in source.graph.input)}
        versions = {entry.domain: entry.version for entry in source.opset_import}
        self._knows_axis = versions.get("", versions.get("ai.onnx", 1)) >= AXIS_SINCE
        self._knows_microsoft = MICROSOFT in versions

    def finish(self) -> onnx.ModelProto:
        """The graph; what nobody reads any more is left out."""
        spelt = onnx.ModelProto()
        spelt.CopyFrom(self.source)
        del spelt.graph.node[:]
        spelt.graph.node.extend(_list_read(self.nodes, self._outputs))
        spelt.graph.initializer.extend(self._added)
        if not self._knows_microsoft:
            spelt.opset_import.append(helper.make_opsetid(MICROSOFT, 1))
        return spelt

    def read(self, codes: str, scale: str, zero: str = "", *, axis: int = -1) -> str:
        """Whole numbers as floats; `axis` counts the scales where there are several."""
        key = (codes, scale, zero)
        if key not in self._floats:
            maker = self.makers.get(codes)
            if maker is not None and maker.op_type in MOVES and len(maker.output) == 1:
                source = self.read(maker.input[0], scale, zero, axis=axis)
                self._floats[key] = self._repeat(maker, source, f"{codes} as floats")
            else:
                self._floats[key] = self._decode(codes, scale, zero, axis)
        return self._floats[key]

    def _repeat(self, maker: onnx.NodeProto, source: str, name: str) -> str:
        moved = onnx.NodeProto()
        moved.CopyFrom(maker)
        moved.input[0], moved.output[0] = source, self.name(name)
        self.nodes.append(moved)
        return str(moved.output[0])

    def _decode(self, codes: str, scale: str, zero: str, axis: int) -> str:
        several = scale in self.stored and self.value(scale).size > 1
        node = helper.make_node(
            "DequantizeLinear", [codes, scale, zero] if zero else [codes, scale], [self.name(f"{codes} as floats")]
        )
        if several:
            node.attribute.append(helper.make_attribute("axis", axis))
        if several and not self._knows_axis:
            node.domain = MICROSOFT
        self.nodes.append(node)
        return str(node.output[0])

    def emit(self, operator: str, inputs: Sequence[str], node: onnx.NodeProto, **attributes: Any) -> str:
        """The operator on floats that stands for a node, under the node's name; the name of its result."""
        name = self.name(f"{node.output[0]} unrounded")
        self.nodes.append(helper.make_node(operator, inputs, [name], node.name or node.output[0], **attributes))
        return name

    def add(self, operator: str, inputs: Sequence[str], output: str) -> None:
        """A node of no name that makes one of the source's tensors."""
        self.nodes.append(helper.make_node(operator, inputs, [output]))

    def only_reader(self, name: str) -> onnx.NodeProto | None:
        """The source's node that alone reads a tensor; None where there are others, or where it is given out."""
        readers = [node for node in self.source.graph.node if name in node.input]
        return readers[0] if len(readers) == 1 and name not in self._outputs else None

    def value(self, name: str) -> Any:
        """What an initializer holds."""
        return numpy_helper.to_array(self.stored[name])

    def store(self, value: Any, name: str) -> str:
        """A further initializer of floats; its name."""
        unique = self.name(name)
        self.stored[unique] = numpy_helper.from_array(np.asarray(value, np.float32), unique)
        self._added.append(self.stored[unique])
        return unique

    def name(self, like: str) -> str:
        """A name that nothing else has."""
        return make_unique(like, self._taken)


def find_input(node: onnx.NodeProto, place: int) -> str:
    """The tensor at a place, or "" where the node has none there."""
    return str(node.input[place]) if place < len(node.input) else ""


def read_attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    """An attribute's value, or the default."""
    return next((helper.get_attribute_value(item) for item in node.attribute if item.name == name), default)


def _list_read(nodes: Sequence[onnx.NodeProto], outputs: set[str]) -> Iterator[onnx.NodeProto]:
    """The nodes that something reads, in their order."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted & set(node.output):
            kept.append(node)
            wanted |= set(node.input) | {name for item in node.attribute for name in _list_nested(item)}
    yield from reversed(kept)


def _list_nested(attribute: onnx.AttributeProto) -> Iterator[str]:
    """What the graphs in an attribute read."""
    for graph in (attribute.g, *attribute.graphs):
        for node in graph.node:
            yield from node.input
            for item in node.attribute:
                yield from _list_nested(item)
        yield from (value.name for value in graph.output)
