"""What a graph declares of its tensors: types, shapes, attributes, and how messages show them."""

import onnx
from onnx import TensorProto, shape_inference

from onnxaudit.errors import ModelError

STANDARD_DOMAINS = ("", "ai.onnx")
UNKNOWN = "?"

Shape = tuple[int | str, ...]


def shape_of(value: onnx.ValueInfoProto) -> Shape:
    """Sizes of the axes; a name or `?` for one that is free."""
    axes = value.type.tensor_type.shape.dim
    return tuple(axis.dim_value if axis.dim_value > 0 else axis.dim_param or UNKNOWN for axis in axes)


def ints_of(node: onnx.NodeProto, name: str) -> tuple[int, ...]:
    """An attribute that is a list of whole numbers; empty where the node has none of that name."""
    return next((tuple(attribute.ints) for attribute in node.attribute if attribute.name == name), ())


def describe(value: onnx.ValueInfoProto) -> str:
    """`'x' (float (N, 3, 32, 32))`."""
    if not value.type.HasField("tensor_type"):
        return f"{value.name!r} ({value.type.WhichOneof('value') or 'untyped'})"
    kind = name_type(value.type.tensor_type.elem_type)
    return f"{value.name!r} ({kind} {format_shape(shape_of(value))})"


def name_type(number: int) -> str:
    """`float`; of a number that stands for no type the number itself."""
    known = {kind: name.lower() for name, kind in TensorProto.DataType.items()}
    return known.get(number, f"type {number}")


def format_shape(shape: Shape) -> str:
    """`(N, 3, 32, 32)`."""
    return f"({', '.join(map(str, shape))})"


def infer_shapes(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The model with the shapes that follow from its input's.

    Raises:
        ModelError: they contradict each other.
    """
    try:
        return shape_inference.infer_shapes(proto, data_prop=True)
    except shape_inference.InferenceError as error:
        raise ModelError(f"its shapes contradict each other: {' '.join(str(error).split())}") from error
