"""The work of a command in a worker process: what it needs, what it may take, and what becomes of its end.

The command's own process reads options, checks and writes outputs, and decides by the policy. It parses no model and no
image: what it gets back is a document of ours, as JSON.
"""

import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from onnxaudit.cli.enclosure import is_inside
from onnxaudit.cli.exits import Settings, describe_error
from onnxaudit.cli.places import Places
from onnxaudit.detectors.registry import GROUP
from onnxaudit.errors import DataError, WorkerError
from onnxaudit.files import open_folder, put_in_place, stand_in
from onnxaudit.isolation import reach
from onnxaudit.isolation.box import Box
from onnxaudit.isolation.limits import Limits, measure_memory
from onnxaudit.isolation.worker import TICK, Ending, Tell, Worker
from onnxaudit.memory import keep_freed
from onnxaudit.records import Document, ErrorDocument, RepairDocument, ScanDocument
from onnxaudit.report.json import from_json, to_json

GRACE = 90.0  # seconds beyond a time budget: to import the libraries, to open the model, to end a step and write
SHORTEST = 1e-3  # seconds: a budget that is used up
LONGEST = 24 * 3600.0  # seconds without a time budget
INSPECTION = 600.0  # seconds
SHARE = 0.9  # of the machine's memory
MOST_IN_A_FILE = 4 * 2**30  # bytes: a repaired model with all that it can hold
MOST_FILES = 1024  # open at one time
PACKAGES = "PYTHONPATH"
OUT_OF_MEMORY = ("can't allocate memory", "bad allocation", "bad_alloc", "out of memory", "failed to allocate")


@dataclass(frozen=True)
class Line:
    """What the work has to say on the way.

    Attributes:
        keep: takes a document of what was found so far.
        aside: takes what the command's process is to hear at once.
    """

    keep: Callable[[Document], None]
    aside: Callable[[bytes], None]


