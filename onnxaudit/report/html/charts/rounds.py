"""The pruning loop, round by round: agreement `Q`, success `S` and margin, one above the other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from onnxaudit.records import PruningRound, RepairReport
from onnxaudit.report.html.charts.scale import Scale, cover, format_tick
from onnxaudit.report.html.charts.svg import (
    NARROW,
    WIDE,
    draw_dots,
    draw_line,
    draw_path,
    draw_text,
    frame,
)
from onnxaudit.report.html.settings import find_number
from onnxaudit.text import format_count

LEFT, RIGHT, HEAD, PANEL, GAP, FOOT = 44, 12, 26, 84, 44, 34  # pixels
FARTHEST = 1e4  # of margins: beyond, the scale of an axis would show nothing else


@dataclass(frozen=True)
class Panel:
    """One figure over all rounds.

    Attributes:
        title: stands above it.
        value: of one round; None where it was not measured.
        before: of the model before the first round.
        limit: what the figure has to reach, in the same unit.
        goal: on which side.
        low, high: ends of the axis; None: as far as the values go.
    """

    title: str
    value: Callable[[PruningRound], float | None]
    before: float | None = None
    limit: float | None = None
    goal: str = ""
    low: float | None = None
    high: float | None = None


def draw_rounds(report: RepairReport) -> Markup:
    """The chart, for wide pages and for narrow ones."""
    return _draw(report, WIDE, "wide") + _draw(report, NARROW, "narrow")


def _list_panels(report: RepairReport) -> tuple[Panel, ...]:
    before, config = report.original, report.config
    least, most = (find_number(config, "pruning", name) for name in ("min_agreement", "max_success"))
    agreed = [trial.agreement.value for trial in report.rounds] + [least]
    return (
        Panel(
            "Q: agreement with the original, %",
            lambda trial: _percent(trial.agreement.value),
            None if before is None else _percent(before.agreement.value),
            _percent(least),
            "at least",
            low=max(0.0, 100 * min([1.0, *(value for value in agreed if value is not None)]) - 2),
            high=100.0,
        ),
        Panel(
            "S: attack success rate, %",
            lambda trial: _percent(trial.success_rate.value),
            None if before is None else _percent(before.success_rate.value),
            _percent(most),
            "below",
            low=0.0,
            high=100.0,
        ),
        Panel("Margin of the target on triggered images, logits", _margin, limit=0.0, goal="the target wins above"),
    )


def _draw(report: RepairReport, width: int, kind: str) -> Markup:
    x = Scale(0, len(report.rounds) + 1, LEFT, width - RIGHT)
    panels = _list_panels(report)
    parts: list[Markup] = []
    for place, panel in enumerate(panels):
        parts += _draw_panel(panel, report.rounds, x, HEAD + place * (PANEL + GAP), width)
    bottom = HEAD + len(panels) * (PANEL + GAP) - GAP
    parts += [
        draw_text(format_tick(tick), x(tick), bottom + 16, anchor="middle") for tick in x.ticks if tick == int(tick)
    ]
    parts.append(draw_text("round", width - RIGHT, bottom + 31, anchor="end"))
    return frame(width, bottom + FOOT, _describe(report), *parts, kind=kind)


def _draw_panel(panel: Panel, rounds: Sequence[PruningRound], x: Scale, top: float, width: int) -> Iterator[Markup]:
    values = [panel.value(trial) for trial in rounds]
    low, high = cover([*values, panel.limit])
    y = Scale(low if panel.low is None else panel.low, high if panel.high is None else panel.high, top + PANEL, top)
    yield draw_text(panel.title, 0, top - 12, "head")
    for tick in y.ticks:
        yield draw_line((LEFT, y(tick)), (width - RIGHT, y(tick)), "grid")
        yield draw_text(format_tick(tick), LEFT - 6, y(tick) + 4, anchor="end")
    if panel.limit is not None:
        yield draw_line((LEFT, y(panel.limit)), (width - RIGHT, y(panel.limit)), "limit")
        above = y(panel.limit) - 5 > top + 8
        height = y(panel.limit) + (-5 if above else 14)
        yield draw_text(f"{panel.goal} {format_tick(panel.limit)}", width - RIGHT, height, "limit-name", "end")
    rolled_back = [
        (x(number), y(value))
        for number, (trial, value) in enumerate(zip(rounds, values, strict=True), start=1)
        if value is not None and not trial.kept
    ]
    yield draw_dots(rolled_back, "dots back")
    yield from _draw_kept(panel, rounds, values, x, y)


def _draw_kept(
    panel: Panel, rounds: Sequence[PruningRound], values: Sequence[float | None], x: Scale, y: Scale
) -> Iterator[Markup]:
    """The model as it stood, as a stair from one kept round to the next; its dots stand on it."""
    steps = [(0, panel.before)] if panel.before is not None else []
    steps += [
        (number, value)
        for number, (trial, value) in enumerate(zip(rounds, values, strict=True), start=1)
        if trial.kept and value is not None
    ]
    if not steps:
        return
    stair: list[tuple[float, float]] = []
    for (number, value), (following, _) in zip(steps, [*steps[1:], (len(rounds) + 1, 0.0)], strict=True):
        assert value is not None
        stair += [(x(number), y(value)), (x(following), y(value))]
    yield draw_path(stair, "stair")
    yield draw_dots([(x(number), y(value)) for number, value in steps if number and value is not None], "dots kept")


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _margin(trial: PruningRound) -> float | None:
    return trial.margin if trial.margin is not None and abs(trial.margin) <= FARTHEST else None


def _describe(report: RepairReport) -> str:
    """The chart in words."""
    kept = [trial for trial in report.rounds if trial.kept]
    text = (
        f"Charts of {len(report.rounds)} pruning rounds, of which {len(kept)} were kept: agreement, attack success "
        "rate, margin."
    )
    if not kept:
        return text
    last = kept[-1]
    return (
        f"{text} After the last kept round the model agrees with the original on {format_count(last.agreement)} clean "
        f"images, and the trigger succeeds on {format_count(last.success_rate)}."
    )
