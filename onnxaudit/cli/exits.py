"""Exit codes: 0 clean, 1 backdoored, 2 error, 3 inconclusive, 130 interrupted; the policy decides on the verdict."""

import contextlib
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

import typer

from onnxaudit.cli.signals import TerminatedError
from onnxaudit.cli.streams import abandon, settle_streams
from onnxaudit.errors import OnnxauditError
from onnxaudit.text import show_plainly

if TYPE_CHECKING:  # at run time `--help` would pay for numpy
    from onnxaudit.records import Document, RepairDocument, ScanDocument

CLEAN, BACKDOORED, ERROR, INCONCLUSIVE, INTERRUPTED = 0, 1, 2, 3, 130
WORST_FIRST = (BACKDOORED, ERROR, INCONCLUSIVE, CLEAN)

CODE_OF_DECISION = {"pass": CLEAN, "fail": BACKDOORED, "inconclusive": INCONCLUSIVE}


def find_worst(codes: Iterable[int]) -> int:
    """The code that counts when several models were scanned."""
    return min(codes, key=WORST_FIRST.index)


def list_codes(document: "ScanDocument | RepairDocument") -> list[int]:
    """One code for each report: what the policy made of it."""
    assert document.gate is not None
    return [CODE_OF_DECISION[decision.outcome] for decision in document.gate.decisions]


@dataclass
class Settings:
    """What holds for every command.

    Attributes:
        debug: adds tracebacks to errors.
        arguments: of the command line, as they were given.
        started: when the command began.
        apart: strangers' files are opened in a worker process.
        stdout: the stream for the result.
        stdout_format: what the result looks like there.
        leave_word: writes a document to the files that were asked for, once they are known to be writable.
        told: all that is known of an interrupted run was written; word of the interruption would destroy it.
    """

    debug: bool = False
    arguments: tuple[str, ...] = ()
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    apart: bool = False
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stdout_format: str = "text"
    leave_word: "Callable[[Document], None] | None" = None
    told: bool = False


def run_guarded(command: Callable[[], int], settings: Settings) -> int:
    """The exit code of `command`, whatever it does: no failure may look like a verdict."""
    try:
        code = command()
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except TerminatedError as asked:
        report_problem(str(asked))
        leave_word(str(asked), settings)
        return ERROR
    except SystemExit as error:  # typer's own way out of a broken pipe has code 1
        abandon("stdout")
        return CLEAN if error.code in (0, None) else ERROR
    except BrokenPipeError as error:  # of stdout, or of any other pipe
        leave_word(describe_error(error), settings)
        settle_streams()
        return ERROR
    except Exception as error:
        report_error(error, settings)
        leave_word(describe_error(error), settings)
        return ERROR
    if code == INTERRUPTED:  # typer turns an interrupt within a command into this code
        leave_word("interrupted", settings)
    return code


def leave_word(message: str, settings: Settings) -> None:
    """Say what went wrong wherever a report was asked for: an older one left there could be taken for this run's."""
    if settings.told:
        return
    from onnxaudit.records import ErrorDocument
    from onnxaudit.report.formats import FORMATS, render

    document = ErrorDocument(message)
    with contextlib.suppress(OnnxauditError):
        if settings.leave_word is not None:
            settings.leave_word(document)
    if settings.stdout_format != "text" and settings.stdout_format in FORMATS:
        with contextlib.suppress(OSError, ValueError):
            settings.stdout.write(render(document, settings.stdout_format))
            settings.stdout.flush()


def report_error(error: Exception, settings: Settings, where: str | None = None) -> None:
    """One line on stderr; `where` is put before it unless it says so itself."""
    message = describe_error(error)
    report_problem(message if where is None or where in message else f"{where}: {message}")
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
    if isinstance(error, OSError) and error.filename is None:  # a stream that takes no more
        return f"the result cannot be written: {error.strerror or str(error) or 'nobody reads it any more'}"
    return f"internal error, {type(error).__name__}: {error} (with --debug it says where)"


def report_problem(message: str) -> None:
    """One line on stderr, where there still is one."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"error: {show_plainly(message)}\n")
        sys.stderr.flush()


def report_notice(message: str) -> None:
    """One line on stderr that is no error, where there still is one."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"{show_plainly(message)}\n")
        sys.stderr.flush()
