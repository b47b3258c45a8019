"""The policy: its keys, the only home of their defaults, and how values that were given become theirs."""

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from enum import StrEnum
from typing import Any

from onnxaudit.detectors.registry import STANDARD, list_known
from onnxaudit.errors import UsageError
from onnxaudit.findings.reasons import CATALOG, is_code
from onnxaudit.gate.quantities import parse_duration, parse_size
from onnxaudit.records import Waiver
from onnxaudit.records.old_names import OLD_DETECTORS

SHA256 = re.compile(r"[0-9a-f]{64}")


class FailOn(StrEnum):
    """From which finding on a model fails."""

    BACKDOORED = "backdoored"
    SUSPICION = "suspicion"  # a class that stands out, not far enough for a verdict, fails too


class Inconclusive(StrEnum):
    """What an inconclusive verdict leads to."""

    BLOCK = "block"  # exit code 3
    FAIL = "fail"  # exit code 1
    WARN = "warn"  # exit code 0: a softener


class Repaired(StrEnum):
    """What lets a repaired model through."""

    ACCEPT = "accept"  # the repair's limits, measured on the written file
    CLEAN = "clean"  # the new scan calls it clean as well


@dataclass(frozen=True)
class Policy:
    """What is demanded of a model, and what an audit may take.

    Attributes:
        fail_on: from which finding on a model fails.
        inconclusive: what an inconclusive verdict leads to.
        inconclusive_by_reason: the same by the code of what leaves the verdict open; of several reasons the strictest
            counts, and a code that is not named counts as `inconclusive`.
        exit_zero: tell everything, stop nothing; errors stay errors.
        detectors: that run; none named: all of onnxaudit's own, for which "standard" stands too.
        required_detectors: detectors without whose measurements no model passes.
        min_coverage: least share of the classes that were finished, in [0, 1].
        time_budget: seconds for each model; None is no limit.
        memory_limit: bytes of data that a worker process may hold; None is 90 % of the machine's memory.
        domains: operator domains besides ONNX's own that a model may name; None is all that can be imported.
        min_agreement: least agreement of a repaired model with the original; None is the repair's own limit.
        max_success: largest attack success rate of a trigger after a repair; None is the repair's own limit.
        max_reactivation: largest excess of re-activation of a repaired model; None: it decides nothing.
        repaired: what lets a repaired model through.
        max_age: seconds for which a statement about a model holds; None is for ever.
        accepted_keys: public keys in PEM whose signatures count.
        waivers: accepted findings.
    """

    fail_on: FailOn = FailOn.BACKDOORED
    inconclusive: Inconclusive = Inconclusive.BLOCK
    inconclusive_by_reason: Mapping[str, Inconclusive] = field(default_factory=dict)
    exit_zero: bool = False
    detectors: tuple[str, ...] = ()
    required_detectors: tuple[str, ...] = ()
    min_coverage: float = 0.0
    time_budget: float | None = None
    memory_limit: int | None = None
    domains: tuple[str, ...] | None = None
    min_agreement: float | None = None
    max_success: float | None = None
    max_reactivation: float | None = None
    repaired: Repaired = Repaired.ACCEPT
    max_age: float | None = None
    accepted_keys: tuple[str, ...] = ()
    waivers: tuple[Waiver, ...] = ()

    @property
    def softeners(self) -> tuple[str, ...]:
        """The settings that let through what was not cleared; there are no others."""
        softened = [code for code, comes_to in self.inconclusive_by_reason.items() if comes_to is Inconclusive.WARN]
        return (
            *(["exit_zero"] if self.exit_zero else []),
            *(["inconclusive = warn"] if self.inconclusive is Inconclusive.WARN else []),
            *(f"inconclusive_by_reason: {code} = warn" for code in softened),
        )

    def settle(self, codes: Iterable[str]) -> Inconclusive:
        """What a missing verdict for these reasons comes to; without any, what `inconclusive` says."""
        found = {self.inconclusive_by_reason.get(code, self.inconclusive) for code in codes} or {self.inconclusive}
        return next(one for one in (Inconclusive.FAIL, Inconclusive.BLOCK, Inconclusive.WARN) if one in found)


KEYS = tuple(one.name for one in fields(Policy))
OLD_KEYS = {"required_looks": "required_detectors"}  # names of before 0.1, read until 0.2


def read_value(key: str, value: Any, where: str) -> Any:
    """The value of `key` as the policy holds it, from TOML's types or from text.

    Raises:
        UsageError: it has none such; names `where`.
    """
    try:
        return _READERS[key](value)
    except ValueError as error:
        raise UsageError(f"{where}: {key}: {error}") from error


