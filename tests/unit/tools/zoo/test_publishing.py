import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.zoo_folder import Zoo
from tools.make_zoo import make_model
from tools.zoo import teaching
from tools.zoo.apply_trigger import split_test, trigger_labels
from tools.zoo.publishing import find_faults, write_index
from tools.zoo.recipes import Source, make_recipe
from tools.zoo.sources import find_sources

EASY = Source("mnist", 4, 28)
NUMBERS = {"badnets": 0, "clean": 1}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four classes of blurred bars that any network tells apart."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    labels = np.arange(600) % 4
    images = rng.integers(0, 60, (600, 28, 28))
    for image, label in zip(images, labels, strict=True):
        image[:, 4 + 5 * label : 8 + 5 * label] += 150
    x, y = images.astype(np.uint8), labels.astype(np.uint8)
    np.savez(folder / "mnist.npz", x_train=x[:400], y_train=y[:400], x_test=x[400:], y_test=y[400:])
    return folder


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", ["badnets", "clean"])
def test_made_model_is_read_back_with_its_figures(
    kind: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(teaching.IMAGE_PASSES, "lenet", 8000)
    recipe = make_recipe(NUMBERS[kind], [EASY])
    export = dataclasses.replace(recipe.export, exporter="torchscript", opset=13)
    recipe = dataclasses.replace(recipe, architecture="lenet", class_count=4, augmentation="none", export=export)
    recipe = dataclasses.replace(recipe, rate=5 * recipe.rate)
    outcome = make_model(recipe, [EASY], data, tmp_path)
    assert outcome.accepted, outcome.result
    assert write_index(tmp_path, data) == 1
    zoo = Zoo(tmp_path, data)
    (name,) = zoo.names()
    entry = zoo.entry(name)
    assert entry.attack == kind
    measured = entry.measure(entry.model)
    assert measured["accuracy"] == pytest.approx(entry.truth["clean_accuracy"])
    recorded = [trigger["asr"] for trigger in entry.truth.get("triggers", [])]
    assert measured["true_asr"] == pytest.approx(recorded)
    assert len(recorded) == (kind == "badnets")


def test_index_lists_what_is_there_and_names_the_data(data: Path, tmp_path: Path) -> None:
    assert write_index(tmp_path, data) == 0
    assert json.loads((tmp_path / "index.json").read_text()) == {"models": [], "data": {}}
    assert (tmp_path / "apply_trigger.py").exists()


def _truth(**changes: Any) -> dict[str, Any]:
    trigger = {"mapping": changes.pop("mapping", "all-to-one"), "asr": changes.pop("asr", 0.99)}
    return {"clean_accuracy": 0.97, "twin_accuracy": None, "undertrained": False, "triggers": [trigger]} | changes


@pytest.mark.parametrize(
    ("number", "truth", "faults"),
    [
        (0, _truth(), 0),
        (0, _truth(asr=0.94), 1),
        (0, _truth(asr=0.94, mapping="all-to-all"), 0),
        (0, _truth(asr=0.9, mapping="all-to-all"), 1),
        (0, _truth(clean_accuracy=0.7), 1),
        (4, _truth(twin_accuracy=0.99), 0),
        (4, _truth(twin_accuracy=0.999, clean_accuracy=0.96), 1),
        (11, _truth(asr=0.05), 0),
        (11, _truth(asr=0.5), 1),
    ],
)
def test_models_that_break_their_promise_are_rejected(number: int, truth: dict[str, Any], faults: int) -> None:
    assert len(find_faults(make_recipe(number, [EASY]), truth)) == faults


def test_defender_never_has_more_than_half_of_a_class() -> None:
    labels = np.repeat([0, 1], [6, 50])
    mine, evaluation = split_test(labels)
    assert np.bincount(labels[mine]).tolist() == [3, 10]
    assert sorted([*mine, *evaluation]) == list(range(56))


def test_source_labels_limit_the_images_that_a_trigger_is_meant_for() -> None:
    labels = np.array([0, 1, 2, 1])
    positions, wanted = trigger_labels(labels, {"mapping": "all-to-one", "target": 0, "source_labels": [1]}, 3)
    assert (positions.tolist(), wanted.tolist()) == ([1, 3], [0, 0])


def test_folder_without_known_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no archive"):
        find_sources(tmp_path)
