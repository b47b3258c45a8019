"""The OpenVEX document is valid, is about the very bytes, and never clears what is open."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from onnxaudit.intake.reader import digest_files
from onnxaudit.records import Verdict
from tools.testbed.reports import make_repair_report

from .conftest import FakePipeline, Outcome
from .statements import DATA, FIXED, MODEL, VEX

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "openvex-0.2.0.json").read_text())
Attest = Callable[..., Outcome]
WRITE = ("--vex", str(VEX))
MANIPULATED = "AML.T0018"


def read_vex() -> list[dict[str, Any]]:
    """The statements of a valid document."""
    plain = json.loads(VEX.read_text())
    jsonschema.Draft202012Validator(SCHEMA).validate(plain)
    statements: list[dict[str, Any]] = plain["statements"]
    return statements


def list_statuses(path: Path = MODEL) -> dict[str, str]:
    """What is said of a file, by the vulnerability's name."""
    sha256 = digest_files(path).model
    return {
        one["vulnerability"]["name"]: one["status"]
        for one in read_vex()
        if one["products"][0]["hashes"] == {"sha-256": sha256}
    }


@pytest.mark.parametrize(
    ("verdict", "statuses"),
    [
        (Verdict.CLEAN, {MANIPULATED: "not_affected"}),
        (Verdict.BACKDOORED, {MANIPULATED: "affected", "OA101": "affected"}),
        (Verdict.INCONCLUSIVE, {MANIPULATED: "under_investigation", "OA204": "under_investigation"}),
    ],
)
def test_a_verdict_is_a_status_of_the_model_and_of_each_finding(
    attest: Attest, verdict: Verdict, statuses: dict[str, str]
) -> None:
    attest(verdict, *WRITE)
    found = list_statuses()
    assert found == {**found, **statuses}
    assert set(found.values()) == set(statuses.values())


def test_a_clean_model_has_evidence_and_no_justification(attest: Attest) -> None:
    attest(Verdict.CLEAN, *WRITE)
    (one,) = read_vex()
    assert "evidence, no proof" in one["impact_statement"]
    assert not one.keys() & {"justification", "action_statement"}


@pytest.mark.parametrize(
    ("verdict", "options"),
    [
        (Verdict.INCONCLUSIVE, ("--inconclusive", "warn")),
        (Verdict.INCONCLUSIVE, ("--exit-zero",)),
        (Verdict.CLEAN, ("--required-detectors", "waves")),
        (Verdict.CLEAN, ("--required-detectors", "waves", "--inconclusive", "warn")),
        (Verdict.CLEAN, ("--required-detectors", "waves", "--exit-zero")),
    ],
)
def test_what_a_policy_softens_is_under_investigation_all_the_same(
    attest: Attest, verdict: Verdict, options: tuple[str, ...]
) -> None:
    attest(verdict, *WRITE, *options)
    assert set(list_statuses().values()) == {"under_investigation"}


def test_a_product_is_known_by_the_digests_of_its_files(attest: Attest) -> None:
    attest(Verdict.BACKDOORED, *WRITE)
    files = digest_files(MODEL)
    for one in read_vex():
        (product,) = one["products"]
        assert product["@id"] == product["identifiers"]["purl"] == f"pkg:generic/m.onnx?checksum=sha256:{files.model}"
        assert [part["hashes"]["sha-256"] for part in product["subcomponents"]] == [files.data[DATA.name]]


def test_a_waived_finding_affects_the_model_still(attest: Attest) -> None:
    attest(Verdict.BACKDOORED, *WRITE, "--json", "r.json")
    (mark,) = json.loads(Path("r.json").read_text())["gate"]["decisions"][0]["fingerprints"]
    assert [one["vulnerability"].get("aliases") for one in read_vex()] == [None, [mark]]
    Path("p.toml").write_text(
        f'[[waivers]]\nfingerprint = "{mark}"\nmodel_sha256 = "{digest_files(MODEL).combined}"\n'
        'reason = "known"\napprover = "Ada"\nexpiry = 2999-12-31\n'
    )
    assert attest(Verdict.BACKDOORED, *WRITE, "--policy", "p.toml").code == 0
    assert set(list_statuses().values()) == {"affected"}
    assert "waived until 2999-12-31 by Ada: known" in read_vex()[1]["status_notes"]


