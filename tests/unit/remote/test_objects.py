"""Objects of S3: by a file system of fsspec's own in its place, and slowly by a local server."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onnxaudit.errors import UsageError
from onnxaudit.packages import is_installed
from onnxaudit.remote.address import read_address
from tests.servers import serve_objects

fsspec: Any = pytest.importorskip("fsspec", reason="fsspec comes with PyTorch")

from onnxaudit.remote.fetch import fetch  # noqa: E402
from onnxaudit.remote.objects import ObjectStore  # noqa: E402


@pytest.fixture
def bucket(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    memory = fsspec.filesystem("memory", skip_instance_cache=True)
    memory.put(str(shelf), "/bucket", recursive=True)
    monkeypatch.setattr(fsspec, "filesystem", lambda *_, **__: memory)
    yield memory
    memory.rm("/bucket", recursive=True)


@pytest.mark.usefixtures("bucket")
def test_an_object_is_copied_as_far_as_its_limit(tmp_path: Path, shelf: Path) -> None:
    store = ObjectStore(read_address("s3://bucket/onnx/model.onnx"))
    content = (shelf / "onnx/model.onnx").read_bytes()
    assert store.measure("onnx/model.onnx") == len(content)
    store.fetch("onnx/model.onnx", tmp_path / "m.onnx", 2**20)
    assert (tmp_path / "m.onnx").read_bytes() == content
    store.fetch("onnx/model.onnx", tmp_path / "m.onnx", 9)
    assert (tmp_path / "m.onnx").read_bytes() == content[:10]
    with pytest.raises(FileNotFoundError):
        store.measure("onnx/gone")


@pytest.mark.parametrize("word", ["s3://bucket", "s3://bucket/", "s3://bucket/folder/"])
def test_an_address_without_a_key_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match=r"bucket and a key|no address"):
        ObjectStore(read_address(word))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for package in ("s3fs", "moto"):
        if not is_installed(package):
            pytest.skip(f"{package} is not installed")
    with serve_objects(sys.executable, tmp_path) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.usefixtures("server")
def test_a_version_of_an_object_stays_what_it_is(shelf: Path, tmp_path: Path) -> None:
    files = fsspec.filesystem("s3", skip_instance_cache=True)
    files.mkdir("models")
    files.call_s3("put_bucket_versioning", Bucket="models", VersioningConfiguration={"Status": "Enabled"})
    files.put(str(shelf / "onnx"), "models/v", recursive=True)
    store = ObjectStore(read_address("s3://models/v/model.onnx"))
    before = (shelf / "onnx/model.onnx").read_bytes()
    files.pipe("models/v/model.onnx", b"another one")
    store.fetch("v/model.onnx", tmp_path / "m.onnx", 2**20)
    assert (tmp_path / "m.onnx").read_bytes() == before
    (tmp_path / "now").mkdir()
    assert fetch(read_address("s3://models/v/model.onnx"), tmp_path / "now").path.read_bytes() == b"another one"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "1"
