"""Scans, repairs and profiles on another device: one that is pretended, and CUDA where there is one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from onnxaudit import repair, scan
from onnxaudit.errors import UsageError
from onnxaudit.pipeline import FineTuningConfig, RepairConfig, ScanConfig
from onnxaudit.pipeline.neuron_ranking import profile
from onnxaudit.pipeline.subject import choose_device
from onnxaudit.records import ScanReport
from tests.fake_device import PLACE, pretend
from tests.unit.pipeline.conftest import BRIEF_SCAN, QUICK_SCAN, SHORT_SCAN, UNIT
from tools.testbed.planted import TARGET, make_true_trigger, write_planted, write_samples

gpu = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here; benchmarks/gpu.py says more"),
]


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever is asked for, the pretended device is used."""
    monkeypatch.setattr("onnxaudit.pipeline.admission.choose_device", lambda _: PLACE.type)
    with pretend():
        yield


def list_ratios(report: ScanReport) -> dict[tuple[int, str], float]:
    return {
        (row.label, str(detector)): ratio
        for row in report.labels
        for detector, ratio in row.ratios.items()
        if ratio is not None
    }


@pytest.mark.usefixtures("elsewhere")
def test_a_scan_leaves_no_tensor_behind(tmp_path: Path) -> None:
    model, data = write_planted(tmp_path, backdoored=True), write_samples(tmp_path)
    found = scan(model, data, BRIEF_SCAN, preprocessing=UNIT, detectors=("exact-shift",))
    assert found.device == PLACE.type
    assert list_ratios(found)


@pytest.mark.slow
def test_a_scan_finds_there_what_it_finds_here(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    model, data = write_planted(tmp_path, backdoored=True), write_samples(tmp_path)
    here = scan(model, data, SHORT_SCAN, preprocessing=UNIT, device="cpu")
    request.getfixturevalue("elsewhere")
    there = scan(model, data, SHORT_SCAN, preprocessing=UNIT)
    assert there.target_labels == here.target_labels == (TARGET,)
    assert list_ratios(there) == pytest.approx(list_ratios(here), rel=1e-2)


@pytest.mark.slow
@pytest.mark.usefixtures("elsewhere")
def test_a_repair_leaves_no_tensor_behind(tmp_path: Path) -> None:
    model, data = write_planted(tmp_path, backdoored=True), write_samples(tmp_path)
    config = RepairConfig(scan=QUICK_SCAN, fine_tuning=FineTuningConfig(rounds=1))
    done = repair(
        model, data, tmp_path / "fixed.onnx", config, preprocessing=UNIT, target=TARGET, allow_incomplete=True
    )
    assert done.repaired is not None


@pytest.mark.usefixtures("elsewhere")
def test_a_profile_leaves_no_tensor_behind(tmp_path: Path) -> None:
    model, data = write_planted(tmp_path, backdoored=True), write_samples(tmp_path)
    assert profile(model, data, make_true_trigger(), preprocessing=UNIT).neurons


def test_a_device_that_is_not_there_is_refused_in_one_line() -> None:
    if not torch.cuda.is_available():
        assert choose_device("auto") == "cpu"
        with pytest.raises(UsageError, match="PyTorch finds no CUDA device here; use --device auto or cpu"):
            choose_device("cuda")


class TestOnCuda:
    """What a machine with a GPU shows."""

    pytestmark = gpu

    def test_verdict_and_evidence_are_those_of_the_processor(self, tmp_path: Path) -> None:
        model, data = write_planted(tmp_path, backdoored=True), write_samples(tmp_path)
        here, there = (scan(model, data, SHORT_SCAN, preprocessing=UNIT, device=one) for one in ("cpu", "cuda"))
        assert there.verdict == here.verdict
        assert there.target_labels == here.target_labels
        assert list_ratios(there) == pytest.approx(list_ratios(here), rel=0.05)

    def test_a_repair_works(self, tmp_path: Path) -> None:
        model, data = write_planted(tmp_path, backdoored=True), write_samples(tmp_path)
        config = RepairConfig(scan=replace(ScanConfig(), detection=QUICK_SCAN.detection))
        done = repair(model, data, tmp_path / "fixed.onnx", config, preprocessing=UNIT, target=TARGET, device="cuda")
        assert done.outcome == "repaired"
