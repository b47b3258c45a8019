"""Every report that is not clean has findings, each under the rule that fits its evidence."""

import re
from dataclasses import replace
from typing import Any

import pytest

from onnxaudit.errors import UsageError
from onnxaudit.findings import reasons
from onnxaudit.findings.cause import Cause
from onnxaudit.findings.finding import find_all, list_findings
from onnxaudit.findings.interruptions import UNFINISHED
from onnxaudit.findings.rules import RULES, explain_rule, find_rule, list_rules
from onnxaudit.records import (
    LabelStatus,
    ProfileDocument,
    Rate,
    Reason,
    RepairDocument,
    ScanDocument,
    ScanReport,
    UniversalTrigger,
    Verdict,
)
from tools.testbed.reports import make_profile, make_repair_report, make_scan_report, make_trigger

FOLLOWERS = Rate(28, 30, 28 / 30, 0.79, 0.98)


def with_row(report: ScanReport, label: int, **changes: Any) -> ScanReport:
    labels = list(report.labels)
    labels[label] = replace(labels[label], **changes)
    return replace(report, labels=tuple(labels))


def ids(report: Any) -> list[tuple[str, int | None]]:
    return [(finding.rule.id, finding.label) for finding in find_all(report)]


def test_a_small_trigger_is_told_with_its_size_success_and_class() -> None:
    (finding,) = find_all(make_scan_report())
    assert (finding.rule.id, finding.label, finding.place) == ("OA101", 2, "class 2 (ship)")
    assert "4.2 pixels (7 % of the input) sends 100 % [89, 100]" in finding.message


def test_a_clean_model_has_no_finding() -> None:
    assert find_all(make_scan_report(Verdict.CLEAN)) == ()


def test_waves_that_say_more_than_the_patch_are_a_change_of_the_whole_image() -> None:
    ratios = {"patch": 1.1, "latent-inversion": 1.2, "spectral": 4.0}
    assert ids(with_row(make_scan_report(), 2, ratios=ratios)) == [("OA103", 2)]
    assert ids(with_row(make_scan_report(), 2, ratios={**ratios, "patch": 5.0})) == [("OA101", 2)]
    assert ids(with_row(make_scan_report(), 2, ratios={**ratios, "compactness": 5.0})) == [("OA101", 2)]
    assert ids(with_row(make_scan_report(), 2, ratios={**ratios, "compactness": 0.1})) == [("OA103", 2)]


def test_a_target_without_a_trigger_is_an_inner_shift() -> None:
    report = replace(make_scan_report(), triggers=())
    assert ids(with_row(report, 2, mask_l1=None, ratios={"latent-inversion": 3.0})) == [("OA104", 2)]


@pytest.mark.parametrize(
    ("ratios", "words"),
    [
        ({"latent-inversion": 3.0}, "3.0 times shorter than"),
        ({"latent-inversion": 0.8}, "no shorter than"),
        ({"latent-inversion": 0.8, "exact-shift": 2.5}, "2.5 times shorter than"),
    ],
)
def test_a_target_of_inner_features_is_told_by_what_brings_it_near(ratios: dict[str, float], words: str) -> None:
    report = with_row(replace(make_scan_report(), triggers=()), 2, mask_l1=None, ratios=ratios)
    (finding,) = find_all(report)
    assert words in finding.message


def test_an_all_to_all_backdoor_is_one_finding_beside_targets_that_stand_out_on_their_own() -> None:
    universal = UniversalTrigger(make_trigger(), (1, 2, 3, 0), FOLLOWERS)
    report = make_scan_report(target_labels=(2, 0, 1, 3), universal=universal)
    assert ids(report) == [("OA102", None)]
    assert ids(with_row(report, 2, log_odds=1.0)) == [("OA102", None), ("OA101", 2)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [("OA204", None)]),
        ({"target_labels": (3, 1)}, [("OA203", 3), ("OA203", 1)]),
        ({"samples": replace(make_scan_report().samples, synthetic=True)}, [("OA202", None)]),
    ],
)
def test_an_open_verdict_always_has_a_question_left_open(changes: dict[str, Any], expected: list[Any]) -> None:
    report = make_scan_report(Verdict.INCONCLUSIVE, **changes)
    assert ids(report) == expected
    assert all(finding.rule.kind == "open" for finding in find_all(report))


