"""One kind of finding, with what a reader who never saw one needs to act on it."""

from dataclasses import dataclass
from typing import Literal

from onnxaudit.findings.taxonomies import BACKDOOR, MADE_FILE, Taxon

SarifKind = Literal["fail", "open"]  # SARIF's words: a finding, and a question that the scan left open


@dataclass(frozen=True)
class Rule:
    """One kind of finding.

    Attributes:
        id: stable identifier.
        name: in lower case with hyphens.
        short: one sentence without its full stop.
        seen: what was seen.
        gain: what an attacker gains.
        certainty: how sure it is.
        advice: what to do next.
        kind: whether it is a finding, or a question left open.
        severity: from 0 to 10, as code scanning services rank security alerts.
    """

    id: str
    name: str
    short: str
    seen: str
    gain: str
    certainty: str
    advice: str
    kind: SarifKind = "fail"
    severity: float = 9.0

    @property
    def waivable(self) -> bool:
        """Whether it speaks of a class that may be accepted as it is.

        That a scan told nothing is no such thing; what was never audited is nobody's to accept, and how a repair ended
        is a measurement: its limits are the policy's.
        """
        return self.severity > 0 and not self.id.startswith(("OA3", "OA4"))

    @property
    def taxa(self) -> tuple[Taxon, ...]:
        """What public taxonomies call it; a question that is open has been found to be nothing yet."""
        if self.kind == "open":
            return ()
        return MADE_FILE if self.id.startswith("OA4") else BACKDOOR

    @property
    def sections(self) -> dict[str, str]:
        """The full text, by heading."""
        names = ", ".join(f"{taxon.full_id} ({taxon.name})" for taxon in self.taxa)
        return {
            "What was seen": self.seen,
            "What an attacker gains": self.gain,
            "How sure it is": self.certainty,
            "What to do next": self.advice,
            **({"Listed as": f"{names}."} if names else {}),
        }
