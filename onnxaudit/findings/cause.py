"""What an entry of the catalogs of reasons is."""

import string
from dataclasses import dataclass
from typing import Any, Literal

from onnxaudit.records import Reason
from onnxaudit.text import format_share

Effect = Literal["no verdict", "never clean", "score"]

MORE_TIME = "Scan again with a longer `--time-budget`, or on a faster machine."


class _Sentence(string.Formatter):
    """Fills in sentences; `{x:share}` is a share in percent, as all outputs write it."""

    def format_field(self, value: Any, format_spec: str) -> str:
        return format_share(value) if format_spec == "share" else str(super().format_field(value, format_spec))


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One entry of the catalog.

    Attributes:
        code: stable identifier.
        effect: on the verdict.
        title: a clause in plain words, without numbers and without its full stop.
        seen: one sentence with its numbers in braces, shares as `{name:share}`.
        meaning: why it leaves the verdict open.
        advice: what to do.
    """

    code: str
    effect: Effect
    title: str
    seen: str
    meaning: str
    advice: str

    def give(self, **values: float | str) -> Reason:
        """The reason with what its sentence tells.

        Raises:
            KeyError: the sentence tells something that is missing.
        """
        numbers = {name: value for name, value in values.items() if not isinstance(value, str)}
        seen = _Sentence().vformat(self.seen, (), values)
        return Reason(code=self.code, seen=seen, numbers=numbers, advice=self.advice)
