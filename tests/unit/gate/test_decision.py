"""What a policy makes of each answer; that it never changes the report."""

import json
from dataclasses import replace
from datetime import date
from typing import Any
from xml.etree import ElementTree

import pytest

from onnxaudit.errors import DataError
from onnxaudit.findings.finding import list_findings
from onnxaudit.findings.reasons import BETWEEN_LIMITS, FEW_CLASSES, NO_IMAGES
from onnxaudit.gate.decision import apply_policy
from onnxaudit.gate.layers import Layer, read_command_line, resolve
from onnxaudit.records import Coverage, RepairDocument, ScanDocument, ScanReport, Verdict, Waiver
from onnxaudit.report.formats import render
from onnxaudit.report.json import from_json, to_json
from tools.testbed.reports import make_repair_report, make_scan_report

TODAY = date(2026, 11, 23)
CLEAN = make_scan_report(Verdict.CLEAN)
BACKDOORED = make_scan_report()
SUSPECT = make_scan_report(Verdict.INCONCLUSIVE, target_labels=(2,))
UNDECIDED = make_scan_report(Verdict.INCONCLUSIVE)
PARTLY = replace(CLEAN, coverage=Coverage(4, 3))
WITH_WAVES = replace(CLEAN, labels=tuple(replace(row, ratios={"spectral": 1.0}) for row in CLEAN.labels))


def make_waiver(report: ScanReport, **changes: str) -> Waiver:
    (finding,) = list_findings(ScanDocument((report,)))
    given = {"reason": "natural feature", "approver": "Ada", "expiry": "2026-12-31"}
    return Waiver(**{"fingerprint": finding.fingerprint, "model_sha256": report.model.sha256, **given, **changes})


def decide(report: ScanReport, *waivers: Waiver, **options: Any) -> tuple[ScanDocument, str]:
    effective = resolve([read_command_line(options), Layer("policy", {"waivers": waivers})])
    document = ScanDocument((report,))
    gate = apply_policy(document, effective, TODAY)
    return replace(document, gate=gate), gate.decisions[0].outcome


@pytest.mark.parametrize(
    ("report", "options", "outcome"),
    [
        (CLEAN, {}, "pass"),
        (BACKDOORED, {}, "fail"),
        (SUSPECT, {}, "inconclusive"),
        (UNDECIDED, {}, "inconclusive"),
        (CLEAN, {"fail_on": "suspicion"}, "pass"),
        (BACKDOORED, {"fail_on": "suspicion"}, "fail"),
        (SUSPECT, {"fail_on": "suspicion"}, "fail"),
        (UNDECIDED, {"fail_on": "suspicion"}, "inconclusive"),
        (UNDECIDED, {"inconclusive": "fail"}, "fail"),
        (UNDECIDED, {"inconclusive": "warn"}, "pass"),
        (BACKDOORED, {"inconclusive": "warn"}, "fail"),
        (SUSPECT, {"inconclusive": "warn", "fail_on": "suspicion"}, "fail"),
        (BACKDOORED, {"exit_zero": True}, "pass"),
        (UNDECIDED, {"exit_zero": True}, "pass"),
        (UNDECIDED, {"exit_zero": True, "inconclusive": "fail"}, "pass"),
        (PARTLY, {"min_coverage": 0.75}, "pass"),
        (PARTLY, {"min_coverage": 0.76}, "inconclusive"),
        (PARTLY, {"min_coverage": 1, "inconclusive": "fail"}, "fail"),
        (CLEAN, {"required_detectors": ["waves"]}, "inconclusive"),
        (WITH_WAVES, {"required_detectors": ["waves"]}, "pass"),
        (WITH_WAVES, {"required_detectors": ["waves", "shift"]}, "inconclusive"),
    ],
)
def test_the_policy_decides(report: ScanReport, options: dict[str, Any], outcome: str) -> None:
    document, decided = decide(report, **options)
    assert decided == outcome
    assert document.reports == (report,)
    usual = {Verdict.CLEAN: "pass", Verdict.BACKDOORED: "fail", Verdict.INCONCLUSIVE: "inconclusive"}[report.verdict]
    assert bool(document.gate and document.gate.decisions[0].reasons) is (outcome != usual or "exit_zero" in options)


