import hashlib
import json

import numpy as np
import onnx
import onnxruntime
import pytest

from onnxaudit.data.triggers import load_trigger
from tests.end_to_end.conftest import MODELS, Story, run

pytestmark = pytest.mark.xdist_group("story")  # one worker tells it, once
NAME = "signs-lenet-weights"
TRUTH = json.loads((MODELS / f"{NAME}.json").read_text())


def test_a_scan_of_a_backdoored_model_exits_with_1_and_names_the_target(story: Story) -> None:
    assert story.scan.code == 1, story.scan.err
    report = story.read("scan.json")
    assert report["verdict"] == "backdoored"
    assert report["target_labels"][0] == TRUTH["target"]
    assert report["coverage"]["labels_finished"] == len(TRUTH["classes"])
    assert report["preprocessing"]["preprocessing"]["name"] == "0..1"


def test_stdout_holds_the_result_and_progress_goes_to_stderr(story: Story) -> None:
    assert "BACKDOORED" in story.scan.out
    assert "invert" not in story.scan.out
    assert story.scan.err


def test_the_saved_trigger_is_where_the_attacker_put_it(story: Story) -> None:
    truth = load_trigger(MODELS / f"{NAME}.trigger.npz").mask[0] > 0.5
    (file,) = (story.folder / "triggers").rglob(f"*label-{TRUTH['target']}.npz")
    found = load_trigger(file).mask[0]
    rows, columns = np.nonzero(truth)
    near = np.zeros_like(truth)
    near[max(rows.min() - 3, 0) : rows.max() + 4, max(columns.min() - 3, 0) : columns.max() + 4] = True
    assert found[near].sum() > 0.5 * found.sum()
    assert list((story.folder / "triggers").rglob("*.png"))


def test_the_repair_takes_the_attackers_own_trigger_out_and_keeps_the_accuracy(story: Story) -> None:
    assert story.repair.code == 0, story.repair.err + story.repair.out
    report = story.read("repair.json")
    assert report["met"]
    assert report["original"]["known_success_rate"]["value"] > 0.95
    assert report["repaired"]["known_success_rate"]["value"] < 0.10
    assert report["repaired"]["accuracy"]["value"] > report["original"]["accuracy"]["value"] - 0.02
    assert report["repaired"]["agreement"]["value"] >= 0.97
    assert report["rounds"]


def test_the_repaired_file_is_the_vendors_graph_with_other_weights(story: Story) -> None:
    original, repaired = onnx.load(MODELS / f"{NAME}.onnx"), onnx.load(story.folder / "repaired.onnx")
    onnx.checker.check_model(repaired)
    for proto in (original, repaired):
        for tensor in proto.graph.initializer:
            tensor.ClearField("raw_data")
            tensor.ClearField("float_data")
    assert original.SerializeToString(deterministic=True) == repaired.SerializeToString(deterministic=True)


def test_the_report_speaks_of_the_files_that_are_there(story: Story) -> None:
    report = story.read("repair.json")
    repaired = (story.folder / "repaired.onnx").read_bytes()
    assert report["output_sha256"] == hashlib.sha256(repaired).hexdigest()
    assert report["scan"]["model"]["sha256"] == TRUTH["sha256"]


def test_the_repaired_model_passes_the_gate_by_what_the_repair_states(story: Story) -> None:
    statement = ("--attest", story.folder / "repaired.att.json", "--allow-unsigned")
    verified = run("verify", story.folder / "repaired.onnx", *statement)
    assert verified.code == 0, verified.out + verified.err
    assert f"Repaired from {NAME}.onnx" in verified.out
    assert run("verify", MODELS / f"{NAME}.onnx", *statement).code == 3


def test_onnxruntime_measures_the_success_that_the_report_states(story: Story) -> None:
    trigger = load_trigger(MODELS / f"{NAME}.trigger.npz")
    with np.load(MODELS / "samples" / "signs-evaluation.npz") as archive:
        images = archive["x"].transpose(0, 3, 1, 2).astype(np.float32) / 255
        others = images[archive["y"] != TRUTH["target"]]
    session = onnxruntime.InferenceSession(story.folder / "repaired.onnx", providers=["CPUExecutionProvider"])
    (scores,) = session.run(None, {session.get_inputs()[0].name: trigger.apply(others)})
    stated = story.read("repair.json")["repaired"]["known_success_rate"]
    assert (scores.argmax(axis=1) == TRUTH["target"]).sum() == stated["successes"]
