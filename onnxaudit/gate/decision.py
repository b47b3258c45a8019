"""What a policy makes of reports. It decides by what the reports say and changes nothing in them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from onnxaudit.findings.outcome import Outcome
from onnxaudit.findings.reasons import BELOW_COVERAGE, REPAIRED_NOT_CLEAN, REQUIRED_MISSING
from onnxaudit.findings.rules import SUSPICION, is_waivable
from onnxaudit.gate.grounds import FoundOnce, Grounds, RepairGrounds, gather
from onnxaudit.gate.layers import EffectivePolicy
from onnxaudit.gate.policy import FailOn, Inconclusive, Policy, Repaired
from onnxaudit.records import (
    Decision,
    Gate,
    Reason,
    RepairDocument,
    ScanDocument,
    Verdict,
    Waiver,
    WaiverUse,
)


def apply_policy(document: ScanDocument | RepairDocument, effective: EffectivePolicy, today: date) -> Gate:
    """What the policy makes of each report; `today` (UTC) tells which waivers have expired."""
    policy = effective.policy
    rulings = [rule_on(gather(report), policy, today) for report in document.reports]
    applied = {waiver for ruling in rulings for waiver in ruling.waivers}
    uses = tuple(WaiverUse(waiver, _state(waiver, applied, today)) for waiver in policy.waivers)
    decisions = tuple(ruling.decision for ruling in rulings)
    return Gate(effective.settings, effective.sha256, policy.softeners, uses, decisions)


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """What a policy made of one model, and the waivers that spoke of it."""

    decision: Decision
    waivers: tuple[Waiver, ...]


def rule_on(grounds: Grounds, policy: Policy, today: date) -> Ruling:
    """The policy's decision on these grounds, those of a report or those that a statement keeps."""
    waived = _match(grounds, [waiver for waiver in policy.waivers if not _has_expired(waiver, today)])
    state = _State(grounds.outcome, caveats=grounds.caveats if grounds.outcome == "inconclusive" else ())
    if grounds.repair is None:
        state = _accept(state, grounds.findings, waived)
        live = [one for one in grounds.findings if one.fingerprint not in waived]
        state = _demand(state, grounds, live, policy)
    else:
        state = _demand_of_repair(state, grounds, grounds.repair, policy)
    state = _soften(_settle(state, policy), policy)
    fingerprints = tuple(finding.fingerprint for finding in grounds.findings)
    decision = Decision(state.outcome, state.reasons, fingerprints, state.caveats)
    return Ruling(decision=decision, waivers=tuple(waived.values()))


def _has_expired(waiver: Waiver, today: date) -> bool:
    return date.fromisoformat(waiver.expiry) < today


def _state(waiver: Waiver, applied: Collection[Waiver], today: date) -> Literal["used", "unused", "expired"]:
    if _has_expired(waiver, today):
        return "expired"
    return "used" if waiver in applied else "unused"


def _match(grounds: Grounds, waivers: Collection[Waiver]) -> dict[str, Waiver]:
    """The waivers that speak of these findings, by fingerprint. A repair's outcome is nobody's to waive."""
    if grounds.repair is not None:
        return {}
    found = {finding.fingerprint for finding in grounds.findings if is_waivable(finding.rule)}
    return {
        waiver.fingerprint: waiver
        for waiver in waivers
        if waiver.model_sha256 == grounds.model_sha256 and waiver.fingerprint in found
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


def _accept(state: _State, found: tuple[FoundOnce, ...], waived: dict[str, Waiver]) -> _State:
    """A model passes by waivers where each of its findings is waived."""
    if found and all(finding.fingerprint in waived for finding in found):
        return replace(state.become("pass", f"Every finding is waived ({len(found)})."), caveats=())
    return state


def _demand(state: _State, grounds: Grounds, live: list[FoundOnce], policy: Policy) -> _State:
    """What the policy demands beyond the verdict."""
    if state.outcome == "pass":
        for unmet in _list_unmet(grounds, policy):
            state = state.leave_open(unmet)
    elif (
        state.outcome == "inconclusive"
        and policy.fail_on is FailOn.SUSPICION
        and any(finding.rule == SUSPICION.id for finding in live)
    ):
        state = state.become("fail", "A class stands out, and fail_on = suspicion.")
    return state


def _demand_of_repair(state: _State, grounds: Grounds, repair: RepairGrounds, policy: Policy) -> _State:
    """What the policy demands of a repaired model; its own limits are in force wherever it is looked at again."""
    if state.outcome != "pass":
        return state
    if grounds.verdict in (Verdict.BACKDOORED, Verdict.REJECTED):
        return state.become("fail", f"The new scan calls the repaired model {grounds.verdict.value}.")
    for missed in _list_missed(repair, policy):
        state = state.become("fail", missed)
    if state.outcome == "pass" and policy.repaired is Repaired.CLEAN and grounds.verdict is not Verdict.CLEAN:
        state = state.leave_open(REPAIRED_NOT_CLEAN.give())
    return state


def _list_missed(repair: RepairGrounds, policy: Policy) -> Iterator[str]:
    """The policy's limits of repairs that the figures miss; a file that is the original has none."""
    if repair.after is None:
        return
    agreement, success = repair.after.agreement.value, repair.after.success_rate.value
    least, most, most_again = policy.min_agreement, policy.max_success, policy.max_reactivation
    if least is not None and not (agreement is not None and agreement >= least):
        yield f"The repaired model misses min_agreement = {least:g}."
    if most is not None and not (success is not None and success < most):
        yield f"The repaired model misses max_success = {most:g}."
    if most_again is not None and not (repair.reactivation is not None and repair.reactivation <= most_again):
        yield f"The repaired model misses max_reactivation = {most_again:g}."


def _list_unmet(grounds: Grounds, policy: Policy) -> Iterator[Reason]:
    asked, finished = grounds.labels_asked, grounds.labels_finished
    if finished < policy.min_coverage * asked:
        yield BELOW_COVERAGE.give(finished=finished, labels=asked, demanded=policy.min_coverage)
    for name in policy.required_detectors:
        if name not in grounds.measured:
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
