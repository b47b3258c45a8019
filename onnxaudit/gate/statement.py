"""What is stated about a model: an in-toto Statement v1 with a Simple Verification Result.

Source: the in-toto attestation framework, https://in-toto.io/Statement/v1, and its predicate svr, version 0.1. The
verdict stands in an extension field, `onnxaudit`, because the predicate's properties can only say what passed. Beside
it stand the grounds on which a policy decides, so that another one can decide on them too.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from onnxaudit.errors import DataError
from onnxaudit.findings.outcome import OF_REPAIR
from onnxaudit.gate.grounds import Grounds
from onnxaudit.records import Waiver

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/svr/v0.1"
VERIFIER = "pkg:generic/onnxaudit"
SCANNED, CLEAN, REPAIRED = "ONNXAUDIT_SCANNED", "ONNXAUDIT_CLEAN", "ONNXAUDIT_REPAIRED"
VERDICTS = ("clean", "backdoored", "inconclusive", "rejected")
OUTCOMES = ("pass", "fail", "inconclusive")
_GROUNDS: TypeAdapter[Grounds] = TypeAdapter(Grounds)
_WAIVERS: TypeAdapter[tuple[Waiver, ...]] = TypeAdapter(tuple[Waiver, ...])
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Original:
    """The model from which a repaired one was made.

    Attributes:
        name: of its file.
        model_sha256: of that file alone.
        data_sha256: of each external data file, by its location in the model.
    """

    name: str
    model_sha256: str
    data_sha256: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One scan's or repair's outcome, bound to the bytes that were scanned.

    Attributes:
        name: of the model's file.
        model_sha256: of that file alone.
        data_sha256: of each external data file, by its location in the model.
        verdict: of the scan; of a repaired model's the new scan.
        outcome: what the policy made of it.
        softeners: settings that let through what was not cleared.
        policy_sha256: of the policy in force.
        report_sha256: of the JSON report.
        created: when the scan ended.
        version: of onnxaudit.
        waivers: those that the outcome rests on.
        grounds: what a policy decides by; None in statements of 0.1.0.
        original: of a repaired model.
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
    waivers: tuple[Waiver, ...] = ()
    grounds: Grounds | None = None
    original: Original | None = None

    def to_json(self) -> bytes:
        """The statement as UTF-8, with a newline at its end."""
        plain = {
            "_type": STATEMENT_TYPE,
            "subject": _list_subjects(self.name, self.model_sha256, self.data_sha256),
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "verifier": {
                    "id": f"{VERIFIER}@{self.version}",
                    "policy": {"digest": {"sha256": self.policy_sha256}},
                },
                "timeCreated": self.created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "properties": list(self._list_properties()),
                "onnxaudit": {
                    "verdict": self.verdict,
                    "outcome": self.outcome,
                    "softeners": list(self.softeners),
                    "report": {"digest": {"sha256": self.report_sha256}},
                    "waivers": [asdict(waiver) for waiver in self.waivers],
                    "grounds": _write_grounds(self.grounds),
                    "original": None if self.original is None else _list_subjects(**asdict(self.original)),
                },
            },
        }
        return (json.dumps(plain, indent=2) + "\n").encode()

    def _list_properties(self) -> Iterator[str]:
        """What the model has, in the words of the predicate; what a softener let through has none of it."""
        yield SCANNED
        if (self.verdict, self.outcome) == ("clean", "pass"):
            yield CLEAN
        repair = None if self.grounds is None else self.grounds.repair
        if repair is not None and self.outcome == OF_REPAIR.get(repair.outcome) == "pass":
            yield REPAIRED


def _list_subjects(name: str, model_sha256: str, data_sha256: Mapping[str, str]) -> list[dict[str, Any]]:
    """The files of a model, itself first, as in-toto names them."""
    files = {name: model_sha256} | dict(data_sha256)
    return [{"name": name, "digest": {"sha256": digest}} for name, digest in files.items()]


def read_statement(content: bytes) -> Statement:
    """The statement that `Statement.to_json` wrote.

    Raises:
        DataError: it is none, or damaged.
    """
    try:
        return _read(json.loads(content))
    except ValidationError as error:
        raise DataError(f"the statement is damaged: {error.error_count()} of its grounds mean nothing") from error
    except (KeyError, TypeError, IndexError, AttributeError) as error:
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
    model = _read_subjects(plain["subject"])
    original = None if ours.get("original") is None else _read_subjects(ours["original"])
    return Statement(
        name=model.name,
        model_sha256=model.model_sha256,
        data_sha256=model.data_sha256,
        verdict=_choose(ours["verdict"], VERDICTS),
        outcome=_choose(ours["outcome"], OUTCOMES),
        softeners=tuple(_read_text(softener) for softener in ours["softeners"]),
        policy_sha256=_read_digest(predicate["verifier"]["policy"]),
        report_sha256=_read_digest(ours["report"]),
        created=_read_time(predicate["timeCreated"]),
        version=version,
        waivers=_WAIVERS.validate_python(ours.get("waivers", [])),
        grounds=_read_grounds(ours),
        original=original,
    )


def _read_subjects(plain: list[Any]) -> Original:
    model, *data = ((_read_text(one["name"]), _read_digest(one)) for one in plain)
    if len({name for name, _ in (model, *data)}) != 1 + len(data):
        raise ValueError("two of its subjects have one name")
    return Original(name=model[0], model_sha256=model[1], data_sha256=dict(data))


def _read_grounds(ours: Mapping[str, Any]) -> Grounds | None:
    """The grounds, which do not repeat the verdict: there is one, and no second that could differ."""
    if ours.get("grounds") is None:
        return None
    return _GROUNDS.validate_python({**ours["grounds"], "verdict": ours["verdict"]})


def _write_grounds(grounds: Grounds | None) -> dict[str, Any] | None:
    return None if grounds is None else _GROUNDS.dump_python(grounds, mode="json", exclude={"verdict"})


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
