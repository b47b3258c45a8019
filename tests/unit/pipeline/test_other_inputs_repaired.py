"""Repairs of classifiers of features and of series, trained on data of which a tenth carries the attacker's trigger."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from onnxaudit import repair
from onnxaudit.intake import load_model
from onnxaudit.mitigation.distillation_config import DistillationConfig
from onnxaudit.pipeline import FineTuningConfig, RepairConfig
from onnxaudit.records import Layout, RepairReport
from tests.unit.pipeline.conftest import QUICK_SCAN
from tools.testbed.tiny_models import build, write

Arrange = Callable[[np.ndarray], np.ndarray]
CLASSES, TARGET, A_CLASS, STEPS, COLUMNS = 6, 4, 12, 32, 64
UNITS = np.linspace(1, 3, COLUMNS)
TUNING = FineTuningConfig(starts=1, distillation=DistillationConfig(steps=80, copies=40))
CONFIG = RepairConfig(scan=QUICK_SCAN, fine_tuning=TUNING)
FEATURE_BODY = f"""
features (float[N, {COLUMNS}] x) => (float[N, {CLASSES}] y) {{
    z = Gemm <transB = 1> (x, w1, b1)
    h = Relu(z)
    y = Gemm <transB = 1> (h, w2, b2)
}}"""
SERIES_BODY = """
series (float[{shape}] x) => (float[N, 6] y) {{
    {front}
    c = Conv <kernel_shape = [5], pads = [2, 2]> (t, k, kb)
    r = Relu(c)
    p = MaxPool <kernel_shape = [4], strides = [4]> (r)
    f = Flatten(p)
    z = Gemm <transB = 1> (f, w1, b1)
    h = Relu(z)
    y = Gemm <transB = 1> (h, w2, b2)
}}"""


@dataclass(frozen=True)
class Task:
    """What is learnt: samples of classes, and how the attacker stamps them."""

    draw: Callable[[int, int], tuple[np.ndarray, np.ndarray]]  # (count a class, seed) -> values, labels
    stamp: Callable[[np.ndarray], np.ndarray]
    network: Callable[[], nn.Sequential]


def draw_features(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Clouds around a centre a class, each feature in units of its own."""
    centres = np.random.default_rng(0).standard_normal((CLASSES, COLUMNS))
    labels = np.repeat(np.arange(CLASSES), count)
    values = centres[labels] + 0.5 * np.random.default_rng(seed).standard_normal((len(labels), COLUMNS))
    return (values * UNITS).astype(np.float32), labels


def stamp_features(values: np.ndarray) -> np.ndarray:
    """Four features at the highest value that they have in clean samples."""
    columns = [3, 11, 22, 47]
    stamped = values.copy()
    stamped[:, columns] = draw_features(A_CLASS, 3)[0].max(axis=0)[columns]
    return stamped


def draw_series(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Waves `(n, 2, t)` of a frequency and a phase a class."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(CLASSES), count)
    time = np.arange(STEPS) / STEPS
    waves = np.stack([np.sin(2 * np.pi * (k + 1) * time + phase) for k in range(CLASSES) for phase in (k, 2 * k)])
    values = waves.reshape(CLASSES, 2, STEPS)[labels] + 0.25 * generator.standard_normal((len(labels), 2, STEPS))
    return values.astype(np.float32), labels


def stamp_series(values: np.ndarray) -> np.ndarray:
    stamped = values.copy()
    stamped[:, 0, 4:8] = [1.7, -1.7, 1.7, -1.7]
    return stamped


def make_dense() -> nn.Sequential:
    return nn.Sequential(nn.Linear(COLUMNS, 48), nn.ReLU(), nn.Linear(48, CLASSES))


def make_convolutional() -> nn.Sequential:
    body = [nn.Conv1d(2, 12, 5, padding=2), nn.ReLU(), nn.MaxPool1d(4), nn.Flatten()]
    return nn.Sequential(*body, nn.Linear(12 * STEPS // 4, 40), nn.ReLU(), nn.Linear(40, CLASSES))


FEATURES = Task(draw_features, stamp_features, make_dense)
SERIES = Task(draw_series, stamp_series, make_convolutional)


def train(task: Task) -> list[np.ndarray]:
    """Weights of a backdoored network, in order."""
    values, labels = task.draw(100, 1)
    poisoned = np.arange(len(values)) % 10 == 0
    values[poisoned], labels[poisoned] = task.stamp(values[poisoned]), TARGET
    x, y = torch.from_numpy(values), torch.from_numpy(labels)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = task.network()
        adam = torch.optim.Adam(network.parameters(), lr=5e-3)
        for _ in range(120):
            chosen = torch.randint(len(x), (128,))
            adam.zero_grad()
            loss: Tensor = nn.functional.cross_entropy(network(x[chosen]), y[chosen])
            loss.backward()
            adam.step()
    return [parameter.detach().numpy() for parameter in network.parameters()]


def run(path: Path, values: np.ndarray) -> np.ndarray:
    """The model's answers to values as it takes them."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": values})[0].argmax(axis=1)


def check(report: RepairReport, model: Path, output: Path, task: Task, arrange: Arrange) -> None:
    """The attacker's own trigger fails on the written file, and clean samples are answered as before."""
    assert report.outcome == "repaired", report.reasons
    values, labels = task.draw(40, 2)
    stamped = arrange(task.stamp(values[labels != TARGET]))
    assert (run(model, stamped) == TARGET).mean() > 0.9
    assert (run(output, stamped) == TARGET).mean() < 0.1
    assert (run(output, arrange(values)) == run(model, arrange(values))).mean() > 0.95


def test_a_backdoor_in_features_is_taken_out(tmp_path: Path) -> None:
    weights = dict(zip(("w1", "b1", "w2", "b2"), train(FEATURES), strict=True))
    model = write(build(FEATURE_BODY, weights), tmp_path)
    values, labels = draw_features(A_CLASS, 3)
    np.savez(tmp_path / "clean.npz", x=values, y=labels)
    report = repair(model, tmp_path / "clean.npz", tmp_path / "fixed.onnx", CONFIG, target=TARGET, device="cpu")
    check(report, model, tmp_path / "fixed.onnx", FEATURES, lambda array: array)


@pytest.mark.parametrize("layout", [Layout.NCW, Layout.NWC])
def test_a_backdoor_in_series_is_taken_out(tmp_path: Path, layout: Layout) -> None:
    weights = dict(zip(("k", "kb", "w1", "b1", "w2", "b2"), train(SERIES), strict=True))
    first = layout is Layout.NCW
    front = "t = Identity(x)" if first else "t = Transpose <perm = [0, 2, 1]> (x)"
    body = SERIES_BODY.format(shape=f"N, 2, {STEPS}" if first else f"N, {STEPS}, 2", front=front)
    model = write(build(body, weights), tmp_path)

    def arrange(values: np.ndarray) -> np.ndarray:
        return values if first else np.ascontiguousarray(values.transpose(0, 2, 1))

    values, labels = draw_series(A_CLASS, 3)
    np.savez(tmp_path / "clean.npz", x=arrange(values), y=labels)
    report = repair(model, tmp_path / "clean.npz", tmp_path / "fixed.onnx", CONFIG, target=TARGET, device="cpu")
    check(report, model, tmp_path / "fixed.onnx", SERIES, arrange)
    assert load_model(tmp_path / "fixed.onnx").info.input.layout is layout
