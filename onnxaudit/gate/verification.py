"""Whether what was stated about a model lets it through, without scanning it again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from onnxaudit.findings import statement_reasons as reasons
from onnxaudit.gate.envelope import Sealed, is_signed
from onnxaudit.gate.statement import Statement
from onnxaudit.intake.reader import FileDigests
from onnxaudit.records import Reason

SKEW = timedelta(minutes=5)  # by which clocks may differ


@dataclass(frozen=True)
class Demands:
    """What a statement has to meet.

    Attributes:
        keys: accepted public keys, PEM.
        allow_unsigned: a statement without a signature counts.
        max_age: seconds for which it holds; None is for ever.
        policy_sha256: of the policy that it has to be made under; None is any.
    """

    keys: Sequence[str] = ()
    allow_unsigned: bool = False
    max_age: float | None = None
    policy_sha256: str | None = None


@dataclass(frozen=True)
class Verification:
    """The outcome, and every ground against the statement."""

    outcome: Literal["pass", "fail", "inconclusive"]
    reasons: tuple[Reason, ...] = ()


def verify(files: FileDigests, sealed: Sealed, statement: Statement, demands: Demands, now: datetime) -> Verification:
    """What a statement means for the files that are there now.

    One that says "backdoored" or "rejected" never lets anything through, whoever made it and when.
    """
    if statement.verdict == "backdoored":
        return Verification("fail", (reasons.BACKDOORED.give(),))
    if statement.verdict == "rejected":
        return Verification("fail", (reasons.REJECTED.give(),))
    doubts = tuple(_list_doubts(files, sealed, statement, demands, now))
    return Verification("inconclusive" if doubts else "pass", doubts)


def _list_doubts(
    files: FileDigests, sealed: Sealed, statement: Statement, demands: Demands, now: datetime
) -> Iterator[Reason]:
    if statement.model_sha256 != files.model:
        yield reasons.OTHER_MODEL.give()
    elif dict(statement.data_sha256) != dict(files.data):
        yield reasons.OTHER_DATA.give()
    if statement.verdict == "inconclusive":
        yield reasons.NO_VERDICT.give()
    elif statement.outcome != "pass":
        yield reasons.POLICY_NOT_MET.give()
    if statement.created > now + SKEW:
        yield reasons.FROM_FUTURE.give(created=statement.created.isoformat())
    if demands.max_age is not None and (now - statement.created).total_seconds() > demands.max_age:
        yield reasons.TOO_OLD.give(created=statement.created.isoformat())
    if demands.policy_sha256 not in (None, statement.policy_sha256):
        yield reasons.OTHER_POLICY.give()
    yield from _doubt_signature(sealed, demands)


def _doubt_signature(sealed: Sealed, demands: Demands) -> Iterator[Reason]:
    if is_signed(sealed, demands.keys):
        return
    if sealed.signatures and demands.keys:
        yield reasons.KEY_NOT_ACCEPTED.give()
    elif not demands.allow_unsigned:
        yield (reasons.NO_KEY if sealed.signatures else reasons.UNSIGNED).give()
