"""The grounds on which a policy decides about a model: few facts of its report, which a statement about it keeps too.

So the same policy comes to the same outcome where the report is, and later where only the statement is.
"""

from dataclasses import dataclass

from onnxaudit.findings.finding import find_all
from onnxaudit.findings.outcome import OF_REPAIR, OF_VERDICT, Outcome, is_left_open
from onnxaudit.records import Measurement, Reason, RepairReport, ScanReport, Verdict


@dataclass(frozen=True, kw_only=True)
class FoundOnce:
    """One finding: its rule's identifier, and the fingerprint that a waiver names."""

    rule: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class RepairGrounds:
    """What was done to a model, and what it gained.

    Attributes:
        outcome: of the repair, as in its report.
        targets: the repaired classes.
        method: "prune", "prune+tune" or "full".
        layer: the layer whose neurons were pruned, or None.
        pruned: how many.
        before: figures of the original.
        after: figures of the written file, on the same images.
        score: of the new scan, in [0, 1].
        reactivation: largest excess of re-activation over the targets; None where it was not measured.
        suspected: whether the targets were no more than suspects.
    """

    outcome: str
    targets: tuple[int, ...]
    method: str
    layer: str | None
    pruned: int
    before: Measurement | None
    after: Measurement | None
    score: float | None
    reactivation: float | None = None
    suspected: bool = False


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """The facts that a policy looks at.

    Attributes:
        model_sha256: of the model that is spoken of, external data included.
        verdict: of the scan of that model; of a repaired one's the new scan.
        findings: all, in their order.
        caveats: what leaves the verdict open.
        labels_asked: classes to be tested.
        labels_finished: classes that were.
        ran: detectors that ran.
        measured: detectors that measured something.
        repair: how the model was made, where a repair made it.
    """

    model_sha256: str
    verdict: Verdict
    findings: tuple[FoundOnce, ...]
    caveats: tuple[Reason, ...]
    labels_asked: int
    labels_finished: int
    ran: tuple[str, ...]
    measured: tuple[str, ...]
    repair: RepairGrounds | None = None

    @property
    def outcome(self) -> Outcome:
        """The report's own answer, before any policy."""
        if self.repair is None:
            return OF_VERDICT[self.verdict]
        if self.repair.suspected and self.repair.outcome == "repaired" and self.verdict is not Verdict.CLEAN:
            return "inconclusive"  # as `findings.outcome.is_left_open` has it
        return OF_REPAIR.get(self.repair.outcome, "inconclusive")


def gather(report: ScanReport | RepairReport) -> Grounds:
    """The grounds that a report gives."""
    scan = report if isinstance(report, ScanReport) else report.rescan or report.scan
    undecided = report if isinstance(report, ScanReport) else report.scan
    if isinstance(report, RepairReport) and is_left_open(report):
        undecided = scan
    sha256 = None if isinstance(report, ScanReport) else report.output_sha256
    taken = {name for row in scan.labels for name in row.ratios}
    taken |= {run.detector.id for run in scan.detectors if run.detector.stage == "model" and run.complete}
    return Grounds(
        model_sha256=sha256 or scan.model.sha256,
        verdict=scan.verdict,
        findings=tuple(FoundOnce(rule=one.rule.id, fingerprint=one.fingerprint) for one in find_all(report)),
        caveats=undecided.caveats,
        labels_asked=scan.coverage.labels_asked,
        labels_finished=scan.coverage.labels_finished,
        ran=tuple(run.detector.id for run in scan.detectors),
        measured=tuple(sorted(taken)),
        repair=None if isinstance(report, ScanReport) else _describe_repair(report),
    )


def _describe_repair(report: RepairReport) -> RepairGrounds:
    return RepairGrounds(
        outcome=report.outcome,
        targets=report.targets,
        method=str(report.config.get("method", "full")),
        layer=None if report.layer is None else report.layer.name,
        pruned=len(report.pruned) + len(report.pruned_inputs),
        before=report.original,
        after=report.repaired,
        score=None if report.rescan is None else report.rescan.score,
        reactivation=max((one.excess for one in report.forgetting), default=None),
        suspected=report.suspected,
    )