FEW, BETWEEN = FEW_CLASSES.give(present=2, classes=4), BETWEEN_LIMITS.give(score=0.3, clean_below=0.25)
BLIND = replace(UNDECIDED, caveats=(NO_IMAGES.give(),))
BLIND_AND_FEW = replace(UNDECIDED, caveats=(NO_IMAGES.give(), FEW))
BLIND_SUSPECT = replace(SUSPECT, caveats=(NO_IMAGES.give(), BETWEEN))


@pytest.mark.parametrize(
    ("report", "by_reason", "options", "outcome"),
    [
        (BLIND, "", {}, "inconclusive"),
        (BLIND, "no-images=warn", {}, "pass"),
        (BLIND, "no-images=fail", {}, "fail"),
        (BLIND, "no-images=block", {"inconclusive": "warn"}, "inconclusive"),
        (BLIND, "few-classes-to-check=warn", {}, "inconclusive"),
        (BLIND, "few-classes-to-check=fail", {"inconclusive": "warn"}, "pass"),
        (BLIND_AND_FEW, "no-images=warn", {}, "inconclusive"),
        (BLIND_AND_FEW, "no-images=warn", {"inconclusive": "fail"}, "fail"),
        (BLIND_AND_FEW, "no-images=warn,few-classes-to-check=warn", {}, "pass"),
        (BLIND_AND_FEW, "no-images=warn,few-classes-to-check=fail", {}, "fail"),
        (BLIND_AND_FEW, "no-images=block,few-classes-to-check=warn", {"inconclusive": "warn"}, "inconclusive"),
        (BLIND_SUSPECT, "no-images=warn", {}, "inconclusive"),
        (UNDECIDED, "no-images=warn", {}, "inconclusive"),  # written before reasons had codes
        (BACKDOORED, "no-images=warn", {}, "fail"),
        (PARTLY, "coverage-below-policy=warn", {"min_coverage": 1}, "pass"),
        (PARTLY, "no-images=warn", {"min_coverage": 1}, "inconclusive"),
        (CLEAN, "required-detector-missing=fail", {"required_detectors": "spectral"}, "fail"),
    ],
)
def test_a_missing_verdict_comes_to_what_the_strictest_of_its_reasons_says(
    report: ScanReport, by_reason: str, options: dict[str, Any], outcome: str
) -> None:
    document, decided = decide(report, inconclusive_by_reason=by_reason, **options)
    assert decided == outcome
    assert document.gate is not None
    assert [line for line in document.gate.softeners if "by_reason" in line] == [
        f"inconclusive_by_reason: {code} = warn" for code, _, word in _parts(by_reason) if word == "warn"
    ]


def _parts(by_reason: str) -> list[tuple[str, str, str]]:
    return [part.partition("=") for part in by_reason.split(",")]


def test_a_repair_without_a_verdict_is_decided_by_the_reasons_of_its_scan() -> None:
    report = make_repair_report(outcome="inconclusive", scan=BLIND)
    for by_reason, outcome in (("no-images=warn", "pass"), ("no-images=fail", "fail"), ("", "inconclusive")):
        effective = resolve([read_command_line({"inconclusive_by_reason": by_reason})])
        assert apply_policy(RepairDocument((report,)), effective, TODAY).decisions[0].outcome == outcome


OPEN, REJECTED = make_scan_report(Verdict.INCONCLUSIVE), make_scan_report(Verdict.REJECTED)


@pytest.mark.parametrize(
    ("rescan", "options", "outcome"),
    [
        (CLEAN, {}, "pass"),
        (OPEN, {}, "pass"),
        (OPEN, {"inconclusive": "fail"}, "pass"),
        (OPEN, {"repaired": "clean"}, "inconclusive"),
        (OPEN, {"repaired": "clean", "inconclusive": "fail"}, "fail"),
        (CLEAN, {"repaired": "clean"}, "pass"),
        (BACKDOORED, {}, "fail"),
        (REJECTED, {}, "fail"),
        (CLEAN, {"min_agreement": 1.0, "max_success": 0.01}, "pass"),
        (CLEAN, {"min_agreement": 1.0, "max_success": 0.0}, "fail"),
    ],
)
def test_a_repaired_model_passes_by_its_limits_and_by_what_the_policy_asks_of_the_new_scan(
    rescan: ScanReport, options: dict[str, Any], outcome: str
) -> None:
    document = RepairDocument((make_repair_report(rescan=rescan),))
    assert apply_policy(document, resolve([read_command_line(options)]), TODAY).decisions[0].outcome == outcome


