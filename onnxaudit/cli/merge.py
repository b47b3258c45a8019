"""`onnxaudit merge`: the parts of one run, scanned on several machines, as one run again."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from onnxaudit.cli.decisions import read_runs
from onnxaudit.cli.exits import ERROR, Settings, find_worst, list_codes
from onnxaudit.cli.options import Outputs, PolicyRequest
from onnxaudit.cli.output import open_delivery, save_pages
from onnxaudit.cli.policies import apply_today, find_policy
from onnxaudit.cli.values import read_shard
from onnxaudit.errors import UsageError
from onnxaudit.records import RunInfo, ScanDocument

SETTINGS = (
    *("--effort", "--profile", "--seed", "--detectors", "--output", "--input-size", "--quantize"),
    *("--range", "--mean", "--std", "--channel-order"),
)
_SHARD = re.compile(r"(?:--shard=)?(\d{1,6}/\d{1,6})")


def run_merge(
    runs: Sequence[Path], outputs: Outputs, request: PolicyRequest, pages: Path | None, settings: Settings
) -> int:
    """Join the reports of scans, decide by the policy, and write all formats; the exit code is a scan's."""
    delivery = open_delivery(outputs, settings, [*runs, request.file], folder=pages)
    joined = join([_read(run) for run in order(runs)], settings.arguments)
    models = [Path(report.model.path) for report in joined.reports]
    document = apply_today(joined, find_policy(request, models))
    delivery.tell(document)
    if pages is not None:
        save_pages(document, pages)
    delivery.deliver(document)
    return find_worst([*list_codes(document), *([ERROR] if document.failures or not document.reports else [])])


def join(documents: Sequence[ScanDocument], arguments: tuple[str, ...]) -> ScanDocument:
    """One document of several; it is as old as the oldest of them.

    Raises:
        UsageError: two of them speak of one model.
    """
    reports = tuple(report for document in documents for report in document.reports)
    failures = tuple(failure for document in documents for failure in document.failures)
    paths = Counter([*(report.model.path for report in reports), *(failure.path for failure in failures)])
    for path, count in paths.items():
        if count > 1:
            raise UsageError(f"{path} stands in two of the runs; give each part once")
    started = min((document.run.started for document in documents if document.run is not None), default=None)
    return ScanDocument(
        reports, failures, run=None if started is None else RunInfo(started=started, arguments=arguments)
    )


def order(runs: Sequence[Path]) -> list[Path]:
    """The parts in the order in which they were cut, where they say which they are.

    Raises:
        UsageError: one of them is missing or stands there twice, or they were cut in different ways.
    """
    for run in runs:
        if runs.count(run) > 1:
            raise UsageError(f"{run} is named twice; give each part once")
    documents = {run: _read(run) for run in runs}
    shards = {run: _find_shard(document) for run, document in documents.items()}
    known = {run: shard for run, shard in shards.items() if shard is not None}
    if not known:
        return list(runs)
    counts = {count for _, count in known.values()}
    if len(known) < len(runs) or len(counts) > 1:
        raise UsageError("these are not the parts of one run: they were cut with different --shard, or without")
    _check_settings(documents)
    _check_whole(documents)
    missing = sorted(set(range(1, counts.pop() + 1)) - {number for number, _ in known.values()})
    if missing:
        raise UsageError(
            f"part {', '.join(map(str, missing))} is missing; models of which nothing is known are not clean"
        )
    return sorted(known, key=lambda run: known[run])


def _read(run: Path) -> ScanDocument:
    document = read_runs(run)
    if not isinstance(document, ScanDocument):
        raise UsageError(f"{run} holds repairs; scans alone can be joined")
    return replace(document, gate=None)


def _check_settings(documents: Mapping[Path, ScanDocument]) -> None:
    """Refuse parts that were scanned in different ways; where files lie may differ between machines.

    Raises:
        UsageError: they were.
    """
    (first, wanted), *others = ((run, _list_settings(document)) for run, document in documents.items())
    for run, found in others:
        differing = [name for name in SETTINGS if found.get(name) != wanted.get(name)]
        if differing:
            raise UsageError(f"{first} and {run} were scanned with different {differing[0]}; scan all parts alike")


def _check_whole(documents: Mapping[Path, ScanDocument]) -> None:
    """Refuse parts of different lists: a file that was added meanwhile, or lies on one machine alone, moves the cuts.

    Raises:
        UsageError: a model might be in none of the parts.
    """
    (first, wanted), *others = ((run, one.run.whole) for run, one in documents.items() if one.run is not None)
    for run, whole in others:
        if whole != wanted:
            raise UsageError(
                f"{first} and {run} are parts of different lists of models, between which one may have been left out; "
                "scan the same files on all machines"
            )


def _list_settings(document: ScanDocument) -> dict[str, str]:
    """What the command line that made a document says of how it scans; the last of a name counts."""
    words = () if document.run is None else document.run.arguments
    found = {word.partition("=")[0]: word.partition("=")[2] for word in words if word.partition("=")[1]}
    return found | {name: value for name, value in pairwise(words) if name in SETTINGS}


def _find_shard(document: ScanDocument) -> tuple[int, int] | None:
    """Which part of a run a document is, as the command line that made it says."""
    words = () if document.run is None else document.run.arguments
    for before, word in zip(("", *words), words, strict=False):
        match = _SHARD.fullmatch(word)
        if match is not None and (before == "--shard" or word.startswith("--shard=")):
            return read_shard(match[1])
    return None
