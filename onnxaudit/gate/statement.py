"""What is stated about a model: an in-toto Statement v1 with a Simple Verification Result.

Source: the in-toto attestation framework, https://in-toto.io/Statement/v1, and its predicate svr, version 0.1. The
verdict stands in an extension field, `onnxaudit`, because the predicate's properties can only say what passed.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from onnxaudit.errors import DataError

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/svr/v0.1"
VERIFIER = "pkg:generic/onnxaudit"
SCANNED, CLEAN = "ONNXAUDIT_SCANNED", "ONNXAUDIT_CLEAN"
VERDICTS = ("clean", "backdoored", "inconclusive", "rejected")
OUTCOMES = ("pass", "fail", "inconclusive")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Statement:
    """One scan's outcome, bound to the bytes that were scanned.

    Attributes:
        name: of the model's file.
        model_sha256: of that file alone.
        data_sha256: of each external data file, by its location in the model.
        verdict: of the scan.
        outcome: what the policy made of it.
        softeners: settings that let through what was not cleared.
        policy_sha256: of the policy in force.
        report_sha256: of the JSON report.
        created: when the scan ended.
        version: of onnxaudit.
    """

    name: str
    model_sha256: str
    data_sha256: Mapping[str, str]
    verdict: str
    outcome: str
    softeners: tuple[str, ...]
    policy_sha256: str
    report_sha256: str
    created: datetime
    version: str

    def to_json(self) -> bytes:
        """The statement as UTF-8, with a newline at its end."""
        files = {self.name: self.model_sha256} | dict(self.data_sha256)
        passed = (SCANNED, CLEAN) if (self.verdict, self.outcome) == ("clean", "pass") else (SCANNED,)
        plain = {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in files.items()],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "verifier": {
                    "id": f"{VERIFIER}@{self.version}",
                    "policy": {"digest": {"sha256": self.policy_sha256}},
                },
                "timeCreated": self.created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "properties": list(passed),
                "onnxaudit": {
                    "verdict": self.verdict,
                    "outcome": self.outcome,
                    "softeners": list(self.softeners),
                    "report": {"digest": {"sha256": self.report_sha256}},
                },
            },
        }
        return (json.dumps(plain, indent=2) + "\n").encode()


def read_statement(content: bytes) -> Statement:
    """The statement that `Statement.to_json` wrote.

    Raises:
        DataError: it is none, or damaged.
    """
    try:
        return _read(json.loads(content))
    except (KeyError, TypeError, IndexError) as error:
        raise DataError(f"the statement is damaged: {type(error).__name__}: {error}") from error
    except (ValueError, RecursionError, OverflowError) as error:
        raise DataError(f"no statement of onnxaudit: {error}") from error


def _read(plain: dict[str, Any]) -> Statement:
    if plain["_type"] != STATEMENT_TYPE or plain["predicateType"] != PREDICATE_TYPE:
        raise ValueError(f"it has to be {STATEMENT_TYPE} with {PREDICATE_TYPE}")
    predicate, ours = plain["predicate"], plain["predicate"]["onnxaudit"]
    verifier, _, version = _read_text(predicate["verifier"]["id"]).rpartition("@")
    if verifier != VERIFIER:
        raise ValueError(f"it was made by {verifier or version!r}")
    model, *data = ((_read_text(one["name"]), _read_digest(one)) for one in plain["subject"])
    if len({name for name, _ in (model, *data)}) != 1 + len(data):
        raise ValueError("two of its subjects have one name")
    return Statement(
        name=model[0],
        model_sha256=model[1],
        data_sha256=dict(data),
        verdict=_choose(ours["verdict"], VERDICTS),
        outcome=_choose(ours["outcome"], OUTCOMES),
        softeners=tuple(_read_text(softener) for softener in ours["softeners"]),
        policy_sha256=_read_digest(predicate["verifier"]["policy"]),
        report_sha256=_read_digest(ours["report"]),
        created=_read_time(predicate["timeCreated"]),
        version=version,
    )


def _choose(value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"{value!r} is not one of {', '.join(known)}")
    return str(value)


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _read_digest(holder: Any) -> str:
    digest = _read_text(holder["digest"]["sha256"])
    if not _SHA256.fullmatch(digest):
        raise ValueError(f"{digest!r} is no SHA-256")
    return digest


def _read_time(value: Any) -> datetime:
    moment = datetime.fromisoformat(_read_text(value))
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} names no time zone")
    return moment
