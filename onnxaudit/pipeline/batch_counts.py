"""Tensors of whole numbers of a graph, computed without the rest of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from onnxaudit.runtime import FAILURES, open_bare_session


def run_counts(
    proto: onnx.ModelProto, nodes: Sequence[onnx.NodeProto], fed: Sequence[str], read: Sequence[str]
) -> Callable[[Mapping[str, Any]], dict[str, Any] | None]:
    """A function that computes a few tensors of whole numbers alone.

    Args:
        proto: the model, for its versions and stored tensors.
        nodes: that are needed, in an order in which they can be computed.
        fed: tensors of int64 that the function is given.
        read: tensors that it returns.

    Returns:
        The function; it returns None where onnxruntime refuses.
    """
    passed = [name for name in read if name in fed]
    computed = [name for name in read if name not in fed]
    session = _open(_cut_out(proto, nodes, fed, computed)) if computed else None

    def run(values: Mapping[str, Any]) -> dict[str, Any] | None:
        given = {name: np.asarray(values[name]) for name in passed}
        if session is None:
            return None if computed else given
        try:
            found = session.run(computed, {name: np.asarray(value) for name, value in values.items()})
        except FAILURES:
            return None
        return given | dict(zip(computed, found, strict=True))

    return run


def _cut_out(
    proto: onnx.ModelProto, nodes: Sequence[onnx.NodeProto], fed: Sequence[str], computed: Sequence[str]
) -> onnx.ModelProto:
    """A model of these nodes and the constants that they read."""
    small = onnx.ModelProto(ir_version=proto.ir_version)
    small.opset_import.extend(proto.opset_import)
    small.functions.extend(proto.functions)
    needed = {name for node in nodes for name in node.input}
    constants = [node for node in proto.graph.node if node.op_type == "Constant" and needed & set(node.output)]
    small.graph.name = "counts"
    small.graph.initializer.extend(tensor for tensor in proto.graph.initializer if tensor.name in needed)
    small.graph.node.extend([*constants, *nodes])
    small.graph.input.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT64, None) for name in fed)
    small.graph.output.extend(onnx.ValueInfoProto(name=name) for name in computed)
    return small


def _open(small: onnx.ModelProto) -> Any:
    """Its session; None where onnxruntime refuses."""
    try:
        return open_bare_session(small.SerializeToString())
    except FAILURES:
        return None
