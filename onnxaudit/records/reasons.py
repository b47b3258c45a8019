"""Why a verdict is open, or less sure than it looks: for people, and under a code for machines."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One cause of an open verdict, or one caveat.

    Attributes:
        code: stable identifier, in lower case with hyphens; `findings.reasons` lists all.
        seen: what was seen, one sentence.
        numbers: what `seen` tells, by name.
        advice: what to do about it, one sentence or more.
    """

    code: str
    seen: str
    numbers: dict[str, int | float] = field(default_factory=dict)
    advice: str = ""
