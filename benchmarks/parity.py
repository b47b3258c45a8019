"""How far the PyTorch copy of each model in some folders is from onnxruntime.

    python -m benchmarks.parity DIR [DIR ...]

Both run the same seeded inputs (noise, smooth noise, plain images). Printed are the largest absolute difference of a
logit, the same relative to the spread of the logits across inputs, and how often the predicted class differs.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.results import add_json_option, keep
from onnxaudit.importer import import_model
from onnxaudit.importer.parity import draw_inputs, measure_deviation
from onnxaudit.intake import load_model
from onnxaudit.records import Preprocessing
from onnxaudit.runtime import Runtime

LIMIT = 1e-4


def compare(path: Path, seed: int) -> tuple[float, float, int]:
    """Largest absolute and relative difference of a logit, and how many predictions differ."""
    model = load_model(path)
    inputs = draw_inputs(model, Preprocessing(), seed)
    runtime = Runtime(model, Preprocessing())
    logits, step = model.info.output.logits, model.info.input.batch or len(inputs)
    chunks = [runtime.run(inputs[at : at + step], [logits])[logits] for at in range(0, len(inputs), step)]
    theirs = np.concatenate(chunks)
    with torch.no_grad():
        ours = import_model(model)(torch.from_numpy(inputs)).numpy()
    differing = int((ours.argmax(axis=1) != theirs.argmax(axis=1)).sum())
    return float(np.abs(ours - theirs).max()), measure_deviation(ours, theirs), differing


def main() -> None:
    """Compare all, print a line each, and the worst."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--seed", type=int, default=0)
    add_json_option(parser)
    options = parser.parse_args()
    paths = sorted(path for folder in options.folders for path in folder.glob("*.onnx"))
    print(f"{'model':32} {'absolute':>10} {'relative':>10} {'predictions differ':>20}")
    rows: list[dict[str, Any]] = []
    for path in paths:
        absolute, relative, differing = compare(path, options.seed)
        rows.append({"model": path.stem, "absolute": absolute, "relative": relative, "differing": differing})
        print(f"{path.stem:32} {absolute:10.1e} {relative:10.1e} {differing:>20}")
    keep(options.json, "parity", rows)
    worst = max((row["absolute"] for row in rows), default=0.0)
    print(f"\n{len(paths)} models, worst absolute difference {worst:.1e} (limit {LIMIT:.0e})")


if __name__ == "__main__":
    main()
