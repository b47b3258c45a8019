"""Where results go: stdout, the JSON report, trigger files."""

import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from onnxaudit.data.triggers import save_trigger
from onnxaudit.errors import OutputError, UsageError
from onnxaudit.files import check_folder_writable, check_writable, write_atomically
from onnxaudit.records import Document, ScanReport
from onnxaudit.report.json import to_json
from onnxaudit.report.pictures import draw_trigger

STDOUT = "-"
WIDTH_OF_FILES = 100  # columns where stdout is no terminal


def check_outputs(outputs: Iterable[Path | str | None], folder: Path | None, inputs: Iterable[Path | None]) -> None:
    """Find out before the work whether its results can be written, and that none overwrites an input.

    Raises:
        OutputError: a file or the folder cannot be written.
        UsageError: an output is an input, or two outputs are one file.
    """
    taken = [path.resolve() for path in inputs if path is not None]
    for output in outputs:
        if output is None or output == STDOUT:
            continue
        path = Path(output)
        if path.resolve() in taken:
            raise UsageError(f"{path} is named twice, and writing it would destroy what is there; choose another name")
        check_writable(path)
        taken.append(path.resolve())
    if folder is not None:
        check_folder_writable(folder)


def open_console(json: str | None) -> Console:
    """For people: stdout, or stderr where stdout belongs to the JSON report."""
    console = Console(stderr=json == STDOUT, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDTH_OF_FILES
    return console


def write_document(document: Document, json: str | None) -> None:
    """Write the JSON report where `--json` says.

    Raises:
        OutputError: it cannot be written.
    """
    if json == STDOUT:
        sys.stdout.write(to_json(document))
    elif json is not None:
        write_atomically(Path(json), to_json(document).encode("utf-8"))


def save_triggers(report: ScanReport, folder: Path) -> None:
    """Write each trigger as `MODEL-HASH-label-N.npz` and as pictures.

    Raises:
        OutputError: a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be created: {error.strerror or error}") from error
    for finding in report.triggers:
        name = f"{Path(report.model.path).stem}-{report.model.sha256[:8]}-label-{finding.label}"
        save_trigger(finding.trigger, folder / f"{name}.npz")
        if not report.model.input.layout.is_image:
            continue
        for part, picture in draw_trigger(finding.trigger).items():
            write_atomically(folder / f"{name}-{part}.png", picture)
