"""The command line over a pipeline that does what a test says."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx
import pytest

from onnxaudit.cli import main
from onnxaudit.intake.reader import read_proto
from onnxaudit.records import RepairReport, Verdict
from tools.testbed.reports import make_profile, make_repair_report, make_scan_report

from .statements import ATTESTED, FIXED, MODEL, SIGNED, write_keys, write_model


@dataclass
class FakePipeline:
    """Stands in for `onnxaudit.pipeline`: notes the calls and answers with `answers`, raising those that are errors."""

    answers: dict[str, Any] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, name: str, *arguments: Any, **options: Any) -> Any:
        self.calls.append({"name": name, "arguments": arguments, **options})
        answer = self.answers[name]
        if callable(answer) and not isinstance(answer, type):
            answer = answer(*arguments, **options)
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.fixture
def pipeline() -> Iterator[FakePipeline]:
    """Put in place before `onnxaudit.cli.runs` is imported, so that these tests need no torch."""
    fake = FakePipeline({"scan": make_scan_report(), "repair": make_repair_report(), "profile": make_profile()})
    module: Any = ModuleType("onnxaudit.pipeline")
    module.PruningConfig = dict
    module.RepairConfig = dict
    module.ScanConfig = dict
    module.DetectionConfig = dict
    for name in ("scan", "repair", "profile"):
        setattr(module, name, lambda *arguments, _name=name, **options: fake.answer(_name, *arguments, **options))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "onnxaudit.pipeline", module)
        patch.delitem(sys.modules, "onnxaudit.cli.runs", raising=False)
        yield fake
        sys.modules.pop("onnxaudit.cli.runs", None)


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def run(
    pipeline: FakePipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Run the command line in an empty folder."""
    del pipeline
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Outcome:
        code = main(arguments)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def attest(run: Callable[..., Outcome], pipeline: FakePipeline) -> Callable[..., Outcome]:
    """Scan with a statement and the given verdict."""
    write_model()
    for name in ("ours", "theirs"):
        write_keys(name)

    def attest(verdict: Verdict = Verdict.CLEAN, *options: str) -> Outcome:
        report = make_scan_report(verdict)
        info = replace(report.model, path=str(MODEL), sha256=read_proto(MODEL).sha256)
        pipeline.answers["scan"] = replace(report, model=info)
        return run("scan", str(MODEL), "--attest", str(ATTESTED), *options)

    return attest


@pytest.fixture
def attest_repair(
    attest: Callable[..., Outcome], run: Callable[..., Outcome], pipeline: FakePipeline
) -> Callable[..., Outcome]:
    """Repair with a statement; the new scan has the given verdict."""
    del attest

    def repair(*options: str, rescan: Verdict = Verdict.INCONCLUSIVE, **changes: Any) -> Outcome:
        def answer(*_: Any, **__: Any) -> RepairReport:
            model = onnx.load(MODEL)
            model.producer_name = "repaired"
            onnx.save(model, FIXED)
            scan = make_scan_report()
            scan = replace(scan, model=replace(scan.model, path=str(MODEL), sha256=read_proto(MODEL).sha256))
            again = make_scan_report(rescan, score=0.47)
            given = {"scan": scan, "rescan": again, "output": str(FIXED), "output_sha256": read_proto(FIXED).sha256}
            return make_repair_report(**{**given, **changes})

        pipeline.answers["repair"] = answer
        return run(
            *("repair", str(MODEL), "--data", "x", "--output", str(FIXED), "--attest", str(ATTESTED)), *SIGNED, *options
        )

    return repair
