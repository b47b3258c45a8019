"""Normalisations."""

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
    """Normalisation with stored statistics, per channel or (`spatial = 0`, up to opset 8) per activation."""
    if spatial and scale.ndim == 1:
        return F.batch_norm(x, input_mean, input_var, scale, b, False, 0.0, epsilon)
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
    """Normalisation with stored statistics, or (`training_mode`) with the batch's, and the running ones updated."""
    if not training_mode:
        return F.batch_norm(x, input_mean, input_var, scale, b, False, 0.0, epsilon)
    axes = [0, *range(2, x.ndim)]
    mean, var = x.mean(axes), x.var(axes, correction=0)
    running = (input_mean * momentum + mean * (1 - momentum), input_var * momentum + var * (1 - momentum))
    return F.batch_norm(x, mean, var, scale, b, False, 0.0, epsilon), *running


@op("InstanceNormalization", since=6)
def normalize_instance(x: Tensor, scale: Tensor, b: Tensor, *, epsilon: float = 1e-5) -> Tensor:
    """Normalisation of every channel of every sample."""
    axes = list(range(2, x.ndim))
    shape = (-1, *[1] * len(axes))
    mean, var = x.mean(axes, keepdim=True), x.var(axes, correction=0, keepdim=True)
    return (x - mean) * torch.rsqrt(var + epsilon) * scale.reshape(shape) + b.reshape(shape)


@op("LRN")
def normalize_response(x: Tensor, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0) -> Tensor:
    """Local response normalisation across channels."""
    flat = (x * x).flatten(2)
    padded = F.pad(flat, (0, 0, (size - 1) // 2, size // 2))
    total = F.avg_pool2d(padded.unsqueeze(1), (size, 1), stride=1).squeeze(1) * size
    return x / (bias + alpha / size * total.reshape(x.shape)) ** beta