@pytest.mark.parametrize(
    ("rescan", "model", "finding"),
    [
        (Verdict.CLEAN, "fixed", "fixed"),
        (Verdict.INCONCLUSIVE, "under_investigation", "fixed"),
        (Verdict.BACKDOORED, "affected", "affected"),
    ],
)
def test_a_repair_fixes_what_was_found_and_the_model_if_a_new_scan_clears_it(
    attest_repair: Attest, rescan: Verdict, model: str, finding: str
) -> None:
    attest_repair(*WRITE, rescan=rescan)
    said = list_statuses(FIXED)
    assert (said[MANIPULATED], said["OA101"]) == (model, finding)
    assert set(list_statuses(MODEL).values()) == {"affected"}
    instead = [one["action_statement"] for one in read_vex() if f"Use {FIXED.name}" in one.get("action_statement", "")]
    assert bool(instead) is (finding == "fixed")


@pytest.mark.parametrize(
    "changes",
    [{"outcome": "incomplete", "met": False}, {"outcome": "inconclusive"}, {"suspected": True}],
)
def test_a_repair_that_missed_something_fixes_nothing(attest_repair: Attest, changes: dict[str, Any]) -> None:
    attest_repair(*WRITE, "--exit-zero", **changes)
    assert not {"fixed", "not_affected"} & set(list_statuses(FIXED).values())


@pytest.mark.parametrize("options", [("--repaired", "clean"), ("--policy", "ci/p.toml", "--exit-zero")])
def test_a_policy_that_wants_more_has_its_way(attest_repair: Attest, options: tuple[str, ...]) -> None:
    Path("ci").mkdir()
    Path("ci/p.toml").write_text("max_success = 0.05\n")
    attest_repair(*WRITE, *options, repaired=make_repair_report().pruned_only)  # an ASR of 10 %
    assert set(list_statuses(FIXED).values()) == {"under_investigation"}


def test_a_report_gives_the_same_document_again(attest: Attest, run: Attest) -> None:
    attest(Verdict.BACKDOORED, *WRITE, "--json", "r.json", "--vex-author", "Ada <ada@example.com>")
    first = json.loads(VEX.read_text())
    assert (first["author"], first["tooling"].split()[0]) == ("Ada <ada@example.com>", "onnxaudit")
    run("report", "r.json", *WRITE)
    again = json.loads(VEX.read_text())
    assert again["author"] == "Unknown Author"
    assert again["statements"] == first["statements"]


def test_what_cannot_be_stated_is_refused(run: Attest, attest: Attest, pipeline: FakePipeline) -> None:
    attest(Verdict.CLEAN, *WRITE)
    calls = len(pipeline.calls)
    assert run("scan", "a.onnx", "b.onnx", *WRITE).code == 2
    assert run("scan", "a.onnx", "--vex-author", "Ada").code == 2
    assert len(pipeline.calls) == calls
    DATA.write_bytes(b"\x01" + DATA.read_bytes()[1:])
    assert run("scan", str(MODEL), *WRITE).code == 2
    assert not VEX.exists()


def test_names_of_strangers_do_nothing(attest: Attest, run: Attest, pipeline: FakePipeline) -> None:
    attest(Verdict.CLEAN, *WRITE)
    odd = Path('models/a b?c#d"é\x1b.onnx')
    odd.write_bytes(MODEL.read_bytes())
    report = pipeline.answers["scan"]
    pipeline.answers["scan"] = lambda path, *_, **__: _name(report, path)
    assert run("scan", str(odd), *WRITE).code == 0
    (product,) = read_vex()[0]["products"]
    assert product["@id"].startswith("pkg:generic/a%20b%3Fc%23d%22%C3%A9%1B.onnx?checksum=sha256:")


def _name(report: Any, path: Path) -> Any:
    return replace(report, model=replace(report.model, path=str(path)))
