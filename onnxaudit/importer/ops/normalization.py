"""Normalizations."""

import torch
import torch.nn.functional as F
from torch import Tensor

from onnxaudit.importer.registry import op


@op("BatchNormalization", since=7)
def normalize_batch(
    x: Tensor,
    scale: Tensor,
    b: Tensor,
    input_mean: Tensor,
    input_var: Tensor,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,  # noqa: ARG001 - matters in training only
    spatial: int = 1,
) -> Tensor:
    """Normalization with stored statistics, per channel or (`spatial = 0`, up to opset 8) per activation."""
    if spatial and scale.ndim == 1:
        return normalize_channels(x, scale, b, input_mean, input_var, epsilon)
    return (x - input_mean) / torch.sqrt(input_var + epsilon) * scale + b


@op("BatchNormalization", since=14)
def normalize_batch_or_train(
    x: Tensor,
    scale: Tensor,
    b: Tensor,
    input_mean: Tensor,
    input_var: Tensor,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
) -> Tensor | tuple[Tensor, Tensor, Tensor]:
    """Normalization with stored statistics, or (`training_mode`) with the batch's, and the running ones updated."""
    if not training_mode:
        return normalize_channels(x, scale, b, input_mean, input_var, epsilon)
    axes = [0, *range(2, x.ndim)]
    mean, var = x.mean(axes), x.var(axes, correction=0)
    running = (input_mean * momentum + mean * (1 - momentum), input_var * momentum + var * (1 - momentum))
    return normalize_channels(x, scale, b, mean, var, epsilon), *running


def normalize_channels(x: Tensor, scale: Tensor, b: Tensor, mean: Tensor, var: Tensor, epsilon: float) -> Tensor:
    """`(x − mean) / √(var + epsilon) · scale + b` for each channel; gradients reach all five."""
    if not (mean.requires_grad or var.requires_grad):
        return F.batch_norm(x, mean, var, scale, b, False, 0.0, epsilon)
    # torch's own function takes the statistics for constants.
    shape = (-1, *[1] * (x.ndim - 2))
    factor = scale * torch.rsqrt(var + epsilon)
    return x * factor.reshape(shape) + (b - mean * factor).reshape(shape)


@op("InstanceNormalization", since=6)
def normalize_instance(x: Tensor, scale: Tensor, b: Tensor, *, epsilon: float = 1e-5) -> Tensor:
    """Normalization of every channel of every sample."""
    axes = list(range(2, x.ndim))
    shape = (-1, *[1] * len(axes))
    mean, var = x.mean(axes, keepdim=True), x.var(axes, correction=0, keepdim=True)
    return (x - mean) * torch.rsqrt(var + epsilon) * scale.reshape(shape) + b.reshape(shape)


@op("LRN")
def normalize_response(x: Tensor, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0) -> Tensor:
    """Local response normalization across channels."""
    flat = (x * x).flatten(2)
    padded = F.pad(flat, (0, 0, (size - 1) // 2, size // 2))
    total = F.avg_pool2d(padded.unsqueeze(1), (size, 1), stride=1).squeeze(1) * size
    return x / (bias + alpha / size * total.reshape(x.shape)) ** beta


@op("LpNormalization")
def normalize_length(x: Tensor, *, axis: int = -1, p: int = 2) -> Tensor:
    """`x` divided by its p-norm along an axis; zero where the norm is zero."""
    norm = torch.linalg.vector_norm(x, p, axis, keepdim=True)
    return torch.where(norm == 0, torch.zeros_like(x), x / torch.where(norm == 0, torch.ones_like(norm), norm))


@op("MeanVarianceNormalization", since=9)
def standardize(x: Tensor, *, axes: list[int] | None = None) -> Tensor:
    """Zero mean and unit variance over the axes; the constant is the spec's."""
    chosen = [0, 2, 3] if axes is None else axes
    centered = x - x.mean(chosen, keepdim=True)
    return centered / ((centered * centered).mean(chosen, keepdim=True).sqrt() + 1e-9)


@op("LayerNormalization")  # in the spec since opset 17; onnxruntime's optimizer writes it in older files as well
def normalize_layer(
    x: Tensor,
    scale: Tensor,
    b: Tensor | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,  # noqa: ARG001 - everything is computed in float32 at least
    outputs: int = 1,
) -> Tensor | tuple[Tensor, Tensor, Tensor]:
    """Normalization over all axes from `axis` on; with mean and inverse standard deviation on request."""
    shape = x.shape[axis % x.ndim :]
    bias = None if b is None else b.expand(shape)
    y = F.layer_norm(x, shape, scale.expand(shape), bias, epsilon)
    if outputs == 1:
        return y
    axes = list(range(axis % x.ndim, x.ndim))
    return y, x.mean(axes, keepdim=True), torch.rsqrt(x.var(axes, correction=0, keepdim=True) + epsilon)


@op("RMSNormalization", since=23)
def normalize_root_mean_square(
    x: Tensor,
    scale: Tensor,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,  # noqa: ARG001
) -> Tensor:
    """`x` over its root mean square over all axes from `axis` on."""
    axes = list(range(axis % x.ndim, x.ndim))
    return x * torch.rsqrt((x * x).mean(axes, keepdim=True) + epsilon) * scale


@op("SimplifiedLayerNormalization")  # onnxruntime's own, written by its optimizer
def normalize_layer_simply(
    x: Tensor,
    scale: Tensor,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,  # noqa: ARG001
    outputs: int = 1,
) -> Tensor | tuple[Tensor, Tensor]:
    """`x` over its root mean square over all axes from `axis` on; with its inverse on request."""
    axes = list(range(axis % x.ndim, x.ndim))
    inverse = torch.rsqrt((x * x).mean(axes, keepdim=True) + epsilon)
    return x * inverse * scale if outputs == 1 else (x * inverse * scale, inverse)


@op("GroupNormalization", since=18)
def normalize_group_with_scale_per_group(
    x: Tensor, scale: Tensor, bias: Tensor, *, epsilon: float = 1e-5, num_groups: int
) -> Tensor:
    """Normalization of groups of channels; scale and bias have one entry a group."""
    channels = x.shape[1] // num_groups
    return normalize_group(
        x, scale.repeat_interleave(channels), bias.repeat_interleave(channels), epsilon=epsilon, num_groups=num_groups
    )


@op("GroupNormalization", since=21)
def normalize_group(
    x: Tensor,
    scale: Tensor,
    bias: Tensor,
    *,
    epsilon: float = 1e-5,
    num_groups: int,
    stash_type: int = 1,  # noqa: ARG001
) -> Tensor:
    """Normalization of groups of channels; scale and bias have one entry a channel."""
    return F.group_norm(x, num_groups, scale, bias, epsilon)
