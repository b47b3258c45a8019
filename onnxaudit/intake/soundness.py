"""Whether a model can be computed at all, within limits, and for each image by itself."""

from collections import Counter
from collections.abc import Iterable, Iterator

import onnx
from onnx import AttributeProto, TensorProto, numpy_helper

from onnxaudit.errors import ModelError
from onnxaudit.intake.declarations import STANDARD_DOMAINS
from onnxaudit.intake.stored import list_stored
from onnxaudit.intake.tensors import check_content, list_tensors
from onnxaudit.text import as_text

LARGEST_OPSET = 10_000  # later ones are told by those who know the operators
MOST_NODES = 20_000  # functions written out
TRAINING = "a network in training mode answers by the other images or by chance; export it with model.eval()"


def settle(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The model with one tensor a name, the last, as onnxruntime reads it; the very same where nothing is double."""
    if not any(_has_twins(graph) for graph in walk_graphs(proto.graph)):
        return proto
    settled = onnx.ModelProto()
    settled.CopyFrom(proto)
    for graph in walk_graphs(settled.graph):
        last = {tensor.name: tensor for tensor in graph.initializer}
        if len(last) < len(graph.initializer):
            copies = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in last.values()]
            del graph.initializer[:]
            graph.initializer.extend(copies)
    return settled


def _has_twins(graph: onnx.GraphProto) -> bool:
    return len({tensor.name for tensor in graph.initializer}) < len(graph.initializer)


def check_soundness(proto: onnx.ModelProto) -> None:
    """Make sure that the model can be computed at all, within limits, and for each image by itself.

    Raises:
        ModelError: versions that cannot be, functions that call themselves or write out to too many nodes, two values
            of one name, tensors that hold another number of elements than they declare, or nodes in training mode.
    """
    for entry in proto.opset_import:
        if not 0 < entry.version <= LARGEST_OPSET:
            raise ModelError(f"it imports version {entry.version} of domain {entry.domain or 'ai.onnx'}; there is none")
    _check_functions(proto)
    for tensor in list_tensors(proto):
        check_content(tensor)
    for graph in walk_graphs(proto.graph):
        _refuse_bytes(graph)
        _refuse_sparse(graph)
        _check_names(graph)
    _refuse_training(proto)


def _check_functions(proto: onnx.ModelProto) -> None:
    bodies = {(one.domain, one.name): list(one.node) for one in proto.functions}
    sizes: dict[tuple[str, str], int] = {}

    def measure(nodes: Iterable[onnx.NodeProto], within: tuple[tuple[str, str], ...]) -> int:
        total = 0
        for node in nodes:
            key = (node.domain, node.op_type)
            if key in within:
                raise ModelError(f"function {key[1]!r} calls itself; it cannot be computed")
            if key in bodies and key not in sizes:
                sizes[key] = measure(bodies[key], (*within, key))
            total += sizes.get(key, 1)
            for attribute in node.attribute:
                for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                    total += measure(graph.node, within)
            if total > MOST_NODES:
                raise ModelError(f"its functions write out to more than {MOST_NODES:,} nodes; refused")
        return total

    measure(proto.graph.node, ())


def _refuse_bytes(graph: onnx.GraphProto) -> None:
    for node in graph.node:
        for name in (node.name, node.op_type, node.domain, *node.input, *node.output):
            if isinstance(name, bytes):  # what a protobuf message holds where a string is no UTF-8
                raise ModelError(f"node {as_text(name)!r} has a name that is no UTF-8 text")


def _refuse_sparse(graph: onnx.GraphProto) -> None:
    for tensor in graph.sparse_initializer:
        raise ModelError(
            f"tensor {tensor.values.name!r} is stored sparsely, which is not read; export it as a dense one"
        )
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
                place = node.name or next(iter(node.output), node.op_type)
                raise ModelError(f"node {place!r} holds a sparse tensor, which is not read; export it as a dense one")


def _check_names(graph: onnx.GraphProto) -> None:
    taken = Counter(name for node in graph.node for name in node.output if name)
    taken.update({value.name for value in graph.input} | {tensor.name for tensor in graph.initializer})
    twice = [name for name, count in taken.items() if count > 1]
    if twice:
        raise ModelError(f"two nodes of the graph make {twice[0]!r}: readers take the one or the other; refused")
    for values in (graph.input, graph.output):
        names = [value.name for value in values]
        if len(set(names)) < len(names):
            raise ModelError("an input or output is declared twice; refused")


def _refuse_training(proto: onnx.ModelProto) -> None:
    """Raise ModelError for nodes that compute as during training."""
    stored = dict(list_stored(proto))
    owners: list[onnx.GraphProto | onnx.FunctionProto] = [*walk_graphs(proto.graph), *proto.functions]
    for owner in owners:
        for node in owner.node:
            if node.domain in STANDARD_DOMAINS and _trains(node, stored, inner=isinstance(owner, onnx.FunctionProto)):
                raise ModelError(
                    f"node {node.name or node.output[0]!r} ({node.op_type}) is in training mode: {TRAINING}"
                )


def _trains(node: onnx.NodeProto, stored: dict[str, TensorProto], *, inner: bool) -> bool:
    """Whether a node computes as during training; what a function (`inner`) is given for it is not known."""
    if node.op_type == "BatchNormalization":
        modes = {attribute.name: attribute.i for attribute in node.attribute}
        return bool(modes.get("training_mode", 0)) or ("training_mode" not in modes and any(node.output[1:]))
    if node.op_type != "Dropout" or len(node.input) < 3 or not node.input[2]:
        return False
    if inner:  # written out later, it is looked at by those who run it
        return False
    mode, ratio = stored.get(node.input[2]), stored.get(node.input[1])
    if mode is not None and not numpy_helper.to_array(mode).any():
        return False
    return ratio is None or bool(numpy_helper.to_array(ratio).any())


def walk_graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """A graph and all that are nested in it."""
    waiting = [graph]
    while waiting:
        one = waiting.pop()
        yield one
        for node in one.node:
            for attribute in node.attribute:
                if attribute.type == AttributeProto.GRAPH or attribute.HasField("g"):
                    waiting.append(attribute.g)
                waiting.extend(attribute.graphs)