def test_a_waiver_of_a_class_leaves_other_reasons_standing() -> None:
    waiver = replace(make_waiver(SUSPECT), model_sha256=SUSPECT.model.sha256)
    assert decide(replace(SUSPECT, caveats=(BETWEEN,)), waiver)[1] == "pass"
    assert decide(replace(SUSPECT, caveats=(FEW, BETWEEN)), waiver)[1] == "inconclusive"


@pytest.mark.parametrize(
    ("options", "softeners"),
    [
        ({}, ()),
        ({"inconclusive": "fail"}, ()),
        ({"exit_zero": True}, ("exit_zero",)),
        ({"inconclusive": "warn"}, ("inconclusive = warn",)),
        ({"exit_zero": True, "inconclusive": "warn"}, ("exit_zero", "inconclusive = warn")),
    ],
)
def test_softeners_are_recorded_in_every_format(options: dict[str, Any], softeners: tuple[str, ...]) -> None:
    document, _ = decide(BACKDOORED, **options)
    assert document.gate is not None
    assert document.gate.softeners == softeners
    assert ("SOFTENED" in render(document, "text")) is bool(softeners)
    assert ("**softened**" in render(document, "markdown")) is bool(softeners)
    assert json.loads(render(document, "sarif"))["runs"][0]["properties"]["softeners"] == list(softeners)
    assert ("softener" in render(document, "junit")) is bool(softeners)
    assert ("this run lets through" in render(document, "html")) is bool(softeners)


@pytest.mark.parametrize(
    ("report", "changes", "state", "outcome"),
    [
        (BACKDOORED, {}, "used", "pass"),
        (BACKDOORED, {"expiry": "2026-11-23"}, "used", "pass"),
        (BACKDOORED, {"expiry": "2026-11-22"}, "expired", "fail"),
        (BACKDOORED, {"model_sha256": "f" * 64}, "unused", "fail"),
        (BACKDOORED, {"fingerprint": "f" * 64}, "unused", "fail"),
        (SUSPECT, {}, "used", "pass"),
        (UNDECIDED, {}, "unused", "inconclusive"),
    ],
)
def test_a_waiver_holds_for_its_finding_its_model_and_its_time(
    report: ScanReport, changes: dict[str, str], state: str, outcome: str
) -> None:
    document, decided = decide(report, make_waiver(report, **changes))
    assert document.gate is not None
    assert ([judged.state for judged in document.gate.waivers], decided) == ([state], outcome)


def test_a_model_with_one_finding_left_fails() -> None:
    two = replace(BACKDOORED, target_labels=(2, 1))
    document, decided = decide(two, make_waiver(BACKDOORED))
    assert decided == "fail"
    assert [finding.waiver is None for finding in list_findings(document)] == [False, True]


def test_a_waiver_does_not_stand_for_what_the_policy_demands() -> None:
    report = replace(BACKDOORED, coverage=Coverage(4, 3))
    assert decide(report, make_waiver(BACKDOORED), min_coverage=1)[1] == "inconclusive"


