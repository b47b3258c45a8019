"""A rate with its interval on a line from 0 to 100 percent, small enough for a cell of a table."""

from markupsafe import Markup

from onnxaudit.records import Rate
from onnxaudit.report.html.charts.scale import Scale
from onnxaudit.report.html.charts.svg import draw_dot, draw_line, frame
from onnxaudit.text import format_rate

WIDTH, HEIGHT, EDGE = 96, 14, 5  # pixels


def draw_interval(rate: Rate | None) -> Markup:
    """The drawing; nothing where nothing was measured."""
    if rate is None or rate.value is None:
        return Markup("")
    x, middle = Scale(0.0, 1.0, EDGE, WIDTH - EDGE), HEIGHT / 2
    return frame(
        WIDTH,
        HEIGHT,
        f"{format_rate(rate)} on a line from 0 to 100 %",
        draw_line((EDGE, middle), (WIDTH - EDGE, middle), "grid"),
        draw_line((x(rate.low), middle), (x(rate.high), middle), "whisker"),
        draw_dot((x(rate.value), middle), "rate", format_rate(rate), 3.5),
        kind="interval",
    )
