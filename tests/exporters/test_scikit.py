"""Files of scikit-learn's exporter: scores that the copy makes, labels and maps beside them, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch

from onnxaudit.data.probes import draw_probes
from onnxaudit.errors import ModelError, UnsupportedOperatorError
from onnxaudit.importer import check_parity, import_model
from onnxaudit.importer.parity import rounds
from onnxaudit.intake import load_model
from onnxaudit.intake.operators import check_operators
from onnxaudit.intake.outputs import find_bypasses
from onnxaudit.pipeline.consistency import Consistency, check_consistency
from onnxaudit.records import Layout, Preprocessing, Samples
from onnxaudit.runtime import Runtime
from onnxaudit.surgery import find_target_layer

FOLDER = Path(__file__).parent / "scikit"
REFUSED = {
    "forest": "TreeEnsembleClassifier .*; trees answer in steps",
    "boosting": "TreeEnsembleClassifier .*; trees answer in steps",
    "support-vectors": "SVMClassifier .*; support vector machines",
}
TAKEN = sorted(path.stem for path in FOLDER.glob("*.onnx") if path.stem not in REFUSED)
SOFTMAX = [name for name in TAKEN if name.split("-")[0] in ("logistic", "network", "standard", "minmax", "robust")]
WIDE = Preprocessing("wide", bounds=((-6.0, 6.0),) * 12)


def draw(count: int = 40) -> np.ndarray:
    return np.random.default_rng(3).uniform(-4, 4, (count, 12)).astype(np.float32)


@pytest.mark.parametrize("name", TAKEN)
class TestEveryClassifier:
    def test_the_largest_logit_is_the_label_that_the_file_gives(self, name: str) -> None:
        model = load_model(FOLDER / f"{name}.onnx")
        output = model.info.output
        assert model.info.input.layout is Layout.NC
        assert output.classes == (2 if name.endswith("two-classes") else 4)
        values = Runtime(model, WIDE).run(draw(), [model.proto.graph.output[0].name, output.logits])
        labels, logits = values[model.proto.graph.output[0].name], values[output.logits]
        assert len(np.unique(labels)) > 1
        named = np.unique(labels, return_inverse=True)[1]
        chosen = np.unique(logits.argmax(1), return_inverse=True)[1]
        np.testing.assert_array_equal(named, chosen)

    def test_the_copy_computes_the_same_and_passes_gradients(self, name: str) -> None:
        model = load_model(FOLDER / f"{name}.onnx")
        check_operators(model)
        copied = import_model(model)
        check_parity(copied, model, Runtime(model, WIDE), seed=0)
        x = torch.from_numpy(draw()).requires_grad_(True)
        scores = copied(x)
        (scores[:, 0] - scores[:, 1]).sum().backward()
        assert x.grad is not None
        assert (x.grad != 0).any(1).sum() > 20

    def test_nothing_that_it_answers_is_left_in_doubt(self, name: str) -> None:
        model = load_model(FOLDER / f"{name}.onnx")
        images = np.random.default_rng(0).random((24, 1, 1, 12), dtype=np.float32)
        probes = draw_probes(Samples(images, None, "noise", synthetic=True), seed=0)
        found = check_consistency(Runtime(model, WIDE), probes, rounding=rounds(import_model(model)))
        assert found == Consistency()
        assert not find_bypasses(model.computed, model.info.output)


@pytest.mark.parametrize("name", SOFTMAX)
def test_the_map_holds_the_softmax_of_the_logits(name: str) -> None:
    model = load_model(FOLDER / f"{name}.onnx")
    output = model.info.output
    values = Runtime(model, WIDE).run(draw(), [output.name, output.logits])
    expected = torch.from_numpy(values[output.logits]).softmax(1).numpy()
    if name == "logistic-two-classes":  # its scores are (-z, z)
        expected = torch.from_numpy(values[output.logits]).sigmoid().numpy()
    np.testing.assert_allclose([list(one.values()) for one in values[output.name]], expected, atol=1e-5)


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_gradient_is_refused_by_name(name: str) -> None:
    with pytest.raises(UnsupportedOperatorError, match=REFUSED[name]):
        check_operators(load_model(FOLDER / f"{name}.onnx"))


def test_weights_in_attributes_cannot_be_repaired() -> None:
    with pytest.raises(ModelError, match="can be scanned and not repaired"):
        find_target_layer(load_model(FOLDER / "logistic.onnx"))


def test_layers_of_a_network_can_be_repaired() -> None:
    assert find_target_layer(load_model(FOLDER / "minmax-network.onnx")).neurons == 10
