"""A two-layer classifier in ONNX whose backdoor was planted by hand, and clean samples for it."""

from pathlib import Path
from typing import Any

import numpy as np

from onnxaudit.records import Trigger
from tools.testbed.tiny_models import build, write

SIDE, PATCH, CLASSES, A_CLASS, TARGET, BACKDOOR_NEURON = 10, 2, 8, 8, 5, 3
BODY = f"""
tiny (float[N, 1, {SIDE}, {SIDE}] x) => (float[N, {CLASSES}] y) {{
    flat = Flatten(x)
    z = Gemm(flat, w1, b1)
    h = Relu(z)
    y = Gemm(h, w2, b2)
}}"""


def make_prototypes() -> np.ndarray:
    """One image `(1, h, w)` a class, with a black corner where the trigger will be."""
    prototypes = np.random.default_rng(3).random((CLASSES, 1, SIDE, SIDE), dtype=np.float32)
    prototypes[:, :, :PATCH, :PATCH] = 0.0
    return prototypes


def make_weights(backdoored: bool) -> dict[str, np.ndarray]:
    """Hidden neurons that know one prototype each, some without use, and one that knows a white corner."""
    generator = np.random.default_rng(4)
    prototypes = make_prototypes().reshape(CLASSES, -1) - 0.5
    hidden = CLASSES + 8
    places = np.setdiff1d(np.arange(hidden), [BACKDOOR_NEURON])
    w1 = generator.normal(0, 0.02, (SIDE * SIDE, hidden)).astype(np.float32)
    b1 = np.zeros(hidden, np.float32)
    w2 = generator.normal(0, 0.02, (hidden, CLASSES)).astype(np.float32)
    for label, place in enumerate(places[:CLASSES]):
        w1[:, place], b1[place] = prototypes[label], -prototypes[label].sum() / 2
        w2[place, label] = 2.0
    if backdoored:
        corner = np.zeros((SIDE, SIDE), np.float32)
        corner[:PATCH, :PATCH] = 5.0
        w1[:, BACKDOOR_NEURON], b1[BACKDOOR_NEURON] = corner.ravel(), -4.0  # silent below a fifth of white
        w2[BACKDOOR_NEURON] = 0.0
        w2[BACKDOOR_NEURON, TARGET] = 1.5
    return {"w1": w1, "b1": b1, "w2": w2, "b2": np.zeros(CLASSES, np.float32)}


def draw_samples(count: int, seed: int) -> dict[str, np.ndarray]:
    """Noisy prototypes, `count` a class, as an archive holds them."""
    labels = np.repeat(np.arange(CLASSES), count)
    noise = np.random.default_rng(seed).normal(0, 0.08, (len(labels), 1, SIDE, SIDE))
    images = np.clip(make_prototypes()[labels] + noise, 0, 1)
    return {"x": np.round(images * 255).astype(np.uint8), "y": labels}


def write_planted(folder: Path, *, backdoored: bool) -> Path:
    """The model, backdoored or clean."""
    return write(build(BODY, make_weights(backdoored)), folder, f"planted-{backdoored}.onnx")


def write_samples(folder: Path) -> Path:
    """Clean samples with labels."""
    path = folder / "clean.npz"
    drawn: dict[str, Any] = draw_samples(A_CLASS, seed=5)
    np.savez(path, **drawn)
    return path


def make_true_trigger() -> Trigger:
    """What the attacker stamps: a white corner."""
    mask = np.zeros((1, SIDE, SIDE), np.float32)
    mask[:, :PATCH, :PATCH] = 1.0
    return Trigger(mask, np.ones((1, SIDE, SIDE), np.float32))
