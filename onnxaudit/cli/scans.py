"""`scan`: check what is asked for, scan each model, show, write, decide, and give the exit code.

What opens a stranger's file is done in worker processes (`cli/errand.py`); only there are torch and onnxruntime
imported.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from onnxaudit.cache.folder import Cache
from onnxaudit.cli.attestation import open_attestation
from onnxaudit.cli.baseline import accept_known, check_baseline
from onnxaudit.cli.board import AnnouncingBoard, Board, open_board
from onnxaudit.cli.cache import open_user_cache
from onnxaudit.cli.errand import Crew, Errand, Outcome
from onnxaudit.cli.exits import ERROR, INTERRUPTED, Settings, find_worst, list_codes, report_notice
from onnxaudit.cli.fleet import Fleet, Room
from onnxaudit.cli.options import Attesting, Caching, Fetching
from onnxaudit.cli.output import list_data_paths, open_delivery, save_pages, save_triggers
from onnxaudit.cli.plan import Plan
from onnxaudit.cli.policies import decide, find_policy, settle_limits
from onnxaudit.cli.recall import Recollection
from onnxaudit.cli.remote import bring_models
from onnxaudit.errors import UsageError
from onnxaudit.files import check_folder_writable
from onnxaudit.memory import measure_free
from onnxaudit.records import ScanDocument, ScanFailure, ScanReport, Verdict

if TYPE_CHECKING:  # at run time only what an engine needs is imported
    from onnxaudit.cli.cluster.fleet import ClusterFleet

NO_WISH = Fetching()
SHARE = 0.6  # of what is free, where nothing was said


def run_scan(
    plan: Plan, attesting: Attesting, caching: Caching, settings: Settings, fetching: Fetching = NO_WISH
) -> int:
    """Bring the models here that lie elsewhere, and scan each; one that fails does not stop the rest."""
    silent = plan.outputs.progress_name in ("none", "jsonl")
    with (
        bring_models(plan.jobs, fetching, settings, silent=silent) as jobs,
        open_user_cache(caching, settings) as cache,
    ):
        return _scan_here(replace(plan, jobs=jobs), attesting, cache, settings)


def _scan_here(plan: Plan, attesting: Attesting, cache: Cache | None, settings: Settings) -> int:
    models, outputs, triggers = plan.models, plan.outputs, plan.triggers
    if attesting.files and plan.quantizes:
        raise UsageError(
            "--attest, --bom and --vex state what was found of a file, not of its copies; leave out --quantize"
        )
    plan = plan.with_copies()
    inputs = [*models, *plan.files, attesting.sign_key, *list_data_paths(*plan.sources)]
    delivery = open_delivery(outputs, settings, inputs, attesting.files, folder=triggers)
    if plan.pages is not None:
        check_folder_writable(plan.pages)
    attest = open_attestation(attesting, models, settings, named={job.name: job.model for job in plan.jobs})
    effective = find_policy(plan.request, models, plan.sources)
    check_baseline(plan.baseline, effective)
    settle_limits(effective, settings)
    crew = Crew(
        policy=effective.policy,
        progress=outputs.progress_name,
        together=_count_jobs(plan, settings) > 1 or plan.spread.engine != "local",
        settings=settings,
        recollection=Recollection(cache, effective.policy),
    )
    results = Results(len(plan.jobs), triggers)
    for report in results.collect(plan, crew):
        delivery.tell(ScanDocument((report,)))
    document = accept_known(decide(results.document, effective, settings, plan.whole), plan.baseline)
    delivery.compare(document)
    if document.reports:
        delivery.tell(ScanDocument((), gate=document.gate))
    if plan.pages is not None:
        save_pages(document, plan.pages)
    if results.interrupted:
        delivery.deliver(document)
        settings.told = True
        return INTERRUPTED
    if len(plan.jobs) > 1 and crew.progress not in ("none", "jsonl"):
        report_notice(summarize_run(document))
    delivery.deliver(document, lambda: attest(document))
    return find_worst([*list_codes(document), *(ERROR for _ in document.failures)])


def summarize_run(document: ScanDocument) -> str:
    """How many models there were and what they came to, in one line that names those which could not be scanned."""
    answers = [report.verdict.value for report in document.reports]
    counts = [f"{answers.count(one.value)} {one.value}" for one in Verdict if one.value in answers]
    failed = ", ".join(failure.path for failure in document.failures)
    named = [f"{len(document.failures)} could not be scanned: {failed}"] if failed else []
    return f"{len(answers) + len(document.failures)} models: {'; '.join([*counts, *named])}"


class Results:
    """What came of the models of a run, in their order.

    Attributes:
        interrupted: whether the run was.
    """

    def __init__(self, count: int, triggers: Path | None) -> None:
        """Nothing has come yet; trigger files go into the folder `triggers`."""
        self._outcomes: list[Outcome | None] = [None] * count
        self._triggers, self.interrupted = triggers, False

    @property
    def document(self) -> ScanDocument:
        """All of it."""
        reports = tuple(one for one in self._outcomes if isinstance(one, ScanReport))
        return ScanDocument(reports, tuple(one for one in self._outcomes if isinstance(one, ScanFailure)))

    def collect(self, plan: Plan, crew: Crew) -> Iterator[ScanReport]:
        """Scan; each report once it is there, of several at once all reports at the end.

        Raises:
            KeyboardInterrupt: the run was interrupted before anything was known.
        """
        errands = [Errand(number, job, crew) for number, job in enumerate(plan.jobs, start=1)]
        with (
            _open_board(len(errands), crew) as board,
            closing(_make_fleet(errands, plan, crew, board)) as fleet,
        ):
            try:
                for errand, outcome in fleet.run():
                    self._take(errand, outcome, crew)
                    if isinstance(outcome, ScanReport) and not crew.together:
                        yield outcome
            except KeyboardInterrupt:
                for errand, outcome in fleet.interrupt():
                    self._take(errand, outcome, crew)
                self._conclude_early(errands, crew)
        if crew.together or self.interrupted:
            yield from (one for one in self._outcomes if isinstance(one, ScanReport))

    def _take(self, errand: Errand, outcome: Outcome, crew: Crew) -> None:
        self._outcomes[errand.number - 1] = outcome
        crew.recollection.trim()
        if isinstance(outcome, ScanReport) and self._triggers is not None:
            save_triggers(outcome, self._triggers)

    def _conclude_early(self, errands: Sequence[Errand], crew: Crew) -> None:
        report_notice(f"interrupted; {crew.recollection.tell_how_to_go_on()}")
        self.interrupted = True
        for errand in errands:
            self._outcomes[errand.number - 1] = self._outcomes[errand.number - 1] or errand.decline()
        if not self.document.reports:
            raise KeyboardInterrupt


def _make_fleet(errands: Sequence[Errand], plan: Plan, crew: Crew, board: Board) -> "Fleet | ClusterFleet":
    if plan.spread.engine == "local":
        jobs = _count_jobs(plan, crew.settings)
        return Fleet(errands, _find_room(plan, jobs), board)
    from onnxaudit.cli.cluster.fleet import ClusterFleet
    from onnxaudit.cli.cluster.ray_engine import RayEngine

    if crew.recollection.shared is not None:
        crew.recollection.shared.begin()  # a fork beside the engine's threads may hang, and would inherit its sockets
    return ClusterFleet(errands, RayEngine(plan.spread.address), board, crew, jobs=plan.spread.jobs)


def _count_jobs(plan: Plan, settings: Settings) -> int:
    """So many scans at once on this machine."""
    return min(plan.spread.jobs or 1, len(plan.jobs)) if settings.apart else 1


@contextmanager
def _open_board(count: int, crew: Crew) -> Iterator[Board]:
    if not crew.together:
        yield AnnouncingBoard(count, crew.progress)
        return
    with open_board(count, crew.progress) as board:
        yield board


def _find_room(plan: Plan, jobs: int) -> Room:
    """The memory that was given, or most of what is free, for all jobs together."""
    given = [job.options["memory"] for job in plan.jobs if "memory" in job.options]
    free = measure_free()
    return Room(jobs=jobs, memory=min(given) if given else None if free is None else int(SHARE * free))
