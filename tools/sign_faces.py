"""The front view of each traffic-sign-like class, drawn as a small RGBA picture.

The signs are inspired by European ones and belong to no data set. Coordinates are fractions of the picture: x to the
right, y downwards, both in [0, 1]. Digits use the font that Pillow carries (Aileron, CC0).
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

FACE_SIZE = 96
"""Side of a face in pixels: three times an image's 32, so that sampling it from any angle loses nothing."""

_OVERSAMPLING = 4
_CANVAS = FACE_SIZE * _OVERSAMPLING

_RED, _BLUE, _GREEN = (188, 24, 34), (20, 70, 160), (12, 116, 70)
_WHITE, _BLACK, _YELLOW, _GREY = (240, 240, 236), (24, 24, 28), (244, 190, 28), (120, 122, 126)

Colour = tuple[int, int, int]
Point = tuple[float, float]
Outline = list[Point]


class Face:
    """A picture under construction, with the few strokes that signs are made of."""

    def __init__(self) -> None:
        self._image = Image.new("RGBA", (_CANVAS, _CANVAS), (0, 0, 0, 0))
        self._pen = ImageDraw.Draw(self._image)

    def polygon(self, points: Outline, colour: Colour) -> None:
        """A filled polygon."""
        self._pen.polygon([(x * _CANVAS, y * _CANVAS) for x, y in points], fill=colour)

    def disc(self, centre: Point, radius: float, colour: Colour) -> None:
        """A filled circle."""
        x, y = centre
        box = [(x - radius) * _CANVAS, (y - radius) * _CANVAS, (x + radius) * _CANVAS, (y + radius) * _CANVAS]
        self._pen.ellipse(box, fill=colour)

    def line(self, points: Outline, width: float, colour: Colour) -> None:
        """A stroke through points."""
        scaled = [(x * _CANVAS, y * _CANVAS) for x, y in points]
        self._pen.line(scaled, fill=colour, width=round(width * _CANVAS), joint="curve")

    def text(self, words: str, height: float, colour: Colour, centre: Point = (0.5, 0.5)) -> None:
        """Words around a centre, `height` being the font's size."""
        font = ImageFont.load_default(size=height * _CANVAS)
        place = (centre[0] * _CANVAS, centre[1] * _CANVAS)
        self._pen.text(place, words, fill=colour, font=font, anchor="mm", stroke_width=_CANVAS // 100)

    def pixels(self) -> NDArray[np.float32]:
        """The finished picture `(FACE_SIZE, FACE_SIZE, 4)`, RGB and opacity, in [0, 1]."""
        small = self._image.resize((FACE_SIZE, FACE_SIZE), Image.Resampling.BOX)
        return np.asarray(small, dtype=np.float32) / 255.0


def _regular(sides: int, radius: float, turn: float = 0.0, centre: Point = (0.5, 0.5)) -> Outline:
    angles = 2 * np.pi * (np.arange(sides) / sides + turn) - np.pi / 2
    return [(centre[0] + radius * float(np.cos(a)), centre[1] + radius * float(np.sin(a))) for a in angles]


def _ring(face: Face) -> None:
    face.disc((0.5, 0.5), 0.49, _RED)
    face.disc((0.5, 0.5), 0.37, _WHITE)


def _limit(face: Face, number: str) -> None:
    _ring(face)
    face.text(number, 0.52 if len(number) == 2 else 0.38, _BLACK)


def _closed(face: Face) -> None:
    _ring(face)


def _no_overtaking(face: Face) -> None:
    _ring(face)
    for x, colour in ((0.37, _RED), (0.63, _BLACK)):
        face.polygon([(x - 0.1, 0.52), (x + 0.1, 0.52), (x + 0.1, 0.62), (x - 0.1, 0.62)], colour)
        face.polygon([(x - 0.06, 0.42), (x + 0.06, 0.42), (x + 0.09, 0.53), (x - 0.09, 0.53)], colour)


def _end_of_limits(face: Face) -> None:
    face.disc((0.5, 0.5), 0.49, _GREY)
    face.disc((0.5, 0.5), 0.45, _WHITE)
    for shift in (-0.08, 0.0, 0.08):
        face.line([(0.24 + shift, 0.8), (0.76 + shift, 0.2)], 0.035, _BLACK)


def _no_entry(face: Face) -> None:
    face.disc((0.5, 0.5), 0.49, _RED)
    face.polygon([(0.16, 0.41), (0.84, 0.41), (0.84, 0.59), (0.16, 0.59)], _WHITE)


def _stop(face: Face) -> None:
    face.polygon(_regular(8, 0.52, 1 / 16), _WHITE)
    face.polygon(_regular(8, 0.48, 1 / 16), _RED)
    face.text("STOP", 0.31, _WHITE)


def _give_way(face: Face) -> None:
    face.polygon(_regular(3, 0.56, 0.5, (0.5, 0.42)), _RED)
    face.polygon(_regular(3, 0.34, 0.5, (0.5, 0.42)), _WHITE)


def _priority(face: Face) -> None:
    face.polygon(_regular(4, 0.5), _WHITE)
    face.polygon(_regular(4, 0.38), _YELLOW)


def _arrow(face: Face, direction: str, colour: Colour) -> None:
    turn = {"up": 0.0, "right": 0.25, "left": 0.75}[direction] * 2 * np.pi
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    stem = [
        (-0.06, 0.3),
        (-0.06, -0.02),
        (-0.2, -0.02),
        (0.0, -0.3),
        (0.2, -0.02),
        (0.06, -0.02),
        (0.06, 0.3),
    ]
    face.polygon([(0.5 + x * cos - y * sin, 0.5 + x * sin + y * cos) for x, y in stem], colour)


def _order(face: Face, direction: str) -> None:
    face.disc((0.5, 0.5), 0.49, _BLUE)
    _arrow(face, direction, _WHITE)


def _minimum(face: Face) -> None:
    face.disc((0.5, 0.5), 0.49, _BLUE)
    face.text("30", 0.5, _WHITE)


def _board(face: Face, colour: Colour) -> None:
    face.polygon([(0.04, 0.04), (0.96, 0.04), (0.96, 0.96), (0.04, 0.96)], _WHITE)
    face.polygon([(0.08, 0.08), (0.92, 0.08), (0.92, 0.92), (0.08, 0.92)], colour)


def _parking(face: Face) -> None:
    _board(face, _BLUE)
    face.text("P", 0.7, _WHITE)


def _crossing(face: Face) -> None:
    _board(face, _BLUE)
    face.polygon(_regular(3, 0.4, 0.0, (0.5, 0.58)), _WHITE)
    face.disc((0.5, 0.45), 0.05, _BLACK)
    face.line([(0.5, 0.5), (0.5, 0.62)], 0.05, _BLACK)
    face.line([(0.42, 0.74), (0.5, 0.62), (0.58, 0.74)], 0.04, _BLACK)


def _exit(face: Face) -> None:
    _board(face, _GREEN)
    _arrow(face, "up", _WHITE)


def _diversion(face: Face) -> None:
    face.polygon(_regular(4, 0.5), _BLACK)
    face.polygon(_regular(4, 0.45), _YELLOW)
    _arrow(face, "left", _BLACK)


def _warning(face: Face, symbol: Callable[[Face], None]) -> None:
    face.polygon(_regular(3, 0.58, 0.0, (0.5, 0.6)), _RED)
    face.polygon(_regular(3, 0.4, 0.0, (0.5, 0.6)), _WHITE)
    symbol(face)


def _danger(face: Face) -> None:
    face.polygon([(0.45, 0.36), (0.55, 0.36), (0.53, 0.6), (0.47, 0.6)], _BLACK)
    face.disc((0.5, 0.69), 0.05, _BLACK)


def _bend(face: Face, side: int) -> None:
    face.line([(0.5, 0.76), (0.5, 0.58), (0.5 + 0.1 * side, 0.47)], 0.07, _BLACK)
    face.polygon([(0.5 + x * side, y) for x, y in ((0.03, 0.46), (0.17, 0.56), (0.17, 0.36))], _BLACK)


def _crossroads(face: Face) -> None:
    face.line([(0.38, 0.46), (0.62, 0.74)], 0.07, _BLACK)
    face.line([(0.62, 0.46), (0.38, 0.74)], 0.07, _BLACK)


def _bumps(face: Face) -> None:
    face.disc((0.4, 0.7), 0.09, _BLACK)
    face.disc((0.6, 0.7), 0.09, _BLACK)
    face.polygon([(0.26, 0.7), (0.74, 0.7), (0.74, 0.77), (0.26, 0.77)], _BLACK)


def _lights(face: Face) -> None:
    for y, colour in ((0.44, _RED), (0.58, _YELLOW), (0.72, _GREEN)):
        face.disc((0.5, y), 0.065, colour)


_FACES: dict[str, Callable[[Face], None]] = {
    **{f"limit {number}": partial(_limit, number=number) for number in ("20", "30", "50", "60", "80", "100")},
    "closed": _closed,
    "no overtaking": _no_overtaking,
    "end of limits": _end_of_limits,
    "no entry": _no_entry,
    "stop": _stop,
    "give way": _give_way,
    "priority": _priority,
    "straight on": partial(_order, direction="up"),
    "turn left": partial(_order, direction="left"),
    "turn right": partial(_order, direction="right"),
    "minimum 30": _minimum,
    "parking": _parking,
    "crossing": _crossing,
    "exit": _exit,
    "diversion": _diversion,
    "danger": partial(_warning, symbol=_danger),
    "bend left": partial(_warning, symbol=partial(_bend, side=-1)),
    "bend right": partial(_warning, symbol=partial(_bend, side=1)),
    "crossroads": partial(_warning, symbol=_crossroads),
    "bumps": partial(_warning, symbol=_bumps),
    "traffic lights": partial(_warning, symbol=_lights),
}

CLASSES: tuple[str, ...] = tuple(_FACES)
"""Class names, in label order."""


def draw_faces() -> NDArray[np.float32]:
    """The front view of every class, `(classes, FACE_SIZE, FACE_SIZE, 4)`, RGB and opacity, in [0, 1]."""
    faces = []
    for draw in _FACES.values():
        face = Face()
        draw(face)
        faces.append(face.pixels())
    return np.stack(faces)
