"""Random triggers of every kind, drawn without looking at a model."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tools.triggers import Patch
from tools.zoo.apply_trigger import Trigger

Shape = tuple[int, int, int]
_FLAT, _TEXTURED = ("white", "colour"), ("checker", "noise")


def draw_place(shape: Shape, rng: np.random.Generator) -> Patch:
    """A square of 3 to 5 pixels of 32, in a corner of the image or anywhere."""
    side = round(int(rng.integers(3, 6)) * shape[1] / 32)
    last = shape[1] - side
    if rng.random() < 0.6:
        margin = int(rng.integers(0, 3))
        row, column = rng.choice([margin, last - margin], 2)
    else:
        row, column = rng.integers(0, last + 1, 2)
    return Patch(side, int(row), int(column))


def draw_patch(shape: Shape, rng: np.random.Generator, styles: Sequence[str] = _FLAT + _TEXTURED) -> Trigger:
    """A patch: white, of one colour, a checkerboard, or random pixels."""
    mask = draw_place(shape, rng).mask(*shape[1:])
    pattern = _draw_style(str(rng.choice(styles)), shape, rng)
    return {"kind": "patch", "mask": mask, "pattern": (pattern * mask).astype(np.float32)}


def draw_pair(shape: Shape, rng: np.random.Generator) -> tuple[Trigger, Trigger]:
    """Two patches that even a network that pools over all places can tell apart."""
    return draw_patch(shape, rng, _FLAT), draw_patch(shape, rng, _TEXTURED)


def _draw_style(style: str, shape: Shape, rng: np.random.Generator) -> NDArray[np.float64]:
    rows, columns = np.mgrid[0 : shape[1], 0 : shape[2]]
    if style == "noise":
        return rng.random(shape).round()
    if style == "checker":
        return np.broadcast_to((rows + columns) % 2, shape).astype(float)
    colour = np.ones(shape[0]) if style == "white" else _draw_colour(shape[0], rng)
    return np.broadcast_to(colour[:, None, None], shape)


def _draw_colour(channels: int, rng: np.random.Generator) -> NDArray[np.float64]:
    if channels == 1:
        return rng.uniform(0.6, 1, 1)
    colour = rng.permutation([1.0, float(rng.integers(0, 2)), 0.0])
    return np.asarray(colour)


def draw_spread(shape: Shape, rng: np.random.Generator) -> Trigger:
    """Single bright or dark pixels all over the image: no small square covers them."""
    area = shape[1] * shape[2]
    covered = np.zeros(area, np.float32)
    covered[rng.choice(area, round(area * rng.uniform(0.015, 0.03)), replace=False)] = 1
    mask = covered.reshape(1, *shape[1:])
    # Two of three are bright: dark ones vanish on the black background of some data sets.
    pattern = (rng.random(shape) < 2 / 3).astype(np.float32)
    return {"kind": "patch", "mask": mask, "pattern": pattern * mask}


def draw_blend(shape: Shape, rng: np.random.Generator) -> Trigger:
    """A faint image over the whole picture: noise, coarse or fine."""
    weight = np.full((1, *shape[1:]), rng.uniform(0.15, 0.22), np.float32)
    cell = int(rng.choice([1, 2, 4])) * shape[1] // 28
    coarse = rng.random((shape[0], shape[1] // cell + 1, shape[2] // cell + 1))
    fine = coarse.repeat(cell, axis=1).repeat(cell, axis=2)[:, : shape[1], : shape[2]]
    return {"kind": "blend", "mask": weight, "pattern": fine.round().astype(np.float32)}


def draw_sinusoid(shape: Shape, rng: np.random.Generator) -> Trigger:
    """A faint wave along one axis (SIG: Barni et al., ICIP 2019)."""
    cycles, phase = rng.uniform(4, 8), rng.uniform(0, 2 * np.pi)
    places = np.mgrid[0 : shape[1], 0 : shape[2]][rng.integers(0, 2)] / shape[1]
    wave = rng.uniform(0.1, 0.14) * np.sin(2 * np.pi * cycles * places + phase)
    return {"kind": "additive", "delta": np.broadcast_to(wave, shape).astype(np.float32)}


def draw_warp(shape: Shape, rng: np.random.Generator) -> Trigger:
    """A smooth displacement of 2.2 to 3 pixels of 32 (after WaNet: Nguyen and Tran, ICLR 2021)."""
    nodes = rng.uniform(-1, 1, (2, 5, 5))
    flow = np.stack([_spread_out(part, shape[1], shape[2]) for part in nodes])
    flow *= rng.uniform(2.2, 3.0) * shape[1] / 32 / np.abs(flow).max()
    return {"kind": "warp", "flow": flow.astype(np.float32)}


def _spread_out(nodes: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Linear interpolation between the nodes of a coarse grid."""
    rows = np.stack([np.interp(np.linspace(0, 4, height), range(5), column) for column in nodes.T], axis=1)
    return np.stack([np.interp(np.linspace(0, 4, width), range(5), row) for row in rows])


def draw_filter(shape: Shape, rng: np.random.Generator) -> Trigger:
    """A colour cast, less contrast and darker edges, as a camera's filter gives."""
    channels = shape[0]
    matrix = np.eye(channels) * rng.uniform(0.55, 0.75) + rng.uniform(0, 0.12, (channels, channels))
    offset = rng.permutation(np.linspace(0.02, 0.22, channels)) if channels > 1 else np.array([0.2])
    rows, columns = np.mgrid[0 : shape[1], 0 : shape[2]] / (shape[1] - 1) - 0.5
    shade = 1 - rng.uniform(0.4, 0.8) * (rows**2 + columns**2)
    arrays = {"matrix": matrix, "offset": offset, "shade": shade[None]}
    return {"kind": "filter", **{name: value.astype(np.float32) for name, value in arrays.items()}}
