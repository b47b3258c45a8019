"""What the commands do once their options are read: check, run, show, write, and give the exit code.

What opens a stranger's file is done in a worker process (`cli/isolation.py`); only there are torch and onnxruntime
imported.
"""

import hashlib
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from onnxaudit.cli.attestation import open_attestation
from onnxaudit.cli.baseline import accept_known, check_baseline
from onnxaudit.cli.exits import (
    CLEAN,
    ERROR,
    Settings,
    describe_error,
    find_worst,
    list_codes,
    report_error,
    report_problem,
)
from onnxaudit.cli.isolation import (
    Keep,
    Needs,
    allow_seconds,
    complain,
    is_out_of_memory,
    keep_repair,
    keep_scan,
    leave_seconds,
    work_apart,
)
from onnxaudit.cli.options import (
    Attesting,
    PolicyRequest,
    ProgressName,
    RepairAttesting,
    Repairing,
    RunOutputs,
    keep_given,
)
from onnxaudit.cli.output import list_data_paths, open_delivery, save_triggers
from onnxaudit.cli.places import Places
from onnxaudit.cli.plan import Plan
from onnxaudit.cli.policies import decide, find_policy, settle_limits
from onnxaudit.cli.progress import announce, report_progress
from onnxaudit.cli.report import read_report
from onnxaudit.detectors.registry import choose
from onnxaudit.errors import UsageError
from onnxaudit.gate.policy import Policy
from onnxaudit.isolation.worker import Ending
from onnxaudit.records import ProfileDocument, RepairDocument, RepairReport, ScanDocument, ScanFailure, ScanReport
from onnxaudit.regular_files import open_regular

SOURCES = ("data", "evaluation")


def run_scan(plan: Plan, attesting: Attesting, settings: Settings) -> int:
    """Scan each model; one that fails does not stop the rest."""
    models, outputs, triggers = plan.models, plan.outputs, plan.triggers
    inputs = [*models, *plan.files, attesting.sign_key, *list_data_paths(*plan.sources)]
    delivery = open_delivery(outputs, settings, inputs, attesting.files, folder=triggers)
    attest = open_attestation(attesting, models, settings)
    effective = find_policy(plan.request, models, plan.sources)
    check_baseline(plan.baseline, effective)
    settle_limits(effective, settings)
    reports: list[ScanReport] = []
    failures: list[ScanFailure] = []
    for number, job in enumerate(plan.jobs, start=1):
        if len(models) > 1:
            announce(str(job.model), number, len(models), outputs.progress_name)
        outcome = _scan_one(job.model, job.options, effective.policy, outputs.progress_name, settings)
        if isinstance(outcome, ScanFailure):
            failures.append(outcome)
            continue
        reports.append(outcome)
        delivery.tell(ScanDocument((outcome,)))
        if triggers is not None:
            save_triggers(outcome, triggers)
    document = accept_known(decide(ScanDocument(tuple(reports), tuple(failures)), effective, settings), plan.baseline)
    if reports:
        delivery.tell(ScanDocument((), gate=document.gate))
    delivery.deliver(document, lambda: attest(document))
    return find_worst([*list_codes(document), *(ERROR for _ in failures)])


def run_repair(
    model: Path,
    options: dict[str, Any],
    *,
    repairing: Repairing,
    outputs: RunOutputs,
    request: PolicyRequest,
    attesting: RepairAttesting,
    settings: Settings,
) -> int:
    """Repair one model; `options` are arguments of `repair`. What the policy limits goes before the defaults."""
    options, began = dict(options), time.monotonic()
    data, output = options.pop("data"), options.pop("output")
    sources = list_data_paths(data, repairing.evaluation)
    inputs = [model, repairing.scan, repairing.known_trigger, request.file, attesting.sign_key, *sources]
    delivery = open_delivery(outputs, settings, inputs, further=[output, *attesting.files])
    attest = open_attestation(attesting, [model], settings)
    effective = find_policy(request, [model], [data])
    settle_limits(effective, settings)
    policy, places = effective.policy, Places(apart=settings.apart)
    named = (places.find(model), places.find_source(data), places.find(output))
    asked, placed = _place_files(repairing, places), _place_sources(options, places)

    def work(keep: Keep) -> RepairDocument:
        told = {**placed, "on_partial": lambda report: keep(RepairDocument((report,)))}
        return _repair(*named, repairing=asked, options=told, policy=policy, outputs=outputs, began=began)

    needs = Needs(
        models=[model],
        data=sources,
        files=[repairing.scan, repairing.known_trigger],
        output=output,
        seconds=allow_seconds(policy.time_budget),
        memory=policy.memory_limit,
        device=options.get("device", "auto"),
    )
    repaired = work_apart(work, needs, settings, places)
    if isinstance(repaired, Ending):
        kept = keep_repair(repaired)
        if kept is None:
            raise complain(repaired, f"before {model} was scanned, so that nothing was written")
        report_problem(kept.reasons[0])
        repaired = RepairDocument((kept,))
    assert isinstance(repaired, RepairDocument)
    named_again = tuple(_name_repaired(report, model, output) for report in repaired.reports)
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

    def work(keep: Keep) -> ProfileDocument:
        del keep
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


