"""Whether what was stated about a model lets it through, without scanning it again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from onnxaudit.gate.envelope import Sealed, is_signed
from onnxaudit.gate.statement import Statement
from onnxaudit.intake.reading import FileDigests

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
    reasons: tuple[str, ...] = ()


def verify(files: FileDigests, sealed: Sealed, statement: Statement, demands: Demands, now: datetime) -> Verification:
    """What a statement means for the files that are there now.

    One that says "backdoored" never lets anything through, whoever made it and when.
    """
    if statement.verdict == "backdoored":
        return Verification("fail", ("The statement says that the model is backdoored.",))
    doubts = tuple(_list_doubts(files, sealed, statement, demands, now))
    return Verification("inconclusive" if doubts else "pass", doubts)


def _list_doubts(
    files: FileDigests, sealed: Sealed, statement: Statement, demands: Demands, now: datetime
) -> Iterator[str]:
    if statement.model_sha256 != files.model:
        yield "The statement is about another model."
    elif dict(statement.data_sha256) != dict(files.data):
        yield "The model's external data are not those that were scanned."
    if statement.verdict == "inconclusive":
        yield "The scan came to no verdict."
    elif statement.outcome != "pass":
        yield "The model did not meet the policy that it was scanned under."
    if statement.created > now + SKEW:
        yield f"The statement is of the future: {statement.created.isoformat()}."
    if demands.max_age is not None and (now - statement.created).total_seconds() > demands.max_age:
        yield f"The statement is too old: {statement.created.isoformat()}."
    if demands.policy_sha256 not in (None, statement.policy_sha256):
        yield "The model was scanned under another policy."
    yield from _doubt_signature(sealed, demands)


def _doubt_signature(sealed: Sealed, demands: Demands) -> Iterator[str]:
    if is_signed(sealed, demands.keys):
        return
    if sealed.signatures and demands.keys:
        yield "No accepted key made the statement's signature."
    elif not demands.allow_unsigned:
        yield "The statement is signed, but no key is accepted." if sealed.signatures else "The statement is unsigned."
