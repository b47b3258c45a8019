"""`onnxaudit scan` without a model: what `onnxaudit.toml` says, and what goes before it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from onnxaudit.records import ChannelOrder, Verdict
from tools.testbed.reports import make_scan_report

from .conftest import FakePipeline, Outcome

Run = Callable[..., Outcome]
TEXT = """
data = "clean"
effort = "quick"
memory = "4GiB"
policy = "ci/policy.toml"
models = [
    "vendor/*.onnx",
    {path = "own/b.onnx", data = "other", range = [0, 255], channel_order = "BGR", effort = "deep"},
]

[outputs]
json = "audit/report.json"
"""


PROJECT = Path("onnxaudit.toml")


@pytest.fixture
def project(run: Run) -> None:
    del run  # in whose folder it is
    for name in ("vendor/a.onnx", "vendor/z.onnx", "own/b.onnx", "ci/policy.toml", "clean/x", "other/x"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("")
    PROJECT.write_text(TEXT)


@pytest.mark.usefixtures("project")
def test_every_model_is_scanned_as_the_project_says(run: Run, pipeline: FakePipeline) -> None:
    assert run("scan").code == 1
    first, _, last = pipeline.calls
    assert [str(call["arguments"][0]) for call in pipeline.calls] == ["vendor/a.onnx", "vendor/z.onnx", "own/b.onnx"]
    assert (first["data"], first["effort"], first.get("preprocessing")) == ("clean", "quick", None)
    assert (last["data"], last["effort"], last["memory"]) == ("other", "deep", 4 * 2**30)
    assert last["preprocessing"].range == (0, 255)
    assert last["preprocessing"].channel_order is ChannelOrder.BGR
    assert len(json.loads(Path("audit/report.json").read_text())["reports"]) == 3


@pytest.mark.usefixtures("project")
def test_the_policy_that_it_names_decides(run: Run, pipeline: FakePipeline) -> None:
    pipeline.answers["scan"] = make_scan_report(Verdict.INCONCLUSIVE)
    assert run("scan").code == 3
    Path("ci/policy.toml").write_text('inconclusive = "warn"')
    assert run("scan").code == 0
    assert run("scan", "--inconclusive", "fail").code == 1
    Path("strict.toml").write_text('inconclusive = "fail"')
    assert run("scan", "--policy", "strict.toml").code == 1


@pytest.mark.usefixtures("project")
def test_the_command_line_goes_before_it(run: Run, pipeline: FakePipeline) -> None:
    run("scan", "--effort", "standard", "--json", "mine.json", "--data", "vendor-images")
    assert {(call["effort"], call["data"]) for call in pipeline.calls} == {("standard", "vendor-images")}
    assert Path("mine.json").exists()
    assert not Path("audit/report.json").exists()


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("say", "copied"),
    [
        (TEXT.replace('effort = "deep"', 'effort = "deep", quantize = "int8"'), ["own/b.onnx"]),
        ('quantize = "int8"\n' + TEXT, ["vendor/a.onnx", "vendor/z.onnx", "own/b.onnx"]),
        (TEXT, []),
    ],
)
def test_copies_are_scanned_of_the_models_that_it_says(
    run: Run, pipeline: FakePipeline, say: str, copied: list[str]
) -> None:
    PROJECT.write_text(say)
    run("scan")
    static = [str(call["arguments"][0]) for call in pipeline.calls if call.get("quantization") == "static"]
    assert static == copied


@pytest.mark.usefixtures("project")
def test_it_says_nothing_about_models_that_are_named(run: Run, pipeline: FakePipeline) -> None:
    run("scan", "own/b.onnx")
    assert "data" not in pipeline.calls[0]
    assert not Path("audit").exists()


@pytest.mark.usefixtures("project")
def test_it_may_stand_in_pyproject_beside_a_policy(run: Run, pipeline: FakePipeline) -> None:
    PROJECT.unlink()
    text = '[tool.onnxaudit]\ninconclusive = "warn"\n[tool.onnxaudit.scan]\nmodels = ["own/*.onnx"]\n'
    Path("pyproject.toml").write_text(text)
    pipeline.answers["scan"] = make_scan_report(Verdict.INCONCLUSIVE)
    assert run("scan").code == 0
    assert len(pipeline.calls) == 1
    PROJECT.write_text(TEXT)
    assert "keep one of them" in run("scan").err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("models = []", "names no model"),
        ('models = ["none/*.onnx"]', "nothing would be scanned"),
        ('models = ["own/b.onnx", "own/*"]', "named before"),
        ('models = ["own/b.onnx"]\nefort = "quick"', "did you mean effort?"),
        ('models = ["own/b.onnx"]\neffort = "slow"', "effort: 'slow' is not one of"),
        ('models = ["own/b.onnx"]\nrange = [1, 0]', "is no range"),
        ('models = ["own/b.onnx"]\nseed = true', "seed: True is no whole number"),
        ('models = ["own/b.onnx"]\n[outputs]\npdf = "r.pdf"', "unknown key 'pdf'"),
        ('models = ["b.onnx"]', "lies with b.onnx or its data"),
        ('models = ["own/b.onnx"]\ndata = "."', "lies with own/b.onnx or its data"),
        ("models = [", "is no TOML"),
    ],
)
@pytest.mark.usefixtures("project")
def test_what_it_cannot_mean_is_an_error(run: Run, text: str, told: str) -> None:
    PROJECT.write_text(text)
    outcome = run("scan")
    assert outcome.code == 2
    assert told in outcome.err


def test_without_one_a_model_has_to_be_named(run: Run) -> None:
    outcome = run("scan")
    assert outcome.code == 2
    assert "there is no onnxaudit.toml here" in outcome.err
