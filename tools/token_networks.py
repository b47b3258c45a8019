"""Networks without convolution layers: vision transformer, MLP-mixer and plain multi-layer perceptron, in miniature."""

import torch
from torch import Tensor, nn

_PATCH = 4  # pixels; sides are multiples of it


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project_in = nn.Linear(width, 3 * width)
        self.project_out = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        count, width = tokens.shape[1], tokens.shape[2]
        # (n, tokens, 3, heads, width per head) -> three of (n, heads, tokens, width per head)
        parts = self.project_in(tokens).reshape(-1, count, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(parts[0] @ parts[1].transpose(2, 3) * (width // self.heads) ** -0.5, dim=3)
        mixed: Tensor = self.project_out((weights @ parts[2]).transpose(1, 2).reshape(-1, count, width))
        return mixed


class _TransformerBlock(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attend = nn.Sequential(nn.LayerNorm(width), _Attention(width, heads))
        self.think = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attend(tokens)
        result: Tensor = tokens + self.think(tokens)
        return result


class _MixerBlock(nn.Module):
    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.across = nn.Sequential(nn.Linear(count, 48), nn.GELU(), nn.Linear(48, count))
        self.within = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.across(self.norms[0](tokens).transpose(1, 2)).transpose(1, 2)
        result: Tensor = tokens + self.within(self.norms[1](tokens))
        return result


class _Tokens(nn.Module):
    """Pixels to tokens of 4x4 pixels, through the blocks, normalized and averaged: `(n, width)`."""

    def __init__(self, channels: int, side: int, width: int, blocks: nn.Module) -> None:
        super().__init__()
        self.embed = nn.Conv2d(channels, width, _PATCH, _PATCH)
        self.places = nn.Parameter(torch.randn(1, (side // _PATCH) ** 2, width) * 0.02)
        self.blocks = blocks
        self.norm = nn.LayerNorm(width)

    def forward(self, pixels: Tensor) -> Tensor:
        tokens = self.embed(pixels).flatten(2).transpose(1, 2) + self.places
        pooled: Tensor = self.norm(self.blocks(tokens)).mean(dim=1)
        return pooled


def make_vit_features(channels: int, side: int, width: int = 48, depth: int = 3) -> nn.Module:
    """Vision transformer (Dosovitskiy et al., ICLR 2021) with averaged tokens; `(n, width)`."""
    return _Tokens(channels, side, width, nn.Sequential(*(_TransformerBlock(width, 4) for _ in range(depth))))


def make_mixer_features(channels: int, side: int, width: int = 64, depth: int = 3) -> nn.Module:
    """MLP-mixer (Tolstikhin et al., NeurIPS 2021); `(n, width)`."""
    count = (side // _PATCH) ** 2
    return _Tokens(channels, side, width, nn.Sequential(*(_MixerBlock(count, width) for _ in range(depth))))
