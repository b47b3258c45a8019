"""What an entry of the catalogs of reasons is."""

from dataclasses import dataclass
from typing import Literal

from onnxaudit.records import Reason

Effect = Literal["no verdict", "never clean", "score"]

MORE_TIME = "Scan again with a longer `--time-budget`, or on a faster machine."


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One entry of the catalog.

    Attributes:
        code: stable identifier.
        effect: on the verdict.
        title: a clause in plain words, without numbers and without its full stop.
        seen: one sentence with its numbers in braces.
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
        return Reason(code=self.code, seen=self.seen.format_map(values), numbers=numbers, advice=self.advice)
