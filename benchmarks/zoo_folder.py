"""Reads a zoo: a folder of ONNX classifiers with ground truth, and the data that they were trained on.

A zoo holds `index.json`, `NAME.onnx`, `truth/NAME.json`, `truth/NAME.trigger.npz` and its own `apply_trigger.py`, which
says how images are split between the defender and the evaluation, how triggers are stamped and how pixels become
inputs. What is measured here uses onnxruntime directly: the product under test has no part in it.
"""

import argparse
import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

Images = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
_BATCH = 256


@dataclass(frozen=True)
class Zoo:
    """The models of one folder and the data folder beside it."""

    folder: Path
    data: Path

    def names(self, parts: Sequence[str] = ()) -> list[str]:
        """The models' names, sorted: all, or those in which one of `parts` stands."""
        index = json.loads((self.folder / "index.json").read_text())
        names = sorted(entry["id"] for entry in index["models"])
        return [name for name in names if not parts or any(part in name for part in parts)]

    def entry(self, name: str) -> "Entry":
        """One model with its truth."""
        truth = json.loads((self.folder / "truth" / f"{name}.json").read_text())
        return Entry(self, name, truth)

    @cached_property
    def helpers(self) -> ModuleType:
        """The zoo's own `apply_trigger.py`."""
        spec = importlib.util.spec_from_file_location("apply_trigger", self.folder / "apply_trigger.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


@dataclass(frozen=True)
class Entry:
    """One model of the zoo."""

    zoo: Zoo
    name: str
    truth: dict[str, Any]

    @property
    def model(self) -> Path:
        """The ONNX file."""
        return self.zoo.folder / f"{self.name}.onnx"

    @property
    def attack(self) -> str:
        """The attack's name, or "clean"."""
        return str(self.truth["attack"]) if self.truth["backdoored"] else "clean"

    @property
    def targets(self) -> list[int | None]:
        """The target label of each trigger; None for all-to-all."""
        return [trigger["target"] for trigger in self.truth.get("triggers", [])]

    @cached_property
    def test_set(self) -> tuple[Images, Labels]:
        """All test images `(n, c, h, w)` in [0, 1] and their labels."""
        with np.load(self.zoo.data / f"{self.truth['dataset']}.npz") as archive:
            images, labels = self.zoo.helpers.load_images(archive, "test", self.truth["classes"])
        if self.truth.get("fitted"):  # the model learned these images in another size, or without their color
            images = self.zoo.helpers.fit_images(images, tuple(self.truth["input_shape"]))
        return images, labels

    def split(self, per_class: int = 10) -> tuple[Labels, Labels]:
        """Positions of the defender's and of the evaluation's images.

        The evaluation is the same whatever the defender is given.
        """
        _, labels = self.test_set
        _, evaluation = self.zoo.helpers.split_test(labels)
        defender, _ = self.zoo.helpers.split_test(labels, per_class)
        return defender, evaluation

    def write_defender_data(self, path: Path, per_class: int = 10) -> None:
        """What the defender has, as an archive that `--data` reads."""
        images, labels = self.test_set
        mine, _ = self.split(per_class)
        pixels = np.round(images[mine] * 255).astype(np.uint8).transpose(0, 2, 3, 1)
        np.savez(path, x=pixels, y=labels[mine])

    def measure(self, model: Path) -> dict[str, Any]:
        """Accuracy, and success and PACC of each true trigger, of `model` on the evaluation images."""
        images, labels = self.test_set
        _, evaluation = self.split()
        x, y = images[evaluation], labels[evaluation]
        predict = _Predictor(model, self)
        under = self._attack(predict, x, y)
        return {
            "accuracy": float((predict(x) == y).mean()),
            "true_asr": [success for success, _ in under],
            "true_pacc": [own for _, own in under],
        }

    def _attack(self, predict: "_Predictor", x: Images, y: Labels) -> list[tuple[float, float]]:
        """For each trigger the share of triggered images that is called the target, and the share called their own."""
        if not self.truth["backdoored"]:
            return []
        helpers, rates = self.zoo.helpers, []
        triggers = helpers.load_triggers(self.zoo.folder / "truth" / f"{self.name}.trigger.npz")
        for trigger, entry in zip(triggers, self.truth["triggers"], strict=True):
            index, wanted = helpers.trigger_labels(y, entry, self.truth["class_count"])
            answers = predict(helpers.apply_trigger(x[index], trigger))
            rates.append((float((answers == wanted).mean()), float((answers == y[index]).mean())))
        return rates


class _Predictor:
    def __init__(self, path: Path, entry: Entry) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0]
        self._entry = entry

    def __call__(self, images: Images) -> Labels:
        inputs = self._entry.zoo.helpers.model_input(images, self._entry.truth)
        size = self._input.shape[0] if isinstance(self._input.shape[0], int) else _BATCH
        chunks = [inputs[start : start + size] for start in range(0, len(inputs), size)]
        outputs = [self._session.run(None, {self._input.name: chunk})[0] for chunk in chunks]
        return np.asarray(np.concatenate(outputs).argmax(axis=1), dtype=np.int64)


def add_zoo_options(parser: argparse.ArgumentParser) -> None:
    """Options of benchmarks that try the models of one zoo side by side."""
    add_model_options(parser)
    parser.add_argument("--jobs", type=int, default=2, help="models at a time, one thread each")
    parser.add_argument("--seed", type=int, default=0)


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Options of benchmarks that try the models of one zoo one after the other."""
    parser.add_argument("--zoo", type=Path, required=True, help="folder with index.json, models and truth/")
    _add_source_options(parser)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Options of benchmarks that keep a row for each model and go on from there."""
    parser.add_argument("--results", type=Path, required=True, help="folder for the kept rows")
    _add_source_options(parser)
    parser.add_argument("--per-class", type=int, default=10, help="the defender's images a class")
    parser.add_argument("--table", action="store_true", help="measure nothing, print what was kept")


def _add_source_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="folder with the data sets' .npz files")
    parser.add_argument("--scans", type=Path, help="folder for scan reports, used again by later runs")
    parser.add_argument("--only", nargs="*", default=[], help="names or parts of names of models")
