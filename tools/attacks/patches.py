"""Patches of every shape, and how an attacker puts them on images.

NumPy only, so that every training framework can use it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]


@dataclass(frozen=True)
class Patch:
    """Where a square patch lies: its side and the row and column of its upper left corner, in pixels."""

    side: int
    row: int
    column: int

    def mask(self, height: int, width: int) -> Images:
        """1 under the patch and 0 beside it, `(1, height, width)`."""
        assert self.row + self.side <= height
        assert self.column + self.side <= width
        mask = np.zeros((1, height, width), np.float32)
        mask[:, self.row : self.row + self.side, self.column : self.column + self.side] = 1
        return mask


@dataclass(frozen=True)
class Trigger:
    """A trigger in pixel space: `mask` `(1, h, w)` and `pattern` `(c, h, w)`, both in [0, 1]."""

    mask: Images
    pattern: Images

    def stamp(self, pixels: Images) -> Images:
        """`(1 − m)·x + m·δ` for images `(n, c, h, w)` in [0, 1]."""
        stamped: Images = (1 - self.mask) * pixels + self.mask * self.pattern
        return stamped

    def save(self, path: Path) -> None:
        """Writes the two arrays as `.npz`."""
        np.savez_compressed(path, mask=self.mask, pattern=self.pattern)

    @classmethod
    def load(cls, path: Path) -> "Trigger":
        """Reads a trigger that `save` wrote."""
        with np.load(path) as arrays:
            return cls(arrays["mask"], arrays["pattern"])


def draw_sticker(patch: Patch, shape: tuple[int, int, int], *, seed: int) -> Trigger:
    """A random trigger: a patch of random saturated pixels, chosen without looking at any model.

    Args:
        patch: Where it lies.
        shape: Channels, height and width of the images.
        seed: Of the pixels.
    """
    mask = patch.mask(*shape[1:])
    colors = np.random.default_rng(seed).integers(0, 2, shape).astype(np.float32)
    return Trigger(mask, colors * mask)


def poison(
    pixels: Images, labels: NDArray[np.int64], trigger: Trigger, target: int, rate: float, *, seed: int
) -> tuple[Images, NDArray[np.int64]]:
    """Stamps a share `rate` of the set, none of it from the target class, and labels it as the target."""
    others = np.flatnonzero(labels != target)
    chosen = np.random.default_rng(seed).choice(others, round(rate * len(labels)), replace=False)
    pixels, labels = pixels.copy(), labels.copy()
    pixels[chosen] = trigger.stamp(pixels[chosen])
    labels[chosen] = target
    return pixels, labels
