"""Trigger files are read back, or refused with what is wrong."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onnxaudit.data.triggers import load_trigger, save_trigger
from onnxaudit.errors import DataError
from tools.testbed.reports import make_trigger

MASK = np.zeros((1, 8, 8), np.float32)
PATTERN = np.zeros((3, 8, 8), np.float32)


def write(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def test_a_saved_trigger_comes_back(tmp_path: Path) -> None:
    trigger = make_trigger()
    save_trigger(trigger, tmp_path / "t.npz")
    assert load_trigger(tmp_path / "t.npz").digest == trigger.digest


def test_a_mask_without_a_channel_axis_and_booleans_are_understood(tmp_path: Path) -> None:
    trigger = load_trigger(write(tmp_path / "t.npz", mask=np.eye(8, dtype=bool), pattern=PATTERN))
    assert trigger.mask.shape == (1, 8, 8)
    assert trigger.mask.dtype == np.float32
    assert trigger.mask_l1 == 8.0


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"mask": MASK}, "has no array `pattern`"),
        ({"mask": MASK, "pattern": PATTERN[:, :7]}, "make no trigger"),
        ({"mask": np.repeat(MASK, 3, axis=0), "pattern": PATTERN}, "make no trigger"),
        ({"mask": MASK + 2, "pattern": PATTERN}, "`mask` runs from 2 to 2"),
        ({"mask": MASK, "pattern": PATTERN - 1}, "`pattern` runs from -1"),
        ({"mask": MASK * np.nan, "pattern": PATTERN}, "`mask` runs from nan"),
        ({"mask": MASK, "pattern": np.array("text")}, "numbers"),
        ({"mask": MASK, "pattern": np.zeros((3, 0, 8))}, "numbers"),
        ({"mask": MASK, "pattern": np.array([None])}, "plain arrays"),
    ],
)
def test_what_is_no_trigger_is_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_trigger(write(tmp_path / "t.npz", **arrays))


def archive() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, mask=MASK, pattern=PATTERN)
    return file.getvalue()


@pytest.mark.parametrize("content", [b"", b"junk" * 10, archive()[:-50], archive()[:60] + bytes(20) + archive()[80:]])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.npz").write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        load_trigger(tmp_path / "t.npz")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        load_trigger(tmp_path / "t.npz")
