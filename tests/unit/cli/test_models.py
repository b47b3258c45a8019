"""Which models a command line means."""

import os
import sys
from pathlib import Path

import pytest

from onnxaudit.cli.models import choose_shard, digest_names, find_models
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


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")
def test_a_folder_leaves_out_nothing_that_is_called_a_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "v" / "gone.onnx").symlink_to("nowhere")
    (folder / "v" / "link.onnx").symlink_to("b.onnx")
    (folder / "v" / "all.onnx").mkdir()
    os.mkfifo(folder / "v" / "pipe.onnx")
    names = ("a", "b", "deep/c", "gone", "link", "pipe")
    assert find("v") == [f"v/{name}.onnx" for name in names]
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UsageError, match="v cannot be searched for models: Permission denied"):
        find("v")


def refuse(place: str) -> None:
    raise PermissionError(13, "Permission denied", place)


def test_the_digest_of_names_follows_their_order_and_not_where_they_lie(tmp_path: Path) -> None:
    names = [Path("v/a.onnx"), Path("v/deep/b.onnx")]
    assert digest_names(names) == digest_names([tmp_path / name for name in names])
    assert len({digest_names(names), digest_names(names[:1]), digest_names(names[::-1])}) == 3


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
