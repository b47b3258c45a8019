"""Signals that arrive at awkward moments."""

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from onnxaudit.cli import signals
from onnxaudit.cli.signals import TerminatedError, handle_signals

ACROSS_AN_EXEC = """
import os, signal, sys
from onnxaudit.cli import signals
from onnxaudit.cli.signals import handle_signals
signal.signal(signal.SIGINT, signal.default_int_handler)
with handle_signals(print, last=True):
    try:
        exec("os.kill(os.getpid(), signal.SIGINT)\\nfor _ in range(1000): pass")
    except KeyboardInterrupt:
        sys.exit(130)
"""


def test_a_signal_that_a_callback_swallows_is_raised_again_at_the_end() -> None:
    with handle_signals(print, last=False) as raise_swallowed:
        with contextlib.suppress(BaseException):
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(TerminatedError, match="SIGTERM"):
            raise_swallowed()


def test_behind_the_block_nothing_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "PATIENCE", 0.05)
    left: list[str] = []
    with contextlib.suppress(TerminatedError), handle_signals(left.append, last=False):
        signal.raise_signal(signal.SIGTERM)
    time.sleep(0.1)
    assert not left


def test_without_a_signal_nothing_is_raised() -> None:
    with handle_signals(print, last=False) as raise_swallowed:
        raise_swallowed()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_that_crosses_an_exec_of_source_keeps_the_exit_code(tmp_path: Path) -> None:
    (tmp_path / "crossing.py").write_text(ACROSS_AN_EXEC)
    done = subprocess.run([sys.executable, "-m", "crossing"], cwd=tmp_path, check=False)
    assert done.returncode == 130
