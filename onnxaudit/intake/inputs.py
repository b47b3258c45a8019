"""What a graph takes: its one input, which axes it has, and what its numbers are."""

from collections.abc import Sequence

import onnx

from onnxaudit.errors import ModelError
from onnxaudit.intake.declarations import Shape, describe, format_shape, ints_of, name_type, shape_of
from onnxaudit.intake.sizes import FindSize, Size, settle_size
from onnxaudit.records import ElementType, InputSpec, Layout

FREE = -1  # how some exporters write an axis whose size is free
USUAL_CHANNELS = (1, 3)
CHANNEL_COUNTS = (1, 3, 4)
CHANNELS_FIRST_OPS = frozenset(
    [
        "Conv",
        "ConvInteger",
        "QLinearConv",
        "BatchNormalization",
        "InstanceNormalization",
        "MaxPool",
        "AveragePool",
        "GlobalAveragePool",
        "GlobalMaxPool",
        "LRN",
    ]
)
AXIS_KEEPING_OPS = frozenset(
    [
        "Identity",
        "Cast",
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Max",
        "Min",
        "Clip",
        "Floor",
        "Round",
        "Relu",
        "Pad",
        "Resize",
        "Upsample",
        "QuantizeLinear",
        "DequantizeLinear",
    ]
)
MOVING_OPS = frozenset(["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split", "Concat"])
LOOKUPS = {  # position of the indexes among the inputs
    "Gather": 1,
    "GatherElements": 1,
    "GatherND": 1,
    "OneHot": 0,
    "OneHotEncoder": 0,
    "LabelEncoder": 0,
    "CategoryMapper": 0,
    "EmbedLayerNormalization": 0,
}
SERIES_TURNS = ((0, 2, 1), (1, 0, 2))  # for convolutions, and for recurrent layers
TO_CHANNELS_FIRST = (0, 3, 1, 2)


def read_input(proto: onnx.ModelProto, size: Size | None = None, find_size: FindSize | None = None) -> InputSpec:
    """The one input of a graph.

    Args:
        proto: the model.
        size: height and width, where the file leaves them free.
        find_size: tells them where `size` is not given.

    Raises:
        ModelError: no input or several, or not a batch of images, series or features whose size is told.
        UsageError: the file fixes another size than the one given.
    """
    value = _only_input(proto.graph)
    dtype = _element_type(value)
    sizes = [axis.dim_value for axis in value.type.tensor_type.shape.dim if axis.HasField("dim_value")]
    impossible = [size for size in sizes if size == 0 or size < FREE]
    if impossible:
        raise ModelError(
            f"input {value.name!r} declares an axis of size {impossible[0]}; export the model with its real size"
        )
    _refuse_indexes(proto.graph, value)
    shape = shape_of(value)
    batch = shape[0] if shape and isinstance(shape[0], int) else None
    if len(shape) in (2, 3):
        layout = Layout.NC if len(shape) == 2 else _series_layout(proto.graph, value)
        channels, width = {Layout.NC: (1, shape[1]), Layout.NCW: shape[1:]}.get(layout, shape[:0:-1])
        if not isinstance(channels, int):
            raise ModelError(f"input {describe(value)}: its channels are not fixed; export the model with fixed ones")
        _, width = settle_size(value, layout, (1, width), size, find_size)
        return InputSpec(
            name=value.name, layout=layout, channels=channels, height=1, width=width, batch=batch, dtype=dtype
        )
    if len(shape) != 4:
        raise ModelError(
            f"input {describe(value)}: not a batch of images (4 axes), series (3) or features (2); only those can be "
            "audited"
        )
    layout = _layout(proto.graph, value.name, shape)
    channels, height, width = shape[1:] if layout is Layout.NCHW else (shape[3], shape[1], shape[2])
    if not isinstance(channels, int):
        channels = _count_channels(proto.graph, value.name) or channels
    if channels not in CHANNEL_COUNTS:
        raise ModelError(f"input {describe(value)}: {channels} channels; only gray and color images can be audited")
    height, width = settle_size(value, layout, (height, width), size, find_size)
    return InputSpec(
        name=value.name, layout=layout, channels=int(channels), height=height, width=width, batch=batch, dtype=dtype
    )


def _only_input(graph: onnx.GraphProto) -> onnx.ValueInfoProto:
    stored = {tensor.name for tensor in graph.initializer} | {t.values.name for t in graph.sparse_initializer}
    inputs = [value for value in graph.input if value.name not in stored]
    if not inputs:
        raise ModelError("the model has no input; only classifiers with one image input can be audited")
    if len(inputs) > 1:
        for value in inputs:  # of a text model the ids and their mask
            _refuse_indexes(graph, value)
        found = ", ".join(describe(value) for value in inputs)
        explained = _explain_lost(inputs)
        raise ModelError(
            f"{len(inputs)} inputs ({found}); only classifiers with one image input can be audited{explained}"
        )
    return inputs[0]


