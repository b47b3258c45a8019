import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from benchmarks.compare import find_kind, list_changes, list_gone, list_measures, main
from benchmarks.results import Machine, Result, ResultRow, keep, read
from benchmarks.stopwatch import Spent

HERE = Machine(processor="a processor", cores=2)


def result(*rows: ResultRow, machine: Machine = HERE) -> Result:
    return Result(name="zoo", command="", version="0.1.0", machine=machine, date="2026-11-28", rows=rows)


def gains(old: ResultRow, new: ResultRow, machine: Machine = HERE) -> list[float]:
    changes = list_changes(result({"model": "a", **old}), result({"model": "a", **new}, machine=machine))
    return [change.gain for change in changes]


@dataclass(frozen=True)
class Row:
    model: str
    spent: Spent
    accuracy: float


def test_what_is_kept_is_read_again_with_where_it_comes_from(tmp_path: Path) -> None:
    keep(tmp_path / "run.json", "zoo", [Row("a", Spent(1.0, 2.0), float("nan"))])
    kept = read(tmp_path / "run.json")
    assert kept.rows == ({"model": "a", "spent": {"seconds": 1.0, "processor": 2.0}, "accuracy": None},)
    assert set(json.loads((tmp_path / "run.json").read_text())) == {
        *("name", "command", "version", "machine", "date", "rows")
    }
    assert kept.command.startswith("python -m benchmarks.zoo")
    assert kept.machine.cores > 0


def test_nothing_is_written_where_nobody_asked(tmp_path: Path) -> None:
    keep(None, "zoo", [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["[]", "{}", '{"name": "zoo", "machine": {}, "rows": []}'])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(ValueError, match="not the result of a benchmark"):
        read(tmp_path / "other.json")


@pytest.mark.parametrize("measure", ["accuracy", "agreement", "auroc", "detected"])
def test_shares_that_should_be_high_are_worse_by_more_than_two_points(measure: str) -> None:
    assert gains({measure: 0.90}, {measure: 0.89}) == [pytest.approx(-0.5)]
    assert gains({measure: 0.90}, {measure: 0.87})[0] < -1


@pytest.mark.parametrize("measure", ["asr", "true_asr", "false_positive_rate"])
def test_shares_that_should_be_low_are_worse_from_zero_on_too(measure: str) -> None:
    assert gains({measure: 0.0}, {measure: 0.03})[0] < -1
    assert gains({measure: 0.5}, {measure: 0.1})[0] > 1


def test_times_are_worse_by_more_than_a_quarter_and_only_on_the_same_machine() -> None:
    assert gains({"seconds": 10.0}, {"seconds": 12.0})[0] > -1
    assert gains({"seconds": 10.0}, {"seconds": 13.0})[0] < -1
    assert gains({"seconds": 10.0}, {"seconds": 99.0}, machine=replace(HERE, cores=4)) == [0.0]


def test_numbers_of_which_nobody_knows_the_better_direction_are_left_out() -> None:
    row = {"model": "a", "seed": 3, "rounds": 5, "targets": [1], "ways": {"full": {"true_asr": [0.1, 0.2]}}}
    assert list(list_measures(row)) == [("ways.full.true_asr.0", 0.1), ("ways.full.true_asr.1", 0.2)]


@pytest.mark.parametrize(
    ("name", "kind"), [("seconds", "seconds"), ("times.0.median", "median"), ("a.success.value", "success")]
)
def test_places_and_values_are_of_what_holds_them(name: str, kind: str) -> None:
    assert find_kind(name) == kind


def test_rows_and_measures_that_went_away_are_named() -> None:
    old = result({"model": "a", "asr": 0.1, "seconds": 1.0}, {"model": "b", "layer": "fc", "asr": 0.1})
    assert list_gone(old, result({"model": "a", "seconds": 1.0})) == ["b fc", "a asr"]


class TestCommand:
    def run(self, folder: Path, old: list[ResultRow], new: list[ResultRow], *words: str, name: str = "zoo") -> int:
        keep(folder / "old.json", "zoo", old)
        keep(folder / "new.json", name, new)
        return main([str(folder / "old.json"), str(folder / "new.json"), *words])

    def test_equal_results_pass(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.run(tmp_path, [{"model": "a", "asr": 0.1}], [{"model": "a", "asr": 0.1}]) == 0
        assert "1 measures, 0 worse; gone: none" in capsys.readouterr().out

    def test_a_regression_is_named_and_fails(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.run(tmp_path, [{"model": "a", "asr": 0.1}], [{"model": "a", "asr": 0.2}]) == 1
        (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("a "))
        assert line.split() == ["a", "asr", "0.1", "0.2", "+0.1", "WORSE"]

    def test_the_tolerance_can_be_scaled(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, [{"model": "a", "asr": 0.1}], [{"model": "a", "asr": 0.2}], "--tolerance", "9") == 0

    def test_a_row_that_is_gone_fails(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, [{"model": "a", "asr": 0.1}], []) == 1

    def test_different_benchmarks_are_no_pair(self, tmp_path: Path) -> None:
        with pytest.raises(SystemExit) as ended:
            self.run(tmp_path, [], [], name="parity")
        assert ended.value.code == 2


def test_kept_results_can_be_read_and_name_no_folder_of_a_machine() -> None:
    files = sorted((Path(__file__).parents[3] / "benchmarks" / "results").glob("*.json"))
    assert files
    for file in files:
        kept = read(file)
        assert kept.name == file.stem
        assert kept.rows
        assert not any(word.startswith(("/", "~")) for word in kept.command.split())
