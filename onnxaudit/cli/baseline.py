"""`--baseline`: what an earlier run had found already lets no later one fail."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from onnxaudit.cli.decisions import Key, list_by_place, read_runs
from onnxaudit.errors import UsageError
from onnxaudit.findings.finding import Finding
from onnxaudit.gate.layers import EffectivePolicy
from onnxaudit.records import Decision, ScanDocument, Verdict

SOFTENER = "baseline"


def check_baseline(file: Path | None, effective: EffectivePolicy) -> None:
    """Find out before the work whether a baseline can be used.

    Raises:
        UsageError: it is no run, or the policy locks what lets findings through.
    """
    if file is None:
        return
    for setting in effective.settings:
        if setting.key == "exit_zero" and setting.locked is not None:
            raise UsageError(f"--baseline lets known findings through, but exit_zero is locked by {setting.locked}")
    read_runs(file)


def accept_known(document: ScanDocument, file: Path | None) -> ScanDocument:
    """The document in which models pass all of whose findings the baseline has; verdicts stay what they are.

    A file that works against its audit never passes so.
    """
    if file is None or document.gate is None:
        return document
    known, found = list_by_place(read_runs(file)), list_by_place(document)
    decisions = []
    for report, decision in zip(document.reports, document.gate.decisions, strict=True):
        own = {key: one for key, one in found.items() if one.model == report.model}
        if decision.outcome != "pass" and report.verdict is not Verdict.REJECTED and _are_known(own, known):
            decision = _let_through(decision, file, len(own))
        decisions.append(decision)
    softeners = (*document.gate.softeners, f"{SOFTENER} {file}")
    return replace(document, gate=replace(document.gate, decisions=tuple(decisions), softeners=softeners))


def _are_known(own: Mapping[Key, Finding], known: Mapping[Key, Finding]) -> bool:
    """Whether there are findings, and each was there before, open for no further reason."""
    return bool(own) and all(key in known and _codes(one) <= _codes(known[key]) for key, one in own.items())


def _codes(finding: Finding) -> set[str]:
    return {reason.code for reason in finding.reasons}


def _let_through(decision: Decision, file: Path, count: int) -> Decision:
    reason = f"The outcome would be {decision.outcome}, and {file} has each of its findings ({count})."
    return replace(decision, outcome="pass", reasons=(*decision.reasons, reason))
