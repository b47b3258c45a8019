"""ONNX tensors and element types in torch.

Half-precision floats become float32: the copy computes in float32 whatever the file stores.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, numpy_helper

from onnxaudit.errors import ModelError
from onnxaudit.intake.declarations import name_type

DTYPES: dict[int, torch.dtype] = {
    TensorProto.FLOAT: torch.float32,
    TensorProto.FLOAT16: torch.float32,
    TensorProto.BFLOAT16: torch.float32,
    TensorProto.DOUBLE: torch.float64,
    TensorProto.INT8: torch.int8,
    TensorProto.INT16: torch.int16,
    TensorProto.INT32: torch.int32,
    TensorProto.INT64: torch.int64,
    TensorProto.UINT8: torch.uint8,
    # torch computes little in wider unsigned types; the next wider signed type holds the same values.
    TensorProto.UINT16: torch.int32,
    TensorProto.UINT32: torch.int64,
    TensorProto.UINT64: torch.int64,
    TensorProto.BOOL: torch.bool,
}


def find_dtype(onnx_type: int) -> torch.dtype:
    """The torch type that stands for an ONNX element type.

    Raises:
        ModelError: strings, complex numbers, 8-bit floats and types below a byte.
    """
    if onnx_type not in DTYPES:
        raise ModelError(f"tensors of type {name_type(onnx_type)} cannot be computed in PyTorch")
    return DTYPES[onnx_type]


def from_proto(proto: onnx.TensorProto) -> torch.Tensor:
    """A copy of a stored tensor on the CPU."""
    return from_array(numpy_helper.to_array(proto), find_dtype(proto.data_type))


def from_array(array: npt.NDArray[Any], dtype: torch.dtype) -> torch.Tensor:
    """A copy of `array` as `dtype`."""
    wide = array.astype(np.float32) if dtype is torch.float32 else array
    if wide.dtype in (np.uint16, np.uint32, np.uint64):
        wide = wide.astype(np.int64)
    return torch.tensor(wide, dtype=dtype)
