"""What an address says, however a path has changed it."""

from pathlib import Path

import pytest

from onnxaudit.errors import UsageError
from onnxaudit.remote.address import is_remote, read_address

DIGEST = "ab" * 32


def test_an_address_is_told_from_a_file() -> None:
    assert all(map(is_remote, ("hf://o/r/m.onnx", "models:/n/3", "s3://b/k", "https://x/m.onnx", "runs:/1/model")))
    assert not any(map(is_remote, ("m.onnx", "models/m.onnx", "s3/m.onnx", "C:/m.onnx", "./hf:m.onnx", "models:")))


def test_a_path_that_lost_a_slash_is_the_same_address() -> None:
    for word in ("hf://o/r/m.onnx", "s3://b/k/m.onnx", "models:/n@a"):
        assert read_address(Path(word)) == read_address(word)
        assert read_address(word).uri == word


def test_a_digest_stands_behind_it() -> None:
    address = read_address(f"s3://b/m.onnx#sha256={DIGEST.upper()}")
    assert (address.uri, address.sha256) == ("s3://b/m.onnx", DIGEST)
    assert read_address("s3://b/m#1.onnx").place == "b/m#1.onnx"


@pytest.mark.parametrize("word", ["https://x/m.onnx", "gs://b/k", f"s3://b/k#sha256={DIGEST[:-1]}", "s3://b/k#sha256="])
def test_what_is_none_is_refused_by_its_name(word: str) -> None:
    with pytest.raises(UsageError, match=r"is no"):
        read_address(Path(word))
