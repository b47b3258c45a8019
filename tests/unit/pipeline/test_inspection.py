"""A look at a file tells what it holds and what stands against a scan, without running it."""

import hashlib
import itertools
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from onnxaudit.deadline import Deadline
from onnxaudit.detectors.patch import PatchConfig
from onnxaudit.errors import ModelError
from onnxaudit.importer import import_model
from onnxaudit.intake import load_model
from onnxaudit.inversion.labels import LabelsConfig
from onnxaudit.pipeline import effort
from onnxaudit.pipeline.effort import count_passes, estimate_seconds, tell_estimate
from onnxaudit.pipeline.inspection import inspect
from onnxaudit.pipeline.settings import DetectionConfig
from onnxaudit.records import Event, OperatorUse

MODELS = Path(__file__).parents[3] / "models"


def make_file(folder: Path, *nodes: onnx.NodeProto, domain: str = "") -> Path:
    """A convolution of 3x3 to four channels, pooled, then `nodes` from `pooled` to `scores`."""
    rng = np.random.default_rng(0)
    weights = {"kernel": (4, 3, 3, 3), "dense": (4, 6)}
    stored = [numpy_helper.from_array(rng.random(shape, np.float32), name) for name, shape in weights.items()]
    before = [
        helper.make_node("Conv", ["image", "kernel"], ["features"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["features"], ["small"]),
        helper.make_node("Flatten", ["small"], ["pooled"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 8, 8])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 6])
    graph = helper.make_graph([*before, *nodes], "g", [image], [scores], stored)
    opsets = [helper.make_opsetid("", 17), *([helper.make_opsetid(domain, 1)] if domain else [])]
    model = helper.make_model(graph, producer_name="me", producer_version="1", opset_imports=opsets, ir_version=8)
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    return folder / "m.onnx"


DENSE = helper.make_node("MatMul", ["pooled", "dense"], ["scores"], name="head")


def test_a_file_is_described(tmp_path: Path) -> None:
    path = make_file(tmp_path, DENSE)
    found = inspect(path)
    assert found.scannable
    assert found.obstacles == ()
    assert (found.exporter, found.opsets, found.ir_version) == ("me 1", {"ai.onnx": 17}, 8)
    assert found.bytes == path.stat().st_size
    assert [(tensor.name, tensor.dtype, tensor.shape) for tensor in found.inputs] == [
        ("image", "float", ("n", 3, 8, 8))
    ]
    assert found.parameters == 4 * 3 * 9 + 4 * 6
    assert [(layer.name, layer.multiply_adds) for layer in found.layers] == [("conv", 64 * 4 * 27), ("head", 24)]
    assert found.multiply_adds == 64 * 4 * 27 + 24
    assert found.target_layer is not None
    assert found.target_layer.name == "head"
    assert found.model is not None
    assert found.model.output.classes == 6


def test_operators_that_cannot_be_copied_are_named_and_counted(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Mystery", ["pooled"], ["first"], domain="vendor"),
        helper.make_node("Mystery", ["first"], ["second"], domain="vendor"),
        helper.make_node("MatMul", ["second", "dense"], ["scores"]),
    ]
    found = inspect(make_file(tmp_path, *nodes, domain="vendor"))
    assert not found.scannable
    assert OperatorUse("vendor", "Mystery", 2, False) in found.operators
    assert OperatorUse("ai.onnx", "Conv", 1, True) in found.operators
    assert "operators that cannot be copied: vendor.Mystery" in found.obstacles
    assert found.seconds is None


def test_operators_beside_the_way_to_the_classes_do_not_count(tmp_path: Path) -> None:
    path = make_file(tmp_path, DENSE)
    model = onnx.load(path)
    model.graph.initializer.extend(
        numpy_helper.from_array(value, name)
        for name, value in (("one", np.array([1])), ("few", np.array([2])), ("half", np.array([0.5], np.float32)))
    )
    model.graph.node.extend(
        [
            helper.make_node("Unsqueeze", ["pooled", "one"], ["boxes"]),
            helper.make_node("Unsqueeze", ["scores", "one"], ["turned"]),
            helper.make_node("Transpose", ["turned"], ["rated"], perm=[0, 1, 2]),
            helper.make_node("ReduceMax", ["rated"], ["best"], axes=[2], keepdims=1),
            helper.make_node("NonMaxSuppression", ["boxes", "best", "few", "half", "half"], ["kept"]),
        ]
    )
    model.graph.output.append(helper.make_tensor_value_info("kept", TensorProto.INT64, ["m", 3]))
    path.write_bytes(model.SerializeToString())
    found = inspect(path)
    assert OperatorUse("ai.onnx", "NonMaxSuppression", 1, False) in found.operators
    assert found.scannable
    assert found.obstacles == ()
    assert found.seconds is not None


def test_trees_are_refused_by_name_with_a_reason() -> None:
    found = inspect(Path(__file__).parents[2] / "exporters" / "scikit" / "forest.onnx")
    assert not found.scannable
    assert any("TreeEnsembleClassifier; trees answer in steps" in obstacle for obstacle in found.obstacles)


