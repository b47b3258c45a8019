"""What a policy made of a run's findings, as a report keeps it."""

from dataclasses import dataclass
from typing import Any, Literal

from onnxaudit.records.reasons import Reason


@dataclass(frozen=True)
class Setting:
    """One key of the policy in force.

    Attributes:
        key: its name.
        value: in force.
        origin: what set it: "default", a file, a variable, or the command line.
        locked: what locked it against stronger origins, or None.
    """

    key: str
    value: Any
    origin: str
    locked: str | None = None


@dataclass(frozen=True)
class Waiver:
    """Somebody's word that a finding of one model is accepted for a time.

    Attributes:
        fingerprint: of the finding, as in SARIF.
        model_sha256: of the model, as in the report.
        reason: why it is accepted.
        approver: who accepts it.
        expiry: last day on which it holds (UTC), as `2026-12-31`.
    """

    fingerprint: str
    model_sha256: str
    reason: str
    approver: str
    expiry: str


@dataclass(frozen=True)
class WaiverUse:
    """A waiver, and whether it holds: an unused one speaks of no finding of this run."""

    waiver: Waiver
    state: Literal["used", "unused", "expired"]


@dataclass(frozen=True)
class Decision:
    """What the policy made of one report.

    Attributes:
        outcome: after waivers and softeners; the report's own answer stays what it is.
        reasons: why it differs from that answer, one sentence each; none where it does not.
        fingerprints: of the report's findings, in their order.
        caveats: what leaves the outcome open, or did before the policy settled it: the report's own, and what the
            policy demands beyond them.
    """

    outcome: Literal["pass", "fail", "inconclusive"]
    reasons: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    caveats: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Gate:
    """The policy in force, and what it made of each report.

    Attributes:
        settings: every key with its value and origin.
        policy_sha256: of all keys and values in force, wherever they come from.
        softeners: settings in force that let through what was not cleared.
        waivers: all, with what became of them.
        decisions: one for each report, in their order.
    """

    settings: tuple[Setting, ...]
    policy_sha256: str
    softeners: tuple[str, ...]
    waivers: tuple[WaiverUse, ...]
    decisions: tuple[Decision, ...]
