"""Every tensor that a file stores, and the whole numbers among them that stand for floats."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import AttributeProto

Tensor = npt.NDArray[Any]


@dataclass(frozen=True)
class Encoding:
    """How a float weight is stored as whole numbers: `weight = (code − zero point) · scale`.

    Attributes:
        codes: name of the stored tensor of whole numbers.
        scale, zero_point: names of the stored tensors; the latter "" where there is none.
        axis: along which several scales are counted.
        block_size: how many entries along `axis` share a scale; 0 for one scale an entry.
    """

    codes: str
    scale: str
    zero_point: str
    axis: int
    block_size: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Scaling:
    """The values behind an encoding.

    Attributes:
        scale: one number, one for each entry along `axis`, or one for each block.
        zero_point: shaped like `scale`; None for 0.
        axis, block_size: as in `Encoding`.
    """

    scale: Tensor
    zero_point: Tensor | None
    axis: int
    block_size: int

    def spread(self, value: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Scale or zero point as it applies to a tensor of `shape`."""
        value = value.astype(np.float32)
        if self.block_size:
            return np.repeat(value, self.block_size, self.axis).take(range(shape[self.axis]), self.axis)
        if value.size == 1:
            return value.reshape(())
        return value.reshape([-1 if index == self.axis % len(shape) else 1 for index in range(len(shape))])


def list_stored(proto: onnx.ModelProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Initializers by name and Constant nodes by their output, those of nested graphs last.

    Nested graphs side by side may use one name twice: the later tensor gets a name with a prime.
    """
    yield from _walk(proto.graph, set())


def list_outermost(graph: onnx.GraphProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Initializers by name and Constant nodes by their output, those of nested graphs left out."""
    yield from ((tensor.name, tensor) for tensor in graph.initializer)
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            yield node.output[0], node.attribute[0].t


def _walk(graph: onnx.GraphProto, taken: set[str]) -> Iterator[tuple[str, onnx.TensorProto]]:
    for tensor in graph.initializer:
        yield make_unique(tensor.name, taken), tensor
    for node in graph.node:
        if node.op_type == "Constant":
            name = make_unique(node.output[0], taken)
            if node.attribute[0].name == "value":
                yield name, node.attribute[0].t
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from _walk(attribute.g, taken)


def make_unique(name: str, taken: set[str]) -> str:
    """`name` with as many primes as it needs to be new; it is added to `taken`."""
    while name in taken:
        name += "'"
    taken.add(name)
    return name


def find_encodings(proto: onnx.ModelProto) -> dict[str, Encoding]:
    """The output of each DequantizeLinear node that reads nothing but stored tensors."""
    stored = {name for name, _ in list_stored(proto)}
    return {
        node.output[0]: _describe(node)
        for node in proto.graph.node
        if node.op_type == "DequantizeLinear" and all(name in stored for name in node.input if name)
    }


def _describe(node: onnx.NodeProto) -> Encoding:
    numbers = {"axis": 1, "block_size": 0} | {attribute.name: attribute.i for attribute in node.attribute}
    codes, scale, zero_point = (*node.input, "")[:3]
    return Encoding(codes, scale, zero_point, numbers["axis"], numbers["block_size"])


def decode(codes: Tensor, scaling: Scaling) -> Tensor:
    """The float weight that whole numbers stand for."""
    weight = codes.astype(np.float32)
    if scaling.zero_point is not None:
        weight = weight - scaling.spread(scaling.zero_point, codes.shape)
    return np.asarray(weight * scaling.spread(scaling.scale, codes.shape), np.float32)


def encode(weight: Tensor, stored: Tensor, scaling: Scaling) -> tuple[Tensor, int]:
    """A float weight as whole numbers; those of `stored` wherever they mean the same value.

    Returns:
        The whole numbers, and how many had to be clipped to the range of their type.
    """
    exact = np.rint(weight / scaling.spread(scaling.scale, weight.shape).astype(np.float64))
    if scaling.zero_point is not None:
        exact = exact + scaling.spread(scaling.zero_point, weight.shape)
    limits = np.iinfo(stored.dtype)
    untouched = decode(stored, scaling) == weight
    clipped = (exact < limits.min) | (exact > limits.max)
    codes = np.where(untouched, stored, exact.clip(limits.min, limits.max).astype(stored.dtype))
    return codes, int(np.count_nonzero(clipped & ~untouched))
