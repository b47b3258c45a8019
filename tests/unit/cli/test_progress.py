"""Progress is for people who wait, and harmless to everybody else."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn

from onnxaudit.cli.progress import LineReporter, LiveReporter, choose_columns, report_progress
from onnxaudit.records import Event


def test_stages_of_unknown_length_are_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    listen = LineReporter()
    for done in range(50):
        listen(Event("load", done, 0, f"byte {done}"))
    listen(Event("import", 0, 0))
    listen(Event("import", 1, 1, "copying the network to PyTorch"))
    told = ["reading the model: byte 0", "copying the network", "copying the network to PyTorch 1/1"]
    assert capsys.readouterr().err.splitlines() == told


def test_the_estimate_has_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    listen = LineReporter()
    listen(Event("import", 0, 0, "copying"))
    listen(Event("estimate", 0, 0, "about 12 min"))
    assert capsys.readouterr().err.splitlines()[1] == "estimate: about 12 min"


def test_each_tenth_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    listen = LineReporter()
    for done in (0, 1, 2, 3, 3, 4, 43):
        listen(Event("invert", done, 43, "smallest 4.2"))
    assert capsys.readouterr().err.splitlines() == [
        "inverting triggers: smallest 4.2 0/43",
        "inverting triggers: smallest 4.2 43/43",
    ]


def test_stderr_that_is_no_terminal_gets_lines() -> None:
    with report_progress() as listen:
        assert isinstance(listen, LineReporter)


@pytest.mark.parametrize("width", [76, 80, 100, 120])
def test_the_live_display_cuts_no_figure(width: int) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=width)
    message = "agreement 0.970, strongest trigger 0.987"
    with Progress(*choose_columns(width), console=console, auto_refresh=False, expand=True) as progress:
        LiveReporter(progress)(Event("tune", 2, 12, message))
        progress.refresh()
    assert isinstance(console.file, io.StringIO)
    assert f"fine-tuning: {message}" in console.file.getvalue()
    assert "2/12" in console.file.getvalue()


def test_the_live_display_shows_a_bar_for_each_stage_and_no_escapes_of_strangers() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    columns = (TextColumn("{task.description}", markup=False), TextColumn("{task.fields[count]}", markup=False))
    with Progress(*columns, console=console, auto_refresh=False) as progress:
        listen = LiveReporter(progress)
        listen(Event("load", 0, 0, "[red]model[/][/] \x1b[5m"))
        listen(Event("invert", 3, 10))
        first, second = progress.tasks
        assert first.description == "reading the model"
        assert first.finished
        assert (second.completed, second.total, second.fields["count"]) == (3, 10, "3/10")
        listen(Event("invert", 10, 10, "[/red] \x1b[5m"))
        assert len(progress.tasks) == 2
        progress.refresh()
    assert isinstance(console.file, io.StringIO)
    assert "[/red] \\x1b[5m" in console.file.getvalue()
    assert "\x1b[5m" not in console.file.getvalue()
