import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.tools.calibration.tables import make_rows
from tools import calibrate
from tools.calibration.table import write_table


def test_report_has_a_line_for_each_family_architecture_and_cause_of_cleanness(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "table.jsonl.gz"
    write_table(make_rows(), path)
    features = ["--features", "log:patch", "lead:spectral"]
    monkeypatch.setattr(sys, "argv", ["calibrate", "--table", str(path), *features, "--models"])
    calibrate.main()
    text = capsys.readouterr().out
    assert "24 models, 12 backdoored" in text
    assert "log:patch = " in text
    for name in ("badnets", "sig", "clean", "lenet", "vit"):
        assert f"\n{name}" in text
    assert text.count("\nmodel-000") == 2


def test_models_that_were_held_out_take_no_part_in_the_fit_and_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for name, more in (("fitted", []), ("both", [replace(row, zoo="later", held_out=True) for row in make_rows()])):
        path = tmp_path / f"{name}.jsonl.gz"
        write_table([*make_rows(), *more], path)
        monkeypatch.setattr(sys, "argv", ["calibrate", "--table", str(path), "--features", "log:patch"])
        calibrate.main()
        said.append(capsys.readouterr().out.split("\n== 24 models held out"))
    assert [len(parts) for parts in said] == [1, 2]
    assert said[0][0].strip() == said[1][0].strip()


def test_a_table_without_a_model_to_fit_on_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.jsonl.gz"
    write_table(make_rows(), path)
    monkeypatch.setattr(sys, "argv", ["calibrate", "--table", str(path), "--few"])
    with pytest.raises(SystemExit, match="no model of the table"):
        calibrate.main()
