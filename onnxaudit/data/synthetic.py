"""Samples made by us, for scans without data.

Each picture is a background (flat, a gradient, or noise at some scale) with up to four soft-edged shapes and a little
fine noise: varied enough to reach many classes of a model, but no substitute for real images.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from onnxaudit.records import Floats, InputSpec, Ints, Samples

ROUNDS = 8  # times the wanted count that are drawn when classes are to be balanced
MOST_SHAPES = 4
FINE_NOISE = 0.04  # standard deviation, of the pixel range

Plane = npt.NDArray[np.float64]


def synthesize_samples(
    spec: InputSpec, count: int, *, seed: int, predict: Callable[[Floats], Ints] | None = None
) -> Samples:
    """Unlabeled procedural images in pixel space.

    Args:
        spec: what the model takes.
        count: how many.
        seed: of all randomness.
        predict: the model's classes `(n,)` for images `(n, c, h, w)`; with it more are drawn, and those kept that
            spread most evenly over the predicted classes.
    """
    generator = np.random.default_rng(seed)
    images = _draw(spec, count, generator)
    if predict is not None:
        classes = predict(images)
        for _ in range(ROUNDS - 1):
            drawn = _draw(spec, count, generator)
            classes = np.concatenate([classes, predict(drawn)])
            images = np.concatenate([images, drawn])
            kept = _most_balanced(classes, count)
            images, classes = images[kept], classes[kept]
    return Samples(images, None, "synthetic images", synthetic=True)


def _most_balanced(classes: Ints, count: int) -> Ints:
    """Positions of `count` entries that spread over the classes as evenly as can be, in their order."""
    turn = np.zeros(len(classes), dtype=np.int64)
    for value in np.unique(classes):
        members = classes == value
        turn[members] = np.arange(members.sum())
    return np.sort(np.argsort(turn, kind="stable")[:count])


def _draw(spec: InputSpec, count: int, generator: np.random.Generator) -> Floats:
    size = (spec.channels, spec.height, spec.width)
    return np.stack([_picture(size, generator) for _ in range(count)]).astype(np.float32)


def _picture(size: tuple[int, int, int], generator: np.random.Generator) -> Plane:
    channels, height, width = size
    picture = _background(size, generator)
    for _ in range(generator.integers(0, MOST_SHAPES + 1)):
        cover = generator.uniform(0.5, 1.0) * _shape(height, width, generator)
        picture = (1 - cover) * picture + cover * generator.random((channels, 1, 1))
    picture = picture + FINE_NOISE * generator.standard_normal(size)
    return np.clip(picture * generator.uniform(0.5, 1.2), 0.0, 1.0)


def _background(size: tuple[int, int, int], generator: np.random.Generator) -> Plane:
    channels, height, width = size
    first, second = generator.random((2, channels, 1, 1))
    kind = generator.integers(3)
    if kind == 0:
        return np.broadcast_to(first, size)
    if kind == 1:
        y, x = _coordinates(height, width)
        angle = generator.uniform(0, 2 * np.pi)
        mix = 0.5 + 0.5 * (x * np.cos(angle) + y * np.sin(angle)) / np.sqrt(2)
        gradient: Plane = first + mix * (second - first)
        return gradient
    cells = int(generator.choice([2, 4, 8]))
    grid = generator.random((channels, cells, cells))
    smooth: Plane = _interpolation(height, cells) @ grid @ _interpolation(width, cells).T
    return smooth


def _shape(height: int, width: int, generator: np.random.Generator) -> Plane:
    """An ellipse, a polygon of 3 to 8 sides, or a stroke: 1 inside, 0 outside, `(h, w)`."""
    y, x = _coordinates(height, width)
    x, y = x - generator.uniform(-0.7, 0.7), y - generator.uniform(-0.7, 0.7)
    angle = generator.uniform(0, 2 * np.pi)
    x, y = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    radius = generator.uniform(0.2, 0.8)
    kind = generator.integers(3)
    if kind == 0:
        outside = np.hypot(x, y / generator.uniform(0.4, 1.0)) - radius
    elif kind == 1:
        directions = 2 * np.pi * np.arange(generator.integers(3, 9))[:, None, None]
        directions = directions / len(directions)
        outside = (x * np.cos(directions) + y * np.sin(directions)).max(axis=0) - radius / 1.5
    else:
        outside = np.maximum(np.abs(x) - radius, np.abs(y) - generator.uniform(0.03, 0.15))
    softness = 2.0 / min(height, width)  # half a pixel on either side
    cover: Plane = np.clip(0.5 - outside / (2 * softness), 0.0, 1.0)
    return cover


def _coordinates(height: int, width: int) -> tuple[Plane, Plane]:
    """Pixel centers in [−1, 1], `(h, 1)` and `(1, w)`."""
    y = (np.arange(height) + 0.5) / height * 2 - 1
    x = (np.arange(width) + 0.5) / width * 2 - 1
    return y[:, None], x[None, :]


def _interpolation(size: int, cells: int) -> Plane:
    """Weights `(size, cells)` of linear interpolation from `cells` equal steps."""
    position = np.linspace(0, cells - 1, size)
    weights: Plane = np.maximum(0.0, 1.0 - np.abs(position[:, None] - np.arange(cells)[None, :]))
    return weights
