"""What is copied, what is measured, and what is refused."""

import hashlib
import shutil
from pathlib import Path

import pytest

from onnxaudit.errors import FetchError, MissingPackageError, UsageError
from onnxaudit.remote import fetch as fetching
from onnxaudit.remote import store
from onnxaudit.remote.address import Address, read_address
from onnxaudit.remote.fetch import check_pin, fetch


class FolderStore:
    """A folder here, in the place of one elsewhere."""

    revision, model = "r1", "onnx/model.onnx"

    def __init__(self, folder: Path, *, tells: bool = True) -> None:
        self.folder, self.fetched, self._tells = folder, list[str](), tells

    def measure(self, path: str) -> int | None:
        size = (self.folder / path).stat().st_size
        return size if self._tells else None

    def fetch(self, path: str, target: Path, most: int) -> None:
        del most
        self.fetched.append(path)
        shutil.copyfile(self.folder / path, target)


@pytest.fixture
def elsewhere(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> FolderStore:
    opened = FolderStore(shelf)
    monkeypatch.setattr(fetching, "open_store", lambda _: opened)
    return opened


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def ask(sha256: str | None = None) -> Address:
    return Address(scheme="s3", place="b/onnx/model.onnx", sha256=sha256)


def digest(shelf: Path) -> str:
    inner = hashlib.sha256((shelf / "onnx/weights/w.bin").read_bytes()).digest()
    return hashlib.sha256((shelf / "onnx/model.onnx").read_bytes() + inner).hexdigest()


def test_a_model_comes_with_its_data_and_nothing_else(elsewhere: FolderStore, shelf: Path, target: Path) -> None:
    found = fetch(ask(), target)
    assert elsewhere.fetched == ["onnx/model.onnx", "onnx/weights/w.bin"]
    assert sorted(str(one.relative_to(target)) for one in target.rglob("*.*")) == ["model.onnx", "weights/w.bin"]
    assert (found.origin.uri, found.origin.revision) == ("s3://b/onnx/model.onnx", "r1")
    assert (found.origin.sha256, found.origin.pinned) == (digest(shelf), False)
    check_pin(found.path, digest(shelf))


@pytest.mark.usefixtures("elsewhere")
def test_a_digest_covers_the_data(shelf: Path, target: Path, tmp_path: Path) -> None:
    assert fetch(ask(digest(shelf)), target).origin.pinned
    asked = digest(shelf)
    (shelf / "onnx/weights/w.bin").write_bytes(bytes(1600))
    (tmp_path / "again").mkdir()
    with pytest.raises(FetchError, match=f"{asked} was asked for"):
        fetch(ask(asked), tmp_path / "again")


@pytest.mark.parametrize("tells", [True, False])
def test_what_is_too_large_is_refused(elsewhere: FolderStore, target: Path, tells: bool) -> None:
    elsewhere._tells = tells
    with pytest.raises(UsageError, match="--fetch-limit"):
        fetch(ask(), target, most=1500)  # the model is smaller, the data beside it are not
    assert elsewhere.fetched == ["onnx/model.onnx", "onnx/weights/w.bin"][: 1 if tells else 2]


@pytest.mark.usefixtures("elsewhere")
def test_missing_data_are_the_scans_matter_a_missing_model_is_not(shelf: Path, target: Path) -> None:
    (shelf / "onnx/weights/w.bin").unlink()
    assert fetch(ask(), target).path.is_file()
    (shelf / "onnx/model.onnx").unlink()
    with pytest.raises(FetchError, match="no such file"):
        fetch(ask(), target)


@pytest.mark.parametrize("location", [b"../secret.txt", b"/etc/secret.t"])
def test_no_data_are_fetched_from_outside(elsewhere: FolderStore, shelf: Path, target: Path, location: bytes) -> None:
    path = shelf / "onnx/model.onnx"
    path.write_bytes(path.read_bytes().replace(b"weights/w.bin", location))
    (shelf / "secret.txt").write_text("secret")
    fetch(ask(), target)
    assert elsewhere.fetched == ["onnx/model.onnx"]


def test_a_missing_package_is_named(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "is_installed", lambda _: False)
    packages = {"hf://o/r/m.onnx": "huggingface_hub", "models:/n/1": "mlflow-skinny", "s3://b/k": "s3fs"}
    for word, package in packages.items():
        with pytest.raises(MissingPackageError, match=rf"`pip install {package}`"):
            fetch(read_address(word), target)
