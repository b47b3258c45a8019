"""Scans, profiles and repairs of a model that leaves height and width free."""

from pathlib import Path

import onnx
import pytest

from onnxaudit import repair, scan
from onnxaudit.errors import ModelError
from onnxaudit.pipeline import RepairConfig, profile
from onnxaudit.records import Trigger
from tests.unit.pipeline.conftest import BRIEF_SCAN, UNIT
from tools.testbed.planted import CLASSES, SIDE, make_weights
from tools.testbed.tiny_models import build, write

BODY = f"""
tiny (float[N, 1, H, W] x) => (float[N, {CLASSES}] y) {{
    flat = Flatten(x)
    z = Gemm(flat, w1, b1)
    h = Relu(z)
    y = Gemm(h, w2, b2)
}}"""


@pytest.fixture
def free_model(tmp_path: Path) -> Path:
    return write(build(BODY, make_weights(backdoored=True)), tmp_path, "free.onnx")


def test_the_size_of_the_samples_is_taken(free_model: Path, data: Path) -> None:
    report = scan(free_model, data, BRIEF_SCAN, preprocessing=UNIT, device="cpu")
    assert (report.model.input.height, report.model.input.width) == (SIDE, SIDE)


def test_without_samples_the_size_has_to_be_named(free_model: Path) -> None:
    with pytest.raises(ModelError, match="--input-size HxW"):
        scan(free_model, device="cpu")


def test_a_named_size_comes_before_that_of_the_samples(free_model: Path, data: Path) -> None:
    with pytest.raises(ModelError, match="between 100 and 90"):
        scan(free_model, data, input_size=(9, SIDE), device="cpu")


def test_a_profile_takes_the_size_of_the_samples(free_model: Path, data: Path, true_trigger: Trigger) -> None:
    assert profile(free_model, data, true_trigger, preprocessing=UNIT, device="cpu").layer


def test_the_repaired_file_leaves_the_size_free(free_model: Path, data: Path, tmp_path: Path) -> None:
    report = repair(
        free_model,
        data,
        tmp_path / "fixed.onnx",
        RepairConfig(method="prune", scan=BRIEF_SCAN),
        target=0,
        allow_incomplete=True,
        preprocessing=UNIT,
        device="cpu",
    )
    assert report.output is not None
    assert onnx.load(report.output).graph.input == onnx.load(free_model).graph.input
