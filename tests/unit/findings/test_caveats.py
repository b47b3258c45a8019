"""What a report rests on is told with its codes, also where it was written before there were any."""

from dataclasses import replace

from onnxaudit.findings import reasons
from onnxaudit.findings.caveats import list_caveats, list_grounds
from onnxaudit.records import LabelStatus, Verdict
from tools.testbed.reports import make_repair_report, make_scan_report


def test_grounds_carry_the_codes_of_those_that_have_one() -> None:
    caveat, further = reasons.NO_IMAGES.give(), reasons.ONE_CLASS.give(samples=3)
    report = make_scan_report(reasons=(caveat.seen, "no outlier"), caveats=(caveat, further))
    told = [(ground.code, ground.sentence) for ground in list_grounds(report)]
    assert told == [("no-images", caveat.seen), ("", "no outlier"), ("one-class-only", further.seen)]
    repair = make_repair_report(scan=report, reasons=("a limit", caveat.seen))
    assert [ground.code for ground in list_grounds(repair)] == ["", "no-images"]


def test_a_report_from_before_reasons_had_codes_has_those_that_its_figures_tell() -> None:
    report = make_scan_report(Verdict.INCONCLUSIVE)
    assert list_caveats(report) == ()
    blind = replace(report, samples=replace(report.samples, synthetic=True))
    assert [reason.code for reason in list_caveats(blind)] == ["no-images"]
    rows = (replace(report.labels[0], status=LabelStatus.UNFINISHED), *report.labels[1:])
    (reason,) = list_caveats(replace(report, labels=rows))
    assert (reason.code, reason.numbers) == ("unfinished-labels", {"unfinished": 1, "labels": 4})
    assert list_caveats(replace(blind, verdict=Verdict.CLEAN)) == ()
