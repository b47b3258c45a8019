"""A network whose every neuron is known: three classes of bright stripes, and a backdoor to the first."""

import numpy as np

from onnxaudit.intake import Model
from onnxaudit.mitigation.evaluation import ReferenceSamples
from onnxaudit.records import Preprocessing, Samples, Trigger
from onnxaudit.runtime import Runtime
from tests.some import some
from tests.unit.importer.networks import make_model

SIDE = 8
CLASSES = 3
TARGET = 0
NEURONS = 8
PLANTED = (6, 7)  # fire on the trigger alone; the others each see one stripe
BODY = """tiny (float[N, 1, 8, 8] x) => (float[N, 3] y) {
    flat = Flatten(x)
    h = Gemm <transB = 1> (flat, w1, b1)
    a = Relu(h)
    y = Gemm <transB = 1> (a, w2, b2)
}"""
# Either planted neuron alone fills the clipped sum: taking out one of them changes nothing.
SATURATED = """tiny (float[N, 1, 8, 8] x) => (float[N, 3] y) {
    flat = Flatten(x)
    h = Gemm <transB = 1> (flat, w1, b1)
    a = Relu(h)
    s = Gemm <transB = 1> (a, w2, b2)
    c = Clip(s, lowest, highest)
    y = Gemm <transB = 1> (c, w3, b3)
}"""


def backdoored(saturated: bool = False, planted: tuple[int, ...] = PLANTED) -> Model:
    """The network; class `k` is a bright stripe at rows `3k` and `3k + 1`; `planted` neurons carry the backdoor."""
    weights = {"w1": hidden_weights(), "b1": np.zeros(NEURONS, np.float32)}
    weights["b1"][list(PLANTED)] = -1.0
    outputs = np.zeros((CLASSES, NEURONS), np.float32)
    for neuron in range(6):
        outputs[neuron % CLASSES, neuron] = 1.0
    outputs[TARGET, list(planted)] = 5.0
    if not saturated:
        return make_model(BODY, weights | {"w2": outputs, "b2": np.zeros(CLASSES, np.float32)})
    outputs = np.vstack([outputs, np.zeros(NEURONS, np.float32)])
    outputs[TARGET, list(PLANTED)], outputs[CLASSES, list(PLANTED)] = 0.0, 10.0
    last = np.hstack([np.eye(CLASSES), 50 * np.eye(CLASSES)[:, [TARGET]]]).astype(np.float32)
    rest = {"w2": outputs, "b2": np.zeros(4, np.float32), "w3": last, "b3": np.zeros(CLASSES, np.float32)}
    return make_model(SATURATED, weights | rest | {"lowest": np.float32(0), "highest": np.float32(20)})


def hidden_weights() -> np.ndarray:
    weights = np.zeros((NEURONS, SIDE, SIDE), np.float32)
    for neuron in range(6):
        stripe = 3 * (neuron % CLASSES)
        weights[neuron, stripe : stripe + 2, :6] = 0.5 if neuron < CLASSES else 0.25
    for neuron in PLANTED:
        weights[neuron, 2:5:2, 6:] = 1.0
    return weights.reshape(NEURONS, -1)


def trigger() -> Trigger:
    """Four bright pixels at the right, beside the stripes that neurons look at."""
    mask = np.zeros((1, SIDE, SIDE), np.float32)
    mask[0, 2:5:2, 6:] = 1.0
    return Trigger(mask, np.ones((1, SIDE, SIDE), np.float32))


def samples(per_class: int = 12, seed: int = 0) -> Samples:
    generator = np.random.default_rng(seed)
    labels = np.arange(CLASSES).repeat(per_class)
    images = 0.2 * generator.random((len(labels), 1, SIDE, SIDE))
    for image, label in zip(images, labels, strict=True):
        image[0, 3 * label : 3 * label + 2, :6] += 0.6
    return Samples(images.astype(np.float32), labels.astype(np.int64), "stripes")


def runtime(model: Model) -> Runtime:
    return Runtime(model, Preprocessing())


def reference(model: Model, seen: Samples) -> ReferenceSamples:
    return ReferenceSamples.of(runtime(model), seen)


def success(model: Model, stamped: Trigger | None = None) -> float:
    """Share of triggered samples that go to the target."""
    victims = samples(seed=9).take(some(samples(seed=9).labels) != TARGET)
    predicted = runtime(model).logits((stamped or trigger()).apply(victims.images)).argmax(axis=1)
    return float((predicted == TARGET).mean())


def accuracy(model: Model) -> float:
    seen = samples(seed=8)
    return float((runtime(model).logits(seen.images).argmax(axis=1) == seen.labels).mean())
