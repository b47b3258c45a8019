"""Commands pass on what was given, and write what they were asked for."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onnxaudit.cli.values import read_duration, read_size
from onnxaudit.data.triggers import load_trigger, save_trigger
from onnxaudit.errors import ModelError
from onnxaudit.records import ChannelOrder, Event, GivenPreprocessing, ScanDocument, ScanFailure, Verdict
from onnxaudit.report.json import from_json, to_json
from onnxaudit.version import __version__
from tools.testbed.reports import make_scan_report, make_trigger

from .conftest import FakePipeline, Outcome
from .statements import MODEL as MODEL_PATH

MODEL = str(MODEL_PATH)
Run = Callable[..., Outcome]


def given(pipeline: FakePipeline) -> dict[str, Any]:
    """The keyword arguments of the last call, the listeners aside."""
    others = ("name", "arguments", "on_event", "on_partial")
    return {name: value for name, value in pipeline.calls[-1].items() if name not in others}


def test_options_that_are_not_given_are_not_passed_on(run: Run, pipeline: FakePipeline) -> None:
    run("scan", "model.onnx")
    assert given(pipeline) == {}
    run("repair", "model.onnx", "--data", "x", "--output", "f.onnx")
    assert given(pipeline) == {"scan": None, "known_trigger": None}
    assert pipeline.calls[-1]["arguments"] == (Path("model.onnx"), "x", Path("f.onnx"), {"pruning": {}})


def test_options_of_a_scan_reach_the_pipeline(run: Run, pipeline: FakePipeline) -> None:
    options = "--data d.npz:x,y --seed 7 --device cpu --time-budget 1h30m --output logits --input-size 48x192"
    preprocessing = "--embed-samples --range -1,1 --mean 0.5,0.4,0.3 --std 0.2 --channel-order BGR"
    run("scan", "model.onnx", *options.split(), *preprocessing.split())
    assert given(pipeline) == {
        "data": "d.npz:x,y",
        "seed": 7,
        "device": "cpu",
        "time_budget": pytest.approx(5400.0, rel=0.1),  # what is left of it
        "embed_samples": True,
        "output": "logits",
        "input_size": (48, 192),
        "preprocessing": GivenPreprocessing((-1.0, 1.0), (0.5, 0.4, 0.3), (0.2,), ChannelOrder.BGR),
    }


def test_options_of_a_repair_reach_the_pipeline(run: Run, pipeline: FakePipeline, tmp_path: Path) -> None:
    save_trigger(make_trigger(), tmp_path / "t.npz")
    limits = "--method full --criterion success --min-agreement 0.9 --max-success 0.2 --max-reactivation 0.1"
    options = "--target 3 --suspects --layer fc1 --remove --allow-incomplete --known-trigger t.npz --time-budget 90"
    run("repair", "model.onnx", "--data", "x", "--output", "f.onnx", *limits.split(), *options.split())
    call = given(pipeline)
    assert call.pop("known_trigger").digest == make_trigger().digest
    assert call == {
        "target": 3,
        "suspects": True,
        "layer": "fc1",
        "allow_incomplete": True,
        "time_budget": pytest.approx(90.0, rel=0.9),  # what is left of it
        "scan": None,
    }
    assert pipeline.calls[-1]["arguments"][3] == {
        "method": "full",
        "remove": True,
        "pruning": {"criterion": "success", "min_agreement": 0.9, "max_success": 0.2},
        "max_reactivation": 0.1,
    }


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("0.5m", 30)])
def test_durations_are_read(text: str, seconds: float) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize(("text", "size"), [("48x192", (48, 192)), ("48×192", (48, 192)), ("784", (1, 784))])
def test_sizes_are_read(text: str, size: tuple[int, int]) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["0x4", "4x", "x4", "4x4x4", "-4x4", "four"])
def test_what_is_no_size_is_refused(run: Run, text: str) -> None:
    outcome = run("scan", "model.onnx", f"--input-size={text}")
    assert outcome.code == 2
    assert "is no size; write height and width: 224x224" in outcome.err


def test_the_report_goes_to_the_file_and_the_story_to_stdout(run: Run, tmp_path: Path) -> None:
    outcome = run("scan", "model.onnx", "--json", "report.json")
    assert outcome.out.startswith("BACKDOORED")
    document = from_json((tmp_path / "report.json").read_text())
    assert isinstance(document, ScanDocument)
    assert document.reports[0].verdict is Verdict.BACKDOORED


@pytest.mark.parametrize(
    "command",
    [
        ("scan", "m"),
        ("repair", "m", "--data", "x", "--output", "f"),
        ("profile", "m", "--data", "x", "--trigger", "t.npz"),
    ],
)
def test_json_on_stdout_stands_alone(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    save_trigger(make_trigger(), tmp_path / "t.npz")
    outcome = run(*command, "--json", "-")
    json.loads(outcome.out)
    assert from_json(outcome.out)
    assert outcome.err


def test_failures_stand_in_the_report_of_several_models(run: Run, pipeline: FakePipeline) -> None:
    answers = iter([ModelError("first is empty"), make_scan_report(Verdict.CLEAN)])
    pipeline.answers["scan"] = lambda *_, **__: next(answers)
    plain = json.loads(run("scan", "first", "second", "--json", "-").out)
    assert [report["verdict"] for report in plain["reports"]] == ["clean"]
    assert plain["failures"] == [{"path": "first", "error": "first is empty"}]


def test_a_model_that_could_not_be_scanned_takes_the_place_of_an_older_report(
    run: Run, pipeline: FakePipeline, tmp_path: Path
) -> None:
    (tmp_path / "report.json").write_text(to_json(ScanDocument((make_scan_report(Verdict.CLEAN),))))
    pipeline.answers["scan"] = ModelError("empty")
    outcome = run("scan", "m", "--json", "report.json", "--save-triggers", "triggers")
    assert outcome.code == 2
    document = from_json((tmp_path / "report.json").read_text())
    assert isinstance(document, ScanDocument)
    assert (document.reports, document.failures) == ((), (ScanFailure("m", "empty"),))
    assert not (tmp_path / "triggers").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("scan", "m", "--json", "missing/report.json"),
        ("scan", "m", "--json", "."),
        ("scan", "m", "--json", "m"),
        ("scan", "m", "--save-triggers", "m/triggers"),
        ("repair", "m", "--data", "x", "--output", "m"),
        ("repair", "m", "--data", "x", "--output", "./link"),
        ("repair", "m", "--data", "x", "--output", "missing/f.onnx"),
        ("repair", "m", "--data", "x", "--output", "f.onnx", "--json", "f.onnx"),
        ("repair", "m", "--data", "x", "--output", "f.onnx", "--scan", "s.json", "--json", "s.json"),
    ],
    ids=" ".join,
)
def test_outputs_are_checked_before_the_work(
    run: Run, pipeline: FakePipeline, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "m").write_bytes(b"model")
    (tmp_path / "link").symlink_to(tmp_path / "m")
    outcome = run(*arguments)
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 1
    assert not pipeline.calls
    assert (tmp_path / "m").read_bytes() == b"model"


def test_triggers_are_saved_as_archive_and_pictures(run: Run, tmp_path: Path) -> None:
    run("scan", "m", "--save-triggers", "a/b")
    names = sorted(path.name for path in (tmp_path / "a" / "b").iterdir())
    stem = "m-aaaaaaaa-label-2"
    assert names == [f"{stem}-mask.png", f"{stem}-pattern.png", f"{stem}-triggered.png", f"{stem}.npz"]
    np.testing.assert_array_equal(load_trigger(tmp_path / "a" / "b" / f"{stem}.npz").mask, make_trigger().mask)


def test_repair_starts_from_the_scan_report_of_its_model(run: Run, pipeline: FakePipeline, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"model")
    other, own = make_scan_report(seed=1), make_scan_report(seed=2)
    own = replace(own, model=replace(own.model, sha256=hashlib.sha256(b"model").hexdigest()))
    (tmp_path / "scan.json").write_text(to_json(ScanDocument((other, own))))
    run("repair", "m", "--data", "x", "--output", "f.onnx", "--scan", "scan.json")
    assert given(pipeline)["scan"].seed == 2


@pytest.mark.parametrize(
    "content", ["", "{}", to_json(ScanDocument(())), to_json(ScanDocument((make_scan_report(),) * 2))]
)
def test_a_scan_report_that_does_not_serve_is_refused(
    run: Run, pipeline: FakePipeline, tmp_path: Path, content: str
) -> None:
    (tmp_path / "scan.json").write_text(content)
    outcome = run("repair", "m", "--data", "x", "--output", "f.onnx", "--scan", "scan.json")
    assert outcome.code == 2
    assert outcome.err.startswith("error: scan.json")
    assert not pipeline.calls


def test_a_profile_is_shown(run: Run, tmp_path: Path) -> None:
    save_trigger(make_trigger(), tmp_path / "t.npz")
    outcome = run("profile", "m", "--data", "x", "--trigger", "t.npz")
    assert outcome.code == 0
    assert "by activation" in outcome.out


def test_a_trigger_that_cannot_be_read_stops_a_profile(run: Run, pipeline: FakePipeline) -> None:
    outcome = run("profile", "m", "--data", "x", "--trigger", "t.npz")
    assert outcome.code == 2
    assert "t.npz cannot be read" in outcome.err
    assert not pipeline.calls


def test_progress_goes_to_stderr_in_lines_that_depend_on_events_alone(run: Run, pipeline: FakePipeline) -> None:
    def scan(*_: Any, on_event: Callable[[Event], None], **__: Any) -> Any:
        for done in range(101):
            on_event(Event("invert", done, 100, f"{done} \x1b[2J"))
        return make_scan_report(Verdict.CLEAN)

    pipeline.answers["scan"] = scan
    outcome = run("scan", "m")
    assert len(outcome.err.splitlines()) == 11
    assert "\x1b" not in outcome.err
    assert "inverting triggers" not in outcome.out


def test_the_schema_is_printed(run: Run) -> None:
    assert "ScanReport" in json.loads(run("schema").out)["$defs"]


def test_rules_are_listed_and_explained(run: Run) -> None:
    assert "OA101  single-target-trigger" in run("rules").out
    assert "What an attacker gains" in run("rules", "oa101").out
    outcome = run("rules", "nope")
    assert (outcome.code, outcome.err) == (2, "error: there is no rule nope; `onnxaudit rules` lists them\n")


def test_the_version_is_printed(run: Run) -> None:
    outcome = run("--version")
    assert (outcome.code, outcome.out) == (0, f"onnxaudit {__version__}\n")


@pytest.mark.parametrize("command", [["--help"], ["scan", "--help"], ["repair", "--help"], ["--version"]], ids=" ".join)
def test_help_imports_nothing_heavy(command: list[str]) -> None:
    script = (
        "import sys; from onnxaudit.cli import main; code = main(sys.argv[1:]);"
        "heavy = {'torch', 'onnxruntime', 'onnx', 'numpy', 'PIL'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy or code else 0)"
    )
    process = subprocess.run(
        [sys.executable, "-c", script, *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout


def test_named_detectors_reach_scan_and_repair(run: Run, pipeline: FakePipeline) -> None:
    run("scan", MODEL, "--detectors", "patch,spectral")
    run("repair", MODEL, "--data", "x", "--output", "f.onnx", "--detectors", "standard")
    assert pipeline.calls[0]["detectors"] == ("patch", "spectral")
    assert pipeline.calls[1]["arguments"][3]["scan"] == {"detection": {"detectors": ("standard",)}}


def test_a_detector_that_does_not_exist_is_one_error(run: Run) -> None:
    outcome = run("scan", MODEL, MODEL, "--detectors", "sonar")
    assert outcome.code == 2
    assert outcome.err.count("'sonar' is not one of standard") == 1


def test_detectors_are_listed_with_what_they_measure(run: Run) -> None:
    outcome = run("detectors", "--json", "-")
    listed = {one["id"]: one for one in json.loads(outcome.out)["detectors"]}
    assert outcome.code == 0
    assert listed["patch"]["weighed"]
    assert not listed["maximum-margin"]["weighed"]
    assert "Patch" not in run("detectors").err
    assert listed["spectral"]["explanation"] in " ".join(run("detectors").out.split())
