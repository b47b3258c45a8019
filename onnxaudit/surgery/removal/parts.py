"""A protobuf under surgery: who makes and who reads each tensor, and changes that keep the count."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import AttributeProto, helper, numpy_helper

from onnxaudit.intake.stored import list_outermost


class Parts:
    """A copy of a model that can be changed.

    Attributes:
        proto: the copy.
        stored: its initializers and the tensors of its Constant nodes, by name.
        makers: the node that makes each tensor.
        readers: how many inputs of nodes, nested graphs and the outputs read each tensor.
        before: what a node makes now, by what it made before a sum took over the name.
        cuts: the copies without some entries, by what was copied, axis and entries, for all who need the same.
    """

    def __init__(self, source: onnx.ModelProto) -> None:
        self.proto = onnx.ModelProto()
        self.proto.CopyFrom(source)
        graph = self.proto.graph
        self.stored = dict(list_outermost(graph))
        self.makers = {name: node for node in graph.node for name in node.output if name}
        self.readers = Counter(_list_reads(graph))
        self.before: dict[str, str] = {}
        self.cuts: dict[tuple[str, int, bytes], str] = {}
        self._declared: dict[str, list[onnx.ValueInfoProto]] = {}
        for info in (*graph.value_info, *graph.input):
            self._declared.setdefault(info.name, []).append(info)
        self._idle = {name for name in {*self.stored, *self.makers} if not self.readers[name]}

    def count(self, name: str) -> int:
        """How many entries a stored tensor has."""
        if name in self.stored:
            return int(np.prod(self.stored[name].dims, dtype=np.int64))
        return self.count(self.makers[name].input[0])

    def set_input(self, node: onnx.NodeProto, index: int, name: str) -> None:
        """Let a node read another tensor."""
        self.readers[node.input[index]] -= 1
        self.readers[name] += 1
        node.input[index] = name

    def replace(self, name: str, value: npt.NDArray[Any]) -> str:
        """Give a stored tensor a new value, of another shape perhaps; its name."""
        tensor = self.stored[name]
        fresh = numpy_helper.from_array(np.ascontiguousarray(value))
        for field in ("float_data", "int32_data", "int64_data", "double_data", "uint64_data", "raw_data"):
            tensor.ClearField(field)
        del tensor.dims[:]
        tensor.dims.extend(fresh.dims)
        tensor.raw_data = fresh.raw_data
        for axis, size in enumerate(fresh.dims):
            self.resize_declared(name, axis, size)
        return name

    def resize_declared(self, name: str, axis: int, size: int) -> None:
        """Let what the file declares of a tensor's sizes agree."""
        for info in self._declared.get(name, ()):
            sizes = info.type.tensor_type.shape.dim
            if len(sizes) > axis and sizes[axis].HasField("dim_value"):
                sizes[axis].dim_value = size

    def store(self, value: npt.NDArray[Any], like: str) -> str:
        """A new initializer with a name made from `like`; its name."""
        tensor = numpy_helper.from_array(np.ascontiguousarray(value), self.name(like))
        self.proto.graph.initializer.append(tensor)
        self.stored[tensor.name] = self.proto.graph.initializer[-1]
        return str(tensor.name)

    def copy(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """A second node that does the same under another name; nobody reads it yet."""
        fresh = onnx.NodeProto()
        fresh.CopyFrom(node)
        fresh.output[0] = self.name(node.output[0])
        fresh.name = fresh.output[0] if node.name else ""
        return self.insert(fresh, node)

    def insert(self, fresh: onnx.NodeProto, before: onnx.NodeProto) -> onnx.NodeProto:
        """Put a node into the graph before another; the node as it stands there."""
        place = next(index for index, node in enumerate(self.proto.graph.node) if node.output == before.output)
        self.proto.graph.node.insert(place, fresh)
        self.makers = {name: node for node in self.proto.graph.node for name in node.output if name}
        self.readers.update(fresh.input)
        return self.makers[fresh.output[0]]

    def add_behind(self, node: onnx.NodeProto, constant: npt.NDArray[Any]) -> None:
        """Let a stored constant be added to what a node makes, so that all who read it read the sum."""
        result, bare = node.output[0], self.name(f"{node.output[0]} bare")
        addend = self.store(constant, f"{result} bias")
        place = next(index for index, other in enumerate(self.proto.graph.node) if other.output == node.output)
        self.proto.graph.node[place].output[0] = bare
        self.proto.graph.node.insert(place + 1, helper.make_node("Add", [bare, addend], [result], f"{result} plus"))
        self.makers = {name: other for other in self.proto.graph.node for name in other.output if name}
        self.readers.update([bare, addend])
        self.before[result] = bare

    def name(self, like: str) -> str:
        """A name that nothing in the main graph has: `like` with as many primes as that takes."""
        while not like or like in self.stored or like in self.makers or self.readers[like]:
            like += "'"
        return like

    def drop_unread(self) -> None:
        """Take out what was read before the changes and is not any more."""
        graph = self.proto.graph
        for node in reversed(list(graph.node)):
            if all(not self.readers[name] and name not in self._idle for name in node.output if name):
                self.readers.subtract(_list_node_reads(node))
                graph.node.remove(node)
        for tensor in list(graph.initializer):
            if not self.readers[tensor.name] and tensor.name not in self._idle:
                graph.initializer.remove(tensor)


def _list_reads(graph: onnx.GraphProto) -> Iterator[str]:
    for node in graph.node:
        yield from _list_node_reads(node)
    for value in graph.output:
        yield value.name


def _list_node_reads(node: onnx.NodeProto) -> Iterator[str]:
    yield from node.input
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield from _list_reads(attribute.g)
