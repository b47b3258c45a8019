"""The structural examination over folders of models: what it says of each, and how long it takes one core.

    python -m benchmarks.structure models --data FILE.npz
    python -m benchmarks.structure FOLDER --data PREFIX=FILE.npz --data PREFIX=FILE.npz

A model is examined on the samples of the longest prefix that its file name begins with; on noise where there are none.
Benign models have to show nothing.
"""

import argparse
import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from onnxaudit.errors import InputError, RejectedError
from onnxaudit.importer import Classifier, import_model
from onnxaudit.intake import Model, load_model
from onnxaudit.pipeline.admission import open_subject
from onnxaudit.records import Preprocessing, Samples
from onnxaudit.runtime import Runtime
from onnxaudit.structure.examination import examine


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model: what was found, by rule and reason, and the seconds of processors that the examination took."""

    name: str
    found: str
    seconds: float


def examine_all(folders: list[Path], data: Mapping[str, Path]) -> Iterator[Row]:
    """One row a model."""
    for folder in folders:
        for path in sorted(folder.glob("**/*.onnx")) if folder.is_dir() else [folder]:
            prefixes = [prefix for prefix in data if path.name.startswith(prefix)]
            yield examine_one(path, data[max(prefixes, key=len)] if prefixes else None)


def examine_one(path: Path, data: Path | None) -> Row:
    """Examine a model on samples; where there are none, on noise of all colors and contrasts."""
    try:
        classifier, runtime, samples = open_with_samples(path, data) if data is not None else open_with_noise(path)
    except RejectedError as error:
        return Row(name=path.name, found=" ".join(one.rule for one in error.irregularities), seconds=0.0)
    except InputError as error:
        return Row(name=path.name, found=f"refused: {error}"[:120], seconds=0.0)
    start = time.process_time()
    found = examine(classifier, samples, lambda images: runtime.logits(images).argmax(1), seed=0)
    names = [one.rule for one in found.irregularities] + [reason.code for reason in found.doubts]
    return Row(name=path.name, found=" ".join(names), seconds=time.process_time() - start)


Opened = tuple[Classifier, Runtime, Samples]


def open_with_samples(path: Path, data: Path) -> Opened:
    """As a scan opens it."""
    subject = open_subject(path, data, seed=0, device="cpu", on_event=lambda _: None)
    return subject.classifier, subject.runtime, subject.samples


def open_with_noise(path: Path) -> Opened:
    """Without samples, pixels as they are; of several outputs the first that can be audited."""
    model = _load(path)
    spec, rng = model.info.input, np.random.default_rng(0)
    noise = rng.random((64, spec.channels, spec.height, spec.width))
    colors = rng.random((64, spec.channels, 1, 1))
    images = (colors + (noise - colors) * rng.random((64, 1, 1, 1))).astype(np.float32)
    plain = Preprocessing()
    classifier, runtime = Classifier(import_model(model), plain), Runtime(model, plain)
    return classifier, runtime, Samples(images, None, "noise", synthetic=True)


def _load(path: Path) -> Model:
    try:
        return load_model(path)
    except InputError:
        outputs = [value.name for value in onnx.load(str(path), load_external_data=False).graph.output]
        for name in outputs if len(outputs) > 1 else ():
            with contextlib.suppress(InputError):
                return load_model(path, name)
        raise


def main() -> None:
    """Print one line a model and a sum."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--data", action="append", default=[], help="FILE.npz, or PREFIX=FILE.npz")
    options = parser.parse_args()
    data = {prefix: Path(path) for prefix, _, path in (one.rpartition("=") for one in options.data)}
    rows = []
    for row in examine_all(options.folders, data):
        rows.append(row)
        print(f"{row.name:<48}{row.seconds:7.2f} s  {row.found}", flush=True)
    alarms = sum(bool(row.found) for row in rows)
    longest = max((row.seconds for row in rows), default=0.0)
    print(f"{len(rows)} models, {alarms} with something to say, {longest:.2f} s at most")


if __name__ == "__main__":
    main()
