"""Whether a repaired model has forgotten its backdoor: two curves of the attack success rate, one above the other."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from onnxaudit.records import Forgetting, Rate
from onnxaudit.report.forgetting import describe_forgetting
from onnxaudit.report.html.charts.scale import Scale, format_tick
from onnxaudit.report.html.charts.svg import NARROW, WIDE, Point, draw_dots, draw_line, draw_path, draw_text, frame

LEFT, RIGHT, HEAD, PANEL, GAP = 44, 12, 26, 84, 66  # pixels


def draw_forgetting(found: Forgetting) -> Markup:
    """The chart, for wide pages and for narrow ones."""
    return _draw(found, WIDE, "wide") + _draw(found, NARROW, "narrow")


def _draw(found: Forgetting, width: int, kind: str) -> Markup:
    steps = Scale(0, max(1, found.steps[-1]), LEFT, width - RIGHT)
    shares = Scale(0, 100, LEFT, width - RIGHT)
    below = HEAD + PANEL + GAP
    parts = [
        *_draw_frame("Learned again: ASR, %, by steps of fine-tuning", steps, HEAD, width, "steps"),
        *(line for one in found.controls for line in _draw_curve(found.steps, one.rates, steps, HEAD, "back")),
        *_draw_curve(found.steps, found.target.rates, steps, HEAD, "kept"),
        *_draw_frame(
            "On the way back: ASR, %, by the share of the original", shares, below, width, "% of the original"
        ),
        *_draw_curve([100 * share for share in found.shares], found.path, shares, below, "kept"),
    ]
    return frame(width, below + PANEL + 40, f"Charts: {describe_forgetting(found)}.", *parts, kind=kind)


def _scale(top: float) -> Scale:
    return Scale(0, 100, top + PANEL, top)


def _draw_frame(title: str, x: Scale, top: float, width: int, unit: str) -> Iterator[Markup]:
    y = _scale(top)
    yield draw_text(title, 0, top - 12, "head")
    for tick in (0.0, 50.0, 100.0):
        yield draw_line((LEFT, y(tick)), (width - RIGHT, y(tick)), "grid")
        yield draw_text(format_tick(tick), LEFT - 6, y(tick) + 4, anchor="end")
    for tick in x.ticks:
        yield draw_text(format_tick(tick), x(tick), top + PANEL + 16, anchor="middle")
    yield draw_text(unit, width - RIGHT, top + PANEL + 31, anchor="end")


def _draw_curve(places: Sequence[float], rates: Sequence[Rate], x: Scale, top: float, kind: str) -> Iterator[Markup]:
    y = _scale(top)
    points: list[Point] = [(x(place), y(100 * (rate.value or 0.0))) for place, rate in zip(places, rates, strict=True)]
    yield draw_path(points, f"stair {kind}")
    yield draw_dots(points, f"dots {kind}")
