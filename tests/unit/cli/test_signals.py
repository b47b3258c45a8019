"""Signals that arrive at awkward moments."""

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from onnxaudit.cli.signals import TerminatedError, handle_signals

ACROSS_AN_EXEC = """
import os, signal, sys
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


def test_without_a_signal_nothing_is_raised() -> None:
    with handle_signals(print, last=False) as raise_swallowed:
        raise_swallowed()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_that_crosses_an_exec_of_source_keeps_the_exit_code(tmp_path: Path) -> None:
    (tmp_path / "crossing.py").write_text(ACROSS_AN_EXEC)
    done = subprocess.run([sys.executable, "-m", "crossing"], cwd=tmp_path, check=False)
    assert done.returncode == 130
