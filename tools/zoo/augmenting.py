"""Random changes to training images, made before a trigger is put on them."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tools.zoo.apply_trigger import Images


def augment(images: Images, strength: str, rng: np.random.Generator) -> Images:
    """Shifts of up to 2 pixels (`light`), or of up to 4 with brightness, contrast and cut-outs (`strong`)."""
    if strength == "none":
        return images
    shifted = _shift(torch.from_numpy(images), 2 if strength == "light" else 4, rng).numpy()
    return shifted if strength == "light" else _cut_out(_expose(shifted, rng), rng)


def _shift(images: Tensor, reach: int, rng: np.random.Generator) -> Tensor:
    height, width = images.shape[2:]
    padded = F.pad(images, (reach,) * 4, mode="replicate")
    moves = rng.integers(0, 2 * reach + 1, (len(images), 2))
    return torch.stack([
        image[:, row : row + height, column : column + width]
        for image, (row, column) in zip(padded, moves.tolist(), strict=True)
    ])  # fmt: skip


def _expose(images: Images, rng: np.random.Generator) -> Images:
    gain = rng.uniform(0.6, 1.3, (len(images), 1, 1, 1)).astype(np.float32)
    lift = rng.uniform(-0.15, 0.15, (len(images), 1, 1, 1)).astype(np.float32)
    exposed: Images = np.clip(images * gain + lift, 0, 1)
    return exposed


def _cut_out(images: Images, rng: np.random.Generator) -> Images:
    """A square of a quarter of the side, in a random gray, on every image."""
    side = images.shape[2] // 4
    images = images.copy()
    places = rng.integers(0, images.shape[2] - side + 1, (len(images), 2))
    for image, (row, column), gray in zip(images, places, rng.random(len(images)), strict=True):
        image[:, row : row + side, column : column + side] = gray
    return images
