import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from tools.datasets import Part
from tools.ground_truth import GroundTruth
from tools.measurement import Measurement, check, find_weakness

MODELS = Path(__file__).parents[3] / "models"
NAMES = sorted(path.stem for path in MODELS.glob("*.json"))


def test_models_are_of_every_promised_kind() -> None:
    truths = [GroundTruth.load(MODELS / f"{name}.json") for name in NAMES]
    assert sum(not truth.backdoored for truth in truths) >= 2
    assert {truth.attack for truth in truths} >= {None, "random", "trojan-weights", "trojan-activation"}
    assert {truth.architecture for truth in truths} == {"lenet", "vgg", "resnet"}
    assert {truth.exporter for truth in truths} == {"torchscript", "dynamo", "tf2onnx"}
    assert {truth.layout for truth in truths} == {"NCHW", "NHWC"}
    assert {truth.value_range for truth in truths} == {(0, 1), (0, 255)}
    assert {truth.head for truth in truths} == {"logits", "softmax"}
    assert {truth.batch for truth in truths} == {"dynamic", 1}
    assert any(len(truth.classes) > 20 and 3 in truth.input_shape for truth in truths)


def test_models_and_samples_stay_within_12_megabytes() -> None:
    assert sum(path.stat().st_size for path in MODELS.rglob("*") if path.is_file()) <= 12_000_000


@pytest.mark.parametrize("name", NAMES)
def test_readme_gives_the_figures_of_the_record(name: str) -> None:
    truth = GroundTruth.load(MODELS / f"{name}.json")
    success = "-" if truth.attack_success_rate is None else f"{truth.attack_success_rate:.3f}"
    (row,) = [row for row in (MODELS / "README.md").read_text(encoding="utf-8").splitlines() if f"| {name} |" in row]
    assert row.endswith(f"| {truth.clean_accuracy:.3f} | {success} |")


@pytest.mark.parametrize("name", NAMES)
def test_model_is_what_its_record_says(name: str) -> None:
    assert check(MODELS, name) == []


@pytest.mark.parametrize("dataset", ["digits", "fashion", "signs"])
def test_scan_samples_are_ten_a_class_and_none_is_an_evaluation_sample(dataset: str) -> None:
    scan = Part.load(MODELS / "samples" / f"{dataset}.npz")
    evaluation = Part.load(MODELS / "samples" / f"{dataset}-evaluation.npz")
    assert (np.bincount(scan.y) == 10).all()
    assert not {image.tobytes() for image in scan.x} & {image.tobytes() for image in evaluation.x}


def test_check_finds_a_changed_file_and_a_false_record(tmp_path: Path) -> None:
    name = "fashion-vgg-clean"
    shutil.copytree(MODELS / "samples", tmp_path / "samples")
    shutil.copyfile(MODELS / f"{name}.onnx", tmp_path / f"{name}.onnx")
    truth = GroundTruth.load(MODELS / f"{name}.json")
    dataclasses.replace(truth, clean_accuracy=0.5, sha256="0" * 64).save(tmp_path / f"{name}.json")
    sha256_fault, accuracy_fault = check(tmp_path, name)
    assert "SHA-256" in sha256_fault
    assert "clean accuracy" in accuracy_fault


@pytest.mark.parametrize(
    ("measured", "faults"),
    [
        (Measurement(0.94, 0.99), 0),
        (Measurement(0.94, 0.96), 1),
        (Measurement(0.91, 0.99), 1),
        (Measurement(0.91, 0.96), 2),
    ],
)
def test_weak_attacks_and_costly_ones_are_refused(measured: Measurement, faults: int) -> None:
    assert len(find_weakness(measured, twin_accuracy=0.95)) == faults
