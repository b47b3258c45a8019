"""What a stored tensor says it is, and whether its bytes agree; counted in Python's integers, which never overflow."""

from collections.abc import Iterator
from math import prod

import onnx
from onnx import TensorProto

from onnxaudit.errors import ModelError

MOST_ELEMENTS = 2**31  # of one tensor; a file of 2 GiB holds no more of a byte each
BITS: dict[int, int] = {
    **dict.fromkeys((TensorProto.FLOAT, TensorProto.INT32, TensorProto.UINT32), 32),
    **dict.fromkeys((TensorProto.UINT8, TensorProto.INT8, TensorProto.BOOL), 8),
    **dict.fromkeys((TensorProto.UINT16, TensorProto.INT16, TensorProto.FLOAT16, TensorProto.BFLOAT16), 16),
    **dict.fromkeys((TensorProto.INT64, TensorProto.UINT64, TensorProto.DOUBLE, TensorProto.COMPLEX64), 64),
    TensorProto.COMPLEX128: 128,
}
BITS |= {
    int(value): bits
    for name, value in TensorProto.DataType.items()
    for start, bits in (("FLOAT8", 8), ("UINT4", 4), ("INT4", 4), ("FLOAT4", 4), ("UINT2", 2), ("INT2", 2))
    if name.startswith(start)
}
_TYPED = {
    "float_data": (TensorProto.FLOAT, TensorProto.COMPLEX64),
    "int64_data": (TensorProto.INT64,),
    "double_data": (TensorProto.DOUBLE, TensorProto.COMPLEX128),
    "uint64_data": (TensorProto.UINT64, TensorProto.UINT32),
    "string_data": (TensorProto.STRING,),
}
_PAIRED = (TensorProto.COMPLEX64, TensorProto.COMPLEX128)
_PACKED = 8  # bits; smaller elements share an entry of int32_data


def count_elements(tensor: onnx.TensorProto) -> int:
    """How many elements a tensor declares.

    Raises:
        ModelError: an axis is negative, or there are more than a file can hold.
    """
    if any(axis < 0 for axis in tensor.dims):
        raise ModelError(f"tensor {tensor.name!r} declares an axis of negative size")
    count = prod(tensor.dims)
    if count > MOST_ELEMENTS:
        raise ModelError(f"tensor {tensor.name!r} declares {count:,} elements; no file holds so many")
    return count


def count_bytes(tensor: onnx.TensorProto) -> int | None:
    """How many bytes a tensor's elements take; None for text and for types that are not known."""
    bits = BITS.get(tensor.data_type)
    return None if bits is None else -(-count_elements(tensor) * bits // 8)


def check_content(tensor: onnx.TensorProto) -> None:
    """Make sure that a tensor holds as many elements as it declares, in one place.

    Raises:
        ModelError: it does not.
    """
    count, needed = count_elements(tensor), count_bytes(tensor)
    if tensor.HasField("raw_data"):
        if needed is not None and len(tensor.raw_data) != needed:
            raise ModelError(
                f"tensor {tensor.name!r} holds {len(tensor.raw_data)} bytes where its type and shape need {needed}"
            )
        return
    if any(not _is_text(entry) for entry in tensor.string_data):
        raise ModelError(f"tensor {tensor.name!r} holds text that is no UTF-8")
    found = sum(len(getattr(tensor, name)) for name in (*_TYPED, "int32_data"))
    wanted = count * 2 if tensor.data_type in _PAIRED else count
    bits = BITS.get(tensor.data_type, 0)
    packed = -(-count * bits // _PACKED) if 0 < bits < _PACKED else wanted
    if found not in (wanted, packed):
        raise ModelError(f"tensor {tensor.name!r} holds {found} elements where its shape needs {wanted}")


def _is_text(entry: bytes) -> bool:
    try:
        entry.decode()
    except UnicodeDecodeError:
        return False
    return True


def holds_twice(tensor: onnx.TensorProto) -> bool:
    """Whether a tensor has data in two of its fields, or here and elsewhere: readers take one or the other."""
    filled = [name for name in (*_TYPED, "int32_data") if len(getattr(tensor, name))]
    return len(filled) + bool(tensor.raw_data) + bool(tensor.external_data) > 1


def list_tensors(proto: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every tensor of a model, those of nested graphs, functions and attributes too, sparse ones by their parts."""
    graphs = [proto.graph]
    nodes = [node for function in proto.functions for node in function.node]
    while graphs or nodes:
        if graphs:
            graph = graphs.pop()
            nodes.extend(graph.node)
            yield from graph.initializer
            yield from (part for one in graph.sparse_initializer for part in (one.values, one.indices))
            continue
        for attribute in nodes.pop().attribute:
            graphs.extend([*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs])
            yield from (attribute.t,) if attribute.HasField("t") else ()
            yield from attribute.tensors
            sparse = [
                *attribute.sparse_tensors,
                *([attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []),
            ]
            yield from (part for one in sparse for part in (one.values, one.indices))
