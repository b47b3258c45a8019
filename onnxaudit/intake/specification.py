"""What a graph takes and gives: its one image input and its classifying output."""

from collections.abc import Sequence

import onnx
from onnx import TensorProto, shape_inference

from onnxaudit.errors import ModelError
from onnxaudit.records import InputSpec, Layout, OutputKind, OutputSpec

STANDARD_DOMAINS = ("", "ai.onnx")
USUAL_CHANNELS = (1, 3)
CHANNEL_COUNTS = (1, 3, 4)
CHANNELS_FIRST_OPS = frozenset(
    [
        "Conv",
        "BatchNormalization",
        "InstanceNormalization",
        "MaxPool",
        "AveragePool",
        "GlobalAveragePool",
        "GlobalMaxPool",
        "LRN",
    ]
)
AXIS_KEEPING_OPS = frozenset(["Identity", "Cast", "Add", "Sub", "Mul", "Div", "Clip", "Relu", "Pad"])
CLASS_SCORE_OPS = frozenset(("Softmax", "LogSoftmax", "Sigmoid"))
SHAPE_OPS = frozenset(("Reshape", "Flatten", "Squeeze"))
TO_CHANNELS_FIRST = (0, 3, 1, 2)
UNKNOWN = "?"

Shape = tuple[int | str, ...]


def read_input(proto: onnx.ModelProto) -> InputSpec:
    """The one image input of a graph.

    Raises:
        ModelError: no input or several, or not a float32 image batch of fixed height and width.
    """
    value = _only_input(proto.graph)
    shape = _image_shape(value)
    layout = _layout(proto.graph, value.name, shape)
    channels, height, width = shape[1:] if layout is Layout.NCHW else (shape[3], shape[1], shape[2])
    if channels not in CHANNEL_COUNTS:
        raise ModelError(f"input {_describe(value)}: {channels} channels; only gray and colour images can be audited")
    if not isinstance(height, int) or not isinstance(width, int):
        raise ModelError(f"input {_describe(value)}: height and width are not fixed; export the model with fixed ones")
    batch = shape[0] if isinstance(shape[0], int) else None
    return InputSpec(value.name, layout, int(channels), height, width, batch)


def read_output(proto: onnx.ModelProto, name: str | None = None) -> OutputSpec:
    """The classifying output of a graph: the one named, or the only one of shape `(batch, classes)`.

    Raises:
        ModelError: no such output, several that could be it, or fewer than two classes.
    """
    outputs = _outputs_with_shapes(proto)
    value = _named_output(outputs, name) if name is not None else _only_output(outputs)
    classes = _shape(value)[1]
    if not isinstance(classes, int):
        raise ModelError(f"output {_describe(value)}: the number of classes is not fixed")
    if classes < 2:
        raise ModelError(f"output {_describe(value)}: a classifier needs two classes or more")
    kind, logits = _logits(proto, value.name)
    return OutputSpec(value.name, classes, kind, logits)


def _only_input(graph: onnx.GraphProto) -> onnx.ValueInfoProto:
    stored = {tensor.name for tensor in graph.initializer} | {t.values.name for t in graph.sparse_initializer}
    inputs = [value for value in graph.input if value.name not in stored]
    if not inputs:
        raise ModelError("the model has no input; only classifiers with one image input can be audited")
    if len(inputs) > 1:
        found = ", ".join(_describe(value) for value in inputs)
        raise ModelError(f"{len(inputs)} inputs ({found}); only classifiers with one image input can be audited")
    return inputs[0]


def _image_shape(value: onnx.ValueInfoProto) -> Shape:
    tensor = value.type.tensor_type
    shape = _shape(value)
    if not value.type.HasField("tensor_type") or len(shape) != 4:
        raise ModelError(f"input {_describe(value)}: not a batch of images (4 axes); only those can be audited")
    if tensor.elem_type != TensorProto.FLOAT:
        raise ModelError(f"input {_describe(value)}: only float32 inputs can be audited; export the model with one")
    return shape


