"""Versions of a model in an MLflow registry that lies in an SQLite file."""

from pathlib import Path
from typing import Any

import pytest

from onnxaudit.errors import UsageError
from onnxaudit.packages import is_installed
from onnxaudit.remote.address import read_address
from onnxaudit.remote.fetch import fetch

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (is_installed("mlflow") and is_installed("sqlalchemy")),
        reason="mlflow or sqlalchemy is not installed",
    ),
    pytest.mark.filterwarnings("default"),
]


@pytest.fixture
def registry(shelf: Path, tmp_path: Path) -> Any:
    """Two versions of `signs`: the second, under the alias `candidate`, holds two ONNX files; `trees` holds none."""
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    client = mlflow.MlflowClient()
    experiment = client.create_experiment("e", artifact_location=(tmp_path / "artifacts").as_uri())
    run = client.create_run(experiment).info
    client.log_artifacts(run.run_id, str(shelf), "one")
    (shelf / "second.onnx").write_bytes((shelf / "onnx/model.onnx").read_bytes())
    client.log_artifacts(run.run_id, str(shelf), "two")
    for path in shelf.rglob("*.onnx"):
        path.unlink()
    client.log_artifacts(run.run_id, str(shelf), "three")
    for name, sources in {"signs": ("one", "two"), "trees": ("three",)}.items():
        client.create_registered_model(name)
        for source in sources:
            client.create_model_version(name, f"{run.artifact_uri}/{source}", run.run_id)
    client.set_registered_model_alias("signs", "candidate", "2")
    client.set_registered_model_alias("signs", "production", "1")
    return client


@pytest.mark.parametrize("word", ["models:/signs/1", "models:/signs@production", "models:/signs/production"])
def test_a_version_is_found_by_number_and_alias(registry: Any, tmp_path: Path, word: str) -> None:
    del registry
    (tmp_path / "target").mkdir()
    found = fetch(read_address(word), tmp_path / "target")
    assert found.origin.revision == "version 1"
    assert sorted(one.name for one in (tmp_path / "target").rglob("*.*")) == ["model.onnx", "w.bin"]


def test_one_of_several_files_is_named(registry: Any, tmp_path: Path) -> None:
    del registry
    (tmp_path / "target").mkdir()
    with pytest.raises(UsageError, match=r"onnx/model\.onnx, second\.onnx"):
        fetch(read_address("models:/signs@candidate"), tmp_path / "target")
    assert fetch(read_address("models:/signs@candidate/second.onnx"), tmp_path / "target").path.name == "second.onnx"


def test_what_is_no_model_is_told(registry: Any, tmp_path: Path) -> None:
    del registry
    for word, told in {
        "models:/trees/1": "Pickles are never loaded",
        "models:/signs@gone": "alias",
        "models:/signs": "names no version",
    }.items():
        with pytest.raises(UsageError, match=told):
            fetch(read_address(word), tmp_path)
