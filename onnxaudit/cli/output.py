"""Where results go: stdout, files in several formats, trigger files."""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, cast

from rich.console import Console

from onnxaudit.cli.exits import Settings
from onnxaudit.cli.options import Outputs
from onnxaudit.cli.streams import LastingStream
from onnxaudit.data.label_tables import TABLES
from onnxaudit.data.picture_kinds import SUFFIXES
from onnxaudit.data.sources import ARRAYS, COLUMNS, RECORDS, TARS, find_kind, parse_source
from onnxaudit.errors import OnnxauditError, OutputError, UsageError
from onnxaudit.files import check_folder_writable, check_writable, write_atomically
from onnxaudit.isolation.reach import read_locations
from onnxaudit.records import Document, ErrorDocument, ScanDocument, ScanReport
from onnxaudit.regular_files import follow_links
from onnxaudit.report.formats import render
from onnxaudit.report.terminal import Detail, open_console, render_copies, render_document

# What a folder of samples is read for.
READ = frozenset((".csv", ".jsonl", ".txt")) | ARRAYS | COLUMNS | RECORDS | TARS | SUFFIXES


@dataclass(frozen=True)
class Delivery:
    """Where one command's results go.

    Attributes:
        files: by format.
        format: of what stdout holds.
        stdout: the stream for it.
        console: for people: stdout, or stderr where stdout holds a document for machines.
        detail: how much people want to read.
    """

    files: dict[str, Path]
    format: str
    stdout: LastingStream
    console: Console
    detail: Detail

    def tell(self, document: Document) -> None:
        """Show a part of the result to people, as soon as it is there."""
        if self.format == "text" or self.detail != "brief":
            render_document(document, self.console, self.detail)

    def compare(self, document: ScanDocument) -> None:
        """Show files and their copies side by side to people, where each was told by itself before."""
        if self.format == "text" or self.detail != "brief":
            render_copies(document, self.console)

    def show(self, document: Document) -> None:
        """The whole result, told where nothing else stands on stdout.

        Raises:
            OutputError: a file cannot be written.
        """
        if self.format == "text":
            self.tell(document)
        self.deliver(document)

    def deliver(self, document: Document, further: Callable[[], None] = lambda: None) -> None:
        """Write the whole result: the files first, whatever became of stdout, so that nothing can fail behind them.

        Args:
            document: the result.
            further: writes files of other kinds.

        Raises:
            OutputError: a file cannot be written.
            OSError: stdout took less than all.
        """
        self.write_files(document)
        further()
        if self.format != "text":
            self.stdout.write(render(document, self.format))
        self.stdout.settle()

    def write_files(self, document: Document) -> None:
        """Write every file that was asked for.

        Raises:
            UsageError: the document has no such format.
            OutputError: a file cannot be written.
        """
        contents = {path: render(document, name).encode("utf-8") for name, path in self.files.items()}
        for path, content in contents.items():
            write_atomically(path, content)


def open_delivery(
    outputs: Outputs,
    settings: Settings,
    inputs: Iterable[Path | None],
    further: Iterable[Path] = (),
    folder: Path | None = None,
) -> Delivery:
    """Find out before the work whether its results can be written, and that none overwrites an input.

    Args:
        outputs: what was asked for.
        settings: told how to leave word of a failure.
        inputs: files that are read.
        further: files that are written in another way.
        folder: a folder for trigger files.

    Raises:
        OutputError: a file or the folder cannot be written.
        UsageError: an output is an input, two outputs are one file, or two formats are to be on stdout.
    """
    read = [path for path in inputs if path is not None]
    taken: list[Path] = []
    for path in (*further, *outputs.files.values()):
        if any(is_same_file(path, other) for other in (*read, *taken)):
            raise UsageError(f"{path} is named twice, and writing it would destroy what is there; choose another name")
        if any(is_read_below(path, other) or is_data_of(path, other) for other in read):
            raise UsageError(f"{path} is read by this run, and writing it would destroy it; choose another name")
        check_writable(path)
        taken.append(path)
    if folder is not None:
        check_folder_writable(folder)
    stdout, name = LastingStream(settings.stdout), outputs.stdout_format
    console = open_console(cast(TextIO, stdout) if name == "text" else None)
    delivery = Delivery(outputs.files, name, stdout, console, outputs.detail)
    settings.leave_word = delivery.write_files
    return delivery


def is_same_file(path: Path, other: Path) -> bool:
    """Whether two names stand for one file, through links of either kind."""
    try:
        return follow_links(path) == follow_links(other) or (path.exists() and other.exists() and path.samefile(other))
    except (OSError, RuntimeError):  # a circle of links, or a folder that cannot be entered
        return False


def is_read_below(path: Path, folder: Path) -> bool:
    """Whether a file is there and may be a sample of a folder: anything but an earlier report."""
    try:
        inside = folder.is_dir() and path.exists() and follow_links(path).is_relative_to(follow_links(folder))
    except OSError:
        return False
    return inside and (find_kind(path) in READ or path.name in TABLES)


def is_data_of(path: Path, model: Path) -> bool:
    """Whether a file that is there holds external data of a model."""
    with contextlib.suppress(OSError, ValueError):
        if find_kind(model) in READ:  # samples, which have none
            return False
        if model.is_file() and path.exists() and follow_links(path).is_relative_to(follow_links(model.parent)):
            return any(is_same_file(path, model.parent / name) for name in read_locations(model))
    return False


def list_data_paths(*sources: str | Path | None) -> list[Path]:
    """The files or folders that sources of samples name, those of array names (`FILE.npz:x,y`) too."""
    found = []
    for source in sources:
        if source is not None:
            with contextlib.suppress(OnnxauditError, OSError, ValueError):
                path, names = parse_source(str(source))
                found.append(path)
                found += [path.parent / name for name in names if path.suffix.lower() == ".npy"]
    return found


def replace_stale(outputs: Outputs) -> None:
    """Put word that a run has begun where reports of earlier ones stand; after a kill none is taken for this run's.

    Raises:
        OutputError: a file cannot be written.
    """
    begun = ErrorDocument("the run that was to write this report has begun and not ended")
    for name, path in outputs.files.items():
        if path.is_file():
            write_atomically(path, render(begun, name).encode("utf-8"))


def save_triggers(report: ScanReport, folder: Path) -> None:
    """Write each trigger as `MODEL-HASH-label-N.npz` and as pictures.

    Raises:
        OutputError: a file cannot be written.
    """
    from onnxaudit.data.triggers import save_trigger
    from onnxaudit.report.pictures import draw_trigger

    _make_folder(folder)
    for finding in report.triggers:
        name = f"{Path(report.model.path).stem}-{report.model.sha256[:8]}-label-{finding.label}"
        save_trigger(finding.trigger, folder / f"{name}.npz")
        if not report.model.input.layout.is_image:
            continue
        for part, picture in draw_trigger(finding.trigger).items():
            write_atomically(folder / f"{name}-{part}.png", picture)


def save_pages(document: ScanDocument, folder: Path) -> None:
    """Write a page for each model, and `index.html`, which lists them by risk.

    Raises:
        OutputError: a file cannot be written.
    """
    from onnxaudit.report.html import render_folder

    _make_folder(folder)
    for name, page in render_folder(document).items():
        write_atomically(folder / name, page.encode("utf-8"))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be created: {error.strerror or error}") from error
