"""The findings of a report, each under its rule: the same in every format that lists them.

A scan that calls a model clean has none, one that comes to no verdict has questions left open, never nothing.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from onnxaudit.findings import rules
from onnxaudit.findings.caveats import is_about_score, list_caveats
from onnxaudit.findings.interruptions import UNFINISHED
from onnxaudit.findings.kind import Kind, find_ratio, list_kinds
from onnxaudit.findings.outcome import is_left_open
from onnxaudit.findings.reasons import NO_IMAGES
from onnxaudit.findings.rules import Rule
from onnxaudit.records import (
    Document,
    Gate,
    LabelResult,
    ModelInfo,
    Reason,
    RepairDocument,
    RepairReport,
    ScanDocument,
    ScanReport,
    Verdict,
    Waiver,
)
from onnxaudit.records.evidence import LEAST_TOLD
from onnxaudit.text import format_rate, format_share, name_label, show_plainly

RULE_OF_KIND = {
    Kind.PATCH: rules.TRIGGER,
    Kind.ADDITIVE: rules.WHOLE_IMAGE,
    Kind.SPECTRAL: rules.WHOLE_IMAGE,
    Kind.WARP: rules.WARP,
    Kind.PHOTOMETRIC: rules.PHOTOMETRIC,
    Kind.SOURCE_SPECIFIC: rules.SOURCE_SPECIFIC,
    Kind.LATENT: rules.INNER_SHIFT,
    Kind.ALL_TO_ALL: rules.ALL_TO_ALL,
}
_WORDS = {
    Kind.PATCH: "The trigger that leads to class {name} is {times} closer",
    Kind.ADDITIVE: "The faintest pattern over the whole image that leads to class {name} is {times} fainter",
    Kind.SPECTRAL: "The spectral perturbation of the whole image that leads to class {name} is {times} weaker",
    Kind.WARP: "The mildest warp of the image that leads to class {name} is {times} milder",
    Kind.PHOTOMETRIC: "The mildest photometric change that leads to class {name} is {times} milder",
    Kind.SOURCE_SPECIFIC: "The trigger that leads images of a single class to class {name} is {times} smaller",
    Kind.LATENT: "The latent shift to class {name} is {times} shorter",
}
RULE_OF_CODE = {UNFINISHED.code: rules.UNFINISHED, NO_IMAGES.code: rules.SYNTHETIC}


@dataclass(frozen=True)
class Finding:
    """One thing to act on.

    Attributes:
        rule: which kind.
        model: where.
        message: what was found, for people: one line, nothing in it that a terminal would act on.
        label: the class it leads to; None where it is about no single class.
        place: names the label, or the place in the graph, to people; else "".
        score: of the scan, in [0, 1].
        waiver: accepts it for a time; it stays a finding.
        reasons: what leaves the verdict open, where that is what was found.
        kind: of backdoor, where one was found.
    """

    rule: Rule
    model: ModelInfo
    message: str
    label: int | None = None
    place: str = ""
    score: float = 0.0
    waiver: Waiver | None = None
    reasons: tuple[Reason, ...] = ()
    kind: Kind | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of rule and class (or place in the graph) alone: the same in every scan that finds the same."""
        label = self.place if self.label is None else str(self.label)
        return hashlib.sha256(f"onnxaudit\n{self.rule.id}\n{label}".encode()).hexdigest()


def list_findings(document: Document) -> tuple[Finding, ...]:
    """All findings of all reports, in their order."""
    if not isinstance(document, ScanDocument | RepairDocument):
        return ()
    return tuple(finding for report in document.reports for finding in find_all(report, document.gate))


def find_all(report: ScanReport | RepairReport, gate: Gate | None = None) -> tuple[Finding, ...]:
    """The findings of one report, those that `gate` waives with their waivers."""
    waivers = () if gate is None else gate.waivers
    used = {(one.waiver.fingerprint, one.waiver.model_sha256): one.waiver for one in waivers if one.state == "used"}
    found = _find_in(report)
    if isinstance(report, RepairReport) or not used:
        return found
    return tuple(
        replace(finding, waiver=used.get((finding.fingerprint, report.model.sha256)) if finding.rule.waivable else None)
        for finding in found
    )


def _find_in(report: ScanReport | RepairReport) -> tuple[Finding, ...]:
    if isinstance(report, RepairReport):
        return tuple(_of_repair(report))
    match report.verdict:
        case Verdict.BACKDOORED:
            return tuple(_of_backdoor(report))
        case Verdict.INCONCLUSIVE:
            return tuple(_of_inconclusive(report))
        case Verdict.REJECTED:
            return tuple(_of_rejected(report))
        case Verdict.CLEAN:
            return ()


def describe_waiver(waiver: Waiver) -> str:
    """Who accepts a finding, why and how long: one line for people."""
    return show_plainly(f"waived until {waiver.expiry} by {waiver.approver}: {waiver.reason}")


def rank_labels(report: ScanReport) -> list[LabelResult]:
    """Targets first, surest first; then by size; labels without a size last."""
    order = {label: place for place, label in enumerate(report.target_labels)}

    def suspicion(row: LabelResult) -> tuple[int, float, int]:
        size = float("inf") if row.mask_l1 is None else row.mask_l1
        return order.get(row.label, len(order)), size, row.label

    return sorted(report.labels, key=suspicion)


