from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from onnxaudit import repair
from onnxaudit.intake import Model, load_model
from onnxaudit.pipeline import PruningConfig, RepairConfig, removal
from onnxaudit.pipeline.changes import list_changes
from onnxaudit.pipeline.removal import describe_removal
from onnxaudit.records import Preprocessing, Removal, RepairReport, TargetLayer
from onnxaudit.runtime import Runtime
from onnxaudit.surgery import remove_neurons
from onnxaudit.surgery.removal.neurons import Removed
from tests.unit.importer.networks import wrap
from tests.unit.pipeline.conftest import SHORT_SCAN
from tools.testbed.planted import BACKDOOR_NEURON, TARGET, draw_samples, write_planted, write_samples
from tools.testbed.tiny_models import build

PRUNE = RepairConfig(method="prune", scan=SHORT_SCAN, pruning=PruningConfig(ridge=0.0))


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> tuple[RepairReport, RepairReport]:
    """The same repair, with the pruned neurons at zero and with them out."""
    folder = tmp_path_factory.mktemp("removal")
    model, data = write_planted(folder, backdoored=True), write_samples(folder)
    zeroed = repair(model, data, folder / "zeroed.onnx", PRUNE, allow_incomplete=True)
    again = replace(PRUNE, remove=True)
    return zeroed, repair(model, data, folder / "smaller.onnx", again, scan=zeroed.scan, allow_incomplete=True)


def read(report: RepairReport) -> Model:
    assert report.output is not None
    return load_model(report.output)


def test_without_the_option_nothing_is_taken_out(reports: tuple[RepairReport, RepairReport]) -> None:
    assert reports[0].removal is None
    assert BACKDOOR_NEURON in reports[0].pruned


def test_the_smaller_file_answers_like_the_zeroed_one(reports: tuple[RepairReport, RepairReport]) -> None:
    zeroed, smaller = (read(report) for report in reports)
    images = (draw_samples(2, seed=9)["x"] / 255).astype(np.float32)
    theirs, ours = (Runtime(model, Preprocessing()).logits(images) for model in (zeroed, smaller))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert smaller.info.bytes < zeroed.info.bytes
    assert smaller.initializer("w1").shape[1] == zeroed.initializer("w1").shape[1] - len(reports[1].pruned)


def test_the_report_says_what_went(reports: tuple[RepairReport, RepairReport]) -> None:
    report = reports[1]
    removal = report.removal
    assert removal is not None
    assert (removal.neurons, removal.kept) == (tuple(sorted(report.pruned)), {})
    assert (removal.bytes_before, removal.bytes_after) == (read(reports[0]).info.bytes, read(report).info.bytes)
    assert removal.deviation < 1e-5
    assert report.changes == reports[0].changes
    assert any("were taken out of the graph" in reason for reason in report.reasons)


def test_rounds_name_the_target_that_they_are_for(reports: tuple[RepairReport, RepairReport]) -> None:
    assert {trial.target for trial in reports[0].rounds} == {TARGET}


@pytest.mark.parametrize(
    ("bias", "told"),
    [(np.full(8, 0.1, np.float32), "would change by 0.1"), (np.zeros(3, np.float32), "refuses the smaller")],
)
def test_a_removal_that_spoils_the_model_is_not_made(
    bias: np.ndarray,
    told: str,
    reports: tuple[RepairReport, RepairReport],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = remove_neurons

    def spoil(model: Model, layer: TargetLayer, neurons: Sequence[int]) -> Removed:
        removed = honest(model, layer, neurons)
        proto = onnx.ModelProto()
        proto.CopyFrom(removed.model.proto)
        next(stored for stored in proto.graph.initializer if stored.name == "b2").CopyFrom(
            numpy_helper.from_array(bias, "b2")
        )
        return replace(removed, model=replace(removed.model, proto=proto))

    monkeypatch.setattr(removal, "remove_neurons", spoil)
    model, data = write_planted(tmp_path, backdoored=True), write_samples(tmp_path)
    config = replace(PRUNE, remove=True)
    report = repair(model, data, tmp_path / "f.onnx", config, scan=reports[0].scan, allow_incomplete=True)
    assert report.removal is not None
    assert report.removal.neurons == ()
    assert told in report.removal.kept[BACKDOOR_NEURON]
    assert read(report).to_bytes() == read(reports[0]).to_bytes()


def test_reasons_to_stay_are_told_once_each() -> None:
    told = describe_removal(Removal((1,), {2: "it is read twice", 3: "it is read twice"}, 200, 100, 0.0))
    assert told == (
        "1 of 3 pruned neurons were taken out of the graph: the file has 100 bytes instead of 200",
        "2 of 3 pruned neurons stay, at zero: it is read twice",
    )
    assert describe_removal(None) == ()


def test_changes_of_constant_nodes_and_nested_graphs_are_listed() -> None:
    proto = build(
        """g (float[N, 1, 1, 2] x) => (float[N, 2] y) {
            f = Flatten(x)
            t = Mul(f, w)
            c = Cast <to = 9> (one)
            y = If (c) <then_branch = then () => (float[N, 2] u) { u = Add(t, v) },
                        else_branch = other () => (float[N, 2] z) { z = Identity(t) }>
        }""",
        {"one": np.ones((), np.float32)},
    )
    constant = helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(np.ones(2, np.float32)))
    proto.graph.node.insert(0, constant)
    branch = next(item.g for item in proto.graph.node[-1].attribute if item.name == "then_branch")
    branch.initializer.append(numpy_helper.from_array(np.zeros(2, np.float32), "v"))
    onnx.checker.check_model(proto)
    model = wrap(proto)
    repaired = model.with_values({"w": np.array([1, 4], np.float32), "v": np.array([2, 0], np.float32)})
    changes = list_changes(model, repaired)
    assert [(change.initializer, change.changed, change.norm) for change in changes] == [("w", 1, 3.0), ("v", 1, 2.0)]


def test_weights_shared_with_another_node_are_copied_before_the_repair(tmp_path: Path) -> None:
    proto = onnx.load(write_planted(tmp_path, backdoored=True))
    proto.graph.node.insert(3, helper.make_node("Add", ["h", "b1"], ["more"]))
    proto.graph.node.insert(4, helper.make_node("Sub", ["more", "b1"], ["same"]))
    proto.graph.node[5].input[0] = "same"
    path = tmp_path / "shared.onnx"
    onnx.save(proto, path)
    report = repair(path, write_samples(tmp_path), tmp_path / "f.onnx", PRUNE, target=TARGET, allow_incomplete=True)
    fixed, pruned = read(report), list(report.pruned)
    assert BACKDOOR_NEURON in pruned
    np.testing.assert_array_equal(fixed.initializer("b1"), load_model(path).initializer("b1"))
    assert not fixed.initializer("b1'")[pruned].any()
    assert report.rescan is not None
    assert any("were copied for it alone" in note for note in report.rescan.notes)
