"""Progress in a notebook: one line that moves there, nothing elsewhere."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import onnxaudit
from onnxaudit import notebook
from onnxaudit.records import Event


class Handle:
    """One output of a cell."""

    def __init__(self) -> None:
        self.shown: list[dict[str, str]] = []

    def update(self, shown: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.shown.append(shown)


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Handle:
    """A notebook with one output."""
    handle, ipython, shown = Handle(), ModuleType("IPython"), ModuleType("IPython.display")

    def display(first: dict[str, str], *, raw: bool, display_id: bool) -> Handle:
        assert display_id
        assert not handle.shown
        handle.update(first, raw=raw)
        return handle

    monkeypatch.setattr(ipython, "get_ipython", lambda: SimpleNamespace(kernel=None), raising=False)
    monkeypatch.setattr(shown, "display", display, raising=False)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", shown)
    monkeypatch.setattr(notebook, "is_installed", lambda _: True)
    return handle


def test_one_line_below_the_cell_says_what_is_done(cell: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((0.0, 1.0, 1.1, 3.0, 3.1))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    tell = onnxaudit.NotebookProgress()
    for event in (Event("load", 0, 0), Event("load", 0, 0), Event("verify", 1, 8, "<b>"), Event("write", 0, 0)):
        tell(event)
    assert [one["text/plain"] for one in cell.shown] == [
        "reading the model · 1 s",
        "checking triggers on unseen samples: <b> · 1/8 · 3 s",
        "writing the model · 3 s",
    ]
    assert '<progress value="1" max="8">' in cell.shown[1]["text/html"]
    assert "&lt;b&gt;" in cell.shown[1]["text/html"]


def test_elsewhere_nothing_is_shown(capsys: pytest.CaptureFixture[Any]) -> None:
    onnxaudit.NotebookProgress()(Event("load", 0, 0))
    assert capsys.readouterr() == ("", "")
