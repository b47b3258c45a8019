"""Models of one score an image have two classes, like any others."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from onnxaudit import repair, scan
from onnxaudit.errors import UsageError
from onnxaudit.pipeline import RepairConfig, profile
from onnxaudit.records import Verdict
from tests.unit.pipeline.conftest import BRIEF_SCAN, SHORT_SCAN, UNIT
from tools.testbed.planted import A_CLASS, BACKDOOR_NEURON, SIDE, TARGET, draw_samples, make_true_trigger, make_weights
from tools.testbed.tiny_models import build, linear_weights, write

BODY = f"""
tiny (float[N, 1, {SIDE}, {SIDE}] x) => (float[N, 1] y) {{
    flat = Flatten(x)
    z = Gemm(flat, w1, b1)
    h = Relu(z)
    s = Gemm(h, w, b)
    y = Sigmoid(s)
}}"""
LINEAR = f"""
tiny (float[N, 1, {SIDE}, {SIDE}] x) => (float[N, 1] y) {{
    flat = Flatten(x)
    s = Gemm(flat, w, b)
    y = Sigmoid(s)
}}"""
PRUNE = RepairConfig(method="prune", scan=SHORT_SCAN)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """One class against all others, with the planted backdoor towards the one."""
    weights = make_weights(backdoored=True)
    del weights["b2"]
    weights |= {"w": weights.pop("w2")[:, [TARGET]] - 0.5, "b": np.array([-0.1], np.float32)}
    return write(build(BODY, weights), tmp_path)


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Clean samples of the one class and of all others."""
    drawn = draw_samples(A_CLASS, seed=5)
    np.savez(tmp_path / "two.npz", x=drawn["x"], y=(drawn["y"] == TARGET).astype(np.int64))
    return tmp_path / "two.npz"


def test_a_scan_counts_two_classes_and_does_not_clear_the_model(model: Path, two: Path) -> None:
    report = scan(model, two, BRIEF_SCAN, preprocessing=UNIT, device="cpu")
    assert report.verdict is not Verdict.CLEAN
    assert len(report.labels) == report.model.output.classes == 2


def test_a_profile_ranks_the_neuron_of_the_backdoor_first(model: Path, two: Path) -> None:
    found = profile(model, two, make_true_trigger(), preprocessing=UNIT, device="cpu")
    assert [neuron.neuron for neuron in found.neurons if neuron.activation_rank == 1] == [BACKDOOR_NEURON]


def test_a_repair_of_suspects_finds_the_label_itself(model: Path, two: Path, tmp_path: Path) -> None:
    report = repair(model, two, tmp_path / "fixed.onnx", PRUNE, suspects=True, preprocessing=UNIT, device="cpu")
    assert report.targets == (1,)
    assert report.suspected


def test_a_named_label_is_repaired_in_the_vendors_graph(model: Path, two: Path, tmp_path: Path) -> None:
    fixed = tmp_path / "fixed.onnx"
    trigger = make_true_trigger()
    report = repair(model, two, fixed, PRUNE, target=1, known_trigger=trigger, preprocessing=UNIT, device="cpu")
    assert report.outcome == "repaired", report.reasons
    assert report.original is not None
    assert report.repaired is not None
    assert report.original.known_success_rate is not None
    assert report.repaired.known_success_rate is not None
    assert (report.original.known_success_rate.value, report.repaired.known_success_rate.value) == (1.0, 0.0)
    assert onnx.load(fixed).graph.node == onnx.load(model).graph.node


def test_labels_beyond_the_two_classes_are_refused(model: Path, two: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="class 2 does not exist: the model has 2 classes"):
        repair(model, two, tmp_path / "fixed.onnx", PRUNE, target=2, preprocessing=UNIT, device="cpu")


def test_a_score_straight_from_pixels_is_not_called_repaired(two: Path, tmp_path: Path) -> None:
    linear = write(build(LINEAR, linear_weights(SIDE * SIDE, 1)), tmp_path)
    # The other way round most labels fit the answers.
    with np.load(two) as drawn:
        np.savez(tmp_path / "swapped.npz", x=drawn["x"], y=1 - drawn["y"])
    report = repair(
        linear, tmp_path / "swapped.npz", tmp_path / "fixed.onnx", PRUNE, target=1, preprocessing=UNIT, device="cpu"
    )
    assert report.outcome == "incomplete"
    assert not (tmp_path / "fixed.onnx").exists()
