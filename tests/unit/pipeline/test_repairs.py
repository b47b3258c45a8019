from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from onnxaudit import repair, scan
from onnxaudit.deadline import Deadline
from onnxaudit.errors import DataError, OutputError, UsageError
from onnxaudit.intake import Model, load_model
from onnxaudit.inversion.patch import invert
from onnxaudit.mitigation.distillation_config import DistillationConfig
from onnxaudit.pipeline import FineTuningConfig, PruningConfig, RepairConfig, ScanConfig
from onnxaudit.pipeline.context import RepairContext
from onnxaudit.records import Inversion, LabelStatus, RepairReport, Trigger, Verdict
from tests.unit.pipeline.conftest import BRIEF_SCAN, QUICK_SCAN, SHORT_SCAN
from tools.testbed.planted import BACKDOOR_NEURON, TARGET, make_true_trigger, write_planted, write_samples

MakeModel = Callable[..., Path]
PRUNE = RepairConfig(method="prune", scan=SHORT_SCAN)
FULL = RepairConfig(scan=SHORT_SCAN, fine_tuning=FineTuningConfig(rounds=2))
UNREACHABLE = replace(PRUNE, pruning=PruningConfig(max_success=0.0))


@pytest.fixture(scope="module")
def repaired(tmp_path_factory: pytest.TempPathFactory) -> RepairReport:
    """One full repair, the written file beside the model."""
    folder = tmp_path_factory.mktemp("repair")
    model, data = write_planted(folder, backdoored=True), write_samples(folder)
    return repair(model, data, folder / "fixed.onnx", FULL, known_trigger=make_true_trigger())


def read_fixed(repaired: RepairReport) -> Model:
    assert repaired.output is not None
    return load_model(repaired.output)


def test_a_planted_backdoor_is_taken_out(repaired: RepairReport) -> None:
    assert repaired.outcome == "repaired", repaired.reasons
    assert repaired.targets == (TARGET,)
    assert repaired.original is not None
    assert repaired.repaired is not None
    assert repaired.original.known_success_rate is not None
    assert repaired.repaired.known_success_rate is not None
    assert (repaired.original.known_success_rate.value or 0.0) > 0.9
    assert (repaired.repaired.known_success_rate.value or 0.0) < 0.1
    assert (repaired.repaired.accuracy.value or 0.0) >= (repaired.original.accuracy.value or 0.0) - 0.02
    assert repaired.rescan is not None
    assert repaired.rescan.model.sha256 == read_fixed(repaired).info.sha256


def test_the_neuron_that_carries_the_backdoor_is_pruned_and_stays_at_zero(repaired: RepairReport) -> None:
    assert BACKDOOR_NEURON in repaired.pruned
    fixed = read_fixed(repaired)
    assert not fixed.initializer("w1")[:, list(repaired.pruned)].any()
    assert not fixed.initializer("b1")[list(repaired.pruned)].any()


def test_the_original_is_not_touched(make_model: MakeModel, data: Path, tmp_path: Path) -> None:
    model = make_model()
    before = model.read_bytes()
    repair(model, data, tmp_path / "fixed.onnx", PRUNE, allow_incomplete=True)
    assert model.read_bytes() == before


def test_a_clean_model_is_left_alone(make_model: MakeModel, data: Path, tmp_path: Path) -> None:
    model = make_model(backdoored=False)
    verdict = replace(scan(model, data, SHORT_SCAN), verdict=Verdict.CLEAN, target_labels=())
    report = repair(model, data, tmp_path / "fixed.onnx", scan=verdict)
    assert report.outcome == "nothing to repair"
    assert not (tmp_path / "fixed.onnx").exists()


def test_a_forced_repair_of_a_clean_model_keeps_its_answers_or_writes_nothing(
    make_model: MakeModel, data: Path, tmp_path: Path
) -> None:
    model, output = make_model(backdoored=False), tmp_path / "fixed.onnx"
    tuning = FineTuningConfig(starts=0, rounds=1, distillation=DistillationConfig(steps=40, copies=4))
    report = repair(model, data, output, RepairConfig(scan=QUICK_SCAN, fine_tuning=tuning), target=2)
    assert report.targets == (2,)
    assert report.repaired is not None
    assert output.exists() == (report.outcome == "repaired") == report.met
    assert not report.met or (report.repaired.agreement.value or 0.0) >= 0.97


def test_an_inconclusive_scan_repairs_nothing_unless_a_label_is_named(
    make_model: MakeModel, data: Path, tmp_path: Path
) -> None:
    model, output = make_model(), tmp_path / "fixed.onnx"
    undecided = replace(scan(model, data, SHORT_SCAN), verdict=Verdict.INCONCLUSIVE, target_labels=())
    assert repair(model, data, output, scan=undecided).outcome == "inconclusive"
    assert not output.exists()
    assert repair(model, data, output, PRUNE, scan=undecided, target=TARGET).outcome == "repaired"


def test_suspects_of_an_inconclusive_scan_are_repaired_where_they_are_asked_for(
    make_model: MakeModel, data: Path, tmp_path: Path
) -> None:
    model, output = make_model(), tmp_path / "fixed.onnx"
    suspected = replace(scan(model, data, SHORT_SCAN), verdict=Verdict.INCONCLUSIVE, target_labels=(TARGET,))
    assert "--suspects" in repair(model, data, output, scan=suspected).summary
    # That the constants of the score may change decides nothing here: what is far from backdoored is clean.
    detection = replace(SHORT_SCAN.detection, verdict=replace(SHORT_SCAN.detection.verdict, clean_below=0.45))
    report = repair(model, data, output, replace(PRUNE, scan=ScanConfig(detection)), scan=suspected, suspects=True)
    assert (report.outcome, report.suspected, report.targets) == ("repaired", True, (TARGET,)), report.reasons
    assert report.repaired is not None
    assert (report.repaired.agreement.value or 0.0) >= RepairConfig().suspects_agreement
    assert report.summary.startswith("The scan came to no verdict")


