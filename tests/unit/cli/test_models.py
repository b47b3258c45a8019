"""Which models a command line means."""

from pathlib import Path

import pytest

from onnxaudit.cli.models import choose_shard, find_models
from onnxaudit.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "v" / "deep").mkdir(parents=True)
    for name in ("v/b.onnx", "v/a.onnx", "v/deep/c.onnx", "v/a.data", "odd[1].onnx"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "list.txt").write_text("# models\nv/b.onnx\n\n  v/gone.onnx \n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def find(*words: str) -> list[str]:
    return [path.as_posix() for path in find_models([Path(word) for word in words])]


@pytest.mark.usefixtures("folder")
def test_folders_patterns_and_lists_mean_files() -> None:
    assert find("v") == ["v/a.onnx", "v/b.onnx", "v/deep/c.onnx"]
    assert find("v/*.onnx") == ["v/a.onnx", "v/b.onnx"]
    assert find("v/**/*.onnx") == find("v")
    assert find("list.txt") == ["v/b.onnx", "v/gone.onnx"]
    assert find("odd[1].onnx", "gone.onnx") == ["odd[1].onnx", "gone.onnx"]
    assert find(f"{Path.cwd()}/v/*.onnx") == [f"{Path.cwd().as_posix()}/v/{name}.onnx" for name in "ab"]


@pytest.mark.usefixtures("folder")
def test_what_several_words_mean_counts_once_and_what_is_named_twice_twice() -> None:
    assert find("v/b.onnx", "v") == ["v/b.onnx", "v/a.onnx", "v/deep/c.onnx"]
    assert find("v/b.onnx", "v/b.onnx") == ["v/b.onnx", "v/b.onnx"]


def test_what_means_no_model_is_refused(folder: Path) -> None:
    (folder / "empty").mkdir()
    (folder / "none.txt").write_text("# none\n")
    (folder / "binary.txt").write_bytes(b"\xff\xfe")
    for word in ("empty", "none.txt", "binary.txt", "v/*.pb"):
        with pytest.raises(UsageError):
            find(word)


def test_shards_in_their_order_are_the_whole() -> None:
    models = tuple(Path(f"{number}.onnx") for number in range(23))
    for count in (1, 2, 7, 23):
        parts = [choose_shard(models, (number, count)) for number in range(1, count + 1)]
        assert sum(parts, ()) == models
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert choose_shard(models, None) == models
    with pytest.raises(UsageError, match="none of the 23"):
        choose_shard(models, (1, 24))