def test_unfinished_labels_are_counted() -> None:
    report = with_row(make_scan_report(Verdict.INCONCLUSIVE), 1, status=LabelStatus.UNFINISHED)
    (finding,) = find_all(report)
    assert (finding.rule.id, finding.message) == ("OA201", "The inversion of 1 of 4 labels was not finished.")


def give(*causes: Cause) -> tuple[Reason, ...]:
    return tuple(cause.give(**dict.fromkeys(re.findall(r"{([a-z_]+)", cause.seen), 1.0)) for cause in causes)


@pytest.mark.parametrize(
    ("causes", "targets", "expected"),
    [
        ((reasons.ONE_CLASS, reasons.FEW_CLASSES), (), {"OA204": ["one-class-only", "few-classes-to-check"]}),
        ((reasons.NO_IMAGES, reasons.FEW_CLASSES), (), {"OA202": ["no-images"], "OA204": ["few-classes-to-check"]}),
        ((UNFINISHED,), (), {"OA201": ["unfinished-labels"]}),
        ((reasons.BETWEEN_LIMITS,), (2,), {"OA203": ["score-between-limits"]}),
        ((reasons.BETWEEN_LIMITS,), (), {"OA204": ["score-between-limits"]}),
        (
            (reasons.AT_CHANCE, reasons.ABOVE_LIMIT),
            (2,),
            {"OA203": ["score-above-limit"], "OA204": ["accuracy-at-chance"]},
        ),
    ],
)
def test_causes_of_an_open_verdict_are_told_apart_by_code(
    causes: tuple[Cause, ...], targets: tuple[int, ...], expected: dict[str, list[str]]
) -> None:
    report = make_scan_report(Verdict.INCONCLUSIVE, caveats=give(*causes), target_labels=targets)
    found = {finding.rule.id: [reason.code for reason in finding.reasons] for finding in find_all(report)}
    assert found == expected


def test_a_repair_tells_the_limits_that_were_missed_and_what_is_left() -> None:
    assert find_all(make_repair_report()) == ()
    assert ids(make_repair_report(outcome="incomplete")) == [("OA301", None)]
    assert ids(make_repair_report(outcome="incomplete", rescan=make_scan_report())) == [("OA301", None), ("OA302", 2)]
    limited = make_repair_report(outcome="incomplete", config={"max_reactivation": 0.1})
    assert ids(limited) == [("OA301", None), ("OA303", 2)]
    assert ids(make_repair_report(outcome="nothing to repair")) == []
    open_scan = make_scan_report(Verdict.INCONCLUSIVE)
    assert ids(make_repair_report(outcome="inconclusive", scan=open_scan)) == [("OA204", None)]


def test_messages_are_one_harmless_line() -> None:
    report = make_scan_report(class_names=("\x1b[31m\nCLEAN\u202e",) * 4)
    (finding,) = find_all(report)
    assert finding.message.isprintable()
    assert finding.place.isprintable()


def test_findings_of_a_document_stand_in_the_order_of_its_reports() -> None:
    document = ScanDocument((make_scan_report(Verdict.CLEAN), make_scan_report()))
    assert [finding.rule.id for finding in list_findings(document)] == ["OA101"]
    assert list_findings(RepairDocument((make_repair_report(),))) == ()
    assert list_findings(ProfileDocument(make_profile())) == ()


def test_rules_have_identifiers_of_their_own_and_say_everything() -> None:
    assert len({rule.id for rule in RULES}) == len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert all(text.endswith((".", "?")) for text in rule.sections.values())
        assert not rule.short.endswith(".")
        assert (rule.kind == "open") == rule.id.startswith("OA2")
        assert all(text in explain_rule(rule) for text in rule.sections.values())
        assert rule.id in list_rules()


def test_a_rule_is_found_by_identifier_or_name() -> None:
    assert find_rule("oa101") is find_rule("single-target-trigger") is RULES[0]
    with pytest.raises(UsageError, match="no rule nope"):
        find_rule("nope")
