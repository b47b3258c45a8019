"""What the commands do once their options are read: check, run, show, write, and give the exit code.

What opens a stranger's file is done in a worker process (`cli/isolation.py`); only there are torch and onnxruntime
imported.
"""

import hashlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from onnxaudit.cache.folder import Cache
from onnxaudit.cli.attestation import open_attestation
from onnxaudit.cli.endings import complain, keep_repair
from onnxaudit.cli.errand import check_domains, load_detectors, name_report, place_sources
from onnxaudit.cli.exits import CLEAN, Settings, find_worst, list_codes, report_notice, report_problem
from onnxaudit.cli.isolation import Line, Needs, allow_seconds, leave_seconds, work_apart
from onnxaudit.cli.options import PolicyRequest, RepairAttesting, Repairing, RunOutputs, keep_given
from onnxaudit.cli.output import list_data_paths, open_delivery
from onnxaudit.cli.places import Places
from onnxaudit.cli.policies import decide, find_policy, settle_limits
from onnxaudit.cli.progress import report_progress
from onnxaudit.cli.project import Job
from onnxaudit.cli.recall import Recollection, Shelf
from onnxaudit.cli.report import read_report
from onnxaudit.errors import UsageError
from onnxaudit.gate.policy import Policy
from onnxaudit.isolation.worker import Ending
from onnxaudit.records import ProfileDocument, RepairDocument, RepairReport, ScanDocument, ScanReport
from onnxaudit.regular_files import open_regular


def run_repair(
    job: Job,
    options: dict[str, Any],
    *,
    repairing: Repairing,
    outputs: RunOutputs,
    request: PolicyRequest,
    attesting: RepairAttesting,
    cache: Cache | None,
    settings: Settings,
) -> int:
    """Repair one model; `options` are arguments of `repair`. What the policy limits goes before the defaults."""
    model, options, began = job.model, dict(options), time.monotonic()
    data, output = options.pop("data"), options.pop("output")
    sources = list_data_paths(data, repairing.evaluation)
    inputs = [model, repairing.scan, repairing.known_trigger, request.file, attesting.sign_key, *sources]
    delivery = open_delivery(outputs, settings, inputs, further=[output, *attesting.files])
    attest = open_attestation(attesting, [model], settings, named={job.name: model})
    effective = find_policy(request, [model], [data])
    settle_limits(effective, settings)
    policy, places = effective.policy, Places(apart=settings.apart)
    recollection = Recollection(cache, policy)
    recall = recollection.open(model, {"data": data, **options})
    recall.fill()
    named = (places.find(model), places.find_source(data), places.find(output))
    if job.name != str(model):
        places.call(named[0], job.name)
    asked, placed = _place_files(repairing, places), place_sources(options, places)

    def work(line: Line) -> RepairDocument:
        told = {**placed, "on_partial": lambda report: line.keep(RepairDocument((report,)))}
        if recall.scope is not None:
            told["shelf"] = Shelf(recall.scope, line.aside)
        return _repair(*named, repairing=asked, options=told, policy=policy, outputs=outputs, began=began)

    needs = Needs(
        models=[model],
        data=sources,
        files=[repairing.scan, repairing.known_trigger, recall.scope],
        output=output,
        seconds=allow_seconds(policy.time_budget),
        memory=policy.memory_limit,
        device=options.get("device", "auto"),
    )
    try:
        repaired = work_apart(work, needs, settings, places, recall.take)
    except KeyboardInterrupt:
        report_notice(f"interrupted; for its scans: {recollection.tell_how_to_go_on()}")
        raise
    recollection.trim()
    if isinstance(repaired, Ending):
        kept = keep_repair(repaired)
        if kept is None:
            raise complain(repaired, f"before {job.name} was scanned, so that nothing was written")
        report_problem(kept.reasons[0])
        repaired = RepairDocument((kept,))
    assert isinstance(repaired, RepairDocument)
    named_again = tuple(_name_repaired(report, job, output) for report in repaired.reports)
    document = decide(replace(repaired, reports=named_again), effective, settings)
    delivery.tell(document)
    delivery.deliver(document, lambda: attest(document))
    return find_worst(list_codes(document))


