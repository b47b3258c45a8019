"""Size of the smallest trigger and evidence of every label, one above the other, over the same axis of classes."""

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import median

from markupsafe import Markup

from onnxaudit.records import LabelResult, ScanReport
from onnxaudit.report.html.charts.names import Box, place_names
from onnxaudit.report.html.charts.scale import Scale, cover, cover_log, format_tick, list_finite
from onnxaudit.report.html.charts.svg import (
    NARROW,
    WIDE,
    draw_diamond,
    draw_dot,
    draw_dots,
    draw_line,
    draw_text,
    frame,
)
from onnxaudit.report.html.settings import find_number
from onnxaudit.report.html.wording import shorten
from onnxaudit.text import format_number, name_label

LEFT, RIGHT = 40, 12  # margins, pixels
PANEL, GAP, HEAD, FOOT = 150, 46, 26, 34  # heights: of a panel, between panels, above the first and below the last
FEW = 150  # up to so many labels each dot has its name under the pointer
NAMED = 4  # labels whose names are written
LONGEST_NAME = 22  # characters
LIMIT_NAME = 84  # pixels that the name of a limit takes
FARTHEST = 25.0  # log-odds beyond which more says nothing more

Value = Callable[[LabelResult], float | None]


def draw_labels(report: ScanReport) -> Markup:
    """The chart, for wide pages and for narrow ones."""
    return _draw(report, WIDE, "wide") + _draw(report, NARROW, "narrow")


def list_marks(report: ScanReport) -> tuple[str, ...]:
    """Which marks the chart has beside ordinary dots: "targets", "again", "missing"."""
    marks = {
        "targets": bool(report.target_labels),
        "again": len(report.labels) <= FEW and any(row.role for row in report.labels),
        "missing": any(row.mask_l1 is None for row in report.labels),
    }
    return tuple(mark for mark, there in marks.items() if there)


def _draw(report: ScanReport, width: int, kind: str) -> Markup:
    classes = max([1, *(row.label for row in report.labels)])
    x = Scale(-0.5, classes + 0.5, LEFT, width - RIGHT)
    top, bottom = HEAD, HEAD + PANEL + GAP
    sizes = Scale(*cover_log(row.mask_l1 for row in report.labels), top + PANEL, top, log=True)
    evidence = Scale(*cover([*_list_odds(report), *_list_limits(report), 2.0]), bottom + PANEL, bottom)
    unit = report.model.input.layout.unit
    odds = [] if any(one is not None for one in _list_odds(report)) else [_draw_nothing(evidence, width)]
    parts = [
        draw_text(f"Smallest trigger found, {unit}, log scale", 0, top - 12, "head"),
        *_draw_axes(sizes, width),
        *_draw_median(report, sizes, width),
        *_draw_missing(report, x, top),
        *_draw_points(report, x, sizes, lambda row: row.mask_l1, width=width),
        draw_text("Evidence for a backdoor, log-odds", 0, bottom - 12, "head"),
        *_draw_axes(evidence, width),
        *_draw_limits(report, evidence, width),
        *_draw_points(report, x, evidence, _limit_odds, width=width, reserved=_reserve_limits(report, evidence, width)),
        *odds,
        *_draw_classes(x, bottom + PANEL, width),
    ]
    return frame(width, bottom + PANEL + FOOT, _describe(report), *parts, kind=kind)


def _draw_axes(y: Scale, width: int) -> Iterator[Markup]:
    for tick in y.ticks:
        yield draw_line((LEFT, y(tick)), (width - RIGHT, y(tick)), "grid")
        yield draw_text(format_tick(tick), LEFT - 6, y(tick) + 4, anchor="end")


def _draw_classes(x: Scale, bottom: float, width: int) -> Iterator[Markup]:
    for tick in x.ticks:
        if tick == int(tick) and tick >= 0:
            yield draw_text(format_tick(tick), x(tick), bottom + 16, anchor="middle")
    yield draw_text("class", width - RIGHT, bottom + 31, anchor="end")


def _draw_median(report: ScanReport, y: Scale, width: int) -> Iterator[Markup]:
    sizes = list_finite(row.mask_l1 for row in report.labels)
    if sizes:
        middle = y(median(sizes))
        yield draw_line((LEFT, middle), (width - RIGHT, middle), "median")


