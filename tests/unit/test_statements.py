"""`onnxaudit.verify` comes to what the command comes to."""

from pathlib import Path

import pytest

import onnxaudit
from onnxaudit.errors import DataError, UsageError

GOLDEN = Path(__file__).parents[1] / "golden" / "statements"


def test_a_statement_about_another_model_lets_nothing_through(tmp_path: Path) -> None:
    model = tmp_path / "m.onnx"
    model.write_bytes(b"another")
    key = (GOLDEN / "key.pub").read_text()
    found = onnxaudit.verify(model, GOLDEN / "signed-0.1.0.json", keys=[key])
    assert found.outcome == "inconclusive"
    unsigned = onnxaudit.verify(model, GOLDEN / "plain-0.1.0.json", policy=onnxaudit.Policy(max_age=1.0))
    assert len(unsigned.reasons) > len(found.reasons)


def test_what_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        onnxaudit.verify(tmp_path / "m.onnx", tmp_path / "none.json")
    (tmp_path / "p.toml").write_text("")
    with pytest.raises(UsageError, match="lies with the model"):
        onnxaudit.verify(tmp_path / "m.onnx", GOLDEN / "plain-0.1.0.json", policy=tmp_path / "p.toml")
