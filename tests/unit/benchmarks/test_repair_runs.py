import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks import repair
from benchmarks.repair import Run


class Entry:
    """A model of a zoo whose figures are known."""

    name, attack, model = "signs-1", "badnets", "signs-1.onnx"

    def __init__(self) -> None:
        self.targets = [3]
        self.truth = {"dataset": "gtsrb32", "architecture": "lenet", "attack": "badnets", "backdoored": True}

    def measure(self, model: object) -> dict[str, Any]:
        return {"accuracy": 0.9, "true_asr": [1.0 if model == self.model else 0.2]}

    def write_defender_data(self, path: Path, per_class: int) -> None:
        path.write_text(str(per_class))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was repaired: method and label, in order. The method `prune` fails."""
    made = []

    def repair_model(entry: Any, *_: Any, config: Any, output: Path, seed: int, label: int | None) -> dict[str, Any]:
        del seed
        made.append((config.method, label))
        if config.method == "prune":
            raise ValueError("no")
        return {"seconds": 7.0, "rescan_seconds": 4.0, **entry.measure(output)}

    monkeypatch.setattr(repair, "repair", repair_model)
    return made


def scan_that_finds(monkeypatch: pytest.MonkeyPatch, *labels: int) -> None:
    verdict = SimpleNamespace(value="backdoored")
    found = SimpleNamespace(verdict=verdict, target_labels=labels, duration_seconds=1.0)
    monkeypatch.setattr(repair, "find_scan", lambda *_: found)


def run(folder: Path) -> Run:
    return Run(cast(Any, Entry()), 0, 10, folder, None)


def test_a_second_run_measures_only_what_is_missing(
    calls: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scan_that_finds(monkeypatch, 3)
    run(tmp_path).measure(["full"])
    run(tmp_path).measure(["full", "prune+tune"])
    assert calls == [("full", None), ("prune+tune", None)]
    kept = json.loads((tmp_path / "signs-1.0.json").read_text())
    assert list(kept["ways"]) == ["none", "full", "prune+tune"]
    assert kept["cell"] == ["signs", "LeNet-5", "random"]


def test_seconds_leave_the_new_scan_out(calls: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    scan_that_finds(monkeypatch, 3)
    assert run(tmp_path).measure(["full"])["ways"]["full"]["seconds"] == 3.0
    assert calls


def test_the_label_is_given_where_the_scan_did_not_name_it_first(
    calls: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scan_that_finds(monkeypatch, 5, 3)
    assert run(tmp_path).measure(["full"])["label_given"] is True
    assert calls == [("full", 3)]


def test_a_way_that_fails_hides_no_other_and_is_tried_again(
    calls: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scan_that_finds(monkeypatch, 3)
    row = run(tmp_path).measure(["prune", "full"])
    assert row["ways"]["prune"] == {"error": "ValueError: no"}
    assert "accuracy" in row["ways"]["full"]
    assert len(calls) == 2
    run(tmp_path).measure(["prune", "full"])
    assert calls[2:] == [("prune", None)]


@pytest.mark.parametrize(
    ("attack", "others", "listed"), [("badnets", False, 1), ("badnets", True, 0), ("warp", True, 1)]
)
def test_models_are_listed_by_table(attack: str, others: bool, listed: int) -> None:
    entry = Entry()
    entry.attack = entry.truth["attack"] = attack
    zoo = SimpleNamespace(names=lambda: ["signs-1"], entry=lambda _: entry)
    assert len(repair.list_entries(cast(Any, zoo), others)) == listed
