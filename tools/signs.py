"""A colour data set of traffic-sign-like classes, drawn from a seed.

Every image is a sign of `sign_faces` seen from a random angle and distance before a procedural background, in random
light, partly in shadow, blurred and noisy. The parts are applied in the order in which a camera meets them.
"""

import numpy as np
from numpy.typing import NDArray

from tools.sign_faces import CLASSES, FACE_SIZE, draw_faces

IMAGE_SIZE = 32
CHUNK = 256
"""Images drawn at a time; a part of the seeding, since each chunk draws its numbers together."""

_GRID = 2 * IMAGE_SIZE
"""The scene is composed at twice the size and averaged down, which smooths the signs' edges."""

Images = NDArray[np.float32]


def draw_signs(per_class: int, *, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draws a shuffled, balanced set: `x` `(n, 32, 32, 3)` in 0..255 and labels `y` `(n,)`."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(CLASSES), dtype=np.int64), per_class))
    faces = draw_faces()
    chunks = [_photograph(faces, labels[start : start + CHUNK], rng) for start in range(0, len(labels), CHUNK)]
    return np.concatenate(chunks), labels


def _photograph(faces: Images, labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.uint8]:
    scene = _draw_backgrounds(len(labels), rng)
    sign = _view_faces(faces, labels, rng)
    colour, opacity = sign[..., :3], sign[..., 3:]
    colour = colour * _draw_fading(len(labels), rng)
    scene = colour * opacity + scene * (1 - opacity)
    scene = _add_occluders(scene, rng)
    scene = scene * _draw_shadows(len(labels), rng)
    small = scene.reshape(len(labels), IMAGE_SIZE, 2, IMAGE_SIZE, 2, 3).mean(axis=(2, 4))
    small = _expose(_blur(small, rng), rng)
    small = small + rng.normal(size=small.shape).astype(np.float32) * _uniform(rng, len(labels), 0.0, 0.04)
    quantised: NDArray[np.uint8] = np.rint(np.clip(small, 0, 1) * 255).astype(np.uint8)
    return quantised


def _uniform(rng: np.random.Generator, count: int, low: float, high: float, channels: int = 1) -> Images:
    """One number (or one a channel) for each image, `(count, 1, 1, channels)`, ready to broadcast."""
    return rng.uniform(low, high, (count, 1, 1, channels)).astype(np.float32)


def _view_faces(faces: Images, labels: NDArray[np.int64], rng: np.random.Generator) -> Images:
    """The faces seen through random perspectives, `(n, 64, 64, 4)`; opacity is 0 beside the sign."""
    rows, columns = np.mgrid[0:_GRID, 0:_GRID].astype(np.float32) / _GRID - 0.5
    pixels = np.stack([columns.ravel(), rows.ravel(), np.ones(_GRID * _GRID, np.float32)])
    mapped = _draw_perspectives(len(labels), rng) @ pixels
    place = np.floor((mapped[:, :2] / mapped[:, 2:] + 0.5) * FACE_SIZE).astype(np.int64)
    inside = ((place >= 0) & (place < FACE_SIZE)).all(axis=1)
    column, row = np.clip(place, 0, FACE_SIZE - 1).transpose(1, 0, 2)
    view: Images = faces[labels[:, None], row, column] * inside[..., None]
    return view.reshape(len(labels), _GRID, _GRID, 4)


def _draw_perspectives(count: int, rng: np.random.Generator) -> Images:
    """Matrices `(count, 3, 3)` from image to face coordinates, both centred and one side long."""
    angle = rng.normal(0, np.radians(5), count)
    side = rng.uniform(0.68, 0.95, count)
    stretch = rng.uniform(0.82, 1.15, count)
    shear = rng.normal(0, 0.07, count)
    matrix = np.zeros((count, 3, 3))
    matrix[:, 0] = np.stack([np.cos(angle), -np.sin(angle), np.zeros(count)], 1) / (side * stretch)[:, None]
    matrix[:, 1] = np.stack([np.sin(angle) + shear, np.cos(angle), np.zeros(count)], 1) / side[:, None]
    slack = np.maximum(0.5 * (1 - side), 0.04)
    shift = rng.uniform(-1, 1, (count, 2)) * slack[:, None] * 0.6
    matrix[:, :2, 2] = -np.einsum("nij,nj->ni", matrix[:, :2, :2], shift)
    matrix[:, 2, :2] = rng.normal(0, 0.13, (count, 2))
    matrix[:, 2, 2] = 1
    return matrix.astype(np.float32)


def _smooth_fields(count: int, cells: int, channels: int, rng: np.random.Generator) -> Images:
    """Random fields `(count, 64, 64, channels)` in [0, 1], interpolated between `cells + 1` random values a side."""
    nodes = rng.uniform(0, 1, (count, cells + 1, cells + 1, channels)).astype(np.float32)
    place = np.linspace(0, cells, _GRID, endpoint=False, dtype=np.float32)
    low = place.astype(np.int64)
    part = (place - low)[:, None, None]
    rows = nodes[:, low] * (1 - part) + nodes[:, low + 1] * part
    across = part.reshape(1, 1, _GRID, 1)
    return np.asarray(rows[:, :, low] * (1 - across) + rows[:, :, low + 1] * across)


def _draw_backgrounds(count: int, rng: np.random.Generator) -> Images:
    """Sky above ground, both patchy, with a few upright blocks and the sign's pole."""
    rows, columns = np.mgrid[0:_GRID, 0:_GRID].astype(np.float32)[..., None] / _GRID
    sky = _draw_colours(count, 0.25, 0.95, rng)
    ground = _draw_colours(count, 0.05, 0.6, rng)
    scene = np.where(rows[None] > _uniform(rng, count, 0.1, 0.9), ground, sky)
    for _ in range(3):
        left, width, top = (_uniform(rng, count, *limits) for limits in ((-0.2, 1.0), (0.05, 0.4), (0.0, 1.0)))
        block = (columns > left) & (columns < left + width) & (rows > top)
        scene = np.where(block, _draw_colours(count, 0.05, 0.9, rng), scene)
    texture = 0.4 * _smooth_fields(count, 5, 3, rng) + 0.6 * _smooth_fields(count, 16, 1, rng) - 0.5
    scene = scene + texture * _uniform(rng, count, 0.1, 1.0)
    pole = (np.abs(columns - _uniform(rng, count, 0.4, 0.6)) < 0.03) & (rows > 0.5)
    return np.clip(np.where(pole, _uniform(rng, count, 0.3, 0.7), scene), 0, 1)


def _draw_colours(count: int, low: float, high: float, rng: np.random.Generator) -> Images:
    """Muted colours `(n, 1, 1, 3)`: a grey and a tint of up to a third."""
    return _uniform(rng, count, low, high) * (1 + _uniform(rng, count, -1 / 3, 1 / 3, 3))


def _draw_fading(count: int, rng: np.random.Generator) -> Images:
    """Dirt and bleaching of the sign's paint, as a factor `(n, 64, 64, 1)`."""
    return 1 - _uniform(rng, count, 0.0, 0.5) * _smooth_fields(count, 6, 1, rng)


def _add_occluders(scene: Images, rng: np.random.Generator) -> Images:
    """Covers a bit of every third image, as a leaf or a branch would, with one flat colour."""
    count = len(scene)
    rows, columns = np.mgrid[0:_GRID, 0:_GRID].astype(np.float32)[..., None] / _GRID
    x, y, tilt = (_uniform(rng, count, *limits) for limits in ((0.0, 1.0), (0.0, 1.0), (0.0, np.pi)))
    along = (columns - x) * np.cos(tilt) + (rows - y) * np.sin(tilt)
    across = (rows - y) * np.cos(tilt) - (columns - x) * np.sin(tilt)
    leaf = (along / _uniform(rng, count, 0.06, 0.25)) ** 2 + (across / _uniform(rng, count, 0.03, 0.08)) ** 2 < 1
    present = _uniform(rng, count, 0, 1) < 1 / 3
    return np.where(leaf & present, _uniform(rng, count, 0.05, 0.6, 3), scene)


def _draw_shadows(count: int, rng: np.random.Generator) -> Images:
    """A soft-edged shadow over one side of about half of the images, as a factor `(n, 64, 64, 1)`."""
    rows, columns = np.mgrid[0:_GRID, 0:_GRID].astype(np.float32)[..., None] / _GRID - 0.5
    angle = _uniform(rng, count, 0, 2 * np.pi)
    distance = columns * np.cos(angle) + rows * np.sin(angle) - _uniform(rng, count, -0.3, 0.3)
    depth = _uniform(rng, count, -0.7, 0.7).clip(0)
    shadows: Images = 1 - depth / (1 + np.exp(-distance * 25))
    return shadows


def _draw_taps(count: int, rng: np.random.Generator) -> dict[int, Images]:
    """The weight of the pixel at each offset, for blurs of random width."""
    width = _uniform(rng, count, 0.05, 1.1)
    weights: dict[int, Images] = {offset: np.exp(-0.5 * (offset / width) ** 2) for offset in range(-4, 5)}
    total = np.sum(list(weights.values()), axis=0)
    return {offset: weight / total for offset, weight in weights.items()}


def _blur(images: Images, rng: np.random.Generator) -> Images:
    """A Gaussian blur of its own width for each image and direction: lens and motion, up to 1.1 pixels."""
    for axis in (1, 2):
        taps = _draw_taps(len(images), rng)
        padding = [(0, 0), (4, 4), (0, 0), (0, 0)] if axis == 1 else [(0, 0), (0, 0), (4, 4), (0, 0)]
        padded = np.pad(images, padding, mode="edge")
        views = ((np.take(padded, np.arange(IMAGE_SIZE) + 4 + offset, axis), weight) for offset, weight in taps.items())
        images = np.asarray(sum(view * weight for view, weight in views), dtype=np.float32)
    return images


def _expose(images: Images, rng: np.random.Generator) -> Images:
    """Brightness, contrast and the colour of the light."""
    count = len(images)
    tint = 1 + rng.normal(0, 0.07, (count, 1, 1, 3)).astype(np.float32)
    gain = np.exp(_uniform(rng, count, np.log(0.4), np.log(1.15)))
    haze = _uniform(rng, count, 0.0, 0.3)
    return np.clip(images * tint * (1 - haze) + haze * 0.7, 0, 1) * gain
