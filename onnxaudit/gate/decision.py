"""What a policy makes of reports. It decides by what the reports say and changes nothing in them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from onnxaudit.findings.finding import Finding, find_all
from onnxaudit.findings.outcome import Outcome, find_outcome, is_left_open
from onnxaudit.findings.reasons import BELOW_COVERAGE, REQUIRED_MISSING
from onnxaudit.findings.rules import SUSPICION
from onnxaudit.gate.layers import EffectivePolicy
from onnxaudit.gate.policy import FailOn, Inconclusive, Policy
from onnxaudit.records import (
    Decision,
    Gate,
    Reason,
    RepairDocument,
    RepairReport,
    ScanDocument,
    ScanReport,
    Waiver,
    WaiverUse,
)


def apply_policy(document: ScanDocument | RepairDocument, effective: EffectivePolicy, today: date) -> Gate:
    """What the policy makes of each report; `today` (UTC) tells which waivers have expired."""
    policy, applied = effective.policy, set[Waiver]()
    holding = [waiver for waiver in policy.waivers if not _has_expired(waiver, today)]
    decisions = []
    for report in document.reports:
        matching = _match(report, holding)
        applied.update(matching.values())
        decisions.append(_decide(report, policy, matching))
    uses = tuple(WaiverUse(waiver, _state(waiver, applied, today)) for waiver in policy.waivers)
    return Gate(effective.settings, effective.sha256, policy.softeners, uses, tuple(decisions))


def _has_expired(waiver: Waiver, today: date) -> bool:
    return date.fromisoformat(waiver.expiry) < today


def _state(waiver: Waiver, applied: Collection[Waiver], today: date) -> Literal["used", "unused", "expired"]:
    if _has_expired(waiver, today):
        return "expired"
    return "used" if waiver in applied else "unused"


def _match(report: ScanReport | RepairReport, waivers: Collection[Waiver]) -> dict[str, Waiver]:
    """The waivers that speak of this report's findings, by fingerprint. A repair's outcome is nobody's to waive."""
    if isinstance(report, RepairReport):
        return {}
    found = {finding.fingerprint for finding in find_all(report) if finding.rule.waivable}
    return {
        waiver.fingerprint: waiver
        for waiver in waivers
        if waiver.model_sha256 == report.model.sha256 and waiver.fingerprint in found
    }


@dataclass(frozen=True)
class _State:
    """An outcome on its way through the policy, why it changed, and what leaves it open."""

    outcome: Outcome
    reasons: tuple[str, ...] = ()
    caveats: tuple[Reason, ...] = ()

    def become(self, outcome: Outcome, reason: str) -> "_State":
        return replace(self, outcome=outcome, reasons=(*self.reasons, reason))

    def leave_open(self, unmet: Reason) -> "_State":
        return replace(self.become("inconclusive", unmet.seen), caveats=(*self.caveats, unmet))


def _decide(report: ScanReport | RepairReport, policy: Policy, waived: dict[str, Waiver]) -> Decision:
    found = find_all(report)
    state = _begin(report)
    if isinstance(report, ScanReport):
        state = _accept(state, found, waived)
        state = _demand(state, report, [one for one in found if one.fingerprint not in waived], policy)
    state = _soften(_settle(state, policy), policy)
    return Decision(state.outcome, state.reasons, tuple(finding.fingerprint for finding in found), state.caveats)


def _begin(report: ScanReport | RepairReport) -> _State:
    outcome = find_outcome(report)
    scan = report if isinstance(report, ScanReport) else report.scan
    if isinstance(report, RepairReport) and report.rescan is not None and is_left_open(report):
        scan = report.rescan
    return _State(outcome, caveats=scan.caveats if outcome == "inconclusive" else ())


def _accept(state: _State, found: tuple[Finding, ...], waived: dict[str, Waiver]) -> _State:
    """A model passes by waivers where each of its findings is waived."""
    if found and all(finding.fingerprint in waived for finding in found):
        return replace(state.become("pass", f"Every finding is waived ({len(found)})."), caveats=())
    return state


def _demand(state: _State, report: ScanReport, live: list[Finding], policy: Policy) -> _State:
    """What the policy demands beyond the verdict."""
    if state.outcome == "pass":
        for unmet in _list_unmet(report, policy):
            state = state.leave_open(unmet)
    elif (
        state.outcome == "inconclusive"
        and policy.fail_on is FailOn.SUSPICION
        and any(finding.rule is SUSPICION for finding in live)
    ):
        state = state.become("fail", "A class stands out, and fail_on = suspicion.")
    return state


def _list_unmet(report: ScanReport, policy: Policy) -> Iterator[Reason]:
    asked, finished = report.coverage.labels_asked, report.coverage.labels_finished
    if finished < policy.min_coverage * asked:
        yield BELOW_COVERAGE.give(finished=finished, labels=asked, demanded=policy.min_coverage)
    taken = {name for row in report.labels for name in row.ratios}
    taken |= {run.detector.id for run in report.detectors if run.detector.stage == "model" and run.complete}
    for name in policy.required_detectors:
        if name not in taken:
            yield REQUIRED_MISSING.give(detector=name)


def _settle(state: _State, policy: Policy) -> _State:
    """What a missing verdict comes to: all of its reasons have to allow it."""
    codes = tuple(dict.fromkeys(reason.code for reason in state.caveats))
    comes_to = policy.settle(codes)
    if state.outcome != "inconclusive" or comes_to is Inconclusive.BLOCK:
        return state
    named = [f"{code} = {comes_to}" for code in codes if policy.inconclusive_by_reason.get(code) is comes_to]
    ground = f"inconclusive_by_reason: {', '.join(named)}" if named else f"inconclusive = {comes_to}"
    outcome: Outcome = "fail" if comes_to is Inconclusive.FAIL else "pass"
    return state.become(outcome, f"There is no verdict, and {ground}.")


def _soften(state: _State, policy: Policy) -> _State:
    """The softener of last resort."""
    if state.outcome != "pass" and policy.exit_zero:
        return state.become("pass", f"The outcome would be {state.outcome}, and exit_zero is set.")
    return state
