"""What jobs on one machine share, and what is left of it."""

import multiprocessing
import os
from pathlib import Path

import pytest

from onnxaudit.cli.cluster.shelter import find_home, open_shelf, take_cores
from onnxaudit.errors import WorkerError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="locks of files are POSIX's")


def test_files_stay_as_long_as_a_job_of_the_run_uses_them(tmp_path: Path) -> None:
    with open_shelf("aa", tmp_path) as first:
        (first / "model").write_bytes(b"model")
        with open_shelf("aa", tmp_path) as second, open_shelf("bb", tmp_path) as other:
            assert (second, other.exists()) == (first, True)
        assert (first / "model").is_file()
        assert not other.exists()
    assert not first.exists()
    assert not list(find_home(tmp_path).iterdir())


def test_a_job_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(WorkerError), open_shelf("aa", tmp_path) as shelf:
        raise WorkerError("lost")
    assert not shelf.exists()


def test_jobs_that_come_and_go_never_lose_their_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    others = [context.Process(target=use_shelf, args=(tmp_path,)) for _ in range(4)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert [other.exitcode for other in others] == [0, 0, 0, 0]
    assert not list(find_home(tmp_path).iterdir())


def use_shelf(root: Path) -> None:
    for _ in range(200):
        with open_shelf("aa", root) as shelf:
            assert shelf.is_dir()


def test_what_a_killed_job_left_is_removed(tmp_path: Path) -> None:
    home = find_home(tmp_path)
    (home / "dead").mkdir()
    (home / "dead.lock").touch()
    with open_shelf("aa", tmp_path):
        assert not (home / "dead").exists()


def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    home = find_home(tmp_path)
    home.chmod(0o755)
    with pytest.raises(WorkerError, match="not this user's alone"):
        find_home(tmp_path)


def test_a_core_belongs_to_one_job(tmp_path: Path) -> None:
    count = len(os.sched_getaffinity(0))
    with take_cores(tmp_path, count) as cores:
        assert len(set(cores)) == count
        with take_cores(tmp_path, 1) as none:
            assert none == ()
    with take_cores(tmp_path, 1) as again:
        assert again == cores[:1]