def _layout(graph: onnx.GraphProto, name: str, shape: Shape) -> Layout:
    consumed = _consumed_as(graph, name)
    if consumed is not None:
        return consumed
    for counts in (USUAL_CHANNELS, CHANNEL_COUNTS):
        first, last = shape[1] in counts, shape[3] in counts
        if first != last:
            return Layout.NCHW if first else Layout.NHWC
    raise ModelError(f"input {name!r} of shape {_text(shape)}: cannot tell which axis holds 1, 3 or 4 channels")


def _consumed_as(graph: onnx.GraphProto, name: str) -> Layout | None:
    """The layout that the first telling operator behind the input takes; None where there is none."""
    names = {name}
    for node in graph.node:
        if not names.intersection(node.input):
            continue
        if node.op_type in CHANNELS_FIRST_OPS:
            return Layout.NCHW
        if node.op_type == "Transpose":
            return Layout.NHWC if _ints(node, "perm") == TO_CHANNELS_FIRST else None
        if node.op_type in AXIS_KEEPING_OPS:
            names.update(node.output)
    return None


def _outputs_with_shapes(proto: onnx.ModelProto) -> Sequence[onnx.ValueInfoProto]:
    outputs = list(proto.graph.output)
    if all(_shape(value) and all(isinstance(size, int) for size in _shape(value)[1:]) for value in outputs):
        return outputs
    return list(_inferred(proto).graph.output)


def _inferred(proto: onnx.ModelProto) -> onnx.ModelProto:
    try:
        return shape_inference.infer_shapes(proto, data_prop=True)
    except shape_inference.InferenceError as error:
        raise ModelError(f"its shapes contradict each other: {' '.join(str(error).split())}") from error


def _named_output(outputs: Sequence[onnx.ValueInfoProto], name: str) -> onnx.ValueInfoProto:
    for value in outputs:
        if value.name == name:
            if not _is_score(value):
                raise ModelError(f"output {_describe(value)}: not float scores of shape (batch, classes)")
            return value
    raise ModelError(f"no output is named {name!r}; there are {', '.join(map(_describe, outputs))}")


def _only_output(outputs: Sequence[onnx.ValueInfoProto]) -> onnx.ValueInfoProto:
    scores = [value for value in outputs if _is_score(value)]
    if len(scores) == 1:
        return scores[0]
    if scores:
        raise ModelError(
            f"several outputs could be the classes: {', '.join(map(_describe, scores))}; use --output NAME"
        )
    found = ", ".join(map(_describe, outputs)) or "none"
    raise ModelError(f"no output holds float scores of shape (batch, classes): found {found}; not a classifier")


def _is_score(value: onnx.ValueInfoProto) -> bool:
    return value.type.tensor_type.elem_type == TensorProto.FLOAT and len(_shape(value)) == 2


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
    if reshaped and _rank(_inferred(proto).graph, node.input[0]) != 2:
        return kind, output
    return kind, node.input[0]


def _rank(graph: onnx.GraphProto, name: str) -> int:
    return next((len(_shape(value)) for value in graph.value_info if value.name == name), 0)


def _shape(value: onnx.ValueInfoProto) -> Shape:
    axes = value.type.tensor_type.shape.dim
    return tuple(axis.dim_value if axis.dim_value > 0 else axis.dim_param or UNKNOWN for axis in axes)


def _ints(node: onnx.NodeProto, name: str) -> tuple[int, ...]:
    return next((tuple(attribute.ints) for attribute in node.attribute if attribute.name == name), ())


def _describe(value: onnx.ValueInfoProto) -> str:
    if not value.type.HasField("tensor_type"):
        return f"{value.name!r} ({value.type.WhichOneof('value') or 'untyped'})"
    kind = TensorProto.DataType.Name(value.type.tensor_type.elem_type).lower()
    return f"{value.name!r} ({kind} {_text(_shape(value))})"


def _text(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))})"
