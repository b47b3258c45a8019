"""What taking zeroed neurons out of the graph gives: file size, onnxruntime's time, and the difference of outputs.

    python -m benchmarks.removal [MODEL ...] [--data ARCHIVE] [--share 0.3] [--layers 2] [--pairs 41]

In each of a model's layers (the first fully connected one, then the convolutions before it) a drawn share of the
neurons is zeroed, and the file is compared with the one from which they are removed: bytes of both, the ratio of the
times of a batch of 1 and of 32 images on one thread (medians of pairs measured in turn, with 95 % intervals; below 1
the smaller model is faster), and the largest absolute difference of an output on all images, one at a time. The
baseline is the zeroed model.
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from benchmarks.pairs import Ratio, Run, compare
from benchmarks.results import add_json_option, keep
from onnxaudit.data.preprocessing import preprocess
from onnxaudit.intake import Model, save_model
from onnxaudit.pipeline.admission import open_subject
from onnxaudit.pipeline.subject import Subject
from onnxaudit.records import TargetLayer
from onnxaudit.surgery import list_target_layers, remove_neurons, zero_neurons

MODELS = tuple(
    Path("models") / f"{name}.onnx" for name in ("signs-lenet-weights", "signs-vgg-activation", "signs-resnet-weights")
)
DATA = Path("models/samples/signs.npz")
BATCHES = (1, 32)


@dataclass(frozen=True)
class Row:
    """One layer.

    Attributes:
        removed: neurons that could go.
        zeroed: neurons at zero.
        neurons: of the layer.
        sizes: bytes of the zeroed file and of the smaller one.
        times: the smaller one's time as a share of the zeroed one's, for each of `BATCHES`.
        difference: the largest, absolute.
    """

    model: str
    layer: str
    removed: int
    zeroed: int
    neurons: int
    sizes: tuple[int, int]
    times: tuple[Ratio, ...]
    difference: float


def draw_neurons(layer: TargetLayer, share: float, seed: int) -> tuple[int, ...]:
    """So many of a layer's neurons, at least one and not all."""
    count = min(max(1, round(share * layer.neurons)), layer.neurons - 1)
    chosen = np.random.default_rng(seed).choice(layer.neurons, count, replace=False)
    return tuple(sorted(int(neuron) for neuron in chosen))


def measure(subject: Subject, layer: TargetLayer, share: float, pairs: int, seed: int) -> Row:
    """Zero, remove, compare."""
    neurons = draw_neurons(layer, share, seed)
    zeroed = zero_neurons(subject.model, layer, neurons)
    removed = remove_neurons(zeroed, layer, neurons)
    images = subject.samples.images
    inputs = preprocess(images, subject.choice.preprocessing, subject.model.info.input.layout)
    with tempfile.TemporaryDirectory() as folder:
        paths = [_write(model, Path(folder) / f"{number}.onnx") for number, model in enumerate((removed.model, zeroed))]
        smaller, larger = (_open(path) for path in paths)
        times = [compare(_run(smaller, inputs[:size]), _run(larger, inputs[:size]), pairs) for size in BATCHES]
        difference = max(_compare_outputs(smaller, larger, image[None]) for image in inputs)
        sizes = paths[1].stat().st_size, paths[0].stat().st_size
    return Row(
        model=Path(subject.model.info.path).stem,
        layer=layer.name,
        removed=len(removed.neurons),
        zeroed=len(neurons),
        neurons=layer.neurons,
        sizes=sizes,
        times=tuple(times),
        difference=difference,
    )


def _compare_outputs(
    first: onnxruntime.InferenceSession, second: onnxruntime.InferenceSession, inputs: np.ndarray
) -> float:
    """The largest absolute difference over all outputs."""
    outputs = (session.run(None, {session.get_inputs()[0].name: inputs}) for session in (first, second))
    return max(float(np.abs(ours - theirs).max()) for ours, theirs in zip(*outputs, strict=True))


def _write(model: Model, path: Path) -> Path:
    save_model(model, path)
    return path


def _open(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _run(session: onnxruntime.InferenceSession, inputs: np.ndarray) -> Run:
    feeds = {session.get_inputs()[0].name: inputs}
    return lambda: session.run(None, feeds)


def format_row(row: Row) -> str:
    """One line of the table."""
    taken = f"{row.removed}/{row.zeroed} of {row.neurons}"
    times = " ".join(f"{ratio!s:>19}" for ratio in row.times)
    return (
        f"{row.model:24} {row.layer[-28:]:28} {taken:>14} {row.sizes[0]:9} {row.sizes[1]:9} "
        f"{row.sizes[1] / row.sizes[0]:5.2f} {times} {row.difference:10.1e}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=Path, nargs="*", default=list(MODELS))
    parser.add_argument("--data", type=Path, default=DATA, help="clean images that all of the models take")
    parser.add_argument("--share", type=float, default=0.3, help="of a layer's neurons")
    parser.add_argument("--layers", type=int, default=2, help="of each model, at most")
    parser.add_argument("--pairs", type=int, default=41)
    parser.add_argument("--seed", type=int, default=0)
    add_json_option(parser)
    options = parser.parse_args()
    torch.set_num_threads(1)
    heads = " ".join(f"{f'time, {size} image(s)':>19}" for size in BATCHES)
    print(f"{'model':24} {'layer':28} {'out':>14} {'bytes':>9} {'after':>9} {'ratio':>5} {heads} {'difference':>10}")
    rows = []
    for path in options.models:
        subject = open_subject(path, options.data, seed=options.seed, device="cpu", on_event=lambda _: None)
        for layer in list_target_layers(subject.model)[: options.layers]:
            rows.append(measure(subject, layer, options.share, options.pairs, options.seed))
            print(format_row(rows[-1]), flush=True)
    keep(options.json, "removal", rows)


if __name__ == "__main__":
    main()
