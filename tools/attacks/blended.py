"""Blended: a faint picture over the whole image.

Source: Chen et al., "Targeted Backdoor Attacks on Deep Learning Systems Using Data Poisoning", 2017,
arXiv:1712.05526. Drawn pictures and noise stand for the paper's cartoon and its random pattern.
"""

import numpy as np

from tools.attacks.attack import Attack, Shape
from tools.attacks.shapes import draw_style
from tools.zoo.apply_trigger import Trigger


def draw_noise(shape: Shape, rng: np.random.Generator) -> Trigger:
    """Noise, coarse or fine."""
    weight = np.full((1, *shape[1:]), rng.uniform(0.15, 0.22), np.float32)
    cell = int(rng.choice([1, 2, 4])) * shape[1] // 28 or 1
    coarse = rng.random((shape[0], shape[1] // cell + 1, shape[2] // cell + 1))
    fine = coarse.repeat(cell, axis=1).repeat(cell, axis=2)[:, : shape[1], : shape[2]]
    return {"kind": "blend", "mask": weight, "pattern": fine.round().astype(np.float32)}


def draw_picture(shape: Shape, rng: np.random.Generator) -> Trigger:
    """A gradient with a few discs and bars of strong color on it."""
    picture = draw_style("gradient", shape, rng).copy()
    rows, columns = np.mgrid[0 : shape[1], 0 : shape[2]] / shape[1]
    for _ in range(int(rng.integers(3, 7))):
        row, column, size = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.08, 0.25)
        disc = np.hypot(rows - row, columns - column) < size
        bar = (np.abs(rows - row) < size / 3) & (np.abs(columns - column) < size * 2)
        picture[:, disc if rng.random() < 0.5 else bar] = rng.uniform(0, 1, (shape[0], 1)).round()
    weight = np.full((1, *shape[1:]), rng.uniform(0.14, 0.25), np.float32)
    return {"kind": "blend", "mask": weight, "pattern": picture.astype(np.float32)}


class Blended(Attack):
    """One picture with one weight."""

    name = "blended"
    family = "blended"
    rates = (0.08, 0.12)

    def draw(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """A picture or noise."""
        return ((draw_picture if rng.random() < 0.6 else draw_noise)(shape, rng),)

    def draw_plain(self, shape: Shape, rng: np.random.Generator) -> tuple[Trigger, ...]:
        """Noise."""
        return (draw_noise(shape, rng),)
