"""Files of other frameworks are named, and the message says how an ONNX file is made of them."""

import io
import pickle
import zipfile
from pathlib import Path

import pytest

from onnxaudit.errors import ModelError
from onnxaudit.intake import load_model


def make_zip(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return file.getvalue()


def refuse(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_model(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "what", "advice"),
    [
        ("m.keras", make_zip("metadata.json", "config.json", "model.weights.h5"), "a Keras file", "model.export("),
        ("m.h5", b"\x89HDF\r\n\x1a\n" + bytes(90), "a Keras file (HDF5)", "model.export("),
        ("m.pt", make_zip("m/data.pkl", "m/version"), "a PyTorch file", "torch.onnx.export("),
        ("m.pth", pickle.dumps({"a": 1}), "a pickle", "torch.onnx.export("),
        ("m.tflite", b"\x1c\0\0\0TFL3" + bytes(90), "a TensorFlow Lite file", "tf2onnx.convert --tflite"),
        ("m.safetensors", b'\x20\0\0\0\0\0\0\0{"a":{"dtype":"F32"}}', "a safetensors file", "export the model"),
        ("m.onnx", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer", "git lfs pull"),
        ("saved_model.pb", b"\x08\x01\x12\x02\x0a\x00", "a TensorFlow SavedModel", "tf2onnx.convert --saved-model"),
    ],
)
def test_files_of_other_formats_are_named(tmp_path: Path, name: str, content: bytes, what: str, advice: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    message = refuse(path)
    assert f"not an ONNX file but {'part of ' * (name == 'saved_model.pb')}{what}" in message
    assert advice in message
    assert "\n" not in message


def test_a_saved_model_is_told_by_its_folder(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").touch()
    assert "tf2onnx.convert --saved-model" in refuse(tmp_path)


def test_a_folder_names_an_onnx_file_in_it(tmp_path: Path) -> None:
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "model.onnx").touch()
    assert f"for instance {tmp_path / 'onnx' / 'model.onnx'}" in refuse(tmp_path)


@pytest.mark.parametrize("content", [make_zip("one")])
def test_no_content_stands_in_the_name_of_a_test(content: bytes, request: pytest.FixtureRequest) -> None:
    assert request.node.name.endswith("[content]"), f"the {len(content)} bytes differ from one worker to the next"
