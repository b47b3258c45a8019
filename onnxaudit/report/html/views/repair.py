"""A repair as the page shows it, with the scans before and after."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from onnxaudit.findings.caveats import Ground, list_grounds
from onnxaudit.findings.finding import Finding, find_all
from onnxaudit.findings.rules import Rule
from onnxaudit.records import Measurement, NeuronAxis, NeuronProfile, RepairReport, Verdict, WeightChange
from onnxaudit.report.forgetting import describe_forgetting
from onnxaudit.report.html import commands
from onnxaudit.report.html.charts.forgetting import draw_forgetting
from onnxaudit.report.html.charts.labels import draw_labels
from onnxaudit.report.html.charts.neurons import draw_neurons
from onnxaudit.report.html.charts.rounds import draw_rounds
from onnxaudit.report.html.detail import Detail
from onnxaudit.report.html.views.parts import Answer, Fact, RateCell, make_answer, make_rate
from onnxaudit.report.html.views.scan import (
    Provenance,
    ScanView,
    choose_hero,
    describe_files,
    name_targets,
    view_scan,
    write_settings,
)
from onnxaudit.report.html.views.suspects import Captioned
from onnxaudit.report.html.wording import count, shorten_path
from onnxaudit.report.measures import list_measures
from onnxaudit.report.trade_off import HEADINGS, find_front, list_row
from onnxaudit.text import format_count, format_duration, format_rate, name_label

NEURONS_SHOWN = 5


@dataclass(frozen=True)
class MeasureRow:
    """One figure before, after pruning, and after all."""

    name: str
    note: str
    cells: tuple[RateCell, ...]


@dataclass(frozen=True)
class RoundRow:
    """One round in the table of all."""

    number: int
    target: int
    neurons: str
    ranking: str
    agreement: str
    success: str
    margin: str
    kept: bool
    reason: str


@dataclass(frozen=True)
class Neurons:
    """The target layer: a chart, and the first neurons of both rankings."""

    layer: str
    note: str
    chart: Markup
    by_activation: tuple[tuple[NeuronProfile, bool], ...]
    by_weight: tuple[tuple[NeuronProfile, bool], ...]


@dataclass(frozen=True)
class ForgettingView:
    """What became of one target when it was learned again: a chart, and the same in words."""

    name: str
    words: str
    chart: Markup


@dataclass(frozen=True)
class RepairView:
    """One repair."""

    name: str
    answer: Answer
    hero: Captioned | None
    facts: tuple[Fact, ...]
    reasons: tuple[Ground, ...]
    findings: tuple[Finding, ...]
    rules: tuple[Rule, ...]
    stages: tuple[str, ...]
    measures: tuple[MeasureRow, ...]
    trade_off: tuple[tuple[str, ...], ...]
    rounds_chart: Markup
    rounds_note: str
    rounds: tuple[RoundRow, ...]
    neurons: Neurons | None
    pruned: str
    removal: str
    kept_neurons: tuple[tuple[int, str], ...]
    changes: tuple[WeightChange, ...]
    scan: ScanView
    forgetting: tuple[ForgettingView, ...]
    rescan_chart: Markup
    rescan: Answer | None
    rescan_score: str
    provenance: Provenance
    kind: str = "repair"


def view_repair(report: RepairReport, detail: Detail) -> RepairView:
    """Everything that the page says about a repair."""
    findings, scan, rescan = find_all(report), view_scan(report.scan, detail), report.rescan
    stages = {"Original": report.original, "Pruned": report.pruned_only, "Repaired": report.repaired}
    measured = {name: stage for name, stage in stages.items() if stage is not None}
    return RepairView(
        name=shorten_path(report.scan.model.path),
        answer=make_answer(report.outcome, report.summary),
        hero=choose_hero(scan.targets, scan.universal, "the original called") if report.targets else None,
        facts=tuple(_list_facts(report)),
        reasons=list_grounds(report),
        findings=findings,
        rules=tuple(dict.fromkeys(finding.rule for finding in findings)),
        stages=tuple(measured),
        measures=tuple(_list_measures(tuple(measured.values()))),
        trade_off=_list_trade_off(report),
        rounds_chart=draw_rounds(report) if report.rounds else Markup(""),
        rounds_note=_describe_rounds(report),
        rounds=tuple(_list_rounds(report)) if detail.tables else (),
        neurons=_view_neurons(report),
        pruned=", ".join(map(str, report.pruned)),
        removal=_describe_removal(report),
        kept_neurons=() if report.removal is None else tuple(report.removal.kept.items()),
        changes=report.changes,
        scan=scan,
        forgetting=tuple(_view_forgetting(report)),
        rescan_chart=draw_labels(rescan) if rescan is not None and rescan.labels else Markup(""),
        rescan=None if rescan is None else make_answer(rescan.verdict.value, rescan.summary),
        rescan_score="" if rescan is None else f"{rescan.score:.2f}",
        provenance=_describe_provenance(report, detail),
    )


def _list_facts(report: RepairReport) -> Iterator[Fact]:
    before, after = report.original, report.repaired
    if report.targets:
        note = "suspected: the scan came to no verdict" if report.suspected else ""
        yield Fact("Target class", name_targets(report.scan, report.targets), note)
    if before is not None and after is not None:
        yield _compare("Trigger works on", before, after, "success_rate", "of triggered images (ASR)")
        if after.poisoned_accuracy is not None:
            yield _compare("Own class again", before, after, "poisoned_accuracy", "of triggered images (PACC)")
        if after.known_success_rate is not None:
            yield _compare("Known trigger works on", before, after, "known_success_rate", "never used for the repair")
        if after.accuracy.trials:
            yield _compare("Clean accuracy", before, after, "accuracy", "on clean images")
        yield Fact("Agreement", format_rate(after.agreement), "with the original, on clean images")
    if report.layer is not None:
        yield Fact("Pruned", f"{len(report.pruned)} of {report.layer.neurons:,} neurons")
        if report.pruned_inputs:
            yield Fact("Pruned before it", count(len(report.pruned_inputs), "input", "inputs"))
    if report.rescan is not None:
        words = {
            Verdict.CLEAN: "clean",
            Verdict.INCONCLUSIVE: "no verdict",
            Verdict.BACKDOORED: "still backdoored",
            Verdict.REJECTED: "rejected",
        }
        yield Fact("New scan", words[report.rescan.verdict], f"score {report.rescan.score:.2f}")


def _compare(name: str, before: Measurement, after: Measurement, field: str, note: str) -> Fact:
    was, now = (format_rate(getattr(stage, field)).split(" [")[0] for stage in (before, after))
    return Fact(name, f"{was} → {now}", note)


def _list_measures(stages: tuple[Measurement, ...]) -> Iterator[MeasureRow]:
    for measure, rates in list_measures(stages):
        name = measure.heading[0].upper() + measure.heading[1:]
        yield MeasureRow(name, measure.note, tuple(make_rate(rate) for rate in rates))


def _describe_rounds(report: RepairReport) -> str:
    kept = sum(trial.kept for trial in report.rounds)
    fits = sum(trial.fit == "kept" for trial in report.rounds)
    return (
        f"{count(len(report.rounds), 'round', 'rounds')}: {kept} kept, {len(report.rounds) - kept} rolled back; after "
        f"{fits} of the kept ones the next layer was fitted anew."
    )


def _list_rounds(report: RepairReport) -> Iterator[RoundRow]:
    for number, trial in enumerate(report.rounds, start=1):
        yield RoundRow(
            number=number,
            target=trial.target,
            neurons=("input " if trial.axis is NeuronAxis.INPUTS else "") + ", ".join(map(str, trial.neurons)),
            ranking=trial.ranking,
            agreement=format_count(trial.agreement),
            success=format_count(trial.success_rate),
            margin=f"{trial.margin:.2f}",
            kept=trial.kept,
            reason=trial.reason,
        )


def _list_trade_off(report: RepairReport) -> tuple[tuple[str, ...], ...]:
    """Headings and rows of the candidates worth choosing from; nothing where there is no choice."""
    front = find_front(report.candidates)
    return (HEADINGS, *(list_row(one) for one in front)) if len(front) > 1 else ()


def _view_forgetting(report: RepairReport) -> Iterator[ForgettingView]:
    for found in report.forgetting:
        name = name_label(found.target.label, report.scan.class_names)
        yield ForgettingView(name, describe_forgetting(found), draw_forgetting(found))


def _view_neurons(report: RepairReport) -> Neurons | None:
    profile, gone = report.profile, set(report.pruned)
    if profile is None or not profile.neurons:
        return None
    axis = "a row of the layer" if profile.layer.axis == "outputs" else "a feature that feeds the layer"
    active = sorted(profile.neurons, key=lambda one: one.activation_rank)[:NEURONS_SHOWN]
    heavy = sorted(profile.neurons, key=lambda one: one.weight_rank)[:NEURONS_SHOWN]
    return Neurons(
        profile.layer.name,
        f"{count(profile.layer.neurons, 'neuron', 'neurons')}, each {axis}",
        draw_neurons(profile, report.pruned),
        tuple((one, one.neuron in gone) for one in active),
        tuple((one, one.neuron in gone) for one in heavy),
    )


def _describe_removal(report: RepairReport) -> str:
    removal = report.removal
    if removal is None:
        return ""
    return (
        f"{count(len(removal.neurons), 'neuron is', 'neurons are')} out of the graph: {removal.bytes_before:,} bytes "
        f"became {removal.bytes_after:,}; the largest difference between both files' logits is {removal.deviation:.1e}."
    )


def _describe_provenance(report: RepairReport, detail: Detail) -> Provenance:
    scan = report.scan
    hashes = {"Original": scan.model.sha256, "Repaired": report.output_sha256, "Clean samples": scan.samples.sha256}
    time = Fact("Time", f"{format_duration(report.duration_seconds)} on {report.device}")
    return Provenance(
        commands.write_repair_command(report),
        commands.list_gaps(report),
        (*describe_files(scan), Fact("Written", report.output or "nothing"), time),
        tuple(Fact(name, version) for name, version in report.versions.items()),
        tuple(Fact(f"{name}, SHA-256", digest) for name, digest in hashes.items() if digest is not None),
        write_settings(report.config) if detail.tables else Markup(""),
    )
