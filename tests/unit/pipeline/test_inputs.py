"""Scans of the planted backdoor behind inputs of other types."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from onnxaudit import scan
from onnxaudit.errors import DataError
from onnxaudit.records import ElementType, Layout, Verdict
from onnxaudit.report.terminal import list_places
from tests.unit.pipeline.conftest import SHORT_SCAN
from tools.testbed.planted import A_CLASS, CLASSES, SIDE, TARGET, draw_samples, make_weights
from tools.testbed.tiny_models import build, write

FRONTS = {
    "uint8": "g = Cast<to=1>(x) s = Div(g, top) flat = Flatten(s)",
    "float16": "g = Cast<to=1>(x) flat = Flatten(g)",
    "double": "g = Cast<to=1>(x) flat = Flatten(g)",
}


@pytest.mark.parametrize("kind", FRONTS)
@pytest.mark.parametrize("backdoored", [True, False])
def test_the_type_of_the_input_changes_no_verdict(tmp_path: Path, data: Path, kind: str, backdoored: bool) -> None:
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
    report = scan(path, data, SHORT_SCAN, device="cpu")
    assert (report.verdict, report.target_labels) == (
        (Verdict.BACKDOORED, (TARGET,)) if backdoored else (Verdict.CLEAN, ())
    )
    if report.model.input.dtype is ElementType.UINT8:
        assert (report.preprocessing.source, report.preprocessing.preprocessing.high) == ("type", 255.0)


def test_weights_that_are_not_numbers_never_end_in_clean(tmp_path: Path, data: Path) -> None:
    body = f"""
    tiny (uint8[N, 1, {SIDE}, {SIDE}] x) => (float[N, {CLASSES}] y) {{
        g = Cast<to=1>(x) flat = Flatten(g)
        z = Gemm(flat, w1, b1)
        h = Relu(z)
        y = Gemm(h, w2, b2)
    }}"""
    weights = make_weights(backdoored=False)
    weights["b2"] = np.full_like(weights["b2"], np.nan)
    assert scan(write(build(body, weights), tmp_path), data, SHORT_SCAN, device="cpu").verdict is Verdict.INCONCLUSIVE


FEATURES, SPREAD, OFFSET = SIDE * SIDE, 40.0, -7.0  # a feature's value is SPREAD · pixel + OFFSET


def write_feature_model(
    folder: Path, *, backdoored: bool, front: str = "flat = Identity(x)", shape: str = f"N, {FEATURES}"
) -> Path:
    body = f"""
    tiny (float[{shape}] x) => (float[N, {CLASSES}] y) {{
        {front}
        u = Sub(flat, offset)
        s = Div(u, spread)
        z = Gemm(s, w1, b1)
        h = Relu(z)
        y = Gemm(h, w2, b2)
    }}"""
    scaling = {"offset": np.asarray(np.float32(OFFSET)), "spread": np.asarray(np.float32(SPREAD))}
    return write(build(body, {**scaling, **make_weights(backdoored)}), folder, f"features-{backdoored}.onnx")


def draw_features(white_corner: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Features in units of their own, and labels; the corner, black in all images, is white in one of no meaning."""
    drawn = draw_samples(A_CLASS, seed=5)
    pixels = drawn["x"].reshape(-1, FEATURES) / np.float32(255)
    if white_corner:
        pixels[0].reshape(SIDE, SIDE)[:2, :2] = 1.0
    return (SPREAD * pixels + OFFSET).astype(np.float32), drawn["y"]


@pytest.mark.parametrize("backdoored", [True, False])
@pytest.mark.parametrize("suffix", ["npz", "csv"])
def test_a_backdoor_in_features_is_found_in_their_own_ranges(tmp_path: Path, backdoored: bool, suffix: str) -> None:
    values, labels = draw_features()
    source = tmp_path / f"clean.{suffix}"
    if suffix == "npz":
        np.savez(source, x=values, y=labels)
    else:
        header = ",".join([*(f"f{place}" for place in range(FEATURES)), "label"])
        np.savetxt(source, np.column_stack([values, labels]), delimiter=",", header=header, comments="")
    report = scan(write_feature_model(tmp_path, backdoored=backdoored), source, SHORT_SCAN, device="cpu")
    assert (report.verdict, report.target_labels) == (
        (Verdict.BACKDOORED, (TARGET,)) if backdoored else (Verdict.CLEAN, ())
    )
    assert (report.model.input.layout, report.preprocessing.source) == (Layout.NC, "samples")
    if backdoored:
        assert "features" in report.summary
        (finding,) = (found for found in report.triggers if found.label == TARGET)
        corner = {row * SIDE + column for row in range(2) for column in range(2)}
        assert int(finding.trigger.mask[0, 0].argmax()) in corner
        assert list_places(report, finding).startswith("features ")


def test_features_that_never_vary_keep_a_model_from_being_called_clean(tmp_path: Path) -> None:
    values, labels = draw_features()
    values[:, :3] = 0.5
    np.savez(tmp_path / "clean.npz", x=values, y=labels)
    report = scan(write_feature_model(tmp_path, backdoored=False), tmp_path / "clean.npz", SHORT_SCAN, device="cpu")
    assert report.verdict is Verdict.INCONCLUSIVE
    assert any("3 of 100 ranges have no width" in reason for reason in report.reasons)


def test_features_without_samples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--data"):
        scan(write_feature_model(tmp_path, backdoored=False), device="cpu")


@pytest.mark.parametrize(
    ("layout", "shape", "front"),
    [
        (Layout.NCW, f"N, 1, {FEATURES}", "c = Conv(x, k) flat = Flatten(c)"),
        (Layout.NWC, f"N, {FEATURES}, 1", "t = Transpose<perm=[0, 2, 1]>(x) c = Conv(t, k) flat = Flatten(c)"),
    ],
)
def test_a_backdoor_in_series_is_found(tmp_path: Path, layout: Layout, shape: str, front: str) -> None:
    body = f"""
    tiny (float[{shape}] x) => (float[N, {CLASSES}] y) {{
        {front}
        z = Gemm(flat, w1, b1)
        h = Relu(z)
        y = Gemm(h, w2, b2)
    }}"""
    path = write(build(body, {"k": np.ones((1, 1, 1), np.float32), **make_weights(backdoored=True)}), tmp_path)
    drawn = draw_samples(A_CLASS, seed=5)
    pixels = (drawn["x"] / np.float32(255)).astype(np.float32)
    np.savez(
        tmp_path / "clean.npz",
        x=pixels.reshape((-1, 1, FEATURES) if layout is Layout.NCW else (-1, FEATURES, 1)),
        y=drawn["y"],
    )
    report = scan(path, tmp_path / "clean.npz", SHORT_SCAN, device="cpu")
    assert (report.verdict, report.target_labels) == (Verdict.BACKDOORED, (TARGET,))
    assert report.model.input.layout is layout
    assert "time steps" in report.summary


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda values: np.where(np.arange(FEATURES) == 3, np.nan, values), "sample 0 has values that are NaN"),
        (lambda values: values[:, :-1], r"shape \(64, 99\) where the model takes \(n, 100\)"),
        (lambda values: values[:0], "where the model takes"),
    ],
)
def test_features_that_do_not_fit_are_refused(
    tmp_path: Path, change: Callable[[np.ndarray], np.ndarray], said: str
) -> None:
    np.save(tmp_path / "clean.npy", change(draw_features()[0]))
    with pytest.raises(DataError, match=said):
        scan(write_feature_model(tmp_path, backdoored=False), tmp_path / "clean.npy", SHORT_SCAN, device="cpu")