def _draw_nothing(y: Scale, width: int) -> Markup:
    """What stands in a panel without values."""
    return draw_text("not measured", width / 2, (y.start + y.end) / 2, "name", "middle")


def _draw_missing(report: ScanReport, x: Scale, top: float) -> Iterator[Markup]:
    """A short stroke at the upper edge for each label without a trigger."""
    for row in report.labels:
        if row.mask_l1 is None:
            yield draw_line((x(row.label), top - 4), (x(row.label), top + 4), "missing")


def _draw_limits(report: ScanReport, y: Scale, width: int) -> Iterator[Markup]:
    backdoored, *clean = _list_limits(report)
    yield draw_line((LEFT, y(backdoored)), (width - RIGHT, y(backdoored)), "limit")
    yield draw_text("↑ backdoored", width - RIGHT, y(backdoored) - 5, "limit-name", "end")
    for limit in clean:
        yield draw_line((LEFT, y(limit)), (width - RIGHT, y(limit)), "limit faint")
        between = y(limit) - y(backdoored) > 16
        yield draw_text("↓ clean", width - RIGHT, y(limit) + (-5 if between else 14), "limit-name", "end")


def _reserve_limits(report: ScanReport, y: Scale, width: int) -> list[Box]:
    """Where the names of the limits stand."""
    return [(width - RIGHT - LIMIT_NAME, y(limit) - 16, width - RIGHT, y(limit) + 2) for limit in _list_limits(report)]


def _draw_points(
    report: ScanReport, x: Scale, y: Scale, value: Value, *, width: int, reserved: Sequence[Box] = ()
) -> Iterator[Markup]:
    """Ordinary labels first, so that targets lie on top; then names."""
    places = {row.label: (x(row.label), y(found)) for row in report.labels if (found := value(row)) is not None}
    rows = [row for row in report.labels if row.label in places]
    ordinary = [row for row in rows if row.label not in report.target_labels]
    if len(rows) > FEW:
        yield draw_dots([places[row.label] for row in ordinary], "dots small")
    else:
        for row in ordinary:
            kind = "dot again" if row.role else "dot"
            yield draw_dot(places[row.label], kind, _describe_row(report, row), 3.5)
    targets = [row for row in rows if row.label in report.target_labels]
    for row in targets:
        yield draw_diamond(places[row.label], "target", _describe_row(report, row))
    order = {label: rank for rank, label in enumerate(report.target_labels)}
    named = sorted(targets, key=lambda row: order[row.label])[:NAMED]
    names = [shorten(name_label(row.label, report.class_names), LONGEST_NAME) for row in named]
    yield from place_names([(name, places[row.label]) for name, row in zip(names, named, strict=True)], width, reserved)


def _limit_odds(row: LabelResult) -> float | None:
    """Log-odds within what a chart can show."""
    odds = row.log_odds
    return None if odds is None or math.isnan(odds) else min(max(odds, -FARTHEST), FARTHEST)


def _list_odds(report: ScanReport) -> list[float | None]:
    return [_limit_odds(row) for row in report.labels]


def _list_limits(report: ScanReport) -> list[float]:
    """Log-odds above which a label is called a target, and those below which all are in a clean model."""
    share = find_number(report.config, "detection", "verdict", "clean_below")
    return [0.0] if share is None or not 0 < share < 1 else [0.0, math.log(share / (1 - share))]


def _describe_row(report: ScanReport, row: LabelResult) -> str:
    size, odds = format_number(row.mask_l1), format_number(row.log_odds)
    name = shorten(name_label(row.label, report.class_names), 60)
    return f"class {name}: {size} {report.model.input.layout.unit}, evidence {odds}"


def _describe(report: ScanReport) -> str:
    """The chart in words."""
    targets = [row for row in report.labels if row.label in report.target_labels][:NAMED]
    above = sum((odds or -1.0) > 0 for odds in _list_odds(report))
    marked = "; ".join(_describe_row(report, row) for row in targets) or "no label is marked as a target"
    return (
        f"Two charts over all {len(report.labels)} classes: size of the smallest trigger, and evidence for a backdoor. "
        f"{above} above the limit for a backdoor. {marked}."
    )
