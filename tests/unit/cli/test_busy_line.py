"""While a command works that has no progress, a terminal says so, and nothing else does."""

import io

import pytest

from onnxaudit.cli.busy_line import show_waiting


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_line_that_goes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with show_waiting("trying"):
        assert terminal.getvalue() == "trying …"
    assert terminal.getvalue() == "trying …\r        \r"


def test_nothing_is_said_elsewhere_or_where_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, silent in ((io.StringIO(), False), (Terminal(), True)):
        monkeypatch.setattr("sys.stderr", stream)
        with show_waiting("trying", silent=silent):
            pass
        assert stream.getvalue() == ""
