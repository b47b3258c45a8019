"""The graph as it is computed with, where the vendor's own cannot be used as it stands.

The vendor's protobuf is never changed. A working copy has its nodes in an order in which they can be computed, and
nodes behind a vendor's tensor that make `(batch, classes)` logits of it; `precision` makes float32 of bfloat16,
`sizes` fixes what the file leaves free.
"""

from graphlib import CycleError, TopologicalSorter

import numpy as np
import onnx
from onnx import helper, numpy_helper

from onnxaudit.errors import ModelError
from onnxaudit.intake.soundness import settle
from onnxaudit.records import OutputSpec

MICROSOFT = "com.microsoft"
QUANTIZED_SCORE_OPS = frozenset(("QLinearSoftmax", "QLinearSigmoid"))  # of codes, with their scale and zero point
NEWEST_IR = 12  # the newest file format that every supported onnxruntime reads; what a node means follows the opset


def make_canonical(proto: onnx.ModelProto, *, strange: bool) -> onnx.ModelProto:
    """The model as all engines read it alike; the very same where the vendor's protobuf is that already.

    Each name stands for one tensor, the file format is one that onnxruntime reads, and fields that this version of ONNX
    does not know (`strange`) are left out: another reader might know them.
    """
    settled = settle(proto)
    if not strange and settled.ir_version <= NEWEST_IR:
        return settled
    canonical = onnx.ModelProto()
    canonical.CopyFrom(settled)
    canonical.DiscardUnknownFields()
    canonical.ir_version = min(canonical.ir_version, NEWEST_IR)
    return canonical


def sort_nodes(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The model with each node behind those that feed it; the very same where that is so already.

    Raises:
        ModelError: there is no such order.
    """
    nodes = proto.graph.node
    producers = {name: index for index, node in enumerate(nodes) for name in node.output if name}
    needs = {
        index: [producers[name] for name in list_reads(node) if name in producers] for index, node in enumerate(nodes)
    }
    if all(source < index for index, sources in needs.items() for source in sources):
        return proto
    try:
        order = list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise ModelError("the graph has a cycle; it cannot be computed") from error
    ordered = onnx.ModelProto()
    ordered.CopyFrom(proto)
    del ordered.graph.node[:]
    ordered.graph.node.extend(nodes[index] for index in order)
    return ordered


def add_head(proto: onnx.ModelProto, output: OutputSpec) -> onnx.ModelProto:
    """The model with the nodes that compute `output.logits`; the very same where the vendor's graph does."""
    if not output.source:
        return proto
    added = onnx.ModelProto()
    added.CopyFrom(proto)
    source, reader = output.source, find_reader_of_codes(proto, output.source)
    if reader is not None:
        source = name_decoded(output.source)
        added.graph.node.append(helper.make_node("DequantizeLinear", reader.input[:3], [source]))
    if source == output.logits:
        return added
    columns = 1 if output.single else output.classes
    shape, score = f"shape of {output.logits}", f"score of {output.logits}" if output.single else output.logits
    added.graph.initializer.append(numpy_helper.from_array(np.array([-1, columns], np.int64), shape))
    added.graph.node.append(helper.make_node("Reshape", [source, shape], [score]))
    if output.single:
        # Zero by a difference: that needs no constant of the score's type.
        zero = f"zero of {output.logits}"
        added.graph.node.append(helper.make_node("Sub", [score, score], [zero]))
        added.graph.node.append(helper.make_node("Concat", [zero, score], [output.logits], axis=1))
    return added


def find_reader_of_codes(proto: onnx.ModelProto, name: str) -> onnx.NodeProto | None:
    """The node that makes probabilities of a tensor of whole numbers, whose scale and zero point it says; else None."""
    return next((node for node in proto.graph.node if scores_codes(node) and node.input[0] == name), None)


def scores_codes(node: onnx.NodeProto) -> bool:
    """Whether a node makes probabilities of whole numbers."""
    return node.domain == MICROSOFT and node.op_type in QUANTIZED_SCORE_OPS


def name_decoded(codes: str) -> str:
    """What the working copy calls the numbers that codes stand for."""
    return f"{codes} as numbers"


def list_reads(node: onnx.NodeProto) -> list[str]:
    """Names that a node reads, those that only its nested graphs read included."""
    names = list(node.input)
    for attribute in node.attribute:
        for graph in [attribute.g, *attribute.graphs]:
            names.extend(name for inner in graph.node for name in list_reads(inner))
            names.extend(value.name for value in graph.output)
    return names
