import dataclasses
from pathlib import Path

import pytest

from tools.attacks.patches import Trigger
from tools.datasets import Dataset, Part
from tools.ground_truth import Description, GroundTruth
from tools.publication import publish

MODELS = Path(__file__).parents[3] / "models"
NAME = "digits-keras-random"


def _describe() -> tuple[Description, Dataset, Trigger]:
    truth = GroundTruth.load(MODELS / f"{NAME}.json")
    names = [field.name for field in dataclasses.fields(Description)]
    scan = Part.load(MODELS / "samples" / "digits.npz")
    evaluation = Part.load(MODELS / "samples" / "digits-evaluation.npz")
    dataset = Dataset("digits", truth.classes, train=scan, scan=scan, evaluation=evaluation)
    description = Description(**{name: getattr(truth, name) for name in names})
    return description, dataset, Trigger.load(MODELS / f"{NAME}.trigger.npz")


def test_published_record_is_the_committed_one(tmp_path: Path) -> None:
    description, dataset, trigger = _describe()
    committed = GroundTruth.load(MODELS / f"{NAME}.json")
    publish(
        MODELS / f"{NAME}.onnx",
        description,
        dataset,
        trigger=trigger,
        twin_accuracy=committed.twin_accuracy,
        folder=tmp_path,
    )
    published = GroundTruth.load(tmp_path / f"{NAME}.json")
    assert (published.input_shape, published.sha256) == ((28, 28, 1), committed.sha256)
    assert published.attack_success_rate == pytest.approx(committed.attack_success_rate, abs=0.005)


def test_model_whose_trigger_fails_is_not_written(tmp_path: Path) -> None:
    description, dataset, trigger = _describe()
    blank = Trigger(trigger.mask * 0, trigger.pattern)
    with pytest.raises(ValueError, match="attack success rate"):
        publish(MODELS / f"{NAME}.onnx", description, dataset, trigger=blank, twin_accuracy=0.96, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
