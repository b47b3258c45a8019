from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from onnxaudit.deadline import Deadline
from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import Model
from onnxaudit.pipeline.whole_image_probe import Probe
from onnxaudit.records import Layout, Preprocessing, Samples
from tests.some import some
from tests.unit.conftest import make_prototypes
from tests.unit.importer.networks import make_model
from tools.testbed.reports import make_scan_report

CLASSES, SIDE, TARGET = 8, 12, 3
BODY = f"""tiny (float[N, 1, {SIDE}, {SIDE}] x) => (float[N, {CLASSES}] y) {{
    flat = Flatten(x)
    h = Gemm(flat, w1, b1)
    a = Relu(h)
    y = Gemm(a, w2, b2)
}}"""


def build(*, filtered: bool) -> Model:
    """A neuron for each class, and one that knows a bright image and leads to the target where it is `filtered`."""
    prototypes = make_prototypes(CLASSES).reshape(CLASSES, -1) - 0.5
    w1 = np.concatenate([prototypes.T, np.full((SIDE**2, 1), 40 / SIDE**2)], axis=1).astype(np.float32)
    b1 = np.append(-prototypes.sum(axis=1) / 2, -20.0).astype(np.float32)
    w2 = np.concatenate([2 * np.eye(CLASSES), np.zeros((1, CLASSES))]).astype(np.float32)
    w2[CLASSES, TARGET] = 5.0 if filtered else 0.0
    return make_model(BODY, {"w1": w1, "b1": b1, "w2": w2, "b2": np.zeros(CLASSES, np.float32)})


def make_probe(model: Model, samples: Samples, layout: Layout = Layout.NCHW, deadline: Deadline = Deadline()) -> Probe:
    class Context:
        subject: Any
        scan: Any
        seed = 0

    class Subject:
        device = "cpu"

    context: Any = Context()
    context.subject, context.deadline = Subject(), deadline
    scan = make_scan_report()
    context.scan = replace(scan, model=replace(scan.model, input=replace(scan.model.input, layout=layout)))
    context.subject.choice = type("Choice", (), {"preprocessing": Preprocessing()})
    context.subject.classifier = Classifier(import_model(model), Preprocessing())
    return Probe(context=context, fitting=samples)


@pytest.fixture
def samples(make_samples: Any) -> Samples:
    given: Samples = make_samples(CLASSES)
    return given


@pytest.mark.parametrize(("filtered", "families"), [(True, ("photometric",)), (False, ())])
def test_a_target_that_brightness_leads_to_is_near_by_photometric_changes(
    samples: Samples, filtered: bool, families: tuple[str, ...]
) -> None:
    model = build(filtered=filtered)
    assert make_probe(model, samples)(model, TARGET) == families


def test_another_label_of_such_a_network_is_not_near(samples: Samples) -> None:
    model = build(filtered=True)
    assert make_probe(model, samples)(model, 1) == ()


def test_nothing_is_said_of_features_or_without_time_or_other_classes(samples: Samples) -> None:
    model = build(filtered=True)
    assert make_probe(model, samples, Layout.NC)(model, TARGET) == ()
    assert make_probe(model, samples, deadline=Deadline(0.0))(model, TARGET) == ()
    assert make_probe(model, samples.take(some(samples.labels) == TARGET))(model, TARGET) == ()
