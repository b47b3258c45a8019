"""All formats say the same; SARIF and JUnit are what their schemas say."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from lxml import etree

from onnxaudit.errors import UsageError
from onnxaudit.findings.finding import list_findings
from onnxaudit.findings.reasons import NO_IMAGES, ONE_CLASS
from onnxaudit.findings.rules import RULES
from onnxaudit.records import (
    Document,
    ErrorDocument,
    ProfileDocument,
    RepairDocument,
    ScanDocument,
    ScanFailure,
    UniversalTrigger,
    Verdict,
)
from onnxaudit.report.formats import FORMATS, render
from onnxaudit.report.json import from_json
from tools.testbed.reports import make_profile, make_repair_report, make_scan_report, make_trigger

SCHEMAS = Path(__file__).parents[2] / "schemas"
SARIF = jsonschema.Draft4Validator(json.loads((SCHEMAS / "sarif-2.1.0-rtm.5.json").read_text()))
JUNIT = etree.XMLSchema(etree.parse(SCHEMAS / "junit-10.xsd"))
ALL_TO_ALL = UniversalTrigger(make_trigger(), (1, 2, 3, 0), make_scan_report().triggers[0].success_rate)
DOCUMENTS: dict[str, Document] = {
    "backdoored": ScanDocument((make_scan_report(),)),
    "several targets": ScanDocument((make_scan_report(target_labels=(2, 3, 0)),)),
    "all to all": ScanDocument((make_scan_report(universal=ALL_TO_ALL),)),
    "clean": ScanDocument((make_scan_report(Verdict.CLEAN),)),
    "inconclusive": ScanDocument((make_scan_report(Verdict.INCONCLUSIVE, target_labels=(1,)),)),
    "a failure beside": ScanDocument((make_scan_report(Verdict.CLEAN),), (ScanFailure("b.onnx", "it is empty"),)),
    "repaired": RepairDocument((make_repair_report(),)),
    "incomplete": RepairDocument((make_repair_report(outcome="incomplete", met=False, rescan=make_scan_report()),)),
    "error": ErrorDocument("model.onnx is empty"),
}
every_document = pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)


def sarif_run(document: Document) -> dict[str, Any]:
    plain = json.loads(render(document, "sarif"))
    SARIF.validate(plain)
    (run,) = plain["runs"]
    return run


def junit_suites(document: Document) -> Any:
    suites = etree.fromstring(render(document, "junit").encode())
    JUNIT.assertValid(suites)
    return suites


@every_document
def test_sarif_and_junit_are_valid(document: Document) -> None:
    assert sarif_run(document)
    assert junit_suites(document).tag == "testsuites"


@every_document
def test_all_formats_tell_the_same_findings(document: Document) -> None:
    expected = [finding.rule.id for finding in list_findings(document)]
    assert [result["ruleId"] for result in sarif_run(document)["results"]] == expected
    cases = junit_suites(document).xpath("//failure | //error[starts-with(@type, 'OA')]")
    assert [case.get("type") for case in cases] == expected
    assert re.findall(r"^- \*\*(OA\d+)", render(document, "markdown"), re.MULTILINE) == expected
    assert re.findall(r"^(OA\d+)", render(document, "text"), re.MULTILINE) == expected
    again = from_json(render(document, "json"))
    assert [finding.rule.id for finding in list_findings(again)] == expected


@every_document
@pytest.mark.parametrize("name", FORMATS)
def test_a_report_read_back_renders_alike(document: Document, name: str) -> None:
    again = from_json(render(document, "json"))
    assert render(again, name) == render(document, name)


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"text", "json"}))
def test_a_profile_has_no_findings_to_list(name: str) -> None:
    with pytest.raises(UsageError, match="findings alone"):
        render(ProfileDocument(make_profile()), name)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UsageError, match="no format"):
        render(DOCUMENTS["clean"], "pdf")


def test_rules_of_backdoors_point_to_public_taxonomies() -> None:
    run = sarif_run(DOCUMENTS["several targets"])
    names = [taxonomy["name"] for taxonomy in run["taxonomies"]]
    assert [one["name"] for one in run["tool"]["driver"]["supportedTaxonomies"]] == names
    for rule in run["tool"]["driver"]["rules"]:
        targets = [relation["target"] for relation in rule.get("relationships", [])]
        taxa = [run["taxonomies"][one["toolComponent"]["index"]]["taxa"][one["index"]]["id"] for one in targets]
        expected = {
            "1": ["AML.T0018", "AML.T0020", "ML10", "CWE-506"],
            "2": [],
            "3": ["AML.T0018", "AML.T0020", "ML10", "CWE-506"],
            "4": ["AML.T0018", "CWE-506"],
        }[rule["id"][2]]
        assert [one["id"] for one in targets] == taxa == expected
        assert ("external/cwe/cwe-506" in rule["properties"]["tags"]) is bool(expected)


def test_results_carry_the_kind_of_a_backdoor_and_the_codes_of_what_is_open() -> None:
    assert {one["properties"]["kind"] for one in sarif_run(DOCUMENTS["all to all"])["results"]} == {"all-to-all"}
    report = make_scan_report(Verdict.INCONCLUSIVE, caveats=(NO_IMAGES.give(), ONE_CLASS.give(samples=3)))
    results = sarif_run(ScanDocument((report,)))["results"]
    told = [(one["ruleId"], [reason["code"] for reason in one["properties"]["reasons"]]) for one in results]
    assert told == [("OA202", ["no-images"]), ("OA204", ["one-class-only"])]
    assert results[1]["properties"]["reasons"][0]["numbers"] == {"samples": 3}


def test_fingerprints_tell_rules_and_labels_apart() -> None:
    results = sarif_run(DOCUMENTS["several targets"])["results"] + sarif_run(DOCUMENTS["all to all"])["results"]
    results += sarif_run(DOCUMENTS["inconclusive"])["results"]
    for key in ("ruleAndLabel/v1", "primaryLocationLineHash"):
        assert len({result["partialFingerprints"][key] for result in results}) == len(results)


def test_fingerprints_outlive_another_scan_of_the_model_at_another_place() -> None:
    report = make_scan_report()
    moved = replace(
        report,
        score=0.91,
        summary="Other words.",
        model=replace(report.model, path="/elsewhere/m.onnx"),
        triggers=tuple(replace(found, mask_l1=4.3) for found in report.triggers),
    )
    first, second = (sarif_run(ScanDocument((one,)))["results"][0] for one in (report, moved))
    assert first["partialFingerprints"] == second["partialFingerprints"]


def test_a_sarif_result_says_where_in_the_file_and_where_in_the_model() -> None:
    run = sarif_run(DOCUMENTS["backdoored"])
    (location,) = run["results"][0]["locations"]
    assert location["physicalLocation"]["artifactLocation"] == {"uri": "folder/model.onnx", "index": 0}
    assert location["physicalLocation"]["region"] == {"startLine": 1}
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "probabilities/2"
    assert run["artifacts"][0]["hashes"] == {"sha-256": "a" * 64}
    rule = run["tool"]["driver"]["rules"][run["results"][0]["ruleIndex"]]
    assert rule["id"] == "OA101"
    assert float(rule["properties"]["security-severity"]) >= 9


def test_a_question_left_open_gates_nothing_in_sarif_and_is_an_error_in_junit() -> None:
    (result,) = sarif_run(DOCUMENTS["inconclusive"])["results"]
    assert (result["kind"], result["level"]) == ("open", "none")
    (suite,) = junit_suites(DOCUMENTS["inconclusive"])
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "0", "1")


@pytest.mark.parametrize(
    ("name", "successful"),
    [("backdoored", True), ("inconclusive", True), ("error", False), ("a failure beside", False)],
)
def test_a_run_is_successful_unless_something_could_not_be_scanned(name: str, successful: bool) -> None:
    (invocation,) = sarif_run(DOCUMENTS[name])["invocations"]
    assert invocation["executionSuccessful"] is successful
    assert bool(invocation["toolExecutionNotifications"]) is not successful


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a b/c#?.onnx", "a%20b/c%23%3F.onnx"),
        ("/abs/m.onnx", "file:///abs/m.onnx"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("caf\udce9.onnx", "caf%5Cudce9.onnx"),
    ],
)
def test_paths_become_uris_that_are_nothing_else(path: str, uri: str) -> None:
    report = make_scan_report()
    run = sarif_run(ScanDocument((replace(report, model=replace(report.model, path=path)),)))
    assert run["artifacts"][0]["location"]["uri"] == uri


def test_every_rule_is_described_in_sarif() -> None:
    rules = sarif_run(DOCUMENTS["clean"])["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.id for rule in RULES]
    assert all(rule["help"]["text"] and rule["help"]["markdown"] for rule in rules)


def test_a_clean_model_is_a_passing_test_and_a_failure_an_error() -> None:
    passed, failed = junit_suites(DOCUMENTS["a failure beside"])
    assert [case.get("name") for case in passed.iter("testcase")] == ["clean"]
    assert not list(passed.iter("failure", "error"))
    assert failed.get("errors") == "1"


def test_markdown_says_what_it_means_and_what_to_do() -> None:
    text = render(DOCUMENTS["backdoored"], "markdown")
    assert text.startswith("## ❌ Backdoored: folder/model.onnx\n\nWhat was found.\n")
    assert "**What to do next.**" in text
    assert "| 2 \\(ship\\) | 4.2 |" in text
    assert "poisoned accuracy (PACC)" in render(DOCUMENTS["repaired"], "markdown")
