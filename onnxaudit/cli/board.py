"""Progress of several scans at once, on stderr: a table on a terminal, lines elsewhere, JSON lines, or nothing."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.table import Table

from onnxaudit.cli.exits import report_notice
from onnxaudit.cli.options import ProgressName
from onnxaudit.cli.progress import announce, write_json
from onnxaudit.records import Event
from onnxaudit.text import format_duration, show_plainly

PER_SECOND = 4  # times that the table is drawn anew


class Board(Protocol):
    """Is told what becomes of each model, by its number from 1 on."""

    def begin(self, number: int, model: str) -> None:
        """A scan begins."""

    def hear(self, number: int, event: Event) -> None:
        """It goes on."""

    def end(self, number: int, answer: str) -> None:
        """It has come to an answer."""


class SilentBoard:
    """Nothing."""

    def begin(self, number: int, model: str) -> None:
        """Pass over it."""

    def hear(self, number: int, event: Event) -> None:
        """Pass over it."""

    def end(self, number: int, answer: str) -> None:
        """Pass over it."""


class AnnouncingBoard(SilentBoard):
    """Says which of several models comes next, as far as `name` tells of progress; the rest the worker tells."""

    def __init__(self, count: int, name: ProgressName) -> None:
        self._count, self._name = count, name

    def begin(self, number: int, model: str) -> None:
        """Say so."""
        if self._count > 1:
            announce(model, number, self._count, self._name)


class LineBoard(SilentBoard):
    """A line where a model begins, enters a stage, or ends."""

    def __init__(self, count: int) -> None:
        self._count, self._models, self._stages = count, dict[int, str](), dict[int, str]()

    def begin(self, number: int, model: str) -> None:
        """Say so."""
        self._models[number] = model
        self._say(number, "begun")

    def hear(self, number: int, event: Event) -> None:
        """Say which stage it is in."""
        if self._stages.get(number) != event.stage:
            self._stages[number] = event.stage
            self._say(number, event.message)

    def end(self, number: int, answer: str) -> None:
        """Say what came of it."""
        self._say(number, answer)

    def _say(self, number: int, words: str) -> None:
        report_notice(f"[{number}/{self._count}] {self._models[number]}: {words}")


class JsonBoard(SilentBoard):
    """One JSON object a line: `{"model", "number", "count"}`, with an event's fields, or with `"answer"`."""

    def __init__(self, count: int) -> None:
        self._count, self._models = count, dict[int, str]()

    def begin(self, number: int, model: str) -> None:
        """Say so."""
        self._models[number] = model
        self._write(number, {})

    def hear(self, number: int, event: Event) -> None:
        """Pass it on."""
        self._write(number, asdict(event))

    def end(self, number: int, answer: str) -> None:
        """Say what came of it."""
        self._write(number, {"answer": answer})

    def _write(self, number: int, further: Mapping[str, object]) -> None:
        write_json({"model": self._models[number], "number": number, "count": self._count, **further})


class LiveBoard:
    """A table of what runs, and below it how many are done and how long the others take, roughly."""

    def __init__(self, live: Live, count: int) -> None:
        self._live, self._count, self._done, self._began = live, count, 0, time.monotonic()
        self._rows: dict[int, tuple[str, str]] = {}

    def begin(self, number: int, model: str) -> None:
        """A row more."""
        self._rows[number] = (model, "beginning")
        self._draw()

    def hear(self, number: int, event: Event) -> None:
        """Another text in its row."""
        share = f" {event.done}/{event.total}" if event.total else ""
        self._rows[number] = (self._rows[number][0], event.message + share)
        self._draw()

    def end(self, number: int, answer: str) -> None:
        """A row less; the answer stays above the table."""
        model, _ = self._rows.pop(number)
        self._done += 1
        self._live.console.print(
            f"[{number}/{self._count}] {show_plainly(model)}: {show_plainly(answer)}", markup=False, highlight=False
        )
        self._draw()

    def _draw(self) -> None:
        table = Table(box=None, show_header=False, expand=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for model, words in self._rows.values():
            table.add_row(show_plainly(model).replace("[", "\\["), show_plainly(words).replace("[", "\\["))
        left = (self._count - self._done) * (time.monotonic() - self._began) / max(1, self._done)
        told = f", about {format_duration(left)} left" if self._done else ""
        table.add_row(f"{self._done} of {self._count} done{told}", "")
        self._live.update(table)


PLAIN: dict[ProgressName, Callable[[int], Board]] = {"lines": LineBoard, "jsonl": JsonBoard}


@contextmanager
def open_board(count: int, name: ProgressName) -> Iterator[Board]:
    """A board of the kind `name`, by default what fits stderr, for as long as the block lasts."""
    console = Console(stderr=True)
    if name == "none":
        yield SilentBoard()
    elif name in PLAIN:
        yield PLAIN[name](count)
    elif not console.is_terminal or console.is_dumb_terminal:
        yield LineBoard(count)
    else:
        with Live(console=console, refresh_per_second=PER_SECOND, transient=True) as live:
            yield LiveBoard(live, count)
