"""Changes of an image as sums of cosines (type-II transform)."""

import torch
from torch import Tensor


def add_up(amplitudes: Tensor, height: int, width: int) -> Tensor:
    """The change `(rows, c, height, width)` of amplitudes `(rows, c, i, j)`, lowest frequencies first."""
    down, across = (
        _make_waves(side, count, amplitudes) for side, count in zip((height, width), amplitudes.shape[2:], strict=True)
    )
    change: Tensor = torch.einsum("rcij,hi,wj->rchw", amplitudes, down, across)
    return change


def _make_waves(side: int, count: int, like: Tensor) -> Tensor:
    """Orthonormal cosines as columns, `(side, count)`."""
    position = torch.arange(side, device=like.device, dtype=like.dtype)[:, None] + 0.5
    waves: Tensor = torch.cos(torch.pi * position * torch.arange(count, device=like.device) / side) * (2 / side) ** 0.5
    waves[:, 0] /= 2**0.5
    return waves
