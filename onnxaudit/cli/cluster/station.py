"""Scans on a machine of a cluster, in a process that has nothing of the engine: no socket, no thread, no secret.

    python -m onnxaudit.cli.cluster.station PARENT

Orders come on stdin and answers go to stdout, as JSON. As on the user's machine, the files of each model are opened in
a worker process of their own.
"""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from onnxaudit.cache.folder import Cache, open_cache
from onnxaudit.cache.store import is_url
from onnxaudit.cli.app import keep_to_ourselves
from onnxaudit.cli.board import SilentBoard
from onnxaudit.cli.cache import open_store
from onnxaudit.cli.cluster.job import Answer, Job, check_made, read_order, write
from onnxaudit.cli.cluster.parcel import place_source
from onnxaudit.cli.cluster.rendezvous import StrayError, meet
from onnxaudit.cli.errand import Crew, Errand, Outcome
from onnxaudit.cli.exits import Settings
from onnxaudit.cli.isolation import Task
from onnxaudit.cli.places import Places
from onnxaudit.cli.project import Job as Scanned
from onnxaudit.cli.recall import Recollection, describe_machine
from onnxaudit.errors import OnnxauditError, WorkerError
from onnxaudit.isolation.frame import receive, send
from onnxaudit.isolation.limits import die_with
from onnxaudit.isolation.worker import TICK, withhold
from onnxaudit.records import ScanDocument, ScanFailure, ScanReport
from onnxaudit.report.json import to_json

EVERY = 5.0  # seconds between two looks at what others put into a store


def main(arguments: Sequence[str]) -> int:
    """Do jobs until no more come; the exit code is 0 unless one has no answer."""
    (parent,) = arguments
    die_with(int(parent))
    keep_to_ourselves()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    all_cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set[int]()
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers, ExitStack() as stack:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries say is no part of it
        withhold(answers.fileno())
        caches = Caches(stack)
        while (told := receive(sys.stdin.buffer)) is not None:
            order = read_order(told)
            if all_cores:
                os.sched_setaffinity(0, order.cores or all_cores)
            try:
                send(answers, write(do(order.job, [Path(one) for one in order.folders], caches)))
            except WorkerError as error:
                sys.exit(str(error))  # the last words, which whoever asked passes on
    return 0


class Caches:
    """The caches that jobs name; each is opened once, and what talks to a store is begun then."""

    def __init__(self, stack: ExitStack) -> None:
        """None is open; they are closed with the stack."""
        self._stack, self._opened, self._notices = stack, dict[str, Cache](), list[str]()

    def open(self, job: Job) -> Cache | None:
        """The one that a job names; None where it names none, or one that cannot be used here, which costs no scan."""
        if job.cache is None:
            return None
        try:
            return self._open(job, job.cache)
        except OnnxauditError as error:
            self._notices.append(f"more is computed, for want of a cache: {error}")
            return None

    def take_notices(self) -> tuple[str, ...]:
        """What there was to say of caches since this was asked last."""
        taken, self._notices[:] = tuple(self._notices), ()
        return taken

    def _open(self, job: Job, place: str) -> Cache:
        is_new = place not in self._opened
        if is_new:
            self._opened[place] = self._begin(job, place)
        if is_new or is_url(place):  # a folder takes longer, and once is enough where it is this machine's own
            self._opened[place].trim()
        return self._opened[place]

    def _begin(self, job: Job, place: str) -> Cache:
        if not is_url(place):
            return open_cache(Path(place), job.cache_limit)
        settings = Settings(apart=job.apart)
        return self._stack.enter_context(open_store(place, job.cache_limit, settings, complain=self._notices.append))


def do(job: Job, folders: Sequence[Path], caches: Caches) -> Answer:
    """Scan; the answer names files as the user does.

    Args:
        job: what is to be done.
        folders: the unpacked parcels: of the model, and of each source of samples.
        caches: those that were opened.

    Raises:
        WorkerError: this machine would not find what the one that asks would.
    """
    check_made(job.made)
    names, model = Places(apart=True), folders[0] / job.file
    names.call(model, job.model)
    options = job.read_options()
    for (name, source), folder in zip(job.sources.items(), folders[1:], strict=True):
        options[name] = place_source(source, folder)
        names.call(Path(options[name]), source)
    errand = Errand(1, Scanned(model=model, options=options), _make_crew(job, caches.open(job)))
    try:
        outcome, stray = _carry_out(errand, job), False
    except StrayError:
        outcome, stray = errand.decline(), True
    document = ScanDocument((outcome,)) if isinstance(outcome, ScanReport) else ScanDocument((), (outcome,))
    told = names.restore(to_json(document).encode()).decode()
    return Answer(
        document=told,
        short=errand.short,
        settled=errand.settled,
        machine=describe_machine(),
        notices=caches.take_notices(),
        stray=stray,
    )


def _make_crew(job: Job, cache: Cache | None) -> Crew:
    policy = job.read_policy()
    settings = Settings(debug=job.debug, apart=job.apart)
    recollection = Recollection(cache, policy)
    return Crew(
        policy=policy,
        progress="none",
        together=True,
        settings=settings,
        recollection=recollection,
        place=None if cache is None else job.place,
    )


def _carry_out(errand: Errand, job: Job) -> Outcome:
    try:
        known = errand.recall()
        if known is not None:
            return known
        with meet(errand.earlier, job):
            begun = errand.start(SilentBoard(), job.memory, lambda: None)
            if isinstance(begun, ScanReport | ScanFailure):
                return begun
            return _await(errand, begun, shared=job.cache is not None)
    except OnnxauditError as error:
        return errand.fail(error)


def _await(errand: Errand, begun: Task, *, shared: bool) -> Outcome:
    look = time.monotonic() + EVERY
    with begun as task:
        while not task.worker.listen(TICK):
            if shared and time.monotonic() >= look:
                errand.fill()
                look = time.monotonic() + EVERY
        return errand.finish(task)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
