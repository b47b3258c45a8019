"""Progress in a notebook: one line with a bar below the cell, which moves while the work is done."""

import time
from html import escape
from importlib import import_module
from typing import Any

from onnxaudit.packages import is_installed
from onnxaudit.records import Event
from onnxaudit.stages import describe_event

EVERY = 0.2  # seconds between two changes within a stage


class NotebookProgress:
    """Shows what a scan or repair is doing: `onnxaudit.scan(..., on_event=onnxaudit.NotebookProgress())`.

    Where there is no notebook it shows nothing.
    """

    def __init__(self) -> None:
        """The clock starts."""
        self._began, self._last, self._stage = time.monotonic(), 0.0, ""
        self._handle: Any = None
        self._live = _is_in_notebook()

    def __call__(self, event: Event) -> None:
        """Show the state that `event` tells."""
        now = time.monotonic()
        if not self._live or (event.stage == self._stage and now - self._last < EVERY):
            return
        self._last, self._stage = now, event.stage
        shown = _describe(event, now - self._began)
        if self._handle is not None:
            self._handle.update(shown, raw=True)
            return
        self._handle = import_module("IPython.display").display(shown, raw=True, display_id=True)


def _is_in_notebook() -> bool:
    if not is_installed("IPython"):
        return False
    shell = import_module("IPython").get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def _describe(event: Event, seconds: float) -> dict[str, str]:
    """The line as HTML, and as text for what shows no HTML."""
    words, count = describe_event(event), f"{event.done}/{event.total}" if event.total else ""
    told = f"{seconds:.0f} s"
    bar = f'<progress value="{event.done}" max="{event.total}"></progress> {count} · ' if event.total else ""
    plain = " · ".join(part for part in (words, count, told) if part)
    return {"text/html": f"<div>{bar}{escape(words)} · {told}</div>", "text/plain": plain}
