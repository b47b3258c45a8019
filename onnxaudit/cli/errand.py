"""One model's scan within a run: from what is known of it to a worker's answer."""

import json
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from onnxaudit.cli.board import Board
from onnxaudit.cli.endings import complain, keep_scan
from onnxaudit.cli.exits import Settings, describe_error, report_error, report_problem
from onnxaudit.cli.isolation import Line, Needs, Task, allow_seconds, is_out_of_memory, leave_seconds, work_apart
from onnxaudit.cli.options import ProgressName, keep_given
from onnxaudit.cli.output import list_data_paths
from onnxaudit.cli.places import Places
from onnxaudit.cli.progress import report_progress
from onnxaudit.cli.project import Job
from onnxaudit.cli.recall import Recall, Recollection, Shelf, name_failure
from onnxaudit.detectors.registry import choose
from onnxaudit.errors import FetchError, ModelError, OnnxauditError, ShortOfMemoryError, WorkerError
from onnxaudit.gate.policy import Policy
from onnxaudit.isolation.worker import Ending
from onnxaudit.packages import require_all
from onnxaudit.records import Document, Event, OnEvent, ScanDocument, ScanFailure, ScanReport
from onnxaudit.stages import describe_event

Outcome = ScanReport | ScanFailure
UNIT, EVENT, SHORT, SETTLED = b"u", b"e", b"m", b"s"  # what a worker says aside begins with
EVERY = 0.1  # seconds between two events of one stage
MOST_OF_EVENT = 4096  # bytes
SOURCES = ("data", "evaluation")


@dataclass(frozen=True, kw_only=True)
class Crew:
    """What all scans of a run have in common.

    Attributes:
        policy: in force.
        progress: how it is told.
        together: whether several run at once, so that their events go to the board.
        settings: of the command.
        recollection: of earlier runs.
        place: of this one scan among several of its model, if there may be any: 0, or from 1 on where it helps.
    """

    policy: Policy
    progress: ProgressName
    together: bool
    settings: Settings
    recollection: Recollection
    place: int | None = None


class Errand:
    """One model's scan.

    Attributes:
        number: of the scan in the run, from 1 on.
        model: its file.
        name: what it is called: the file, or a copy of it.
        options: arguments of `scan`.
        earlier: the model's part of the cache, once it was looked for (`recall`).
        short: whether its worker said that the memory was too little.
        again: whether it is tried once more then, so that nothing is said of the first time.
        settled: whether its worker said that the file's bytes alone make it fail.
    """

    def __init__(self, number: int, job: Job, crew: Crew) -> None:
        """Nothing has begun."""
        self.number, self.model, self.name, self.options = number, job.model, job.name, job.options
        self.short, self.again, self.settled = False, False, False
        self._job, self._crew, self.earlier = job, crew, Recall()
        self._began = time.monotonic()

    def recall(self) -> Outcome | None:
        """What is known before anything is opened: of earlier runs, or that there is no file."""
        self._began = time.monotonic()
        if self._job.error is not None:
            return self.fail(FetchError(self._job.error))
        self.earlier = self._crew.recollection.open(self.model, self.options)
        known = self.earlier.find(self.model, self.options.get("data"))
        if isinstance(known, ScanFailure):
            known = name_failure(known, self.name)
            self._complain(known)
            return known
        return None if known is None else self._name(known)

    def begin(self, board: Board, memory: int | None, pin: Callable[[], None]) -> Task | Outcome:
        """What is known, what came of the scan in this process, or the worker that does it."""
        known = self.recall()
        return self.start(board, memory, pin) if known is None else known

    def start(self, board: Board, memory: int | None, pin: Callable[[], None]) -> Task | Outcome:
        """What came of the scan in this process, or the worker that does it; nothing is known of it (`recall`)."""
        crew, began, places = self._crew, self._began, Places(apart=self._crew.settings.apart)
        self.earlier.fill()
        place, options = places.find(self.model), place_sources(self.options, places) | keep_given(memory=memory)
        if self.name != str(self.model):
            places.call(place, self.name)

        def work(line: Line) -> ScanDocument:
            pin()
            return _scan(place, options, crew, line, self.earlier.scope, began=began)

        scope = self.earlier.scope
        needs = Needs(
            models=[self.model],
            data=list_data_paths(self.options.get("data")),
            files=[scope],
            seconds=allow_seconds(crew.policy.time_budget),
            memory=crew.policy.memory_limit,
            device=options.get("device", "auto"),
        )
        hear = _Ear(self, board, self.earlier)
        if crew.settings.apart:
            return Task(work, needs, crew.settings, places, hear)
        return self.conclude(work_apart(work, needs, crew.settings, places, hear))

    def finish(self, task: Task) -> Outcome:
        """What came of a worker that has ended."""
        try:
            return self.conclude(task.finish())
        except OnnxauditError as error:
            return self.fail(error)

    def fill(self) -> None:
        """Have at hand what other machines finished meanwhile."""
        self.earlier.fill()

    def interrupt(self, task: Task) -> Outcome:
        """How far a worker had come, which is ended here."""
        return self.conclude(task.interrupt())

    def decline(self) -> ScanFailure:
        """What is told of a model of which nothing is known when the run is interrupted."""
        return ScanFailure(self.name, "interrupted before anything was found out")

    def conclude(self, document: Document | Ending, *, lasting: bool = True) -> Outcome:
        """What a document, or its missing, comes to; a report is kept if it is `lasting`."""
        if isinstance(document, Ending):
            kept = keep_scan(document)
            if kept is None:
                return self.fail(complain(document, "before anything was found out"))
            report_problem(kept.reasons[0])
            return self._name(kept)
        if not isinstance(document, ScanDocument) or not (document.reports or document.failures):
            return self.fail(WorkerError("the worker process gave a report of something else"))
        if document.reports:
            report = name_report(document.reports[0], str(self.model))
            if lasting:
                self.earlier.keep(report)
            return self._name(report)
        failure = ScanFailure(self.name, document.failures[0].error)
        if not (self.short and self.again):
            self._complain(failure)
        if lasting and self.settled:
            self.earlier.keep_failure(failure, self.model)
        return failure

    def _complain(self, failure: ScanFailure) -> None:
        report_problem(failure.error if failure.path in failure.error else f"{self.name}: {failure.error}")

    def _name(self, report: ScanReport) -> ScanReport:
        origin, conversion = self._job.origin, self._job.conversion
        return replace(name_report(report, self.name), origin=origin, conversion=conversion)

    def fail(self, error: OnnxauditError) -> ScanFailure:
        """Say what went wrong; the run goes on."""
        report_error(error, self._crew.settings, where=self.name)
        return ScanFailure(self.name, describe_error(error))


