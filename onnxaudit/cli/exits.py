"""Exit codes: 0 clean, 1 backdoored, 2 error, 3 inconclusive, 130 interrupted."""

import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import typer

from onnxaudit.errors import OnnxauditError
from onnxaudit.report.text import show_plainly

CLEAN, BACKDOORED, ERROR, INCONCLUSIVE, INTERRUPTED = 0, 1, 2, 3, 130
WORST_FIRST = (BACKDOORED, ERROR, INCONCLUSIVE, CLEAN)

CODE_OF_VERDICT = {"clean": CLEAN, "backdoored": BACKDOORED, "inconclusive": INCONCLUSIVE}
CODE_OF_OUTCOME = {"repaired": 0, "nothing to repair": 0, "incomplete": 1, "inconclusive": INCONCLUSIVE}


def find_worst(codes: Iterable[int]) -> int:
    """The code that counts when several models were scanned."""
    return min(codes, key=WORST_FIRST.index)


@dataclass
class Settings:
    """What holds for every command; `debug` adds tracebacks to errors."""

    debug: bool = False


def run_guarded(command: Callable[[], int], settings: Settings) -> int:
    """The exit code of `command`, whatever it does: no failure may look like a verdict."""
    try:
        code = command()
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as error:  # typer's own way out of a broken pipe has code 1
        _abandon_stdout()
        return CLEAN if error.code in (0, None) else ERROR
    except BrokenPipeError:
        _abandon_stdout()
        return ERROR
    except Exception as error:
        report_error(error, settings)
        return ERROR
    return code


def report_error(error: Exception, settings: Settings, where: Path | None = None) -> None:
    """One line on stderr; `where` is put before it unless it says so itself."""
    message = describe_error(error)
    report_problem(message if where is None or str(where) in message else f"{where}: {message}")
    if settings.debug:
        traceback.print_exception(error)


def describe_error(error: Exception) -> str:
    """One line about what went wrong."""
    if isinstance(error, typer.TyperException):
        return f"{error.format_message()} (see `onnxaudit --help`)"
    if isinstance(error, OnnxauditError):
        return str(error)
    if isinstance(error, typer.Abort):
        return "aborted"
    if isinstance(error, MemoryError):
        return "out of memory"
    return f"internal error, {type(error).__name__}: {error} (`onnxaudit --debug ...` shows where)"


def report_problem(message: str) -> None:
    """One line on stderr, where there still is one."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"error: {show_plainly(message)}\n")
        sys.stderr.flush()


def _abandon_stdout() -> None:
    """Let the interpreter's last flush go nowhere, so that it cannot fail and change the exit code."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
