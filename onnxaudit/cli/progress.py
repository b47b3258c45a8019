"""Progress on stderr: a live display on a terminal, plain lines elsewhere, JSON lines for programs, or nothing."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from onnxaudit.cli.options import ProgressName
from onnxaudit.records import Event, OnEvent
from onnxaudit.stages import describe_event, name_stage
from onnxaudit.text import show_plainly

TENTHS = 10
WIDE, BAR, SHORT_BAR = 100, 24, 8  # columns


@contextmanager
def report_progress(name: ProgressName = "auto") -> Iterator[OnEvent]:
    """A listener of the kind `name`, by default what fits stderr, for as long as the block lasts."""
    console = Console(stderr=True)
    if name in PLAIN:
        yield PLAIN[name]()
        return
    if not console.is_terminal or console.is_dumb_terminal:
        yield LineReporter()
        return
    with Progress(*choose_columns(console.width), console=console, transient=True, expand=True) as progress:
        listen = LiveReporter(progress)
        listen(Event("libraries", 0, 0))  # takes the first seconds: nobody waits before a screen that says nothing
        yield listen


def choose_columns(width: int) -> tuple[ProgressColumn, ...]:
    """What a terminal of that width shows of a stage; on narrow ones words and figures need the room more."""
    wide = width >= WIDE
    columns = (
        TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
        BarColumn(bar_width=BAR if wide else SHORT_BAR),
        TextColumn("{task.fields[count]}", markup=False),
        TimeElapsedColumn(table_column=Column(min_width=7, no_wrap=True)),
    )
    return (*columns, TimeRemainingColumn(table_column=Column(min_width=7, no_wrap=True))) if wide else columns


class LiveReporter:
    """Bars that move, one a stage, gone when the work is done."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, event: Event) -> None:
        """Show the state that `event` tells."""
        if event.stage not in self._tasks:
            self._finish_last()
            self._tasks[event.stage] = self._progress.add_task("", count="")
        self._progress.update(
            self._tasks[event.stage],
            description=describe_event(event),
            total=event.total or None,
            completed=event.done,
            count=_count(event),
        )

    def _finish_last(self) -> None:
        """A stage that never says how much it has to do is done when the next begins."""
        for stage, task in list(self._tasks.items())[-1:]:
            self._progress.update(task, description=name_stage(stage), total=1, completed=1)
            self._progress.stop_task(task)


class LineReporter:
    """One line a stage and one for each tenth of it, so that a log says the same whatever the machine's speed."""

    def __init__(self) -> None:
        self._last: tuple[str, int] | None = None

    def __call__(self, event: Event) -> None:
        """Print a line if `event` begins a stage or fills a tenth."""
        state = (event.stage, TENTHS * event.done // event.total if event.total else 0)
        if state != self._last:
            self._last = state
            sys.stderr.write(" ".join(part for part in (describe_event(event), _count(event)) if part) + "\n")
            sys.stderr.flush()


class SilentReporter:
    """Nothing."""

    def __call__(self, event: Event) -> None:
        """Pass over `event`."""


class JsonReporter:
    """One JSON object a line, `{"stage", "done", "total", "message"}`, for each event; `total` is 0 where unknown."""

    def __call__(self, event: Event) -> None:
        """Print `event`."""
        write_json(asdict(event))


PLAIN: dict[ProgressName, Callable[[], OnEvent]] = {
    "lines": LineReporter,
    "jsonl": JsonReporter,
    "none": SilentReporter,
}


def announce(model: str, number: int, count: int, name: ProgressName) -> None:
    """Say which of several models comes next."""
    if name == "jsonl":
        write_json({"model": model, "number": number, "count": count})
    elif name != "none":
        sys.stderr.write(f"[{number}/{count}] {show_plainly(model)}\n")


def write_json(plain: dict[str, Any]) -> None:
    """One JSON object on a line of its own."""
    sys.stderr.write(json.dumps(plain) + "\n")
    sys.stderr.flush()


def _count(event: Event) -> str:
    return f"{event.done}/{event.total}" if event.total else ""
