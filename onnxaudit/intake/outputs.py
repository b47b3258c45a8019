"""What a graph gives: its classifying output, and the logits behind it."""

from collections.abc import Sequence

import onnx
from onnx import TensorProto

from onnxaudit.errors import ModelError
from onnxaudit.intake.declarations import STANDARD_DOMAINS, describe, infer_shapes, shape_of
from onnxaudit.records import OutputKind, OutputSpec

FLOATS = frozenset((TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE))
CLASS_SCORE_OPS = frozenset(("Softmax", "LogSoftmax", "Sigmoid"))
SHAPE_OPS = frozenset(("Reshape", "Flatten", "Squeeze"))


def read_output(proto: onnx.ModelProto, name: str | None = None) -> OutputSpec:
    """The classifying output of a graph: the one named, or the only one of shape `(batch, classes)`.

    Raises:
        ModelError: no such output, several that could be it, or fewer than two classes.
    """
    outputs = _outputs_with_shapes(proto)
    value = _named_output(outputs, name) if name is not None else _only_output(outputs)
    classes = shape_of(value)[1]
    if not isinstance(classes, int):
        raise ModelError(f"output {describe(value)}: the number of classes is not fixed")
    if classes < 2:
        raise ModelError(f"output {describe(value)}: a classifier needs two classes or more")
    kind, logits = _logits(proto, value.name)
    return OutputSpec(value.name, classes, kind, logits)


def _outputs_with_shapes(proto: onnx.ModelProto) -> Sequence[onnx.ValueInfoProto]:
    outputs = list(proto.graph.output)
    if all(shape_of(value) and all(isinstance(size, int) for size in shape_of(value)[1:]) for value in outputs):
        return outputs
    return list(infer_shapes(proto).graph.output)


def _named_output(outputs: Sequence[onnx.ValueInfoProto], name: str) -> onnx.ValueInfoProto:
    for value in outputs:
        if value.name == name:
            if not _is_score(value):
                raise ModelError(f"output {describe(value)}: not float scores of shape (batch, classes)")
            return value
    raise ModelError(f"no output is named {name!r}; there are {', '.join(map(describe, outputs))}")


def _only_output(outputs: Sequence[onnx.ValueInfoProto]) -> onnx.ValueInfoProto:
    scores = [value for value in outputs if _is_score(value)]
    if len(scores) == 1:
        return scores[0]
    if scores:
        raise ModelError(f"several outputs could be the classes: {', '.join(map(describe, scores))}; use --output NAME")
    found = ", ".join(map(describe, outputs)) or "none"
    raise ModelError(f"no output holds float scores of shape (batch, classes): found {found}; not a classifier")


def _is_score(value: onnx.ValueInfoProto) -> bool:
    return value.type.tensor_type.elem_type in FLOATS and len(shape_of(value)) == 2


def _logits(proto: onnx.ModelProto, output: str) -> tuple[OutputKind, str]:
    """What the output holds, and the tensor before a final Softmax, LogSoftmax or Sigmoid."""
    producers = {name: node for node in proto.graph.node for name in node.output}
    name, reshaped = output, False
    while name in producers and producers[name].op_type in {"Identity", "Cast", *SHAPE_OPS}:
        reshaped |= producers[name].op_type in SHAPE_OPS
        name = producers[name].input[0]
    node = producers.get(name)
    if node is None or node.op_type not in CLASS_SCORE_OPS or node.domain not in STANDARD_DOMAINS:
        return OutputKind.LOGITS, output
    kind = OutputKind.LOGITS if node.op_type == "LogSoftmax" else OutputKind.PROBABILITIES
    if reshaped and _rank(infer_shapes(proto).graph, node.input[0]) != 2:
        return kind, output
    return kind, node.input[0]


def _rank(graph: onnx.GraphProto, name: str) -> int:
    return next((len(shape_of(value)) for value in graph.value_info if value.name == name), 0)
