"""Tensors made from sizes and numbers."""

import math

import torch
from onnx import TensorProto
from torch import Tensor

from onnxaudit.importer.ops.arguments import StaticInts, to_ints
from onnxaudit.importer.registry import op
from onnxaudit.importer.tensors import find_dtype


@op("ConstantOfShape", since=9, static=("shape",))
def fill(shape: StaticInts, *, value: Tensor | None = None) -> Tensor:
    """A tensor of one value, float zero by default."""
    number = torch.zeros(1) if value is None else value
    return number.reshape(()).expand(to_ints(shape)).clone()


@op("Range", since=11)
def count(
    start: Tensor,
    limit: Tensor,
    delta: Tensor,
    *,
    stash_type: int = TensorProto.FLOAT,  # noqa: ARG001 - everything is computed in float32 at least
) -> Tensor:
    """Numbers from `start` to below `limit`."""
    return torch.arange(start.item(), limit.item(), delta.item(), dtype=start.dtype)


@op("EyeLike", since=9, described=("data",))
def draw_diagonal(data: Tensor, *, dtype: int | None = None, k: int = 0) -> Tensor:
    """Ones on a diagonal of a matrix of the same shape."""
    rows, columns = torch.arange(data.shape[0])[:, None], torch.arange(data.shape[1])[None, :]
    return (columns - rows == k).to(data.dtype if dtype is None else find_dtype(dtype))


@op("OneHot", since=9, static=("depth",))
def encode_one_hot(indices: Tensor, depth: StaticInts, values: Tensor, *, axis: int = -1) -> Tensor:
    """`values[1]` at each index along a new axis of length `depth`, `values[0]` elsewhere."""
    size = to_ints(depth)[0]
    position = indices.to(torch.int64)
    position = torch.where(position < 0, position + size, position).unsqueeze(axis)
    shape = [1] * position.ndim
    shape[axis] = size
    hot = position == torch.arange(size, device=position.device).reshape(shape)
    return torch.where(hot, values[1], values[0])


def _cosine_window(
    size: StaticInts, weights: tuple[float, float, float], periodic: int, output_datatype: int
) -> Tensor:
    length = to_ints(size)[0]
    phase = torch.arange(length) * (2 * math.pi / max(1, length if periodic else length - 1))
    window = weights[0] + weights[1] * phase.cos() + weights[2] * (2 * phase).cos()
    return window.to(find_dtype(output_datatype))


@op("HannWindow", since=17, static=("size",))
def draw_hann_window(size: StaticInts, *, output_datatype: int = TensorProto.FLOAT, periodic: int = 1) -> Tensor:
    """Hann's window."""
    return _cosine_window(size, (0.5, -0.5, 0.0), periodic, output_datatype)


@op("HammingWindow", since=17, static=("size",))
def draw_hamming_window(size: StaticInts, *, output_datatype: int = TensorProto.FLOAT, periodic: int = 1) -> Tensor:
    """Hamming's window."""
    return _cosine_window(size, (25 / 46, -21 / 46, 0.0), periodic, output_datatype)


@op("BlackmanWindow", since=17, static=("size",))
def draw_blackman_window(size: StaticInts, *, output_datatype: int = TensorProto.FLOAT, periodic: int = 1) -> Tensor:
    """Blackman's window."""
    return _cosine_window(size, (0.42, -0.5, 0.08), periodic, output_datatype)
