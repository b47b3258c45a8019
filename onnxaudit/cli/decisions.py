"""What was found before, looked at again without a scan: by another policy, for a waiver, beside an older run."""

import json
import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from onnxaudit.cli.exits import CLEAN, ERROR, Settings, find_worst, list_codes, report_problem
from onnxaudit.cli.options import Attesting, Outputs, PolicyRequest
from onnxaudit.cli.output import open_delivery
from onnxaudit.cli.policies import apply_today, find_policy
from onnxaudit.cli.report import read_report
from onnxaudit.errors import DataError, UsageError
from onnxaudit.files import write_atomically
from onnxaudit.findings.finding import Finding, find_all
from onnxaudit.gate.layers import PYPROJECT, read_policy_file
from onnxaudit.gate.policy import read_value
from onnxaudit.records import ErrorDocument, RepairDocument, ScanDocument, ScanReport
from onnxaudit.regular_files import read_regular
from onnxaudit.text import show_plainly

NEW = 1  # exit code of a comparison that has something new
SHORTEST = 8  # characters of a fingerprint's beginning
Runs = ScanDocument | RepairDocument
Key = tuple[str, str]  # the file of a model, and a fingerprint


def run_decide(run: Path, outputs: Outputs, request: PolicyRequest, attesting: Attesting, settings: Settings) -> int:
    """Decide by a policy on what a run found, write all formats, and state it anew; the run's date stays."""
    from onnxaudit.cli.attestation import open_attestation

    inputs = [run, request.file, attesting.sign_key]
    delivery = open_delivery(outputs, settings, inputs, attesting.files)
    document = read_runs(run)
    scans = [report if isinstance(report, ScanReport) else report.scan for report in document.reports]
    models = [Path(scan.model.path) for scan in scans]
    attest = open_attestation(attesting, models, settings, _find_date(document, run) if attesting.files else None)
    document = apply_today(document, find_policy(request, models))
    delivery.tell(document)
    delivery.deliver(document, lambda: attest(document))
    failed = isinstance(document, ScanDocument) and bool(document.failures)
    return find_worst([*list_codes(document), *([ERROR] if failed or not document.reports else [])])


def _find_date(document: Runs, run: Path) -> datetime:
    """When a run was: a statement made later is as old as what it states."""
    if document.run is None:
        raise UsageError(f"{run} does not tell when it was made, so nothing can be stated by it; scan the model again")
    try:
        moment = datetime.fromisoformat(document.run.started)
    except ValueError as error:
        raise DataError(f"{run} is damaged: {document.run.started!r} is no time") from error
    if moment.tzinfo is None:
        raise DataError(f"{run} is damaged: {document.run.started!r} names no time zone")
    return moment


def run_waive(fingerprint: str, run: Path, waiver: Mapping[str, str], into: Path | None, settings: Settings) -> int:
    """Write a waiver for a finding of a run: into a policy, or to stdout."""
    finding = _find(fingerprint, run)
    entry = {"fingerprint": finding.fingerprint, "model_sha256": finding.model.sha256, **waiver}
    read_value("waivers", [entry], "waiver")
    heading = "tool.onnxaudit.waivers" if into is not None and into.name == PYPROJECT else "waivers"
    lines = [f"# {finding.rule.id} {finding.rule.name}, {show_plainly(finding.place)}", f"[[{heading}]]"]
    table = "\n".join([*lines, *(f"{key} = {json.dumps(text, ensure_ascii=False)}" for key, text in entry.items())])
    if into is None:
        settings.stdout.write(f"{table}\n")
        return CLEAN
    try:
        before = read_regular(into).decode().rstrip("\n") + "\n\n" if into.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{into} cannot be read: {error}") from error
    content = f"{before}{table}\n"
    try:
        tomllib.loads(content)
    except ValueError as error:
        raise UsageError(f"{into} takes no further waiver: {error}") from error
    check = None if into.name == PYPROJECT else (_check_policy)
    write_atomically(into, content.encode(), check)
    settings.stdout.write(f"waived in {show_plainly(str(into))}: {finding.rule.id}, {show_plainly(finding.place)}\n")
    return CLEAN


def _check_policy(draft: Path) -> None:
    """Refuse a policy that could not be read back."""
    read_policy_file(draft)


def _find(fingerprint: str, run: Path) -> Finding:
    """The one finding of a run whose fingerprint begins so."""
    if len(fingerprint) < SHORTEST:
        raise UsageError(
            f"{fingerprint!r} is too short for a fingerprint; give its first {SHORTEST} characters or more"
        )
    document = read_runs(run)
    everything = [finding for report in document.reports for finding in find_all(report)]
    found = [one for one in everything if one.fingerprint.startswith(fingerprint.lower())]
    if not found:
        told = ", ".join(dict.fromkeys(one.fingerprint[:16] for one in everything)) or "none"
        raise UsageError(f"{run} has no finding {fingerprint}; it has {told}")
    if len({(one.fingerprint, one.model.sha256) for one in found}) > 1:
        raise UsageError(f"{run} has several findings {fingerprint}; give a report of one model")
    if isinstance(document, RepairDocument) or not found[0].rule.waivable:
        raise UsageError(
            f"{found[0].rule.id} is nobody's to waive: only a class that was found by a scan can be accepted"
        )
    return found[0]


def run_diff(old: Path, new: Path, settings: Settings) -> int:
    """Tell which findings are new, gone or there as before; the exit code tells whether any is new."""
    before, after = list_by_place(read_runs(old)), list_by_place(read_runs(new))
    fresh = [key for key in after if key not in before]
    for word, keys, found in (
        ("NEW", fresh, after),
        ("GONE", [key for key in before if key not in after], before),
        ("SAME", [key for key in after if key in before], after),
    ):
        for key in keys:
            one = found[key]
            line = f"{word:<5} {one.rule.id} {one.fingerprint[:16]} {one.model.path}: {one.message}"
            settings.stdout.write(show_plainly(line) + "\n")
    gone = sum(key not in after for key in before)
    failed = _count_failures(new)
    if failed:
        report_problem(f"{new}: {failed} of its models could not be scanned, so what is gone there is not known")
    settings.stdout.write(f"{len(fresh)} new, {gone} gone, {len(after) - len(fresh)} as before\n")
    return NEW if fresh else ERROR if failed else CLEAN


def _count_failures(run: Path) -> int:
    document = read_runs(run)
    return len(document.failures) if isinstance(document, ScanDocument) else 0


def list_by_place(run: Runs) -> dict[Key, Finding]:
    """The findings of a run, by the model's file and their fingerprint: a newer model has another hash.

    Files go by their names, and by their paths where two have one name.
    """
    reports = run.reports
    paths = [(report if isinstance(report, ScanReport) else report.scan).model.path for report in reports]
    alone = len({Path(path).name for path in paths}) == len(set(paths))
    found = (finding for report in reports for finding in find_all(report))
    return {(Path(one.model.path).name if alone else one.model.path, one.fingerprint): one for one in found}


def read_runs(run: Path) -> Runs:
    """The scans or repairs of a run.

    Raises:
        UsageError: it holds something else.
    """
    document = read_report(run)
    if isinstance(document, ErrorDocument):
        raise UsageError(f"{run} holds no results, but why there are none: {show_plainly(document.error)}")
    if not isinstance(document, ScanDocument | RepairDocument):
        raise UsageError(f"{run} holds no scan and no repair; give what `onnxaudit scan --json` wrote")
    return document
