from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.unit.tools.calibration.tables import make_row, make_rows
from tools.calibration.table import add_evidence, hash_path, read_table, shorten, write_table


def test_written_rows_are_read_back_and_equal_rows_give_equal_bytes(tmp_path: Path) -> None:
    rows = make_rows(6)
    one, other = tmp_path / "one.jsonl.gz", tmp_path / "other.jsonl.gz"
    write_table(rows, one)
    write_table(reversed(rows), other)
    assert read_table(one) == rows
    assert one.read_bytes() == other.read_bytes()


def test_hashes_stand_beside_the_table_once_a_model(tmp_path: Path) -> None:
    row = make_row(3)
    write_table([row, replace(row, per_class=1)], tmp_path / "t.jsonl.gz")
    assert hash_path(tmp_path / "t.jsonl.gz").read_text() == f"{row.sha256}  {row.model}.onnx\n"


def test_missing_evidence_is_not_a_number() -> None:
    row = replace(make_row(1, classes=3), evidence={"patch": [1.0, None, 2.0]})
    assert np.isnan(row.values("patch")).tolist() == [False, True, False]
    assert np.isnan(row.values("warp")).all()


def test_more_evidence_is_added_by_model_and_needs_a_value_for_each_label() -> None:
    rows = [make_row(1, classes=3), make_row(2, classes=3)]
    first, second = add_evidence(rows, {"model-001": {"warp": [1.0, float("nan"), 0.123456789]}})
    assert first.evidence["warp"] == [1.0, None, 0.12346]
    assert "patch" in first.evidence
    assert second == rows[1]
    with pytest.raises(ValueError, match="2 values of warp for 3 labels"):
        add_evidence(rows, {"model-001": {"warp": [1.0, 2.0]}})


@pytest.mark.parametrize(("value", "expected"), [(None, None), (float("inf"), None), (1234567.0, 1234600.0)])
def test_numbers_keep_five_digits(value: float | None, expected: float | None) -> None:
    assert shorten(value) == expected
