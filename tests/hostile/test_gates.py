"""Backdoors in the graph itself work in onnxruntime, and none of them passes."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime
import pytest

from onnxaudit.deadline import Deadline
from onnxaudit.findings.finding import find_all
from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import load_model
from onnxaudit.pipeline.scans import scan
from onnxaudit.records import Preprocessing, Samples, Verdict
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
