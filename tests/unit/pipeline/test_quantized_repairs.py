"""Repairs of the planted backdoor in models whose weights stand inside quantized operators."""

import logging
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

from onnxaudit import repair
from onnxaudit.intake import load_model
from onnxaudit.intake.stored import list_stored
from onnxaudit.mitigation.distillation_config import DistillationConfig
from onnxaudit.pipeline import FineTuningConfig, RepairConfig
from onnxaudit.pipeline.admission import open_subject
from onnxaudit.pipeline.subject import open_features
from onnxaudit.surgery import find_features
from tests.unit.pipeline.conftest import QUICK_SCAN
from tools.testbed.planted import TARGET, draw_samples, make_true_trigger, write_planted, write_samples

TUNING = FineTuningConfig(starts=0, rounds=1, distillation=DistillationConfig(steps=40, copies=4))
CONFIG = RepairConfig(scan=QUICK_SCAN, fine_tuning=TUNING)


class Reader(CalibrationDataReader):
    """Clean images with and without a white corner, as one batch."""

    def __init__(self) -> None:
        clean = (draw_samples(2, seed=9)["x"] / 255).astype(np.float32)
        self._batches = iter([{"x": np.concatenate([clean, make_true_trigger().apply(clean)])}])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._batches, None)


def write_quantized(folder: Path, kind: str) -> Path:
    source, target = write_planted(folder, backdoored=True), folder / f"{kind}.onnx"
    logging.disable(logging.WARNING)
    try:
        if kind == "operators":
            quantize_static(source, target, Reader(), quant_format=QuantFormat.QOperator, weight_type=QuantType.QInt8)
        else:
            quantize_dynamic(source, target, weight_type=QuantType.QInt8)
    finally:
        logging.disable(logging.NOTSET)
    return target


@pytest.mark.parametrize("kind", ["operators", "dynamic"])
def test_a_backdoor_in_quantized_operators_is_taken_out(tmp_path: Path, kind: str) -> None:
    model, output = write_quantized(tmp_path, kind), tmp_path / "fixed.onnx"
    report = repair(
        model, write_samples(tmp_path), output, CONFIG, target=TARGET, known_trigger=make_true_trigger(), device="cpu"
    )
    assert report.outcome == "repaired", report.reasons
    assert report.original is not None
    assert report.repaired is not None
    assert report.original.known_success_rate is not None
    assert report.repaired.known_success_rate is not None
    assert (report.original.known_success_rate.value or 0.0) > 0.9
    assert (report.repaired.known_success_rate.value or 0.0) < 0.1
    before, after = load_model(model).proto, load_model(output).proto
    assert [node.op_type for node in after.graph.node] == [node.op_type for node in before.graph.node]
    old, new = dict(list_stored(before)), dict(list_stored(after))
    changed = {name for name in old if old[name] != new[name]}
    assert changed
    assert not any("scale" in name or "zero_point" in name for name in changed)
    onnx.checker.check_model(after)


@pytest.mark.parametrize("kind", ["operators", "dynamic"])
def test_inner_features_of_quantized_operators_can_be_looked_at(tmp_path: Path, kind: str) -> None:
    subject = open_subject(
        write_quantized(tmp_path, kind), write_samples(tmp_path), seed=0, device="cpu", on_event=lambda _: None
    )
    assert find_features(subject.model) is None
    opened = open_features(subject)
    assert find_features(opened.model) is not None
    assert opened.runtime is subject.runtime
    assert opened.model.info == subject.model.info
