"""`scan --quantize int8`: a file and its two copies in 8-bit integers, of which the worst counts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onnxaudit.errors import ModelError
from onnxaudit.records import QuantizationKind, Verdict, name_copy, name_original
from tools.testbed.reports import make_scan_report

from .conftest import FakePipeline, Outcome

Run = Callable[..., Outcome]
SCAN = ("scan", "m.onnx", "--quantize", "int8", "--no-cache", "--json", "r.json", "-q")
STATIC, DYNAMIC = "m.onnx (int8, static)", "m.onnx (int8, dynamic)"


@pytest.fixture(autouse=True)
def model(run: Run) -> None:
    del run
    Path("m.onnx").write_bytes(b"model")


def answer_by_kind(pipeline: FakePipeline, **answers: Any) -> None:
    """What the scan of each says: `file`, `static`, `dynamic`; clean where nothing is said."""

    def scan(*_: Any, quantization: QuantizationKind | None = None, **__: Any) -> Any:
        answer = answers.get("file" if quantization is None else quantization.value, Verdict.CLEAN)
        return make_scan_report(answer) if isinstance(answer, Verdict) else answer

    pipeline.answers["scan"] = scan


def test_the_file_and_both_copies_are_scanned_and_named(run: Run, pipeline: FakePipeline) -> None:
    answer_by_kind(pipeline)
    assert run(*SCAN).code == 0
    assert [call.get("quantization") for call in pipeline.calls] == [None, "static", "dynamic"]
    reports = json.loads(Path("r.json").read_text())["reports"]
    assert [report["model"]["path"] for report in reports] == ["m.onnx", STATIC, DYNAMIC]


def test_people_see_them_side_by_side_once(run: Run, pipeline: FakePipeline) -> None:
    answer_by_kind(pipeline, static=Verdict.BACKDOORED)
    outcome = run("scan", "m.onnx", "--quantize", "int8", "--no-cache")
    assert outcome.out.count("COPIES") == 1
    assert "rounding wakes it" in " ".join(outcome.out.split())


def test_without_the_option_there_is_no_copy(run: Run, pipeline: FakePipeline) -> None:
    answer_by_kind(pipeline)
    run("scan", "m.onnx", "--no-cache", "-q")
    assert len(pipeline.calls) == 1


@pytest.mark.parametrize("kind", ["file", "static", "dynamic"])
@pytest.mark.parametrize(
    ("answer", "code"), [(Verdict.BACKDOORED, 1), (ModelError("it cannot be quantized"), 2), (Verdict.INCONCLUSIVE, 3)]
)
def test_the_worst_of_the_three_gives_the_exit_code(
    run: Run, pipeline: FakePipeline, kind: str, answer: Any, code: int
) -> None:
    answer_by_kind(pipeline, **{kind: answer})
    assert run(*SCAN).code == code


def test_a_copy_that_cannot_be_made_is_told_by_its_name(run: Run, pipeline: FakePipeline) -> None:
    answer_by_kind(pipeline, static=ModelError("it cannot be quantized"))
    outcome = run(*SCAN)
    assert "it cannot be quantized" in outcome.err
    (failure,) = json.loads(Path("r.json").read_text())["failures"]
    assert failure == {"path": STATIC, "error": "it cannot be quantized"}


@pytest.mark.parametrize("option", ["--attest", "--bom", "--vex"])
def test_nothing_is_stated_about_copies(run: Run, pipeline: FakePipeline, option: str) -> None:
    answer_by_kind(pipeline)
    outcome = run(*SCAN, option, "s.json")
    assert outcome.code == 2
    assert "leave out --quantize" in outcome.err
    assert not Path("s.json").exists()


def test_a_copy_bears_the_name_of_its_file() -> None:
    for kind in QuantizationKind:
        name = name_copy("a/m.onnx", kind)
        assert kind.value in name
        assert name_original(name) == "a/m.onnx"
    assert name_copy("a/m.onnx", None) == name_original("a/m.onnx") == "a/m.onnx"