def test_a_file_that_is_no_classifier_is_described_all_the_same(tmp_path: Path) -> None:
    path = make_file(tmp_path, DENSE)
    model = onnx.load(path)
    model.graph.input.append(helper.make_tensor_value_info("second", TensorProto.FLOAT, ["n", 3, 8, 8]))
    path.write_bytes(model.SerializeToString())
    found = inspect(path)
    assert not found.scannable
    assert len(found.inputs) == 2
    assert len(found.obstacles) == 1
    assert str(path) not in found.obstacles[0]


@pytest.mark.parametrize("content", [b"", b"\xff" * 100], ids=["empty", "no protobuf"])
def test_a_file_that_nobody_parses_is_told_like_any_other_that_cannot_be_scanned(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    found = inspect(path)
    assert not found.scannable
    assert (found.bytes, found.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert len(found.obstacles) == 1


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    with pytest.raises(ModelError):
        inspect(path)


@pytest.mark.parametrize("file", sorted(MODELS.glob("*.onnx")), ids=lambda file: file.stem)
def test_every_reference_model_can_be_scanned_and_has_an_estimate(file: Path) -> None:
    found = inspect(file)
    assert found.scannable
    assert found.seconds is not None
    assert found.target_layer is not None


def test_the_estimate_grows_with_classes_work_and_effort() -> None:
    usual, careful = DetectionConfig(), DetectionConfig(settings={"patch": PatchConfig(runs=3)})
    assert count_passes(43, usual) > count_passes(10, usual)
    assert count_passes(1000, usual) < 10 * count_passes(100, usual)
    assert count_passes(10, careful) > count_passes(10, usual)
    assert estimate_seconds(10, 1e-2, usual) > estimate_seconds(10, 1e-4, usual)


def test_the_estimate_counts_one_run_more_of_what_may_be_measured_again() -> None:
    """Whether none or two are made, it is within a factor of 1.5: such a run is less than half of a scan."""
    twice, once = DetectionConfig(), DetectionConfig(replicates=0)
    assert count_passes(10, twice) == count_passes(10, once)
    costs = [estimate_seconds(10, 1e-3, config) for config in (once, twice)]
    assert costs[0] < costs[1] < 1.5 * costs[0]
    assert estimate_seconds(10, 1e-3, DetectionConfig(replicates=1)) == costs[1]


def test_the_estimate_knows_of_surrogates_where_there_are_any() -> None:
    without = ("patch", "compactness", "spectral")
    more = {
        classes: estimate_seconds(classes, 0.0, DetectionConfig(detectors=(*without, "surrogate")))
        - estimate_seconds(classes, 0.0, DetectionConfig(detectors=without))
        for classes in (4, 10, 43, 1000)
    }
    assert more[4] == more[1000] == 0
    assert 0 < more[10] < more[43]
    quick = [DetectionConfig(detectors=(*without, *some), effort="quick") for some in ((), ("surrogate",))]
    assert estimate_seconds(10, 0.0, quick[0]) == estimate_seconds(10, 0.0, quick[1])


@pytest.mark.parametrize(("long", "told"), [(0.0, 1), (1e9, 0)])
def test_a_scan_says_at_its_beginning_how_long_it_takes_where_that_is_long(
    monkeypatch: pytest.MonkeyPatch, long: float, told: int
) -> None:
    monkeypatch.setattr("onnxaudit.pipeline.effort.LONG", long)
    monkeypatch.setattr("onnxaudit.pipeline.effort.estimate", lambda *_: 754.0)
    events: list[Event] = []
    tell_estimate(import_model(load_model(MODELS / "signs-lenet-clean.onnx")), DetectionConfig(), events.append)
    assert [event.message for event in events] == told * ["beginning a scan of about 12 min 34 s of one processor core"]
    assert {event.stage for event in events} <= {"estimate"}


def test_a_layer_of_unknown_shape_leaves_the_estimate(tmp_path: Path) -> None:
    nodes = [helper.make_node("Gelu", ["pooled"], ["bent"], domain="com.microsoft")]
    found = inspect(
        make_file(tmp_path, *nodes, helper.make_node("MatMul", ["bent", "dense"], ["scores"]), domain="com.microsoft")
    )
    assert found.scannable
    assert found.seconds is not None


def test_recurrent_layers_count() -> None:
    exported = next((Path(__file__).parents[2] / "exporters" / "models").glob("torch-torchscript-lstm-logits*"))
    found = inspect(exported)
    (layer,) = (layer for layer in found.layers if layer.operator == "LSTM")
    assert layer.multiply_adds is not None
    assert layer.multiply_adds >= 2 * layer.weights[1]
    assert found.seconds is not None


def test_the_cheapest_step_tells_what_a_pass_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.accumulate(itertools.chain([0.0, 5.0], itertools.cycle((0.0, 1.0, 0.0, 3.0))))
    ends = itertools.chain([False, False], itertools.repeat(True))

    class Until:
        passed = property(lambda _: next(ends))

    monkeypatch.setattr("time.process_time", lambda: next(clock))
    monkeypatch.setattr(Deadline, "after", lambda _: Until())
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 3)).eval()
    rows, each = 3, LabelsConfig().samples_per_step
    assert effort.measure_pass(network, (3, 2, 2), 3) == pytest.approx(1 / (rows * each))
