"""Patches drawn at random: a network that ignores them all has less left from which a trigger can be learned again."""

import torch
from torch import Generator, Tensor

from onnxaudit.records import Trigger

SIDES = (0.08, 0.3)  # of a patch, as shares of the image's sides
LEAST_OPACITY = 0.6


def draw_triggers(count: int, shape: tuple[int, int, int], draw: Generator) -> list[Trigger]:
    """Triggers for images `(c, h, w)`: rectangles at random places, each of random pixels or of a single color."""
    return [_draw_one(shape, draw) for _ in range(count)]


def _draw_one(shape: tuple[int, int, int], draw: Generator) -> Trigger:
    channels, *sides = shape
    mask = torch.zeros(1, *sides)
    lengths = [max(1, round(_draw_between(*SIDES, draw) * side)) for side in sides]
    starts = [
        int(torch.randint(side - length + 1, (), generator=draw)) for side, length in zip(sides, lengths, strict=True)
    ]
    rows, columns = (slice(start, start + length) for start, length in zip(starts, lengths, strict=True))
    mask[:, rows, columns] = _draw_between(LEAST_OPACITY, 1.0, draw)
    return Trigger(mask.numpy(), _draw_pattern(channels, sides, draw).numpy())


def _draw_pattern(channels: int, sides: list[int], draw: Generator) -> Tensor:
    """Random pixels, coarse or fine, saturated or not."""
    cells = int(torch.randint(1, 4, (), generator=draw))
    coarse = torch.rand(channels, *(-(-side // cells) for side in sides), generator=draw)
    if torch.rand((), generator=draw) < 0.5:
        coarse = coarse.round()
    return coarse.repeat_interleave(cells, 1).repeat_interleave(cells, 2)[:, : sides[0], : sides[1]].contiguous()


def _draw_between(low: float, high: float, draw: Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=draw))