def _scan_one(
    model: Path, options: dict[str, Any], policy: Policy, progress: ProgressName, settings: Settings
) -> ScanReport | ScanFailure:
    places, began = Places(apart=settings.apart), time.monotonic()
    place, placed = places.find(model), _place_sources(options, places)

    def work(keep: Keep) -> ScanDocument:
        told = {**placed, "on_partial": lambda report: keep(ScanDocument((report,)))}
        return _scan(place, told, policy, progress, settings, began=began)

    needs = Needs(
        models=[model],
        data=list_data_paths(options.get("data")),
        seconds=allow_seconds(policy.time_budget),
        memory=policy.memory_limit,
        device=options.get("device", "auto"),
    )
    document = work_apart(work, needs, settings, places)
    if isinstance(document, Ending):
        kept = keep_scan(document)
        if kept is not None:
            report_problem(kept.reasons[0])
            return _name(kept, model)
        error = complain(document, "before anything was found out")
        report_error(error, settings, where=model)
        return ScanFailure(str(model), describe_error(error))
    assert isinstance(document, ScanDocument)
    if document.reports:
        return _name(document.reports[0], model)
    failure = ScanFailure(str(model), document.failures[0].error)
    report_problem(failure.error if failure.path in failure.error else f"{model}: {failure.error}")
    return failure


def _name(report: ScanReport, model: Path) -> ScanReport:
    """The report about the file of that name, which JSON may not have held (it need not be UTF-8)."""
    return replace(report, model=replace(report.model, path=str(model)))


def _name_repaired(report: RepairReport, model: Path, output: Path) -> RepairReport:
    """The same for a repair."""
    written = None if report.output is None else str(output)
    return replace(report, scan=_name(report.scan, model), output=written)


def _place_files(repairing: Repairing, places: Places) -> Repairing:
    """What was asked for, with files that are found from any working folder."""
    scan, trigger = (None if path is None else places.find(path) for path in (repairing.scan, repairing.known_trigger))
    return replace(repairing, scan=scan, known_trigger=trigger)


def _place_sources(options: dict[str, Any], places: Places) -> dict[str, Any]:
    """The options, with samples that are found from any working folder."""
    return {key: places.find_source(value) if key in SOURCES else value for key, value in options.items()}


def _scan(
    model: Path, options: dict[str, Any], policy: Policy, progress: ProgressName, settings: Settings, *, began: float
) -> ScanDocument:
    """The scan itself, where torch and onnxruntime may be; what is wrong with the model is no error of the run."""
    detectors = _load_detectors(policy)
    try:
        _check_domains(model, policy)
        with report_progress(progress) as listen:
            from onnxaudit.pipeline import scan

            left = leave_seconds(policy.time_budget, began)
            given = {**options, **detectors, **keep_given(time_budget=left)}
            return ScanDocument((scan(model, on_event=listen, **given),))
    except BrokenPipeError:
        raise
    except Exception as error:
        if settings.apart and is_out_of_memory(error):
            raise
        if settings.debug:
            traceback.print_exception(error)
        return ScanDocument((), (ScanFailure(str(model), describe_error(error)),))


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
    _check_domains(model, policy)
    named = _load_detectors(policy)
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


def _load_detectors(policy: Policy) -> dict[str, Any]:
    """The detectors that are named, each of which can be loaded: else there is one error, not one a model."""
    if not policy.detectors:
        return {}
    choose(policy.detectors)
    return {"detectors": policy.detectors}


def _check_domains(model: Path, policy: Policy) -> None:
    if policy.domains is not None:
        from onnxaudit.gate.domains import check_domains

        check_domains(model, policy.domains)


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
