"""The coded reasons that a report holds, and the sentences that they go with."""

from collections.abc import Iterator
from dataclasses import dataclass

from onnxaudit.findings.interruptions import UNFINISHED
from onnxaudit.findings.reasons import NO_IMAGES, find_cause
from onnxaudit.records import LabelStatus, Reason, RepairReport, ScanReport, Verdict


def is_about_score(reason: Reason) -> bool:
    """Whether the evidence alone leaves the verdict open: the classes that stand out say so themselves."""
    cause = find_cause(reason.code)
    return cause is not None and cause.effect == "score"


def find_title(reason: Reason) -> str:
    """What happened, as a clause in plain words without numbers."""
    cause = find_cause(reason.code)
    return reason.seen.rstrip(".") if cause is None else cause.title


def list_caveats(report: ScanReport) -> tuple[Reason, ...]:
    """Those of a report; of one from before reasons had codes, the two that its figures tell."""
    if report.caveats or report.verdict is not Verdict.INCONCLUSIVE:
        return report.caveats
    return tuple(_reconstruct(report))


def _reconstruct(report: ScanReport) -> Iterator[Reason]:
    unfinished = sum(row.status is LabelStatus.UNFINISHED for row in report.labels)
    if unfinished:
        yield UNFINISHED.give(unfinished=unfinished, labels=len(report.labels))
    if report.samples.synthetic:
        yield NO_IMAGES.give()


@dataclass(frozen=True)
class Ground:
    """What an answer rests on: one sentence, and its code where it has one, else ""."""

    sentence: str
    code: str = ""


def list_grounds(report: ScanReport | RepairReport) -> tuple[Ground, ...]:
    """The reasons of a report with their codes; caveats that are none of them last."""
    caveats = (report if isinstance(report, ScanReport) else report.scan).caveats
    codes = {reason.seen: reason.code for reason in caveats}
    grounds = [Ground(sentence, codes.get(sentence, "")) for sentence in report.reasons]
    if isinstance(report, ScanReport):
        grounds += [Ground(reason.seen, reason.code) for reason in caveats if reason.seen not in report.reasons]
    return tuple(grounds)
