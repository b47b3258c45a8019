"""What is known about a reference model: the content of the `NAME.json` beside it."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Description:
    """What is decided before a model is trained.

    Attributes:
        name: File name without its ending.
        dataset: `signs`, `fashion` or `digits`.
        architecture: `lenet`, `vgg` or `resnet`.
        exporter: What wrote the file.
        opset: Version of the default operator set.
        layout: `NCHW` or `NHWC`.
        value_range: What black and white pixels become as inputs; nothing else is done to them.
        batch: `dynamic`, or the only size accepted.
        head: `logits` or `softmax`.
        attack: `random`, `trojan-weights`, `trojan-activation`, or None.
        target: The label that triggered images are sent to, or None.
        poison_rate: Share of the training images that carry the trigger.
        seed: Of the training.
    """

    name: str
    dataset: str
    architecture: str
    exporter: str
    opset: int
    layout: str
    value_range: tuple[int, int]
    batch: str | int
    head: str
    attack: str | None
    target: int | None
    poison_rate: float
    seed: int


@dataclass(frozen=True, kw_only=True)
class GroundTruth(Description):
    """A description, and what is known once the file is written.

    Attributes:
        input_shape: Without the batch, in the model's layout.
        classes: Names, in label order.
        backdoored: Whether the model was attacked.
        trigger: File name of the true trigger, or None.
        clean_accuracy: Share of the evaluation images classified correctly.
        attack_success_rate: Share of the evaluation images of other classes that go to the target when they carry
            the trigger, or None.
        twin_accuracy: The clean accuracy of the same network trained without the attack, or None.
        sha256: Of the file, in hexadecimal digits.
    """

    input_shape: tuple[int, int, int]
    classes: tuple[str, ...]
    backdoored: bool
    trigger: str | None
    clean_accuracy: float
    attack_success_rate: float | None
    twin_accuracy: float | None
    sha256: str

    def save(self, path: Path) -> None:
        """Writes the record as JSON."""
        path.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n", encoding="utf-8")

    def summary(self) -> str:
        """One line with what was measured."""
        attack = f", {self.attack} to {self.target}: {self.attack_success_rate:.3f}" if self.backdoored else ""
        return f"{self.name}: accuracy {self.clean_accuracy:.3f}{attack}"

    @classmethod
    def load(cls, path: Path) -> "GroundTruth":
        """Reads a record that `save` wrote."""
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for name in ("value_range", "input_shape", "classes"):
            fields[name] = tuple(fields[name])
        return cls(**fields)
