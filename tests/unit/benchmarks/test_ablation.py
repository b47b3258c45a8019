from argparse import Namespace
from pathlib import Path
from typing import Any, cast

import pytest

from benchmarks import ablation
from benchmarks.ablation import FULL, PRUNE, VARIANTS, format_table
from benchmarks.repair import Run
from tests.unit.benchmarks.test_repair_runs import Entry, scan_that_finds


def describe(accuracy: float, success: float, **more: object) -> dict[str, Any]:
    return {"accuracy": accuracy, "true_asr": [success], **more}


ROWS = [
    {"ways": {"none": describe(0.9, 1.0), "prune": describe(0.88, 0.5, agreement=0.98, kept_prunes=4, seconds=1.0)}},
    {"ways": {"none": describe(0.8, 0.9), "prune": describe(0.80, 0.1, agreement=0.97, kept_prunes=7, seconds=2.0)}},
    {"ways": {"none": describe(0.7, 0.8), "prune": {"error": "no"}}},
]


def test_a_line_shows_means_and_the_worst_of_the_models_that_gave_figures() -> None:
    _, without, prune, full = format_table(ROWS, ["prune", "full"])
    assert without.split() == ["none", "3", "80.0", "(70.0)", "90.0", "(100.0)", "-", "-", "-"]
    assert prune.split() == ["prune", "2", "84.0", "(80.0)", "30.0", "(50.0)", "97.5", "(97.0)", "5.5", "1.5"]
    assert full.split() == ["full", "0"]


@pytest.mark.parametrize("name", [name for name in VARIANTS if name not in ("prune", "full")])
def test_each_variant_differs_from_the_product(name: str) -> None:
    assert VARIANTS[name] != (PRUNE if name.startswith("prune") else FULL)
    assert VARIANTS[name].method == (PRUNE if name.startswith("prune") else FULL).method


def test_a_variant_is_repaired_by_its_own_settings_and_measured_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = []

    def repair_model(entry: Any, *_: Any, config: Any, output: Path, **__: Any) -> dict[str, Any]:
        made.append(config)
        return {"seconds": 7.0, "rescan_seconds": 4.0, "kept_prunes": 3, **entry.measure(output)}

    monkeypatch.setattr("benchmarks.repair.repair", repair_model)
    scan_that_finds(monkeypatch, 3)
    run = Run(cast(Any, Entry()), 0, 10, tmp_path, None, VARIANTS)
    run.measure(["prune, no fit"])
    row = run.measure(["prune, no fit", "full, head alone"])
    assert [config.pruning.ridge for config in made] == [0.0, 0.1]
    assert made[1].fine_tuning.layers == "head"
    assert "3.0" in format_table([row], ["full, head alone"])[2]


def test_models_are_chosen_by_parts_of_their_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    entries = [Entry(), Entry()]
    entries[1].name = "signs-2"
    monkeypatch.setattr(ablation, "list_entries", lambda *_, **__: entries)
    options = Namespace(zoo=tmp_path, data=tmp_path, only=["-2"], seed=0, per_class=10, results=tmp_path, scans=None)
    assert [run.entry.name for run in ablation.find_runs(options)] == ["signs-2"]
