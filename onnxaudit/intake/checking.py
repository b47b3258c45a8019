"""Whether a parsed model is valid ONNX."""

from collections.abc import Iterator

import onnx
from onnx import checker, defs

from onnxaudit.errors import ModelError


def check_proto(proto: onnx.ModelProto) -> None:
    """Run onnx's own checker.

    A model with operators that onnx itself does not know is passed on: the importer names all of them at once,
    and onnxruntime refuses it besides.

    Raises:
        ModelError: the model breaks the ONNX specification.
    """
    try:
        checker.check_model(proto)
    except checker.ValidationError as error:
        if not _all_known(proto):
            return
        raise ModelError(f"not a valid ONNX model: {_first_sentence(error)}") from error


def _all_known(proto: onnx.ModelProto) -> bool:
    """Whether onnx knows every operator in the version that the model asks for."""
    local = {(function.domain, function.name) for function in proto.functions}
    versions = {"" if entry.domain == "ai.onnx" else entry.domain: entry.version for entry in proto.opset_import}
    return all(
        defs.has(node.op_type, versions.get(node.domain, 1), node.domain) or (node.domain, node.op_type) in local
        for node in _list_nodes(proto.graph)
    )


def _list_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Those of nested graphs included."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for nested in (attribute.g, *attribute.graphs):
                yield from _list_nodes(nested)


def _first_sentence(error: Exception) -> str:
    return " ".join(str(error).split("==> Context")[0].split())
