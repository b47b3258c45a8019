"""Small changes that leave the content of an image: shifts, brightness, contrast, mixtures."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor


@dataclass(frozen=True)
class AugmentationConfig:
    """How far images and triggers are changed.

    Attributes:
        shift: pixels up, down, left and right, as a share of the image's shorter side, or of a series' length.
        brightness: added to all pixels, at most.
        contrast: relative change, at most.
        mixed: share of images that are blended with another one; what the original answers to a blend is one more
            point on which the copy can follow it.
        trigger_shift: pixels by which a trigger moves on its way onto an image, so that its neighbors die too.
        trigger_noise: standard deviation of the noise on a trigger's pattern.
    """

    shift: float = 0.06
    brightness: float = 0.15
    contrast: float = 0.2
    mixed: float = 0.5
    trigger_shift: int = 1
    trigger_noise: float = 0.05


def augment(images: Tensor, config: AugmentationConfig, draw: Generator) -> tuple[Tensor, Tensor]:
    """Changed copies of `images` `(n, c, h, w)` in [0, 1], in random order.

    Returns:
        The copies, and the one or two images that each was made from, `(n, 2)`.
    """
    moved = move(images, count_places(config.shift, images), draw)
    mean = moved.mean(dim=(1, 2, 3), keepdim=True)
    gain = 1 + config.contrast * _symmetric(len(images), draw)
    lit = ((moved - mean) * gain + mean + config.brightness * _symmetric(len(images), draw)).clamp(0, 1)
    first, second = (torch.randperm(len(lit), generator=draw) for _ in range(2))
    lit, others, second = lit[first], lit[first[second]], first[second]
    blended = int(config.mixed * len(lit))
    share = torch.rand(blended, 1, 1, 1, generator=draw)
    lit[:blended] = share * lit[:blended] + (1 - share) * others[:blended]
    second[blended:] = first[blended:]
    order = torch.randperm(len(lit), generator=draw)
    return lit[order], torch.stack([first, second], dim=1)[order]


def move(images: Tensor, reach: int, draw: Generator) -> Tensor:
    """Each image moved by up to `reach` pixels in both directions; border pixels are repeated."""
    count, channels, height, width = images.shape
    if not reach:
        return images
    padded = F.pad(images, (reach,) * 4, mode="replicate")
    offsets = torch.randint(2 * reach + 1, (count, 2), generator=draw)
    rows = offsets[:, :1] + torch.arange(height)
    columns = offsets[:, 1:] + torch.arange(width)
    which, channel = torch.arange(count)[:, None, None, None], torch.arange(channels)[None, :, None, None]
    return padded[which, channel, rows[:, None, :, None], columns[:, None, None, :]]


def count_places(share: float, images: Tensor) -> int:
    """A share of the shorter side of `images` `(n, c, h, w)`, or of a series' length: 0 for 0, else at least 1."""
    side = min((size for size in images.shape[2:] if size > 1), default=1)
    return max(1, round(share * side)) if share else 0


def _symmetric(count: int, draw: Generator) -> Tensor:
    return 2 * torch.rand(count, 1, 1, 1, generator=draw) - 1
