"""No report takes the place of a sample."""

from pathlib import Path

import pytest

from onnxaudit.cli.output import is_read_below, list_data_paths


@pytest.mark.parametrize(
    ("name", "read"),
    [
        *((name, True) for name in ("a.png", "a.avif", "x.npy", "s.tar", "s.parquet", "s.arrow", "labels.json")),
        *((name, False) for name in ("report.json", "report.html", "summary.md")),
    ],
)
def test_what_a_folder_of_samples_is_read_for_is_not_written_over(tmp_path: Path, name: str, read: bool) -> None:
    (tmp_path / name).touch()
    assert is_read_below(tmp_path / name, tmp_path) is read


def test_labels_named_behind_an_array_are_an_input_too(tmp_path: Path) -> None:
    assert list_data_paths(f"{tmp_path}/x.npy:y.npy") == [tmp_path / "x.npy", tmp_path / "y.npy"]
    assert list_data_paths(f"{tmp_path}/x.npz:a,b") == [tmp_path / "x.npz"]
