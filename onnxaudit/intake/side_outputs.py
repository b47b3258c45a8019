"""Outputs beside the classes that PyTorch cannot compute, such as the classes' names."""

import onnx
from onnx import AttributeProto, TensorProto

from onnxaudit.intake.known_operators import find_opsets, find_unknown
from onnxaudit.intake.working_copy import list_reads


def drop_side_outputs(proto: onnx.ModelProto, logits: str) -> onnx.ModelProto:
    """The model with only what leads to `logits`, where something else holds text or unknown operators.

    The very same model where that is not so: what else it computes may be asked for.
    """
    needed = find_needed(proto.graph, logits)
    unneeded = [node for node in proto.graph.node if not {*node.output} & needed]
    texts = [tensor.name for tensor in proto.graph.initializer if tensor.data_type == TensorProto.STRING]
    unknown = {name for node in find_unknown(proto.graph, find_opsets(proto)) for name in node.output}
    if not any(name not in needed for name in texts) and not any(
        holds_text(node) or unknown & {*node.output} for node in unneeded
    ):
        return proto
    kept = onnx.ModelProto()
    kept.CopyFrom(proto)
    for field in ("node", "initializer", "output"):
        kept.graph.ClearField(field)
    kept.graph.node.extend(node for node in proto.graph.node if {*node.output} & needed)
    kept.graph.initializer.extend(tensor for tensor in proto.graph.initializer if tensor.name in needed)
    kept.graph.output.extend(value for value in proto.graph.output if value.name in needed)
    return kept


def find_needed(graph: onnx.GraphProto, name: str) -> set[str]:
    """Names of all tensors that the one called `name` is computed from, itself included."""
    producers = {output: node for node in graph.node for output in node.output if output}
    needed, waiting = set(), [name]
    while waiting:
        current = waiting.pop()
        if current not in needed:
            needed.add(current)
            if current in producers:
                waiting += [*producers[current].output, *list_reads(producers[current])]
    return needed - {""}


def holds_text(node: onnx.NodeProto) -> bool:
    """Whether a node is a constant of text."""
    return node.op_type == "Constant" and any(
        attribute.type in (AttributeProto.STRING, AttributeProto.STRINGS) or attribute.t.data_type == TensorProto.STRING
        for attribute in node.attribute
    )
