"""The policy's part of a document as the page shows it: what was let through, by which policy, and what softened it."""

from collections.abc import Iterator
from dataclasses import dataclass

from onnxaudit.findings.finding import Finding, describe_waiver, list_findings
from onnxaudit.records import Decision, Document, Gate, RepairDocument, ScanDocument, Setting, WaiverUse
from onnxaudit.report.html.detail import Detail
from onnxaudit.report.html.views.parts import Fact
from onnxaudit.report.html.wording import DECISIONS, count, shorten
from onnxaudit.text import format_setting

MOST = 200  # waivers shown
DIGITS = 16  # of a hash; the JSON report has all
MOST_REASONS = 400  # characters of a decision's reasons, shown in two places


@dataclass(frozen=True)
class DecisionLine:
    """What became of one model, where that is not what its verdict says; `kind` is "good", "bad" or "open"."""

    word: str
    kind: str
    reasons: str


@dataclass(frozen=True)
class WaiverRow:
    """One waiver: what became of it, who says what until when, and of which finding of which model."""

    state: str
    word: str
    subject: str


@dataclass(frozen=True)
class SettingRow:
    """One key of the policy."""

    key: str
    value: str
    origin: str


@dataclass(frozen=True)
class GateView:
    """The policy, and everything that it let through or could have."""

    facts: tuple[Fact, ...]
    softeners: tuple[str, ...]
    waivers: tuple[WaiverRow, ...]
    more_waivers: str
    settings: tuple[SettingRow, ...]


def find_gate(document: Document) -> Gate | None:
    """The policy's part, where there is one."""
    return document.gate if isinstance(document, ScanDocument | RepairDocument) else None


def view_gate(document: Document, detail: Detail) -> GateView | None:
    """Everything that the page says about the policy; None where none was asked."""
    gate = find_gate(document)
    if gate is None:
        return None
    found, more = list_findings(document), len(gate.waivers) - MOST
    return GateView(
        facts=tuple(_list_facts(gate)),
        softeners=gate.softeners,
        waivers=tuple(_describe_waiver(use, found) for use in gate.waivers[:MOST]),
        more_waivers=f"{count(more, 'more waiver is', 'more waivers are')} in the JSON report." if more > 0 else "",
        settings=tuple(map(_describe_setting, gate.settings)) if detail.tables else (),
    )


def describe_decision(gate: Gate | None, number: int) -> DecisionLine | None:
    """What the policy made of one report, where that is not what its answer says."""
    decision = None if gate is None else gate.decisions[number]
    if decision is None or not decision.reasons:
        return None
    return DecisionLine(*DECISIONS[decision.outcome], shorten(" ".join(decision.reasons), MOST_REASONS))


def _list_facts(gate: Gate) -> Iterator[Fact]:
    yield Fact("Outcome", _count_outcomes(gate.decisions))
    origins = dict.fromkeys(setting.origin for setting in gate.settings if setting.origin != "default")
    yield Fact("Set by", ", ".join(origins) or "nobody: all defaults")
    yield Fact("Softened by", ", ".join(gate.softeners) or "nothing")
    yield Fact("Policy, SHA-256", gate.policy_sha256)


def _count_outcomes(decisions: tuple[Decision, ...]) -> str:
    outcomes = [str(decision.outcome) for decision in decisions]
    if len(outcomes) == 1:
        return DECISIONS[outcomes[0]][0]
    counted = {DECISIONS[outcome][0]: outcomes.count(outcome) for outcome in DECISIONS}
    return ", ".join(f"{word}: {number}" for word, number in counted.items() if number) or "no model was tested"


def _describe_waiver(use: WaiverUse, found: tuple[Finding, ...]) -> WaiverRow:
    waiver = use.waiver
    waived = next((one for one in found if one.waiver == waiver), None) if use.state == "used" else None
    finding = "finding" if waived is None else f"{waived.rule.id} {waived.place}"
    subject = f"{finding}: {waiver.fingerprint[:DIGITS]}… of model {waiver.model_sha256[:DIGITS]}…"
    return WaiverRow(use.state, describe_waiver(waiver), subject)


def _describe_setting(setting: Setting) -> SettingRow:
    locked = "" if setting.locked is None else f", locked by {setting.locked}"
    return SettingRow(setting.key, format_setting(setting.value), f"{setting.origin}{locked}")
