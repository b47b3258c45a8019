"""Files of onnxruntime's quantizer in both of its forms: the same network, whose evidence has to be the same."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from onnxaudit.detectors.base import Context
from onnxaudit.detectors.exact_shift import ExactShift
from onnxaudit.detectors.latent_inversion import LatentInversion, LatentInversionConfig
from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import Model, load_model
from onnxaudit.records import OutputKind, Preprocessing, Samples
from onnxaudit.runtime import Runtime
from onnxaudit.surgery import find_features, find_head, spell_out
from tests.unit.importer.networks import wrap
from tests.unit.importer.quantized_networks import CLASSES, Float, make_float, quantize

FORMS = ("QDQ-QUInt8-QInt8-channel", "QOperator-QUInt8-QInt8-channel")


def write(folder: Path, form: str, *, softmax: bool) -> tuple[Model, Float]:
    original = make_float()
    if softmax:
        proto = onnx.ModelProto()
        proto.CopyFrom(original.model.proto)
        proto.graph.node.append(helper.make_node("Softmax", ["y"], ["p"], axis=1))
        del proto.graph.output[:]
        proto.graph.output.append(helper.make_tensor_value_info("p", TensorProto.FLOAT, ["N", CLASSES]))
        original = Float(wrap(proto), original.images, original.labels)
    quantize(original, form, folder)
    return load_model(folder / "quantized.onnx"), original


def measure(model: Model, original: Float) -> list[dict[int, float]]:
    spelt, halves = spell_out(model), (slice(64), slice(64, 96))
    known, unseen = (Samples(original.images[part], original.labels[part], "drawn") for part in halves)
    context = Context(
        classifier=Classifier(import_model(spelt), Preprocessing()),
        known=known,
        unseen=unseen,
        features=find_features(spelt),
        head=find_head(spelt),
        classes=CLASSES,
        seed=0,
    )
    detectors = (ExactShift(), LatentInversion(LatentInversionConfig(steps=40)))
    return [dict(one.measure(context, range(CLASSES)).distances) for one in detectors]


@pytest.mark.parametrize("softmax", [False, True], ids=["logits", "probabilities"])
def test_quantized_operators_show_what_the_same_network_shows_in_floats_between_roundings(
    tmp_path: Path, *, softmax: bool
) -> None:
    usual, operators = (measure(*write(tmp_path, form, softmax=softmax)) for form in FORMS)
    for one, other in zip(usual, operators, strict=True):
        assert set(one) == set(other) == set(range(CLASSES))
        assert list(other.values()) == pytest.approx(list(one.values()), rel=0.2)


def test_logits_are_what_whole_numbers_before_the_last_softmax_stand_for(tmp_path: Path) -> None:
    model, original = write(tmp_path, FORMS[1], softmax=True)
    assert "QLinearSoftmax" in {node.op_type for node in model.proto.graph.node}
    assert model.info.output.kind is OutputKind.PROBABILITIES
    runtime = Runtime(model, Preprocessing())
    logits, given = runtime.logits(original.images), runtime.activations(original.images, ["p"])["p"]
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.abs(shares - given).max() < 0.05
    assert logits.min() < 0
