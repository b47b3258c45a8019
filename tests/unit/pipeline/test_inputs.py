"""Scans of the planted backdoor behind inputs of other types."""

import numpy as np
import pytest

from onnxaudit import scan
from onnxaudit.records import ElementType, GivenPreprocessing, Verdict
from tests.tiny_models import build, write
from tests.unit.pipeline.conftest import CLASSES, SIDE, TARGET, make_weights

FRONTS = {
    "uint8": "g = Cast<to=1>(x) s = Div(g, top) flat = Flatten(s)",
    "float16": "g = Cast<to=1>(x) flat = Flatten(g)",
    "double": "g = Cast<to=1>(x) flat = Flatten(g)",
}


@pytest.mark.parametrize("kind", FRONTS)
@pytest.mark.parametrize("backdoored", [True, False])
def test_the_type_of_the_input_changes_no_verdict(tmp_path, data, kind, backdoored):
    body = f"""
    tiny ({kind}[N, 1, {SIDE}, {SIDE}] x) => (float[N, {CLASSES}] y) {{
        {FRONTS[kind]}
        z = Gemm(flat, w1, b1)
        h = Relu(z)
        y = Gemm(h, w2, b2)
    }}"""
    top = {"top": np.float32(255)} if "top" in FRONTS[kind] else {}
    path = write(
        build(body, {**{name: np.asarray(value) for name, value in top.items()}, **make_weights(backdoored)}), tmp_path
    )
    report = scan(path, data, device="cpu")
    assert (report.verdict, report.target_labels) == (
        (Verdict.BACKDOORED, (TARGET,)) if backdoored else (Verdict.CLEAN, ())
    )
    if report.model.input.dtype is ElementType.UINT8:
        assert (report.preprocessing.source, report.preprocessing.preprocessing.high) == ("type", 255.0)


def test_weights_that_are_not_numbers_never_end_in_clean(tmp_path, data):
    body = f"""
    tiny (uint8[N, 1, {SIDE}, {SIDE}] x) => (float[N, {CLASSES}] y) {{
        g = Cast<to=1>(x) flat = Flatten(g)
        z = Gemm(flat, w1, b1)
        h = Relu(z)
        y = Gemm(h, w2, b2)
    }}"""
    weights = make_weights(backdoored=False)
    weights["b2"] = np.full_like(weights["b2"], np.nan)
    assert scan(write(build(body, weights), tmp_path), data, device="cpu").verdict is Verdict.INCONCLUSIVE


def test_a_single_score_is_scanned_as_two_classes_and_left_open(tmp_path, data):
    body = f"""
    tiny (float[N, 1, {SIDE}, {SIDE}] x) => (float[N, 1] y) {{
        flat = Flatten(x)
        z = Gemm(flat, w1, b1)
        h = Relu(z)
        s = Gemm(h, w, b)
        y = Sigmoid(s)
    }}"""
    weights = make_weights(backdoored=True)
    weights |= {"w": weights.pop("w2")[:, [TARGET]] - 0.5, "b": np.array([-0.1], np.float32)}
    path = write(build(body, weights), tmp_path)
    images = np.load(data)["x"]
    np.savez(tmp_path / "two.npz", x=images)
    report = scan(path, tmp_path / "two.npz", device="cpu", preprocessing=GivenPreprocessing(range=(0.0, 1.0)))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert len(report.labels) == report.model.output.classes == 2
    assert any("2 classes" in reason for reason in report.reasons)
