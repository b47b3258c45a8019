from dataclasses import replace

import pytest

from benchmarks.verdicts import Row, describe_likeness, measure_brier, print_figures, rescore
from onnxaudit.findings import reasons
from onnxaudit.records import Verdict
from tools.testbed.reports import make_scan_report

TRUTH = {"clean_accuracy": 0.9, "architecture": "lenet"}


def make_row(score: float, *, backdoored: bool) -> Row:
    return Row(
        model=f"m-{score}",
        zoo="zoo",
        kind="badnets" if backdoored else "clean",
        architecture="lenet",
        classes=10,
        backdoored=backdoored,
        verdict="backdoored" if score > 0.5 else "clean",
        score=score,
        right=backdoored,
    )


def test_both_kinds_of_models_weigh_the_same_in_the_brier_score() -> None:
    rows = [make_row(0.8, backdoored=True), *(make_row(0.0, backdoored=False) for _ in range(9))]
    assert measure_brier(rows) == pytest.approx(0.02)


def test_figures_are_printed_by_attack_and_cause_of_cleanness(capsys: pytest.CaptureFixture[str]) -> None:
    print_figures([make_row(0.9, backdoored=True), make_row(0.1, backdoored=False)])
    said = capsys.readouterr().out
    assert "AUROC 1.000" in said
    assert "  badnets                1/1" in said
    assert "0.75 to 0.95    1  1/1" in said


def test_what_spoke_against_a_verdict_still_does_when_a_scan_is_scored_again() -> None:
    report = replace(make_scan_report(Verdict.INCONCLUSIVE), caveats=(reasons.ONE_CLASS.give(samples=8),))
    assert reasons.ONE_CLASS.code in {one.code for one in rescore(report, describe_likeness(report, TRUTH)).caveats}


def test_few_classes_are_never_called_clean_when_a_scan_is_scored_again() -> None:
    report = replace(make_scan_report(Verdict.CLEAN), caveats=())
    assert report.model.output.classes < 10
    assert rescore(report, describe_likeness(report, TRUTH)).verdict is not Verdict.CLEAN


def test_whether_known_models_are_like_it_is_counted_anew() -> None:
    report = make_scan_report(Verdict.CLEAN)
    doubted = replace(report, caveats=(reasons.FEW_SIMILAR.give(alike=0.0, fewest=2.0),))
    for classes, expected in ((10, False), (1000, True)):
        likeness = replace(describe_likeness(report, TRUTH), classes=classes, side=32.0)
        codes = {one.code for one in rescore(doubted, likeness).caveats}
        assert (reasons.FEW_SIMILAR.code in codes) == expected