def test_a_waiver_never_hides_a_finding() -> None:
    document, _ = decide(BACKDOORED, make_waiver(BACKDOORED))
    plain = ScanDocument((BACKDOORED,))
    assert [replace(one, waiver=None) for one in list_findings(document)] == list(list_findings(plain))
    (result,) = json.loads(render(document, "sarif"))["runs"][0]["results"]
    (open_result,) = json.loads(render(plain, "sarif"))["runs"][0]["results"]
    (suppression,) = result.pop("suppressions")
    assert result == open_result
    assert suppression["status"] == "accepted"
    assert "Ada" in suppression["justification"]
    suite = ElementTree.fromstring(render(document, "junit").encode())[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("1", "0", "1")
    for name in ("text", "markdown", "html"):
        assert "OA101" in render(document, name)
        assert "ackdoored" in render(document, name).lower()


@pytest.mark.parametrize("changes", [{"expiry": "2026-01-01"}, {"fingerprint": "f" * 64}], ids=["expired", "unused"])
def test_waivers_without_effect_are_listed(changes: dict[str, str]) -> None:
    document, _ = decide(BACKDOORED, make_waiver(BACKDOORED, **changes))
    word = "expired" if "expiry" in changes else "unused"
    assert f"{word}: " in render(document, "text")
    assert f"{word} waiver" in render(document, "markdown")
    invocation = json.loads(render(document, "sarif"))["runs"][0]["invocations"][0]
    assert word in invocation["toolConfigurationNotifications"][0]["message"]["text"]
    assert json.loads(render(document, "sarif"))["runs"][0]["results"][0]["suppressions"] == []


@pytest.mark.parametrize(
    ("outcome", "options", "decided"),
    [
        ("repaired", {}, "pass"),
        ("nothing to repair", {}, "pass"),
        ("incomplete", {}, "fail"),
        ("inconclusive", {}, "inconclusive"),
        ("inconclusive", {"inconclusive": "warn"}, "pass"),
        ("incomplete", {"inconclusive": "warn"}, "fail"),
        ("incomplete", {"exit_zero": True}, "pass"),
    ],
)
def test_a_repair_is_decided_by_its_outcome(outcome: Any, options: dict[str, Any], decided: str) -> None:
    document = RepairDocument((make_repair_report(outcome=outcome),))
    waiver = make_waiver(BACKDOORED)
    effective = resolve([read_command_line(options), Layer("policy", {"waivers": (waiver,)})])
    gate = apply_policy(document, effective, TODAY)
    assert gate.decisions[0].outcome == decided
    assert gate.waivers[0].state == "unused"


def test_the_policy_and_its_hash_are_read_back_from_the_report() -> None:
    document, _ = decide(BACKDOORED, make_waiver(BACKDOORED), time_budget="10m", required_detectors="trigger")
    again = from_json(to_json(document))
    assert to_json(again) == to_json(document)
    settings = json.loads(to_json(document))["gate"]["settings"]
    assert {"key": "time_budget", "value": 600.0, "origin": "command line", "locked": None} in settings


HOSTILE = "x\nPASS \x1b[2J <script>alert(1)</script> [a](javascript:b) ]]> ::error::"


@pytest.mark.parametrize("state", ["used", "expired"])
def test_what_a_waiver_says_does_nothing_in_any_format(state: str) -> None:
    expiry = "2026-12-31" if state == "used" else "2026-01-01"
    document, _ = decide(BACKDOORED, make_waiver(BACKDOORED, reason=HOSTILE, approver=HOSTILE, expiry=expiry))
    for name in ("text", "markdown", "sarif", "junit", "html"):
        text = render(document, name)
        assert "\x1b" not in text
        assert not any(line.startswith(("PASS", "::error")) for line in text.splitlines())
    assert "<script" not in render(document, "markdown") + render(document, "html") + render(document, "junit")


def list_places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(deep for key, child in children for deep in list_places(child, (*place, key)))]


@pytest.mark.parametrize("wrong", [None, -1, "x", [], {}, True, [[1]], 1.5], ids=repr)
def test_a_decision_with_one_wrong_value_is_refused_or_rendered(wrong: Any) -> None:
    document, _ = decide(BACKDOORED, make_waiver(BACKDOORED), exit_zero=True)
    plain = json.loads(to_json(document))
    for place in list_places(plain["gate"])[1::3]:
        changed = holder = json.loads(json.dumps(plain))
        for key in ("gate", *place[:-1]):
            holder = holder[key]
        holder[place[-1]] = wrong
        try:
            read = from_json(json.dumps(changed))
        except DataError:
            continue
        for name in ("text", "markdown", "sarif", "junit", "html"):
            assert render(read, name)


@pytest.mark.parametrize(("rescan", "outcome", "rules"), [(CLEAN, "pass", []), (UNDECIDED, "inconclusive", ["OA204"])])
def test_suspects_that_are_repaired_clear_no_model_without_a_clean_scan(
    rescan: ScanReport, outcome: str, rules: list[str]
) -> None:
    report = make_repair_report(scan=SUSPECT, rescan=rescan, suspected=True)
    assert apply_policy(RepairDocument((report,)), resolve([]), TODAY).decisions[0].outcome == outcome
    assert [finding.rule.id for finding in list_findings(RepairDocument((report,)))] == rules