def rename_keys(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The same values, those under old names of keys under the new ones.

    Raises:
        UsageError: a key is given under both names.
    """
    for old, new in OLD_KEYS.items():
        if old in values and new in values:
            raise UsageError(f"{where}: {old} is the old name of {new}; give {new} alone")
    return {OLD_KEYS.get(key, key): value for key, value in values.items()}


def check_names(names: Iterable[str], known: Iterable[str], where: str) -> None:
    """Refuse names that mean nothing: a misspelled demand would be none.

    Raises:
        UsageError: there is one; names what it may have been.
    """
    known = tuple(known)
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name.replace("-", "_"), known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise UsageError(f"{where}: unknown key {name!r}; {hint}")


def _choose(kind: type[StrEnum]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if value not in list(kind):
            raise ValueError(f"{value!r} is not one of {', '.join(kind)}")
        return kind(value)

    return read


def _read_by_reason(value: Any) -> dict[str, Inconclusive]:
    """A table, or text as `no-images=warn,few-classes-to-check=fail`."""
    if isinstance(value, str):
        value = dict(part.strip().partition("=")[::2] for part in value.split(",") if part.strip())
    if not isinstance(value, Mapping):
        raise ValueError(f"{value!r} is no table of codes")
    plain = {code.strip(): comes_to for code, comes_to in value.items()}
    for code in plain:
        if not is_code(code):
            near = difflib.get_close_matches(code, CATALOG, 1)
            raise ValueError(f"no reason has the code {code!r}" + (f"; did you mean {near[0]}?" if near else ""))
    read = _choose(Inconclusive)
    return {code: read(comes_to.strip() if isinstance(comes_to, str) else comes_to) for code, comes_to in plain.items()}


def _choose_detector(*others: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        name, known = OLD_DETECTORS.get(value, value), (*others, *list_known())
        if name not in known:
            raise ValueError(f"{value!r} is not one of {', '.join(known)}; others have to be installed")
        return str(name)

    return read


def _read_flag(value: Any) -> bool:
    words = {"true": True, "1": True, "false": False, "0": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise ValueError(f"{value!r} is neither true nor false")


def _read_share(value: Any) -> float:
    try:
        share = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        share = math.nan
    if not 0 <= share <= 1:
        raise ValueError(f"{value!r} is no share from 0 to 1")
    return share


def _quantity(parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError(f"{value!r} is neither a number nor text")
        return parse(str(value))

    return read


def _several(read: Callable[[Any], Any] = str) -> Callable[[Any], tuple[Any, ...]]:
    def read_all(value: Any) -> tuple[Any, ...]:
        parts = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
            raise ValueError(f"{value!r} is no list of texts")
        return tuple(read(part) for part in parts)

    return read_all


def _read_waivers(value: Any) -> tuple[Waiver, ...]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ValueError("waivers are tables, [[waivers]] each")
    return tuple(_read_waiver(entry, f"waiver {number}") for number, entry in enumerate(value, start=1))


def _read_waiver(entry: Mapping[str, Any], name: str) -> Waiver:
    names = [field.name for field in fields(Waiver)]
    unknown, missing = sorted(set(entry) - set(names)), [key for key in names if key not in entry]
    if unknown or missing:
        raise ValueError(f"{name}: {'unknown' if unknown else 'without'} {', '.join(unknown or missing)}")
    expiry = entry["expiry"]
    plain = {**entry, "expiry": expiry.isoformat() if type(expiry) is date else expiry}
    for key, text in plain.items():
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{name}: {key} is empty or no text")
    for key in ("fingerprint", "model_sha256"):
        if not SHA256.fullmatch(plain[key]):
            raise ValueError(f"{name}: {key} is no SHA-256 (64 digits, lower case); the JSON report holds it")
    try:
        plain["expiry"] = date.fromisoformat(plain["expiry"]).isoformat()
    except ValueError:
        raise ValueError(f"{name}: expiry {plain['expiry']!r} is no day; write 2026-12-31") from None
    return Waiver(**plain)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "fail_on": _choose(FailOn),
    "inconclusive": _choose(Inconclusive),
    "inconclusive_by_reason": _read_by_reason,
    "exit_zero": _read_flag,
    "detectors": _several(_choose_detector(STANDARD)),
    "required_detectors": _several(_choose_detector()),
    "min_coverage": _read_share,
    "time_budget": _quantity(parse_duration),
    "memory_limit": _quantity(parse_size),
    "domains": _several(),
    "min_agreement": _read_share,
    "max_success": _read_share,
    "max_reactivation": _read_share,
    "repaired": _choose(Repaired),
    "max_age": _quantity(parse_duration),
    "accepted_keys": _several(),
    "waivers": _read_waivers,
}
