"""What a run found, decided on again, waived and compared, without a scan."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from onnxaudit.records import RepairDocument, RunInfo, ScanDocument, ScanFailure, Verdict
from onnxaudit.report.json import to_json
from tools.testbed.reports import make_repair_report, make_scan_report

from .conftest import FakePipeline, Outcome
from .statements import ATTESTED, MODEL, OURS, SIGNED, VERIFY, read_payload

Run = Callable[..., Outcome]
FINGERPRINT = "0bda960feb98b5d3dd1a04e4bc77b663f62cdf0f621ea8bbabef19f24c0bf305"
WAIVE = ("--reason", 'told by one "stroke"', "--approver", "Ada Lovelace", "--expires", "2999-12-31")


def write_run(name: str = "run.json", verdict: Verdict = Verdict.BACKDOORED, **changes: object) -> None:
    Path(name).write_text(to_json(ScanDocument((make_scan_report(verdict, **changes),))))


@pytest.mark.parametrize(
    ("verdict", "options", "code"),
    [
        (Verdict.CLEAN, ("--min-coverage", "1"), 0),
        (Verdict.CLEAN, ("--required-detectors", "spectral"), 3),
        (Verdict.BACKDOORED, ("--policy", "p.toml"), 1),
        (Verdict.INCONCLUSIVE, ("--inconclusive", "warn"), 0),
        (Verdict.INCONCLUSIVE, ("--inconclusive", "fail"), 1),
        (Verdict.BACKDOORED, (), 0),  # shown alone
    ],
)
def test_a_policy_decides_on_a_run_as_on_a_scan(
    run: Run, pipeline: FakePipeline, verdict: Verdict, options: tuple[str, ...], code: int
) -> None:
    Path("p.toml").write_text("")
    write_run(verdict=verdict)
    outcome = run("report", "run.json", "--json", "new.json", *options)
    assert (outcome.code, pipeline.calls) == (code, [])
    gate = json.loads(Path("new.json").read_text())["gate"]
    assert (gate is not None) is bool(options)


def test_models_without_a_report_stay_an_error(run: Run) -> None:
    Path("run.json").write_text(to_json(ScanDocument((make_scan_report(Verdict.CLEAN),), (ScanFailure("m", "oh"),))))
    assert run("report", "run.json", "--min-coverage", "0").code == 2


def test_a_waiver_that_was_written_makes_run_and_statement_pass(attest: Callable[..., Outcome], run: Run) -> None:
    attest(Verdict.BACKDOORED, "--json", "run.json")
    outcome = run("policy", "waive", FINGERPRINT[:16], "--run", "run.json", *WAIVE, "--into", "p.toml")
    assert (outcome.code, "OA101, class 2 (ship)" in outcome.out) == (0, True)
    stated = run("report", "run.json", "--policy", "p.toml", "--attest", str(ATTESTED), *SIGNED, "--sarif", "r.sarif")
    assert stated.code == 0
    assert run(*VERIFY, *OURS, "--policy", "p.toml").code == 0
    (result,) = json.loads(Path("r.sarif").read_text())["runs"][0]["results"]
    assert result["suppressions"]


def test_a_statement_made_later_is_as_old_as_its_run(attest: Callable[..., Outcome], run: Run) -> None:
    attest(Verdict.CLEAN, "--json", "run.json")
    plain = json.loads(Path("run.json").read_text())
    plain["run"]["started"] = "2020-01-01T00:00:00Z"
    Path("run.json").write_text(json.dumps(plain))
    assert run("report", "run.json", "--attest", str(ATTESTED), *SIGNED).code == 0
    assert read_payload()["predicate"]["timeCreated"] == "2020-01-01T00:00:00Z"
    assert run(*VERIFY, *OURS, "--max-age", "30d").code == 3
    plain["run"] = None
    Path("run.json").write_text(json.dumps(plain))
    assert run("report", "run.json", "--attest", str(ATTESTED), *SIGNED).code == 2


def test_nothing_is_stated_about_a_file_that_is_another_by_now(attest: Callable[..., Outcome], run: Run) -> None:
    attest(Verdict.CLEAN, "--json", "run.json")
    MODEL.write_bytes(MODEL.read_bytes() + b"\x12\x01x")
    outcome = run("report", "run.json", "--attest", str(ATTESTED))
    assert (outcome.code, ATTESTED.exists()) == (2, False)
    assert "or since" in outcome.err


def test_a_waiver_goes_to_stdout_and_is_toml(run: Run) -> None:
    write_run()
    outcome = run("policy", "waive", FINGERPRINT, "--run", "run.json", *WAIVE)
    Path("p.toml").write_text(outcome.out)
    assert run("policy", "show", "--policy", "p.toml").code == 0
    assert 'reason = "told by one \\"stroke\\""' in outcome.out


@pytest.mark.parametrize(
    ("fingerprint", "options", "message"),
    [
        ("0bda", WAIVE, "too short"),
        ("f" * 16, WAIVE, FINGERPRINT[:16]),
        (FINGERPRINT, (*WAIVE[:-1], "soon"), "is no day"),
        (FINGERPRINT, ("--reason", " ", *WAIVE[2:]), "empty"),
        (FINGERPRINT, (*WAIVE, "--into", "broken.toml"), "takes no further waiver"),
    ],
)
def test_a_waiver_that_would_be_none_is_not_written(
    run: Run, fingerprint: str, options: tuple[str, ...], message: str
) -> None:
    write_run()
    Path("broken.toml").write_text("waivers = []\n")
    outcome = run("policy", "waive", fingerprint, "--run", "run.json", *options)
    assert (outcome.code, message in outcome.err) == (2, True), outcome
    assert Path("broken.toml").read_text() == "waivers = []\n"


def test_what_is_nobodys_to_waive_is_refused(run: Run) -> None:
    report = make_repair_report(outcome="incomplete", met=False)
    Path("run.json").write_text(to_json(RepairDocument((report,))))
    found = run("policy", "waive", "0" * 16, "--run", "run.json", *WAIVE).err.rpartition(" ")[2].strip()
    outcome = run("policy", "waive", found, "--run", "run.json", *WAIVE)
    assert (outcome.code, "nobody's to waive" in outcome.err) == (2, True)


def test_two_runs_are_compared_by_file_and_fingerprint(run: Run) -> None:
    write_run("bad.json")
    write_run("clean.json", Verdict.CLEAN)
    newer = make_scan_report()
    newer = replace(newer, model=replace(newer.model, path="elsewhere/model.onnx", sha256="d" * 64))
    Path("newer.json").write_text(
        to_json(ScanDocument((newer,), run=RunInfo(started=str(datetime.now(UTC)), arguments=())))
    )
    Path("failed.json").write_text(to_json(ScanDocument((), (ScanFailure("folder/model.onnx", "oh"),))))
    for old, new, code, told in (
        ("clean.json", "bad.json", 1, "1 new, 0 gone, 0 as before"),
        ("bad.json", "clean.json", 0, "0 new, 1 gone, 0 as before"),
        ("bad.json", "newer.json", 0, "0 new, 0 gone, 1 as before"),
        ("bad.json", "failed.json", 2, "0 new, 1 gone, 0 as before"),
    ):
        outcome = run("diff", old, new)
        assert (outcome.code, outcome.out.splitlines()[-1]) == (code, told)


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_every_report_for_people_shows_the_fingerprint(run: Run, name: str) -> None:
    write_run()
    assert FINGERPRINT[:16] in run("report", "run.json", "--format", name).out


@pytest.mark.parametrize(
    ("before", "now", "options", "code"),
    [
        (Verdict.BACKDOORED, Verdict.BACKDOORED, (), 0),
        (Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE, (), 0),
        (Verdict.CLEAN, Verdict.BACKDOORED, (), 1),
        (Verdict.INCONCLUSIVE, Verdict.BACKDOORED, (), 1),
        (Verdict.CLEAN, Verdict.CLEAN, ("--required-detectors", "spectral"), 3),  # no finding, and nothing known
        (Verdict.REJECTED, Verdict.REJECTED, (), 1),
    ],
)
def test_only_what_is_new_fails_against_a_baseline(
    run: Run, pipeline: FakePipeline, before: Verdict, now: Verdict, options: tuple[str, ...], code: int
) -> None:
    write_run("old.json", before)
    pipeline.answers["scan"] = make_scan_report(now)
    outcome = run("scan", "model.onnx", "--baseline", "old.json", "--json", "new.json", *options)
    assert outcome.code == code
    assert "SOFTENED  baseline old.json" in outcome.out
    new = json.loads(Path("new.json").read_text())
    assert new["reports"][0]["verdict"] == now.value
    assert new["gate"]["softeners"] == ["baseline old.json"]


def test_another_model_with_the_same_finding_is_new(run: Run) -> None:
    write_run("old.json")
    assert run("scan", "other.onnx", "--baseline", "old.json").code == 1


def test_a_baseline_is_refused_where_letting_through_is_locked(run: Run, pipeline: FakePipeline) -> None:
    write_run("old.json")
    Path("p.toml").write_text('locked = ["exit_zero"]')
    outcome = run("scan", "m/model.onnx", "--baseline", "old.json", "--policy", "p.toml")
    assert (outcome.code, pipeline.calls) == (2, [])
    assert "exit_zero is locked by policy p.toml" in outcome.err
