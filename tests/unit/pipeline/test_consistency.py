from pathlib import Path

import numpy as np

from onnxaudit.data.probes import Probes
from onnxaudit.intake import load_model
from onnxaudit.pipeline.consistency import check_consistency
from onnxaudit.records import Preprocessing
from onnxaudit.runtime import Runtime
from tools.testbed.tiny_models import build, write

ROUNDED = """tiny (float[N, 1, 2, 2] x) => (float[N, 3] y) <float k = {STEEP}> {
    f = Flatten(x)
    q, s, z = DynamicQuantizeLinear(f)
    d = DequantizeLinear(q, s, z)
    l = MatMul(d, w)
    COMPANY
    t = Mul(c, k)
    y = Softmax(t)
}"""


def ask(images: np.ndarray, body: str, folder: Path) -> list[str]:
    weights = {"w": np.eye(4, 3, dtype=np.float32), "v": np.eye(4, 3, k=-1, dtype=np.float32)}
    model = load_model(write(build(body, weights), folder))
    probes = Probes(images=images, kinds=("clean",) * len(images))
    found = check_consistency(Runtime(model, Preprocessing()), probes, rounding=True)
    return [one.rule for one in found.irregularities]


def draw() -> np.ndarray:
    """Images whose ranges differ, some of them with two pixels that are nearly as bright."""
    rng = np.random.default_rng(0)
    images = rng.random((64, 1, 2, 2), dtype=np.float32) * rng.choice([0.3, 1.0], (64, 1, 1, 1)).astype(np.float32)
    tied = images[:32].reshape(32, 4)
    tied[:, 1] = tied[:, 0] + rng.normal(0, 0.002, 32).astype(np.float32)
    return images


def test_a_near_tie_that_a_range_of_the_batch_decides_is_no_other_answer(tmp_path: Path) -> None:
    body = ROUNDED.replace("STEEP", "5000.0").replace("COMPANY", "c = Identity(l)")
    assert ask(draw(), body, tmp_path) == []


def test_other_images_that_decide_the_class_are_told_of_a_network_that_rounds_too(tmp_path: Path) -> None:
    company = "m = ReduceMax<axes = [0], keepdims = 1>(f)\n    g = MatMul(m, v)\n    c = Add(l, g)"
    body = ROUNDED.replace("STEEP", "5.0").replace("COMPANY", company)
    assert set(ask(draw(), body, tmp_path)) == {"OA402"}
