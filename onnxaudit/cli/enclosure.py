"""`--sandbox bwrap`: the same command again, inside bubblewrap, with the files that its command line names."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import onnxaudit
from onnxaudit.cli.exits import BACKDOORED, CLEAN, ERROR, INCONCLUSIVE, INTERRUPTED, Settings
from onnxaudit.cli.output import list_data_paths
from onnxaudit.detectors.registry import GROUP
from onnxaudit.errors import UsageError, WorkerError
from onnxaudit.files import remove_abandoned
from onnxaudit.gate.layers import PYPROJECT
from onnxaudit.isolation import reach
from onnxaudit.isolation.bubblewrap import Enclosure, find_program, run_enclosed, try_program
from onnxaudit.regular_files import follow_links

INSIDE = "WITHIN_BUBBLEWRAP"  # a variable that says so to the command inside
PACKAGES = "PYTHONPATH"
CODES = (CLEAN, BACKDOORED, ERROR, INCONCLUSIVE, INTERRUPTED)


def is_inside() -> bool:
    """Whether this is the command inside."""
    return INSIDE in os.environ


def enclose(settings: Settings, written: Sequence[Path], named: Sequence[str] = ()) -> int:
    """Run this command inside bubblewrap; its exit code.

    Args:
        settings: of the command.
        written: files and folders that it writes.
        named: what it reads, where the command line need not say so.

    Raises:
        UsageError: bubblewrap is not installed, or cannot make namespaces here.
        WorkerError: it ended before the command did.
    """
    program = find_program()
    if program is None:
        raise UsageError("--sandbox bwrap needs bubblewrap (`bwrap`), which is not installed here")
    if not settings.apart:
        raise UsageError("--sandbox bwrap is an option of the command line alone")
    if why := try_program(program):
        raise UsageError(f"bubblewrap cannot make namespaces here, so --sandbox bwrap cannot be had: {why}")
    folders = tuple({_find_folder(name) for path in written for name in (path, follow_links(path))})
    command = [sys.executable, "-P", "-m", "onnxaudit", *settings.arguments]
    settings.stdout.flush()
    try:
        code = run_enclosed(
            program, describe_inside((*settings.arguments, *named), folders), command, settings.stdout.fileno()
        )
    finally:
        for folder in folders:  # where all was killed
            remove_abandoned(folder)
    if code not in CODES:
        raise WorkerError("bubblewrap, or the command within it, ended without a result [worker-crashed]")
    return code


def describe_inside(arguments: Sequence[str], folders: Sequence[Path]) -> Enclosure:
    """What there is inside: what this machine computes with, and what the command line names.

    Args:
        arguments: of the command line.
        folders: in which it writes.
    """
    own = Path(onnxaudit.__file__).parent
    packages = [str(own.parent), *filter(None, os.environ.get(PACKAGES, "").split(os.pathsep))]
    return Enclosure(
        read=(
            *reach.list_programs(GROUP, os.environ.get(reach.LIBRARY_FOLDERS, "")),
            *reach.list_tables(),
            *list_named(arguments),
            Path(PYPROJECT),
        ),
        write=tuple(folders),
        devices=() if "cpu" in arguments else tuple(reach.list_accelerators()),
        folder=Path.cwd(),
        variables={
            INSIDE: "1",
            PACKAGES: os.pathsep.join(map(os.path.abspath, packages)),
            "TMPDIR": "/tmp",  # noqa: S108 - one of its own
        },
    )


def list_named(arguments: Sequence[str]) -> Iterator[Path]:
    """Files and folders that are there and named by a command line, with what belongs to them."""
    for word in arguments:
        for path in list_data_paths(word, word.partition("=")[2] or None):
            if path.is_dir():
                yield from reach.list_data_files(path)
            elif path.exists():
                yield from reach.list_model_files(path)


def _find_folder(path: Path) -> Path:
    """The folder in which something is made: the nearest that is there."""
    absolute = path.absolute()
    return next(folder for folder in (absolute, *absolute.parents) if folder.is_dir())
