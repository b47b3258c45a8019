"""Names beside marks, placed where they lie on no mark and on no other name."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from onnxaudit.report.html.charts.svg import Point, draw_text

CHARACTER, LINE = 7.6, 14.0  # of bold text of 13 pixels
AWAY = 12.0  # from a mark

Box = tuple[float, float, float, float]  # left, top, right, bottom


def place_names(named: Sequence[tuple[str, Point]], width: float, reserved: Sequence[Box] = ()) -> Iterator[Markup]:
    """One text for each mark, beside it, or above or below where it would cover something or what is reserved."""
    taken: list[Box] = [*((x - 8, y - 8, x + 8, y + 8) for _, (x, y) in named), *reserved]
    for name, (x, y) in sorted(named, key=lambda one: (one[1][1], one[1][0])):
        places = [(x, y, side, shift) for shift in (0.0, -LINE, LINE, -2 * LINE, 2 * LINE) for side in (1, -1)]
        boxes = [_measure(name, *place) for place in places]
        free = [place for place, box in zip(places, boxes, strict=True) if _fits(box, taken, width)]
        _, _, side, shift = chosen = (free or places)[0]
        taken.append(_measure(name, *chosen))
        yield draw_text(name, x + side * AWAY, y + shift + 4, "name", "start" if side > 0 else "end")


def _measure(name: str, x: float, y: float, side: int, shift: float) -> Box:
    """The room that a name takes to the right of its mark (`side` 1) or to the left of it (-1)."""
    near, far = x + side * AWAY, x + side * (AWAY + CHARACTER * len(name))
    return min(near, far), y + shift - LINE / 2, max(near, far), y + shift + LINE / 2


def _fits(box: Box, taken: Sequence[Box], width: float) -> bool:
    left, top, right, bottom = box
    if left < 0 or right > width:
        return False
    return not any(left < b[2] and b[0] < right and top < b[3] and b[1] < bottom for b in taken)