def run_profile(
    model: Path, data: str, trigger_file: Path, *, options: dict[str, Any], outputs: RunOutputs, settings: Settings
) -> int:
    """Rank the neurons of one model's target layer."""
    delivery = open_delivery(outputs, settings, [model, trigger_file, *list_data_paths(data)])
    places = Places(apart=settings.apart)
    subject, trigger_place = (places.find(model), places.find_source(data)), places.find(trigger_file)

    def work(line: Line) -> ProfileDocument:
        del line
        with report_progress(outputs.progress_name) as listen:
            from onnxaudit.data.triggers import load_trigger
            from onnxaudit.pipeline import profile

            return ProfileDocument(profile(*subject, load_trigger(trigger_place), on_event=listen, **options))

    needs = Needs(
        models=[model], data=list_data_paths(data), files=[trigger_file], device=options.get("device", "auto")
    )
    document = work_apart(work, needs, settings, places)
    if isinstance(document, Ending):
        raise complain(document, f"while it read {model}")
    delivery.tell(document)
    delivery.deliver(document)
    return CLEAN


def _name_repaired(report: RepairReport, job: Job, output: Path) -> RepairReport:
    """The report with the names of files that the user gave, and what became of the model before."""
    written = None if report.output is None else str(output)
    scan = replace(name_report(report.scan, job.name), origin=job.origin, conversion=job.conversion)
    return replace(report, scan=scan, output=written)


def _place_files(repairing: Repairing, places: Places) -> Repairing:
    """What was asked for, with files that are found from any working folder."""
    scan, trigger = (None if path is None else places.find(path) for path in (repairing.scan, repairing.known_trigger))
    return replace(repairing, scan=scan, known_trigger=trigger)


def _repair(
    model: Path,
    data: str,
    output: Path,
    *,
    repairing: Repairing,
    options: dict[str, Any],
    policy: Policy,
    outputs: RunOutputs,
    began: float,
) -> RepairDocument:
    """The repair itself; what the policy limits goes before the defaults."""
    check_domains(model, policy)
    named = load_detectors(policy)
    limits = keep_given(min_agreement=policy.min_agreement, max_success=policy.max_success)
    with report_progress(outputs.progress_name) as listen:
        from onnxaudit.data.triggers import load_trigger
        from onnxaudit.pipeline import DetectionConfig, PruningConfig, RepairConfig, ScanConfig, repair

        scanning: dict[str, Any] = {"scan": ScanConfig(detection=DetectionConfig(**named))} if named else {}
        report = repair(
            model,
            data,
            output,
            RepairConfig(
                **repairing.config,
                pruning=PruningConfig(**repairing.pruning, **limits),
                **keep_given(max_reactivation=policy.max_reactivation),
                **scanning,
            ),
            scan=None if repairing.scan is None else _read_scan(repairing.scan, model),
            known_trigger=None if repairing.known_trigger is None else load_trigger(repairing.known_trigger),
            on_event=listen,
            **options,
            **keep_given(time_budget=leave_seconds(policy.time_budget, began)),
        )
    return RepairDocument((report,))


def _read_scan(path: Path, model: Path) -> ScanReport:
    """The report in `path` that speaks of `model`, or the only one: `repair` refuses another model's."""
    document = read_report(path)
    if not isinstance(document, ScanDocument) or not document.reports:
        raise UsageError(f"{path} holds no scan report; give what `onnxaudit scan --json` wrote")
    if len(document.reports) == 1:
        return document.reports[0]
    digest = _hash(model)
    for report in document.reports:
        if report.model.sha256 == digest:
            return report
    raise UsageError(f"{path} holds {len(document.reports)} scan reports, and none is of {model}; scan it first")


def _hash(path: Path) -> str | None:
    """SHA-256 of a file; None where it cannot be read, which is reported better by those who need its content."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