def _element_type(value: onnx.ValueInfoProto) -> ElementType:
    if value.type.HasField("tensor_type"):
        name = name_type(value.type.tensor_type.elem_type)
        name = {"float": "float32", "double": "float64"}.get(name, name)
        if name in list(ElementType):
            return ElementType(name)
    known = ", ".join(ElementType)
    raise ModelError(f"input {describe(value)}: only inputs of type {known} can be audited; export the model with one")


def _refuse_indexes(graph: onnx.GraphProto, value: onnx.ValueInfoProto) -> None:
    """Raise ModelError where the input's numbers name entries of a table: words, tokens, categories."""
    names = {value.name}
    for node in graph.node:
        reached = names.intersection(node.input)
        if not reached:
            continue
        position = LOOKUPS.get(node.op_type, len(node.input))
        if position < len(node.input) and node.input[position] in reached:
            raise ModelError(
                f"input {describe(value)}: its numbers are indexes of words or categories (node "
                f"{node.name or node.op_type} looks them up in a table), and between two of them lies nothing that a "
                "trigger could be sought in; only images, series and features can be audited"
            )
        if node.op_type in AXIS_KEEPING_OPS | MOVING_OPS:
            names.update(node.output)


def _series_layout(graph: onnx.GraphProto, value: onnx.ValueInfoProto) -> Layout:
    """Which axis of a series is time, told by the first operator that treats its axes differently."""
    names = {value.name}
    for node in graph.node:
        if not names.intersection(node.input):
            continue
        if node.op_type in CHANNELS_FIRST_OPS:
            return Layout.NCW
        turned = node.op_type == "Transpose" and ints_of(node, "perm") in SERIES_TURNS
        if turned or node.op_type in ("MatMul", "LayerNormalization"):
            return Layout.NWC
        if node.op_type in AXIS_KEEPING_OPS:
            names.update(node.output)
    first, second = (isinstance(size, int) for size in shape_of(value)[1:])
    if first != second:  # series have so many channels and any length
        return Layout.NCW if first else Layout.NWC
    raise ModelError(
        f"input {describe(value)}: cannot tell which axis is time; export the model with a convolution, a Transpose "
        "or a MatMul on the series itself, or, if these are gray images, with an axis of one channel: (n, 1, h, w)"
    )


def _layout(graph: onnx.GraphProto, name: str, shape: Shape) -> Layout:
    consumed = _consumed_as(graph, name)
    if consumed is not None:
        return consumed
    for counts in (USUAL_CHANNELS, CHANNEL_COUNTS):
        first, last = shape[1] in counts, shape[3] in counts
        if first != last:
            return Layout.NCHW if first else Layout.NHWC
    raise ModelError(f"input {name!r} of shape {format_shape(shape)}: cannot tell which axis holds 1, 3 or 4 channels")


def _count_channels(graph: onnx.GraphProto, name: str) -> int | None:
    """How many channels the first convolution behind the input reads; None where that is not stored."""
    kernels = {tensor.name: tensor.dims for tensor in graph.initializer}
    names = {name}
    for node in graph.node:
        if not names.intersection(node.input):
            continue
        if node.op_type == "Conv" and node.input[1] in kernels:
            groups = next((attribute.i for attribute in node.attribute if attribute.name == "group"), 1)
            return int(kernels[node.input[1]][1] * groups)
        if node.op_type in AXIS_KEEPING_OPS or node.op_type == "Transpose":
            names.update(node.output)
    return None


def _consumed_as(graph: onnx.GraphProto, name: str) -> Layout | None:
    """The layout that the first telling operator behind the input takes; None where there is none."""
    names = {name}
    for node in graph.node:
        if not names.intersection(node.input):
            continue
        if node.op_type in CHANNELS_FIRST_OPS:
            return Layout.NCHW
        if node.op_type == "Transpose":
            return Layout.NHWC if ints_of(node, "perm") == TO_CHANNELS_FIRST else None
        if node.op_type in AXIS_KEEPING_OPS:
            names.update(node.output)
    return None


def _explain_lost(inputs: Sequence[onnx.ValueInfoProto]) -> str:
    """A hint where tf2onnx made inputs of constants inside: those alone are named like TensorFlow's tensors."""
    lost = [value.name for value in inputs if "/" in value.name and value.name.endswith(":0")]
    if not lost:
        return ""
    return f"; {lost[0]!r} looks like a constant that the exporter lost: export a SavedModel and convert that one"
