"""What the commands do once their options are read: check, run, show, write, and give the exit code.

This module is imported when a command starts, not for `--help`: it brings torch and onnxruntime in.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from onnxaudit.cli.attestation import open_attestation
from onnxaudit.cli.exits import (
    CLEAN,
    ERROR,
    Settings,
    describe_error,
    find_worst,
    list_codes,
    report_error,
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
from onnxaudit.cli.policies import decide, find_policy, limit_memory
from onnxaudit.cli.progress import announce, report_progress
from onnxaudit.cli.report import read_report
from onnxaudit.data.triggers import load_trigger
from onnxaudit.detectors.registry import choose
from onnxaudit.errors import UsageError
from onnxaudit.gate.domains import check_domains
from onnxaudit.gate.policy import Policy
from onnxaudit.pipeline import DetectionConfig, PruningConfig, RepairConfig, ScanConfig, profile, repair, scan
from onnxaudit.records import ProfileDocument, RepairDocument, ScanDocument, ScanFailure, ScanReport


def run_scan(
    models: Sequence[Path],
    options: dict[str, Any],
    outputs: RunOutputs,
    *,
    triggers: Path | None,
    request: PolicyRequest,
    attesting: Attesting,
    settings: Settings,
) -> int:
    """Scan each model; one that fails does not stop the rest."""
    inputs = [*models, request.file, attesting.sign_key, *list_data_paths(options.get("data"))]
    delivery = open_delivery(outputs, settings, inputs, attesting.files, folder=triggers)
    attest = open_attestation(attesting, models)
    effective = find_policy(request, models, options.get("data"))
    limit_memory(effective)
    options = {**options, **_load_detectors(effective.policy)}
    reports: list[ScanReport] = []
    failures: list[ScanFailure] = []
    for number, model in enumerate(models, start=1):
        if len(models) > 1:
            announce(str(model), number, len(models), outputs.progress_name)
        outcome = _scan_one(model, options, effective.policy, outputs.progress_name, settings)
        if isinstance(outcome, ScanFailure):
            failures.append(outcome)
            continue
        reports.append(outcome)
        delivery.tell(ScanDocument((outcome,)))
        if triggers is not None:
            save_triggers(outcome, triggers)
    document = decide(ScanDocument(tuple(reports), tuple(failures)), effective)
    if reports:
        delivery.tell(ScanDocument((), gate=document.gate))
    delivery.deliver(document)
    attest(document)
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
    options = dict(options)
    data, output = options.pop("data"), options.pop("output")
    sources = list_data_paths(data, repairing.evaluation)
    inputs = [model, repairing.scan, repairing.known_trigger, request.file, attesting.sign_key, *sources]
    delivery = open_delivery(outputs, settings, inputs, further=[output, *attesting.files])
    attest = open_attestation(attesting, [model])
    effective = find_policy(request, [model], data)
    limit_memory(effective)
    policy = effective.policy
    _check_domains(model, policy)
    named = _load_detectors(policy)
    scanning: dict[str, Any] = {"scan": ScanConfig(detection=DetectionConfig(**named))} if named else {}
    limits = keep_given(min_agreement=policy.min_agreement, max_success=policy.max_success)
    with report_progress(outputs.progress_name) as listen:
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
            **keep_given(time_budget=policy.time_budget),
        )
    document = decide(RepairDocument((report,)), effective)
    delivery.tell(document)
    delivery.deliver(document)
    attest(document)
    return find_worst(list_codes(document))


def run_profile(
    model: Path, data: str, trigger_file: Path, *, options: dict[str, Any], outputs: RunOutputs, settings: Settings
) -> int:
    """Rank the neurons of one model's target layer."""
    delivery = open_delivery(outputs, settings, [model, trigger_file, *list_data_paths(data)])
    with report_progress(outputs.progress_name) as listen:
        found = profile(model, data, load_trigger(trigger_file), on_event=listen, **options)
    document = ProfileDocument(found)
    delivery.tell(document)
    delivery.deliver(document)
    return CLEAN


def _scan_one(
    model: Path, options: dict[str, Any], policy: Policy, progress: ProgressName, settings: Settings
) -> ScanReport | ScanFailure:
    try:
        _check_domains(model, policy)
        with report_progress(progress) as listen:
            return scan(model, on_event=listen, **options, **keep_given(time_budget=policy.time_budget))
    except BrokenPipeError:
        raise
    except Exception as error:
        report_error(error, settings, where=model)
        return ScanFailure(str(model), describe_error(error))


def _load_detectors(policy: Policy) -> dict[str, Any]:
    """The detectors that are named, each of which can be loaded: else there is one error, not one a model."""
    if not policy.detectors:
        return {}
    choose(policy.detectors)
    return {"detectors": policy.detectors}


def _check_domains(model: Path, policy: Policy) -> None:
    if policy.domains is not None:
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
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
