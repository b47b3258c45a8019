"""`convert`, and a scan of what is no ONNX file yet."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onnxaudit.cli import conversion
from onnxaudit.conversion import process
from onnxaudit.conversion.order import Order
from onnxaudit.conversion.parity import Parity
from onnxaudit.errors import ParityError
from onnxaudit.records import Verdict
from tools.testbed.reports import make_scan_report

from .conftest import FakePipeline, Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def orders(run: Run, monkeypatch: pytest.MonkeyPatch) -> list[Order]:
    """What is asked of a converter that answers at once."""
    del run
    asked: list[Order] = []

    def convert(order: Order, folder: Path) -> process.Converted:
        assert folder.is_dir()
        asked.append(order)
        parity = Parity(inputs=24, max_difference=2e-6, agreement=1.0)
        return process.Converted(model=b"an ONNX file", packages={"keras": "3"}, parity=parity)

    monkeypatch.setattr(process, "convert", convert)
    Path("m.keras").write_bytes(b"a Keras file")
    return asked


def read(name: str) -> Any:
    return json.loads(Path(name).read_text())


def test_the_file_is_kept_and_the_comparison_told(run: Run, orders: list[Order]) -> None:
    done = run("convert", "m.keras", "-o", "m.onnx", "--input-shape", "8x8x1", "--json", "c.json")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("CONVERTED  m.keras to m.onnx\n")
    assert "100 % get the same class" in " ".join(done.out.split())
    assert Path("m.onnx").read_bytes() == b"an ONNX file"
    assert (orders[0].shape, orders[0].kind.name) == ((8, 8, 1), "a Keras file")
    found = read("c.json")
    assert (found["conversion"]["source"], found["output"]) == ("m.keras", "m.onnx")
    assert run("report", "c.json").out == done.out


def test_what_computes_something_else_leaves_no_file(
    run: Run, orders: list[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    def convert(*_: Any) -> process.Converted:
        raise ParityError("it computes something else")

    monkeypatch.setattr(process, "convert", convert)
    done = run("convert", "m.keras", "-o", "m.onnx", "--json", "c.json")
    assert (done.code, done.err) == (2, "error: it computes something else\n")
    assert not Path("m.onnx").exists()
    assert read("c.json")["error"] == "it computes something else"
    assert orders == []


def test_a_scan_converts_first_and_says_so(run: Run, orders: list[Order], pipeline: FakePipeline) -> None:
    report = make_scan_report(Verdict.CLEAN)

    def answer(path: Path, *_: Any, **__: Any) -> Any:
        assert path.read_bytes() == b"an ONNX file"
        return replace(report, model=replace(report.model, path=str(path)))

    pipeline.answers["scan"] = answer
    done = run("scan", "m.keras", "--input-size", "8x8", "--json", "r.json")
    assert done.code == 0
    assert done.err.splitlines()[0] == "converting m.keras"
    assert "gone after the run: --fetch-into DIR keeps it" in done.err
    (found,) = read("r.json")["reports"]
    assert (found["model"]["path"], found["conversion"]["source"]) == ("m.keras", "m.keras")
    assert orders[0].size == (8, 8)
    assert run("scan", "m.keras", "--fetch-into", "kept").code == 0
    assert [path.name for path in Path("kept").rglob("*.onnx")] == ["m.onnx"]


def test_a_pickle_gets_the_sentence_how_to_export(run: Run) -> None:
    Path("w.pth").write_bytes(b"\x80\x04.")
    for words in (("scan", "w.pth", "-q"), ("inspect", "w.pth"), ("convert", "w.pth", "-o", "m.onnx")):
        done = run(*words)
        assert done.code == 2
        assert "is a pickle, which runs code" in done.err
        assert "torch.onnx.export" in done.err


def test_what_is_no_interpreter_is_told(run: Run, orders: list[Order]) -> None:
    del orders
    Path("nothing").touch()
    done = run("convert", "m.keras", "-o", "m.onnx", "--python", "nothing")
    assert (done.code, done.err) == (2, "error: --python nothing is no interpreter of Python that starts\n")
    assert Path(sys.prefix) in conversion.list_environment(Path(sys.executable))
