"""Whether a parsed model is valid ONNX."""

from collections.abc import Iterator

import onnx
from onnx import checker, defs, helper

from onnxaudit.errors import ModelError

UNKNOWN = "onnxaudit.unknown"  # a domain whose operators onnx's checker takes as they are


def check_proto(proto: onnx.ModelProto) -> None:
    """Run onnx's own checker.

    A model with operators that onnx itself does not know is passed on where nothing else is wrong with it: the importer
    names all of them at once, and onnxruntime refuses it besides.

    Raises:
        ModelError: the model breaks the ONNX specification.
    """
    try:
        checker.check_model(proto)
    except (checker.ValidationError, ValueError, RuntimeError) as error:
        strangers = _find_unknown(proto)
        if strangers:
            _check_rest(proto, strangers)
            return
        raise ModelError(f"not a valid ONNX model: {_first_sentence(error)}") from error


def _check_rest(proto: onnx.ModelProto, strangers: set[tuple[str, str]]) -> None:
    """Check the model without its unknown operators: one of them must not switch the word off about all others."""
    known = onnx.ModelProto()
    known.CopyFrom(proto)
    known.opset_import.append(helper.make_opsetid(UNKNOWN, 1))
    for node in _list_nodes(known.graph):
        if (node.domain, node.op_type) in strangers:
            node.domain = UNKNOWN
    try:
        checker.check_model(known)
    except (checker.ValidationError, ValueError, RuntimeError) as error:
        raise ModelError(f"not a valid ONNX model: {_first_sentence(error)}") from error


def _find_unknown(proto: onnx.ModelProto) -> set[tuple[str, str]]:
    """Operators of imported domains that onnx does not know in the version that the model asks for."""
    local = {(function.domain, function.name) for function in proto.functions}
    versions = {"" if entry.domain == "ai.onnx" else entry.domain: entry.version for entry in proto.opset_import}
    return {
        (node.domain, node.op_type)
        for node in _list_nodes(proto.graph)
        if (node.domain in versions or not node.domain)
        and (node.domain, node.op_type) not in local
        and not defs.has(node.op_type, versions.get(node.domain, 1), node.domain)
    }


def _list_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Those of nested graphs included."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for nested in (attribute.g, *attribute.graphs):
                yield from _list_nodes(nested)


def _first_sentence(error: Exception) -> str:
    return " ".join(str(error).split("==> Context")[0].split())