def _of_backdoor(report: ScanReport) -> Iterator[Finding]:
    universal = report.universal
    if universal is not None:
        reached = {label for label in universal.destinations if label is not None}
        followers, unit = universal.followers, report.model.input.layout.unit
        yield _find(
            report,
            rules.ALL_TO_ALL,
            f"A single trigger of {universal.trigger.mask_l1:.1f} {unit} sends {len(reached)} classes to classes of "
            f"their own; {followers.successes} of {followers.trials} clean images that the search did not use follow",
            kind=Kind.ALL_TO_ALL,
        )
    for label in report.target_labels:
        for kind in list_kinds(report, label):
            if kind is not Kind.ALL_TO_ALL:
                yield _find(report, RULE_OF_KIND[kind], _describe_target(report, label, kind), label, kind=kind)
    if universal is None and not report.target_labels:
        yield _find(report, rules.UNDECIDED, report.summary)


def _describe_target(report: ScanReport, label: int, kind: Kind) -> str:
    row = next((row for row in report.labels if row.label == label), None)
    name = name_label(label, report.class_names)
    if kind is Kind.PATCH and row is not None and row.mask_l1 is not None:
        size = report.model.input
        share = format_share(row.mask_l1 / (size.height * size.width))
        return (
            f"A trigger of {row.mask_l1:.1f} {size.layout.unit} ({share} of the input) sends "
            f"{format_rate(row.success_rate)} of clean images that the search did not use to class {name}"
        )
    return describe_by_ratio(row, kind, name)


def describe_by_ratio(row: LabelResult | None, kind: Kind, name: str) -> str:
    """How much closer than is normal the class called `name` is by a kind of which no single trigger is shown.

    A sentence without its full stop.
    """
    ratio = 1.0 if row is None else find_ratio(row.ratios, kind)
    if row is not None and kind is Kind.LATENT:  # the exact shift is latent inversion too: the nearer of both is told
        ratio = max(ratio, row.ratios.get("exact-shift", 1.0))
    times = f"{ratio:.1f} times" if ratio >= LEAST_TOLD else "no"
    return f"{_WORDS[kind].format(name=name, times=times)} than is normal for this model"


def _of_inconclusive(report: ScanReport) -> Iterator[Finding]:
    about_score = tuple(reason for reason in list_caveats(report) if is_about_score(reason))
    for label in report.target_labels:
        name = name_label(label, report.class_names)
        message = f"Class {name} stands out, but not far enough for a verdict"
        yield _find(report, rules.SUSPICION, message, label, reasons=about_score)
    yield from _list_causes(report)


def _of_rejected(report: ScanReport) -> Iterator[Finding]:
    for one in report.irregularities:
        yield replace(_find(report, rules.find_rule(one.rule), one.says), place=show_plainly(one.place))


def _list_causes(report: ScanReport) -> Iterator[Finding]:
    """What besides a class that stands out leaves the verdict open; the last of them for all without a rule."""
    rest = []
    for reason in list_caveats(report):
        if reason.code in RULE_OF_CODE:
            yield _find(report, RULE_OF_CODE[reason.code], reason.seen, reasons=(reason,))
        elif not (report.target_labels and is_about_score(reason)):
            rest.append(reason)
    if rest:
        yield _find(report, rules.UNDECIDED, " ".join(reason.seen for reason in rest), reasons=tuple(rest))
    elif not (report.target_labels or any(reason.code in RULE_OF_CODE for reason in list_caveats(report))):
        yield _find(report, rules.UNDECIDED, " ".join(report.reasons) or report.summary)


def _of_repair(report: RepairReport) -> Iterator[Finding]:
    if report.outcome == "inconclusive":
        yield from find_all(report.scan)
    if report.rescan is not None and is_left_open(report):
        yield from find_all(report.rescan)
    if report.outcome != "incomplete":
        return
    yield _find(report.scan, rules.REPAIR_INCOMPLETE, report.summary)
    yield from _list_remembered(report)
    if report.rescan is not None and report.rescan.verdict is Verdict.BACKDOORED:
        for label in report.rescan.target_labels:
            name = name_label(label, report.scan.class_names)
            yield _find(report.scan, rules.REPAIR_STILL_BACKDOORED, f"The new scan still names class {name}", label)


def _list_remembered(report: RepairReport) -> Iterator[Finding]:
    """Targets whose backdoor comes back sooner than the limit allows, where there is one."""
    limit = report.config.get("max_reactivation")
    if not isinstance(limit, int | float):
        return
    for one in report.forgetting:
        if one.excess > limit:
            name = name_label(one.target.label, report.scan.class_names)
            message = (
                f"The trigger to class {name} is learned again sooner than to others, by {100 * one.excess:.0f} points"
            )
            yield _find(report.scan, rules.REPAIR_REMEMBERED, message, one.target.label)


def _find(
    report: ScanReport,
    rule: Rule,
    message: str,
    label: int | None = None,
    *,
    kind: Kind | None = None,
    reasons: tuple[Reason, ...] = (),
) -> Finding:
    place = "" if label is None else f"class {name_label(label, report.class_names)}"
    sentence = show_plainly(message)
    sentence = sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
    return Finding(rule, report.model, sentence, label, place, report.score, reasons=reasons, kind=kind)
