"""What can be converted is told by names and members; pickles are refused before anything is loaded."""

import json
import zipfile
from pathlib import Path

import pytest
import torch

from onnxaudit.conversion.kinds import EXPORTED, KERAS, LITE, SAVED_MODEL, SCRIPT, find_kind, is_convertible
from onnxaudit.errors import ModelError


def write(path: Path, **members: object) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"m/{name.replace('__', '/').replace('_json', '.json')}", json.dumps(content))
    return path


def program(path: Path, **entry: object) -> Path:
    return write(path, models__model_json={}, data__weights__model_weights_config_json={"config": {"w": entry}})


def test_names_and_members_tell_formats(tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    for name in ("m.keras", "m.h5", "m.tflite", "saved/saved_model.pb"):
        (tmp_path / name).write_bytes(b"")
    kinds = {"m.keras": KERAS, "m.h5": KERAS, "m.tflite": LITE, "saved": SAVED_MODEL}
    assert {name: find_kind(tmp_path / name) for name in kinds} == kinds
    assert find_kind(program(tmp_path / "m.pt2", use_pickle=False)) is EXPORTED
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        for name in ("constants.pkl", "code/__torch__.py", "data.pkl"):
            archive.writestr(f"m/{name}", "")
    assert find_kind(tmp_path / "m.pt") is SCRIPT
    assert all(is_convertible(tmp_path / name) for name in (*kinds, "m.pt2", "m.pt"))
    assert not any(is_convertible(tmp_path / name) for name in ("m.onnx", "gone.keras", "."))


@pytest.mark.parametrize("name", ["w.pth", "w.pt", "w.pkl", "w.joblib"])
def test_a_pickle_is_never_opened_and_the_sentence_says_how_to_export(tmp_path: Path, name: str) -> None:
    torch.save({"w": torch.zeros(2)}, tmp_path / name)
    assert is_convertible(tmp_path / name)
    with pytest.raises(ModelError, match=r"is a pickle, which runs code.*torch\.onnx\.export"):
        find_kind(tmp_path / name)


@pytest.mark.parametrize("entry", [{"use_pickle": True}, {"use_pickle": 1}, {}])
def test_a_program_with_tensors_as_pickles_is_refused(tmp_path: Path, entry: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="holds tensors as pickles"):
        find_kind(program(tmp_path / "m.pt2", **entry))


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "m.pt2").write_bytes(b"no archive")
    with pytest.raises(ModelError, match=r"is no program of torch\.export"):
        find_kind(tmp_path / "m.pt2")
