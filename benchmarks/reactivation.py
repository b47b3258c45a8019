"""How soon the attacker's own trigger is learned again by a model that was repaired, and by one that never knew it.

    python -m benchmarks.reactivation --model REPAIRED.onnx --zoo DIR --entry NAME --data DIR [--seeds 2]

The model is fine-tuned on the defender's clean images and five that carry the true trigger (`mitigation.forgetting`,
the same settings); its attack success rate on evaluation images after 10, 20 and 40 steps stands beside that of the
same trigger with two other labels. `--model` takes several: a clean twin beside the repaired model shows what any
network of the kind does. Means of `--seeds` runs.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from benchmarks.zoo_folder import Entry, Images, Zoo
from onnxaudit.data.splits import split
from onnxaudit.mitigation.evaluation import ReferenceSamples
from onnxaudit.mitigation.forgetting import ForgettingConfig, ForgettingContext, reactivate
from onnxaudit.pipeline.admission import open_subject
from onnxaudit.pipeline.subject import Subject
from onnxaudit.records import Preprocessing

EVALUATED = 1000  # evaluation images, at most: a point of the ASR is ten of them
CONTROLS = 2  # other labels


@dataclass(frozen=True, eq=False)
class TrueTrigger:
    """A trigger of a zoo, as its own helpers put it on images."""

    helpers: ModuleType
    trigger: dict[str, Any]

    def apply(self, images: Images) -> Images:
        """Triggered `images` `(n, c, h, w)` in [0, 1]."""
        stamped: Images = self.helpers.apply_trigger(images, self.trigger)
        return stamped


def measure_curves(entry: Entry, model: Path, data: Path, seeds: Sequence[int]) -> dict[str, list[float]]:
    """ASR before and after each number of steps, for the target and in the mean for two other labels.

    Args:
        entry: whose trigger and images; of several triggers the first counts.
        model: what is fine-tuned.
        data: the defender's clean images.
        seeds: of the runs that are averaged.
    """
    subject = open_subject(model, data, preprocessing=None, seed=0, device="cpu", on_event=lambda _: None)
    helpers, target = entry.zoo.helpers, entry.targets[0]
    assert target is not None, "a trigger that moves every class has no single target"
    (trigger, *_) = helpers.load_triggers(entry.zoo.folder / "truth" / f"{entry.name}.trigger.npz")
    context, attack = _open(entry, subject), TrueTrigger(helpers, trigger)
    others = [label for label in range(subject.model.info.output.classes) if label != target]
    controls = np.random.default_rng(0).permutation(others)[:CONTROLS].tolist()

    def average(labels: Sequence[int]) -> list[float]:
        curves = [
            [rate.value or 0.0 for rate in found.rates]
            for label in labels
            for seed in seeds
            if (found := reactivate(context, attack, label, ForgettingConfig(), seed=seed)) is not None
        ]
        return [round(float(value), 4) for value in np.mean(curves, axis=0)]

    return {"target": average([target]), "controls": average(controls)}


def _open(entry: Entry, subject: Subject) -> ForgettingContext:
    """The defender's half of the images to fine-tune on, evaluation images to measure on."""
    images, labels = entry.test_set
    _, evaluation = entry.split()
    chosen = np.random.default_rng(0).permutation(evaluation)[:EVALUATED]
    seen = replace(subject.samples, images=images[chosen].astype(np.float32), labels=labels[chosen])
    fitting, _ = split(subject.samples, subject.samples.labels, seed=0)
    preprocessing: Preprocessing = subject.choice.preprocessing
    return ForgettingContext(
        original=subject.model,
        repaired=subject.model,
        preprocessing=preprocessing,
        fitting=ReferenceSamples.of(subject.runtime, fitting),
        validation=ReferenceSamples.of(subject.runtime, seen),
    )


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, nargs="+", required=True, help="what is fine-tuned")
    parser.add_argument("--zoo", type=Path, required=True, help="folder with index.json, models and truth/")
    parser.add_argument("--entry", required=True, help="the model of the zoo whose trigger is learned")
    parser.add_argument("--data", type=Path, required=True, help="folder with the data sets' .npz files")
    parser.add_argument("--seeds", type=int, default=2, help="runs that are averaged")
    return parser.parse_args()


def main() -> None:
    """Run, print."""
    options = parse()
    torch.set_num_threads(1)
    entry = Zoo(options.zoo, options.data).entry(options.entry)
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "clean.npz"
        entry.write_defender_data(data)
        for model in options.model:
            for name, curve in measure_curves(entry, model, data, range(options.seeds)).items():
                print(f"{model.name:32} {name:9} {' '.join(f'{100 * value:5.1f}' for value in curve)}")


if __name__ == "__main__":
    main()
