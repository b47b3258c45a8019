"""The policy of a command: from files, variables and options to what is in force, and held."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from onnxaudit.cli.exits import CLEAN, Settings, report_notice
from onnxaudit.cli.options import PolicyRequest
from onnxaudit.errors import UsageError
from onnxaudit.gate.decision import apply_policy
from onnxaudit.gate.layers import (
    PYPROJECT,
    EffectivePolicy,
    Layer,
    lies_with_subject,
    read_command_line,
    read_environment,
    read_policy_file,
    read_pyproject,
    resolve,
)
from onnxaudit.gate.policy import OLD_KEYS
from onnxaudit.records import RepairDocument, RunInfo, ScanDocument
from onnxaudit.regular_files import read_regular
from onnxaudit.text import format_setting, show_plainly

Decided = TypeVar("Decided", bound=ScanDocument | RepairDocument)


def find_policy(request: PolicyRequest, models: Sequence[Path] = (), sources: Sequence[str] = ()) -> EffectivePolicy:
    """The policy in force.

    Args:
        request: of the command line.
        models: whose folders no policy is read from.
        sources: of samples, likewise.

    Raises:
        UsageError: one of its origins cannot be read, holds what no policy can, or lies with model or data.
    """
    layers: list[Layer | None] = []
    pyproject, file = Path(PYPROJECT), request.file
    if not _lies_with_any(pyproject, models, sources):
        layers.append(read_pyproject(Path()))
    elif _names_policy(pyproject):
        sys.stderr.write(f"note: {PYPROJECT} lies with the model or the data, so no policy is read from it\n")
    if file is not None:
        if _lies_with_any(file, models, sources):
            raise UsageError(f"policy {file} lies with the model or the data; keep it where their author cannot write")
        layers.append(read_policy_file(file))
    layers += [*read_environment(os.environ), read_command_line(request.options)]
    given = [layer for layer in layers if layer is not None]
    _tell_old_keys(given)
    return resolve(given)


def _lies_with_any(path: Path, models: Sequence[Path], sources: Sequence[str]) -> bool:
    return any(lies_with_subject(path, models, source) for source in (None, *sources))


def _tell_old_keys(layers: Sequence[Layer]) -> None:
    for layer in layers:
        for key in layer.old_keys:
            report_notice(f"{layer.origin}: {key} is now called {OLD_KEYS[key]}; the old name goes in 0.2")


def _names_policy(path: Path) -> bool:
    try:
        return b"tool.onnxaudit" in read_regular(path)
    except OSError:
        return False


def settle_limits(effective: EffectivePolicy, settings: Settings) -> None:
    """Hold the limit on memory: more ends in an error, never in a verdict.

    Where the work is done in a process of its own, that one holds it; else this one does, for good.

    Raises:
        UsageError: this system cannot hold one.
    """
    limit = effective.policy.memory_limit
    if limit is None or settings.apart:
        return
    try:
        import resource
    except ImportError:
        raise UsageError("memory_limit cannot be held on this system; leave it out") from None
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    except (ValueError, OSError) as error:
        raise UsageError(f"memory_limit {limit} cannot be held: {error}") from error


def apply_today(document: Decided, effective: EffectivePolicy) -> Decided:
    """The document with what the policy makes of it today."""
    return replace(document, gate=apply_policy(document, effective, datetime.now(UTC).date()))


def decide(document: Decided, effective: EffectivePolicy, settings: Settings, whole: str = "") -> Decided:
    """The document with what the policy makes of it today, and of which run it is; `whole` as of `RunInfo`."""
    started = settings.started.strftime("%Y-%m-%dT%H:%M:%SZ")
    run = RunInfo(started=started, arguments=settings.arguments, whole=whole)
    return replace(apply_today(document, effective), run=run)


def run_policy_show(request: PolicyRequest, settings: Settings) -> int:
    """Tell each key's value and where it comes from."""
    effective = find_policy(request)
    width = max(len(setting.key) for setting in effective.settings)
    for setting in effective.settings:
        locked = "" if setting.locked is None else f", locked by {setting.locked}"
        line = f"{setting.key:<{width}}  {format_setting(setting.value)}  ({setting.origin}{locked})"
        settings.stdout.write(show_plainly(line) + "\n")
    settings.stdout.write(f"sha256 {effective.sha256}\n")
    return CLEAN
