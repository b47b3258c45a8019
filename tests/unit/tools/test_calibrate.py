import sys
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


def test_a_table_without_a_model_to_fit_on_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.jsonl.gz"
    write_table(make_rows(), path)
    monkeypatch.setattr(sys, "argv", ["calibrate", "--table", str(path), "--few"])
    with pytest.raises(SystemExit, match="no model of the table"):
        calibrate.main()