class _Ear:
    """Hears what a worker says aside; what makes no sense is passed over."""

    def __init__(self, errand: Errand, board: Board, recall: Recall) -> None:
        self._errand, self._board, self._recall = errand, board, recall

    def __call__(self, content: bytes) -> None:
        """Keep a unit, or pass an event on."""
        kind, rest = content[:1], content[1:]
        if kind == UNIT:
            self._recall.take(rest)
        elif kind == SHORT:
            self._errand.short = True
        elif kind == SETTLED:
            self._errand.settled = True
        elif kind == EVENT and len(rest) <= MOST_OF_EVENT:
            event = _read_event(rest)
            if event is not None:
                self._board.hear(self._errand.number, event)


def _read_event(content: bytes) -> Event | None:
    try:
        stage, done, total, message = json.loads(content)
        event = Event(str(stage), int(done), int(total), str(message))
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None
    return event


def _send_events(line: Line) -> OnEvent:
    """Events go to the command's process in words: it does not import what knows detectors' names."""
    last: dict[str, float] = {}

    def send(event: Event) -> None:
        now = time.monotonic()
        if now - last.get(event.stage, 0.0) >= EVERY:
            last[event.stage] = now
            told = [event.stage, event.done, event.total, describe_event(event)]
            line.aside(EVENT + json.dumps(told).encode())

    return send


def _scan(
    model: Path, options: dict[str, Any], crew: Crew, line: Line, scope: Path | None, *, began: float
) -> ScanDocument:
    """The scan itself, where torch and onnxruntime may be; what is wrong with the model is no error of the run."""
    policy, settings = crew.policy, crew.settings
    detectors = load_detectors(policy)
    told: dict[str, Any] = {"on_partial": lambda report: line.keep(ScanDocument((report,)))}
    if scope is not None:
        told["shelf"] = Shelf(scope, lambda unit: line.aside(UNIT + unit), crew.place)
    try:
        check_domains(model, policy)
        with _open_progress(crew, line) as listen:
            from onnxaudit.pipeline import scan

            left = leave_seconds(policy.time_budget, began)
            given = {**options, **told, **detectors, **keep_given(time_budget=left)}
            return ScanDocument((scan(model, on_event=listen, **given),))
    except BrokenPipeError:
        raise
    except Exception as error:
        if settings.apart and is_out_of_memory(error):
            raise
        if settings.debug:
            traceback.print_exception(error)
        if isinstance(error, ShortOfMemoryError):
            line.aside(SHORT)
        if isinstance(error, ModelError) and error.settled and not _wanted_memory(error):
            line.aside(SETTLED)
        return ScanDocument((), (ScanFailure(str(model), describe_error(error)),))


def _wanted_memory(error: Exception) -> bool:
    """Whether what looks like the file's fault began with memory that was refused."""
    cause: BaseException | None = error
    while isinstance(cause, Exception):
        if is_out_of_memory(cause):
            return True
        cause = cause.__cause__
    return False


def _open_progress(crew: Crew, line: Line) -> AbstractContextManager[OnEvent]:
    return nullcontext(_send_events(line)) if crew.together else report_progress(crew.progress)


def answer_of(outcome: Outcome) -> str:
    """What came of a model, in a few words; an error was told before."""
    if isinstance(outcome, ScanFailure):
        return "error"
    return f"{outcome.verdict.value}, score {outcome.score:.2f}"


def name_report(report: ScanReport, name: str) -> ScanReport:
    """The report about the file of that name, which JSON may not have held (it need not be UTF-8)."""
    return replace(report, model=replace(report.model, path=name))


def place_sources(options: dict[str, Any], places: Places) -> dict[str, Any]:
    """The options, with samples that are found from any working folder."""
    return {key: places.find_source(value) if key in SOURCES else value for key, value in options.items()}


def load_detectors(policy: Policy) -> dict[str, Any]:
    """The detectors that are named, each of which can be loaded: else there is one error, not one a model."""
    if not policy.detectors:
        return {}
    require_all("scan")
    choose(policy.detectors)
    return {"detectors": policy.detectors}


def check_domains(model: Path, policy: Policy) -> None:
    """Refuse a model with operators that the policy does not accept."""
    if policy.domains is not None:
        from onnxaudit.gate import domains

        domains.check_domains(model, policy.domains)
