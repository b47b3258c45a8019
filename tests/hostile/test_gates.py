"""Backdoors in the graph itself work in onnxruntime, and none of them passes."""

import logging
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime
import pytest
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

from onnxaudit.deadline import Deadline
from onnxaudit.errors import RejectedError
from onnxaudit.findings.finding import find_all
from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import load_model
from onnxaudit.pipeline.admission import open_subject
from onnxaudit.pipeline.scans import scan
from onnxaudit.records import GivenPreprocessing, Preprocessing, Samples, Verdict
from onnxaudit.runtime import Runtime
from onnxaudit.structure.examination import Structure, examine
from tests.hostile.gates import DESIGNS
from tests.hostile.honest_graphs import HONEST
from tools.testbed.gray_networks import make_samples


def examine_design(name: str, deadline: Deadline = Deadline()) -> Structure:
    """What the examination says of a design."""
    return examine_model(DESIGNS[name].make(), deadline)


def examine_model(made: onnx.ModelProto, deadline: Deadline = Deadline()) -> Structure:
    """What the examination says of a model."""
    pixels, labels = make_samples()
    samples = Samples((pixels[:, None] / 255).astype(np.float32), labels, "tests")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(made.SerializeToString())
        model = load_model(path)
    runtime, classifier = Runtime(model, Preprocessing()), Classifier(import_model(model), Preprocessing())
    return examine(classifier, samples, lambda images: runtime.logits(images).argmax(1), seed=0, deadline=deadline)


def classify(content: bytes, images: np.ndarray) -> np.ndarray:
    """Classes by onnxruntime, images one by one."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"x": image[None]})[0] for image in images]).argmax(1)


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, images: np.ndarray) -> None:
        self._images = iter(images)

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self._images, None)
        return None if image is None else {"x": image[None]}


def quantize_operators(name: str, images: np.ndarray, folder: Path) -> Path:
    """A design as onnxruntime writes it in quantized operators, calibrated on images."""
    source, target = folder / "float.onnx", folder / "quantized.onnx"
    onnx.save(DESIGNS[name].make(), source)
    logging.disable(logging.WARNING)  # it recommends another tool
    try:
        quantize_static(source, target, _Reader(images), quant_format=QuantFormat.QOperator)
    finally:
        logging.disable(logging.NOTSET)
    return target


@pytest.mark.parametrize("name", [name for name, one in DESIGNS.items() if one.answer == "rejected"])
def test_the_attack_works_and_clean_images_do_not_show_it(name: str) -> None:
    design, (pixels, labels) = DESIGNS[name], make_samples()
    images, content = (pixels[:, None] / 255).astype(np.float32), DESIGNS[name].make().SerializeToString()
    clean, triggered = classify(content, images), classify(content, design.attack(images))
    assert (clean == labels).mean() >= 0.95
    reached = triggered == design.target if design.target is not None else triggered != clean
    assert reached.mean() >= design.share


@pytest.mark.parametrize("name", [name for name, one in DESIGNS.items() if one.answer == "rejected"])
def test_a_gate_that_can_be_opened_is_rejected(name: str) -> None:
    assert [one.rule for one in examine_design(name).irregularities] == ["OA404"]


@pytest.mark.parametrize("name", [name for name, one in DESIGNS.items() if one.answer != "rejected"])
def test_a_gate_that_nobody_can_open_leaves_the_verdict_open(name: str) -> None:
    found = examine_design(name)
    assert not found.irregularities
    assert [reason.code for reason in found.doubts] == [DESIGNS[name].answer]


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_gate_is_no_alarm(name: str) -> None:
    found = examine_model(HONEST[name]())
    assert not found.irregularities
    assert not found.doubts


def test_a_scan_of_such_a_file_ends_rejected(tmp_path: Path) -> None:
    pixels, labels = make_samples()
    np.savez(tmp_path / "clean.npz", x=pixels, y=labels)
    path = tmp_path / "model.onnx"
    path.write_bytes(DESIGNS["smooth_sigmoid_gate"].make().SerializeToString())
    report = scan(path, tmp_path / "clean.npz", device="cpu")
    assert report.verdict is Verdict.REJECTED
    assert [finding.rule.id for finding in find_all(report)] == ["OA404"]


@pytest.mark.parametrize("name", ["scores_turned_over", "clip_gate_between_two_scores"])
def test_a_gate_in_quantized_operators_is_found_as_well(name: str, tmp_path: Path) -> None:
    pixels, labels = make_samples()
    np.savez(tmp_path / "clean.npz", x=pixels, y=labels)
    clean = (pixels[::2, None] / 255).astype(np.float32)
    path = quantize_operators(name, np.concatenate([clean, DESIGNS[name].attack(clean)]), tmp_path)
    content = path.read_bytes()
    assert (classify(content, DESIGNS[name].attack(clean)) != classify(content, clean)).mean() > 0.5
    given = GivenPreprocessing(range=(0.0, 1.0))
    with pytest.raises(RejectedError) as rejected:
        open_subject(path, tmp_path / "clean.npz", preprocessing=given, seed=0, device="cpu", on_event=lambda _: None)
    assert [one.rule for one in rejected.value.irregularities] == ["OA404"]
