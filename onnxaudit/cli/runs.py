"""What the commands do once their options are read: check, run, show, write, and give the exit code.

This module is imported when a command starts, not for `--help`: it brings torch and onnxruntime in.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from onnxaudit.cli.exits import (
    CLEAN,
    CODE_OF_OUTCOME,
    CODE_OF_VERDICT,
    ERROR,
    Settings,
    describe_error,
    find_worst,
    report_error,
)
from onnxaudit.cli.options import ProgressName, RunOutputs
from onnxaudit.cli.output import open_delivery, save_triggers
from onnxaudit.cli.progress import announce, report_progress
from onnxaudit.cli.rendering import read_report
from onnxaudit.data.triggers import load_trigger
from onnxaudit.errors import UsageError
from onnxaudit.pipeline import PruningConfig, RepairConfig, profile, repair, scan
from onnxaudit.records import ProfileDocument, RepairDocument, ScanDocument, ScanFailure, ScanReport


def run_scan(
    models: Sequence[Path], options: dict[str, Any], outputs: RunOutputs, triggers: Path | None, settings: Settings
) -> int:
    """Scan each model; one that fails does not stop the rest."""
    delivery = open_delivery(outputs, settings, models, folder=triggers)
    reports: list[ScanReport] = []
    failures: list[ScanFailure] = []
    for number, model in enumerate(models, start=1):
        if len(models) > 1:
            announce(str(model), number, len(models), outputs.progress_name)
        outcome = _scan_one(model, options, outputs.progress_name, settings)
        if isinstance(outcome, ScanFailure):
            failures.append(outcome)
            continue
        reports.append(outcome)
        delivery.tell(ScanDocument((outcome,)))
        if triggers is not None:
            save_triggers(outcome, triggers)
    delivery.deliver(ScanDocument(tuple(reports), tuple(failures)))
    return find_worst([*(CODE_OF_VERDICT[report.verdict] for report in reports), *(ERROR for _ in failures)])


def run_repair(
    model: Path,
    data: str,
    output: Path,
    config: dict[str, Any],
    limits: dict[str, Any],
    options: dict[str, Any],
    *,
    scan_file: Path | None,
    trigger_file: Path | None,
    outputs: RunOutputs,
    settings: Settings,
) -> int:
    """Repair one model.

    `config` are fields of `RepairConfig`, `limits` of `PruningConfig`, `options` arguments of `repair`.
    """
    delivery = open_delivery(outputs, settings, [model, scan_file, trigger_file], further=[output])
    with report_progress(outputs.progress_name) as listen:
        report = repair(
            model,
            data,
            output,
            RepairConfig(**config, pruning=PruningConfig(**limits)),
            scan=None if scan_file is None else _read_scan(scan_file, model),
            known_trigger=None if trigger_file is None else load_trigger(trigger_file),
            on_event=listen,
            **options,
        )
    document = RepairDocument((report,))
    delivery.tell(document)
    delivery.deliver(document)
    return CODE_OF_OUTCOME[report.outcome]


def run_profile(
    model: Path, data: str, trigger_file: Path, options: dict[str, Any], outputs: RunOutputs, settings: Settings
) -> int:
    """Rank the neurons of one model's target layer."""
    delivery = open_delivery(outputs, settings, [model, trigger_file])
    with report_progress(outputs.progress_name) as listen:
        found = profile(model, data, load_trigger(trigger_file), on_event=listen, **options)
    document = ProfileDocument(found)
    delivery.tell(document)
    delivery.deliver(document)
    return CLEAN


def _scan_one(
    model: Path, options: dict[str, Any], progress: ProgressName, settings: Settings
) -> ScanReport | ScanFailure:
    try:
        with report_progress(progress) as listen:
            return scan(model, on_event=listen, **options)
    except BrokenPipeError:
        raise
    except Exception as error:
        report_error(error, settings, where=model)
        return ScanFailure(str(model), describe_error(error))


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
