"""Whether what was stated about a model lets it through, without scanning it again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from onnxaudit.detectors.registry import STANDARD
from onnxaudit.digests import FileDigests
from onnxaudit.findings import statement_reasons as reasons
from onnxaudit.gate.decision import rule_on
from onnxaudit.gate.envelope import Sealed, is_signed
from onnxaudit.gate.policy import Policy
from onnxaudit.gate.statement import Statement
from onnxaudit.records import Decision, Reason
from onnxaudit.text import format_rate

SKEW = timedelta(minutes=5)  # by which clocks may differ


@dataclass(frozen=True)
class Demands:
    """What a statement has to meet.

    Attributes:
        keys: accepted public keys, PEM.
        allow_unsigned: a statement without a signature counts.
        max_age: seconds for which it holds; None is for ever.
        policy: decides anew on the grounds that the statement tells; None: the defaults do, and the policy that the
            model was scanned under has to have let it through as well.
        policy_sha256: of that policy, under which a statement without grounds has to be made; None is any.
    """

    keys: Sequence[str] = ()
    allow_unsigned: bool = False
    max_age: float | None = None
    policy: Policy | None = None
    policy_sha256: str | None = None


@dataclass(frozen=True)
class Verification:
    """The outcome, every ground against the statement, and what to know of one that passes."""

    outcome: Literal["pass", "fail", "inconclusive"]
    reasons: tuple[Reason, ...] = ()
    notes: tuple[str, ...] = ()


def verify(files: FileDigests, sealed: Sealed, statement: Statement, demands: Demands, now: datetime) -> Verification:
    """What a statement means for the files that are there now.

    One that says "rejected" never lets anything through, whoever made it and when; one that says "backdoored" does
    only where the policy that is named waives every finding.
    """
    if statement.verdict == "rejected":
        return Verification("fail", (reasons.REJECTED.give(),))
    decision = _decide_again(statement, demands, now)
    if statement.verdict == "backdoored" and (decision is None or decision.outcome != "pass"):
        return Verification("fail", (reasons.BACKDOORED.give(),))
    if decision is not None and decision.outcome == "fail":
        return Verification("fail", (_tell_unmet(decision),))
    doubts = tuple(_list_doubts(files, statement, decision, demands, now)) + tuple(_doubt_signature(sealed, demands))
    if doubts or decision is None:
        return Verification("inconclusive" if doubts else "pass", doubts)
    return Verification("pass", notes=(*decision.reasons, *_describe_repair(statement)))


def _decide_again(statement: Statement, demands: Demands, now: datetime) -> Decision | None:
    """What the policy makes of the grounds today; None where there are none. `exit_zero` decides nothing."""
    if statement.grounds is None:
        return None
    policy = replace(demands.policy or Policy(), exit_zero=False)
    return rule_on(statement.grounds, policy, now.astimezone(UTC).date()).decision


def _tell_unmet(decision: Decision) -> Reason:
    return reasons.BELOW_POLICY.give(why=" ".join(decision.reasons))


def _list_doubts(
    files: FileDigests, statement: Statement, decision: Decision | None, demands: Demands, now: datetime
) -> Iterator[Reason]:
    grounds = statement.grounds
    if statement.model_sha256 != files.model:
        yield reasons.OTHER_MODEL.give()
    elif dict(statement.data_sha256) != dict(files.data) or (
        grounds is not None and grounds.model_sha256 != files.combined
    ):
        yield reasons.OTHER_DATA.give()
    yield from _doubt_outcome(statement, decision, demands)
    if statement.created > now + SKEW:
        yield reasons.FROM_FUTURE.give(created=statement.created.isoformat())
    if demands.max_age is not None and (now - statement.created).total_seconds() > demands.max_age:
        yield reasons.TOO_OLD.give(created=statement.created.isoformat())


def _doubt_outcome(statement: Statement, decision: Decision | None, demands: Demands) -> Iterator[Reason]:
    if decision is not None and decision.outcome != "pass":
        yield _tell_unmet(decision) if decision.reasons else reasons.NO_VERDICT.give()
    elif decision is None and statement.verdict == "inconclusive":
        yield reasons.NO_VERDICT.give()
    elif statement.outcome != "pass" and (decision is None or demands.policy is None):
        yield reasons.POLICY_NOT_MET.give()
    if _was_scanned_otherwise(statement, demands):
        yield reasons.OTHER_POLICY.give()


def _was_scanned_otherwise(statement: Statement, demands: Demands) -> bool:
    """Whether the scan was not the one that the policy asks for: under another policy, where no grounds are told."""
    if statement.grounds is None:
        return demands.policy_sha256 not in (None, statement.policy_sha256)
    named = () if demands.policy is None else demands.policy.detectors
    ran = {STANDARD, *statement.grounds.ran, *statement.grounds.measured}
    return not ran.issuperset(named)


def _describe_repair(statement: Statement) -> Iterator[str]:
    """From what a repaired model was made, and what was measured on it."""
    repair = None if statement.grounds is None else statement.grounds.repair
    if repair is None or repair.before is None or repair.after is None or statement.original is None:
        return
    before, after = repair.before, repair.after
    yield (
        f"Repaired from {statement.original.name} (SHA-256 {statement.original.model_sha256[:16]}…): attack success "
        f"rate {format_rate(before.success_rate)} before, {format_rate(after.success_rate)} after; agreement "
        f"{format_rate(after.agreement)}; the new scan is {statement.verdict}."
    )


def _doubt_signature(sealed: Sealed, demands: Demands) -> Iterator[Reason]:
    if is_signed(sealed, demands.keys):
        return
    if sealed.signatures and demands.keys:
        yield reasons.KEY_NOT_ACCEPTED.give()
    elif not demands.allow_unsigned:
        yield (reasons.NO_KEY if sealed.signatures else reasons.UNSIGNED).give()
