"""Numpy arrays in records, and how they look in JSON."""

import base64
import zlib
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def encode_array(array: Floats) -> dict[str, Any]:
    """`{dtype, shape, data}` with the little-endian bytes deflated and in base64."""
    data = np.ascontiguousarray(array, dtype="<f4")
    return {
        "dtype": "float32",
        "shape": list(data.shape),
        "data": base64.b64encode(zlib.compress(data.tobytes(), 9)).decode("ascii"),
    }


def decode_array(value: Any) -> Floats:
    """The inverse of `encode_array`; an array passes through.

    Raises:
        ValueError: not an encoded array, or its data does not fit its shape.
    """
    if isinstance(value, np.ndarray):
        return value.astype(np.float32, copy=False)
    try:
        shape = tuple(int(size) for size in value["shape"])
        size = 4 * int(np.prod(shape))
        raw = zlib.decompressobj().decompress(base64.b64decode(value["data"], validate=True), size + 1)
        if min(shape, default=0) < 0 or len(raw) != size:
            raise ValueError("data does not fit the shape")
        return np.frombuffer(raw, dtype="<f4").reshape(shape).astype(np.float32)
    except (KeyError, TypeError, zlib.error) as error:
        raise ValueError(f"not an encoded array: {error}") from error


Array = Annotated[
    Floats,
    PlainValidator(decode_array),
    PlainSerializer(encode_array, return_type=dict[str, Any]),
    WithJsonSchema(
        {
            "type": "object",
            "required": ["dtype", "shape", "data"],
            "properties": {
                "dtype": {"const": "float32"},
                "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
                "data": {
                    "type": "string",
                    "contentEncoding": "base64",
                    "description": "zlib, little-endian",
                },
            },
        }
    ),
]
