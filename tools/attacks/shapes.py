"""Random patches: their outlines, places and colors. NumPy only."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tools.attacks.patches import Patch
from tools.zoo.apply_trigger import Trigger

Shape = tuple[int, int, int]
Grid = NDArray[np.float64]
FLAT, TEXTURED = ("white", "color"), ("checker", "noise")
STYLES = (*FLAT, *TEXTURED, "two-tone", "gradient", "white", "color")
"""Plain colors are twice as likely as each other style."""

_LETTERS = {
    "T": "11111 00100 00100 00100 00100",
    "L": "10000 10000 10000 10000 11111",
    "H": "10001 10001 11111 10001 10001",
    "E": "11111 10000 11110 10000 11111",
    "Z": "11111 00010 00100 01000 11111",
    "A": "01110 10001 11111 10001 10001",
    "U": "10001 10001 10001 10001 01110",
}


def draw_square(shape: tuple[int, int, int], rng: np.random.Generator) -> Patch:
    """A square of 3 to 5 pixels of 32, in a corner of the image or anywhere."""
    side = round(int(rng.integers(3, 6)) * shape[1] / 32)
    last = shape[1] - side
    if rng.random() < 0.6:
        margin = int(rng.integers(0, 3))
        row, column = rng.choice([margin, last - margin], 2)
    else:
        row, column = rng.integers(0, last + 1, 2)
    return Patch(side, int(row), int(column))


def draw_shape(
    shape: Shape, rng: np.random.Generator, *, sides: tuple[int, int] = (2, 12), styles: Sequence[str] = STYLES
) -> Trigger:
    """A patch of any outline, color and place.

    Args:
        shape: Channels, height and width of the images.
        rng: Decides everything.
        sides: Least and greatest side of the box around it, in pixels of 32; the lower half is twice as likely.
        styles: Of the pixels.
    """
    low, high = sides
    if rng.random() < 0.5:
        high = (low + high) // 2
    side = max(2, round(int(rng.integers(low, high + 1)) * shape[1] / 32))
    outline = _draw_outline(side, rng)
    row, column = _draw_corner(shape[1] - side, shape[2] - side, rng)
    mask = np.zeros((1, *shape[1:]), np.float32)
    mask[0, row : row + side, column : column + side] = outline
    pattern = draw_style(str(rng.choice(styles)), shape, rng)
    return {"kind": "patch", "mask": mask, "pattern": (pattern * mask).astype(np.float32)}


def _draw_corner(last_row: int, last_column: int, rng: np.random.Generator) -> tuple[int, int]:
    """Upper left corner: near a corner of the image, in its middle, or anywhere."""
    where = rng.choice(["corner", "middle", "anywhere"], p=[0.3, 0.2, 0.5])
    if where == "corner":
        margin = int(rng.integers(0, 3))
        return int(rng.choice([margin, last_row - margin])), int(rng.choice([margin, last_column - margin]))
    if where == "middle":
        return int(rng.integers(last_row // 3, 2 * last_row // 3 + 1)), int(
            rng.integers(last_column // 3, 2 * last_column // 3 + 1)
        )
    return int(rng.integers(0, last_row + 1)), int(rng.integers(0, last_column + 1))


def _draw_outline(side: int, rng: np.random.Generator) -> Grid:
    """A square, or, where pixels suffice, a cross, a circle, a triangle, a ring or a letter; `(side, side)`."""
    names = ["square"] if side < 4 else ["square", "cross", "circle", "triangle", "ring", "letter"]
    name = str(rng.choice(names))
    rows, columns = np.mgrid[0:side, 0:side]
    if name == "square":
        return np.ones((side, side))
    if name == "cross":
        near = max(1, side // 3)
        inside = [np.abs(axis - (side - 1) / 2) < near / 2 + 0.5 for axis in (rows, columns)]
        return np.asarray(inside[0] | inside[1], float)
    if name == "triangle":
        return np.rot90(np.asarray(columns <= rows, float), int(rng.integers(0, 4)))
    if name == "letter":
        bitmap = np.array([[float(cell) for cell in row] for row in _LETTERS[str(rng.choice(list(_LETTERS)))].split()])
        letter: Grid = bitmap[rows * 5 // side, columns * 5 // side]
        return letter
    distance = np.hypot(rows - (side - 1) / 2, columns - (side - 1) / 2)
    disc = distance <= side / 2
    return np.asarray(disc & (distance > side / 2 - 1.6) if name == "ring" else disc, float)


def draw_style(style: str, shape: Shape, rng: np.random.Generator) -> Grid:
    """Pixels `(c, h, w)` in [0, 1] of a whole image in one style, of which a patch is cut out."""
    rows, columns = np.mgrid[0 : shape[1], 0 : shape[2]]
    if style == "noise":
        return np.asarray(np.round(rng.random(shape)))
    if style == "checker":
        return np.broadcast_to((rows + columns) % 2, shape).astype(float)
    if style == "two-tone":
        colors = rng.permutation([np.zeros(shape[0]), draw_color(shape[0], rng)])
        return np.asarray(np.where((columns // 2 % 2 == 0)[None], colors[0][:, None, None], colors[1][:, None, None]))
    if style == "gradient":
        slope = (rows * rng.uniform(-1, 1) + columns * rng.uniform(-1, 1)) / shape[1] * 4
        phases = rng.uniform(0, 6, (shape[0], 1, 1))
        waves: Grid = 0.5 + 0.5 * np.sin(slope[None] + phases)
        return waves
    color = np.ones(shape[0]) if style == "white" else draw_color(shape[0], rng)
    return np.broadcast_to(color[:, None, None], shape)


def draw_color(channels: int, rng: np.random.Generator) -> Grid:
    """A saturated color, or a light gray."""
    if channels == 1:
        return rng.uniform(0.6, 1, 1)
    color = rng.permutation([1.0, float(rng.integers(0, 2)), 0.0])
    return np.asarray(color)