Work = Callable[[Line], Document]


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a piece of work is given.

    Attributes:
        models: files with a graph; what external data they name belongs to them.
        data: files and folders of samples.
        files: others that are read.
        programs: others that are run, with what belongs to them.
        output: a model that is written; None for none.
        seconds: of wall clock.
        memory: bytes of data; None is most of the machine's.
        device: as in `--device`.
    """

    models: Sequence[Path] = ()
    data: Sequence[Path] = ()
    files: Sequence[Path | None] = field(default=())
    programs: Sequence[Path] = ()
    output: Path | None = None
    seconds: float = LONGEST
    memory: int | None = None
    device: str = "auto"


def allow_seconds(time_budget: float | None) -> float:
    """The wall clock of work that stops by itself once its budget is used up."""
    return LONGEST if time_budget is None else time_budget * 1.25 + GRACE


def leave_seconds(time_budget: float | None, began: float) -> float | None:
    """What is left of a budget that counts from `began`, on the clock of `time.monotonic`; the least there is, if none.

    Importing the libraries takes seconds, on a busy machine many.
    """
    return None if time_budget is None else max(SHORTEST, time_budget - (time.monotonic() - began))


def work_apart(
    work: Work,
    needs: Needs,
    settings: Settings,
    places: Places,
    on_aside: Callable[[bytes], None] | None = None,
) -> Document | Ending:
    """What `work` came to, or how its process ended before; in this process where that was asked for.

    Args:
        work: names files by `places`: its working folder is an empty one.
        needs: what it is given.
        settings: of the command.
        places: turn what the work says of files into what the user calls them.
        on_aside: is given what it says aside.

    Raises:
        WorkerError: what went wrong in the work itself, in its own words.
        OutputError: the model that it made cannot be put in its place.
    """
    if not settings.apart:
        return work(Line(keep=lambda _: None, aside=on_aside or (lambda _: None)))
    with Task(work, needs, settings, places, on_aside) as task:
        while not task.worker.listen(TICK):
            pass
        return task.finish()


class Task:
    """Work in a process of its own, which runs until it is asked for what it came to; arguments as for `work_apart`.

    What is left of it ends with the `with` block.
    """

    def __init__(
        self,
        work: Work,
        needs: Needs,
        settings: Settings,
        places: Places,
        on_aside: Callable[[bytes], None] | None = None,
    ) -> None:
        """Begin."""
        self._needs, self._places, self._stack = needs, places, ExitStack()
        with ExitStack() as stack:
            self._folders = _Folders.open(stack, needs.output)
            self.worker = _begin(lambda tell: _work(work, tell, settings), needs, self._folders, places, on_aside)
            stack.callback(self.worker.close)
            self._stack = stack.pop_all()

    def finish(self) -> Document | Ending:
        """What it came to, once its worker has ended.

        Raises:
            WorkerError: what went wrong in the work itself, in its own words.
            OutputError: the model that it made cannot be put in its place.
        """
        ending = _restore(self.worker.conclude(), self._places)
        if is_inside():
            ending = replace(ending, held=f"{ending.held}; in bubblewrap")
        document = ending if ending.result is None else _tell_isolation(read_document(ending.result), ending.held)
        folders, output = self._folders, self._needs.output
        if folders.draft is not None and folders.draft.exists() and not isinstance(document, Ending):
            assert output is not None
            put_in_place(folders.draft, output)
        return document

    def interrupt(self) -> Ending:
        """End it now; how far it had come."""
        return _restore(self.worker.interrupt(), self._places)

    def close(self) -> None:
        """Remove what is left of it."""
        with _shown_again():
            self._stack.close()

    def __enter__(self) -> Self:
        """The task, which runs."""
        return self

    def __exit__(self, *error: object) -> None:
        """Remove what is left of it."""
        self.close()


def ask_apart(question: Callable[[], bytes], needs: Needs, places: Places) -> Ending:
    """What a question comes to in a process of its own, where nothing is written."""
    with ExitStack() as stack:
        worker = _begin(lambda _: question(), needs, _Folders.open(stack, None), places)
        stack.callback(worker.close)
        while not worker.listen(TICK):
            pass
        return _restore(worker.conclude(), places)


def _begin(
    work: Callable[[Tell], bytes],
    needs: Needs,
    folders: "_Folders",
    places: Places,
    on_aside: Callable[[bytes], None] | None = None,
) -> Worker:
    def within(tell: Tell) -> bytes:
        keep_freed()
        folders.use(places)
        return work(tell)

    return Worker(within, _make_box(needs, folders).shut, needs.seconds, on_aside)


def _restore(ending: Ending, places: Places) -> Ending:
    """What was told, with the files as the user names them."""
    told = [None if one is None else places.restore(one) for one in (ending.result, ending.partial)]
    return replace(ending, result=told[0], partial=told[1])


@dataclass(frozen=True, kw_only=True)
class _Folders:
    """Where a worker may write: an empty folder of its own, and a draft beside the output."""

    own: Path | None
    draft: Path | None
    output: Path | None

    @classmethod
    def open(cls, stack: ExitStack, output: Path | None) -> "_Folders":
        try:
            own = stack.enter_context(open_folder(Path(tempfile.gettempdir())))
        except OSError:  # nothing can be written here; most work needs nothing
            own = None
        if output is None:
            return cls(own=own, draft=None, output=None)
        beside = stack.enter_context(open_folder(output.resolve().parent))
        return cls(own=own, draft=beside / "draft", output=output)

    def use(self, places: Places) -> None:
        """Work there, and have all that this process writes written there."""
        if PACKAGES in os.environ:  # for a process that this one starts
            os.environ[PACKAGES] = os.pathsep.join(map(os.path.abspath, os.environ[PACKAGES].split(os.pathsep)))
        os.chdir(self.own or "/")
        if self.own is not None:
            os.environ["TMPDIR"] = tempfile.tempdir = str(self.own)
        if self.draft is not None and self.output is not None:
            stand_in(places.find(self.output), self.draft)

    def list(self) -> tuple[Path, ...]:
        """Those that there are."""
        return tuple(one for one in (self.own, self.draft and self.draft.parent) if one is not None)


def _make_box(needs: Needs, folders: _Folders) -> Box:
    accelerators = needs.device != "cpu"
    total = measure_memory()
    return Box(
        limits=Limits(
            memory=needs.memory or (None if total is None else int(SHARE * total)),
            cpu=int(needs.seconds * (os.cpu_count() or 1)),
            file_size=MOST_IN_A_FILE,
            files=MOST_FILES,
        ),
        read=(
            *reach.list_tables(),
            *(file for model in needs.models for file in reach.list_model_files(model)),
            *(file for source in needs.data for file in reach.list_data_files(source)),
            *(file for file in needs.files if file is not None),
        ),
        run=(*reach.list_programs(GROUP, os.environ.get(reach.LIBRARY_FOLDERS, "")), *needs.programs),
        write=(*folders.list(), Path(reach.SHARED_MEMORY)),
        devices=reach.list_devices(accelerators=accelerators),
        services=accelerators and reach.has_accelerators(),
    )


def _work(work: Work, tell: Tell, settings: Settings) -> bytes:
    """The result of the worker, in it: a document in any case, but where memory was refused."""
    try:
        document = work(Line(keep=lambda partial: tell(to_json(partial).encode()), aside=tell.aside))
    except Exception as error:
        if settings.debug:
            traceback.print_exception(error)
        if is_out_of_memory(error):
            raise MemoryError from error
        document = ErrorDocument(describe_error(error))
    return to_json(document).encode()


def is_out_of_memory(error: Exception) -> bool:
    """Whether the system, or its limit, refused memory: PyTorch and onnxruntime have their own words for that."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(sign in words for sign in OUT_OF_MEMORY)
    )


def _tell_isolation(document: Document, held: str) -> Document:
    """The document, in which each report says what held the worker."""
    if isinstance(document, ScanDocument):
        return replace(document, reports=tuple(replace(one, isolation=held) for one in document.reports))
    if isinstance(document, RepairDocument):
        return replace(document, reports=tuple(replace(one, isolation=held) for one in document.reports))
    return document


def read_document(result: bytes) -> Document:
    """The document that a worker gave.

    Raises:
        WorkerError: it is none, or says what went wrong in the work itself.
    """
    try:
        document = from_json(result)
    except DataError as error:
        raise WorkerError(f"the worker process gave a report that cannot be read: {error}") from error
    if isinstance(document, ErrorDocument):
        raise WorkerError(document.error)
    return document


@contextmanager
def _shown_again() -> Iterator[None]:
    """The cursor of a terminal, which a live display hides and a crash leaves so."""
    try:
        yield
    finally:
        if sys.stderr.isatty():
            sys.stderr.write("\x1b[?25h")
            sys.stderr.flush()
