from collections.abc import Callable
from pathlib import Path

import pytest

from onnxaudit import scan
from onnxaudit.errors import DataError, UsageError
from onnxaudit.records import Event, LabelStatus, ScanDocument, Verdict
from onnxaudit.report.json import canonical
from tests.unit.pipeline.conftest import BRIEF_SCAN, SHORT_SCAN, UNIT
from tools.testbed.planted import CLASSES, TARGET

MakeModel = Callable[..., Path]


def test_a_planted_backdoor_is_found(make_model: MakeModel, data: Path) -> None:
    report = scan(make_model(), data)
    assert report.verdict is Verdict.BACKDOORED
    assert report.target_labels[0] == TARGET
    assert report.coverage.labels_finished == CLASSES
    assert "Backdoor found" in report.summary


def test_its_clean_twin_is_not_called_backdoored(make_model: MakeModel, data: Path) -> None:
    report = scan(make_model(backdoored=False), data)
    assert report.verdict is not Verdict.BACKDOORED
    assert not report.target_labels


def test_the_same_seed_gives_the_same_report(make_model: MakeModel, data: Path) -> None:
    first, second = (ScanDocument((scan(make_model(), data, BRIEF_SCAN, seed=3),)) for _ in range(2))
    assert canonical(first) == canonical(second)


def test_a_scan_without_data_is_never_clean(make_model: MakeModel) -> None:
    report = scan(make_model(backdoored=False), None, SHORT_SCAN, preprocessing=UNIT)
    assert report.samples.synthetic
    assert report.verdict is not Verdict.CLEAN


def test_a_scan_that_runs_out_of_time_is_inconclusive_and_says_which_labels_are_open(
    make_model: MakeModel, data: Path
) -> None:
    report = scan(make_model(), data, time_budget=1e-9)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert len(report.coverage.reasons) == CLASSES
    assert {row.status for row in report.labels} == {LabelStatus.UNFINISHED}


def test_progress_is_told_in_the_order_of_the_stages(make_model: MakeModel, data: Path) -> None:
    events: list[Event] = []
    scan(make_model(), data, BRIEF_SCAN, on_event=events.append)
    stages = list(dict.fromkeys(event.stage for event in events))
    survey, screening = ["exact-shift", "latent-inversion"], ["patch", "photometric", "spectral", "surrogate"]
    late = ["refinement", "warp", "all-to-all", "source-specific", "verify"]
    assert stages == ["load", "import", "preprocess", *survey, *screening, *late]


def test_a_given_range_is_used_and_recorded(make_model: MakeModel, data: Path) -> None:
    report = scan(make_model(), data, BRIEF_SCAN, preprocessing=UNIT)
    assert report.preprocessing.source == "given"
    assert not report.preprocessing.candidates


def test_an_unknown_device_is_refused(make_model: MakeModel, data: Path) -> None:
    with pytest.raises(UsageError, match="use auto, cpu or cuda"):
        scan(make_model(), data, device="tpu")


def test_a_missing_data_folder_is_named(make_model: MakeModel, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        scan(make_model(), tmp_path / "nowhere")