def test_an_inconclusive_scan_without_suspects_is_declined_all_the_same(
    make_model: MakeModel, data: Path, tmp_path: Path
) -> None:
    model, output = make_model(), tmp_path / "fixed.onnx"
    undecided = replace(scan(model, data, BRIEF_SCAN), verdict=Verdict.INCONCLUSIVE, target_labels=())
    assert repair(model, data, output, scan=undecided, suspects=True).outcome == "inconclusive"


def test_a_missed_limit_writes_nothing(make_model: MakeModel, data: Path, tmp_path: Path) -> None:
    report = repair(make_model(), data, tmp_path / "fixed.onnx", UNREACHABLE)
    assert report.outcome == "incomplete"
    assert report.output is None
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".npz", ".onnx"]


def test_a_missed_limit_writes_the_file_when_asked_to(make_model: MakeModel, data: Path, tmp_path: Path) -> None:
    report = repair(make_model(), data, tmp_path / "fixed.onnx", UNREACHABLE, allow_incomplete=True)
    assert report.outcome == "incomplete"
    assert not report.met
    onnx.checker.check_model(tmp_path / "fixed.onnx")


def test_the_report_of_another_model_is_refused(make_model: MakeModel, data: Path, tmp_path: Path) -> None:
    other = scan(make_model(backdoored=False), data, BRIEF_SCAN)
    with pytest.raises(UsageError, match="another model"):
        repair(make_model(), data, tmp_path / "fixed.onnx", scan=other)


def test_a_label_that_does_not_exist_is_refused(make_model: MakeModel, data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="class 99 does not exist"):
        repair(make_model(), data, tmp_path / "fixed.onnx", target=99)


@pytest.fixture
def find_no_more_than(monkeypatch: pytest.MonkeyPatch) -> Callable[[float, LabelStatus], None]:
    """Let the search for a trigger of a label that the scan has none of end so."""

    def arrange(success: float, status: LabelStatus) -> None:
        def find(*arguments: Any, **options: Any) -> tuple[Inversion, ...]:
            return tuple(replace(one, success_rate=success, status=status) for one in invert(*arguments, **options))

        monkeypatch.setattr("onnxaudit.pipeline.repair_pass.invert", find)

    return arrange


def test_a_label_that_triggers_reach_now_and_then_can_be_repaired(
    make_model: MakeModel, data: Path, tmp_path: Path, find_no_more_than: Callable[[float, LabelStatus], None]
) -> None:
    model = make_model()
    found = replace(scan(model, data, SHORT_SCAN), triggers=(), target_labels=())
    find_no_more_than(0.6, LabelStatus.UNREACHED)
    report = repair(model, data, tmp_path / "fixed.onnx", PRUNE, scan=found, target=TARGET, allow_incomplete=True)
    assert report.targets == (TARGET,)
    find_no_more_than(0.05, LabelStatus.UNREACHED)
    with pytest.raises(UsageError, match=f"for label {TARGET} sends 5 % of the samples there, so there is nothing"):
        repair(model, data, tmp_path / "again.onnx", PRUNE, scan=found, target=TARGET)


def test_a_known_trigger_of_another_size_is_refused(make_model: MakeModel, data: Path, tmp_path: Path) -> None:
    trigger = Trigger(np.ones((1, 4, 4), np.float32), np.ones((1, 4, 4), np.float32))
    with pytest.raises(DataError, match="the trigger's pattern has shape"):
        repair(make_model(), data, tmp_path / "fixed.onnx", known_trigger=trigger)


def test_the_original_is_never_the_output(make_model: MakeModel, data: Path) -> None:
    model = make_model()
    with pytest.raises(OutputError, match="never overwritten"):
        repair(model, data, model)


def test_a_repair_that_runs_out_of_time_at_once_writes_nothing_and_says_so(
    make_model: MakeModel, data: Path, tmp_path: Path
) -> None:
    model = make_model()
    report = repair(model, data, tmp_path / "fixed.onnx", scan=scan(model, data, SHORT_SCAN), time_budget=1e-9)
    assert (report.outcome, report.met) == ("inconclusive", False)
    assert "The time was up while" in report.summary
    assert not (tmp_path / "fixed.onnx").exists()


def test_a_repair_whose_overtime_is_used_up_while_it_judges_writes_nothing(
    make_model: MakeModel, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_late(context: RepairContext, targets: tuple[int, ...]) -> RepairReport:
        context.subject.until(Deadline(0.0)).runtime.predict(context.subject.samples.images)
        raise AssertionError(targets)

    monkeypatch.setattr("onnxaudit.pipeline.repairs.run_pass", run_late)
    model = make_model()
    report = repair(model, data, tmp_path / "fixed.onnx", PRUNE, scan=scan(model, data, SHORT_SCAN), target=TARGET)
    assert report.outcome == "inconclusive"
    assert "The time was up while" in report.reasons[0]
    assert not (tmp_path / "fixed.onnx").exists()
