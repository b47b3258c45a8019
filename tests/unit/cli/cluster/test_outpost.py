"""One process makes one scan after the other, and its loss is told."""

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from onnxaudit.cli.cluster import outpost
from onnxaudit.cli.cluster.outpost import Outpost, find_outpost
from onnxaudit.errors import WorkerError

ECHO = """
import os, sys, time
from onnxaudit.isolation.frame import receive, send
while (told := receive(sys.stdin.buffer)) is not None:
    print(told.decode(), file=sys.stderr)
    if told == b"end":
        sys.stdout.close()  # its answers end, and it has not said why
        time.sleep(0.3)
        sys.exit("its last words")
    send(sys.stdout.buffer, b"%d %s" % (os.getpid(), told))
"""


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Outpost]]:
    posts = list[Outpost]()
    monkeypatch.setattr(outpost, "_kept", posts)
    monkeypatch.setattr(outpost, "STATION", ("-c", ECHO))
    yield posts
    for one in posts:
        one.close()


def make_environment(**other: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **other}


def test_one_process_answers_until_it_is_lost_or_its_environment_changes(capsys: pytest.CaptureFixture[str]) -> None:
    def ask(order: bytes, **other: str) -> tuple[bytes, bytes]:
        number, _, told = find_outpost(make_environment(**other)).ask(order).partition(b" ")
        return number, told

    first, second = ask(b"a"), ask(b"b" * 2**17)
    assert (first[1], second[1], first[0]) == (b"a", b"b" * 2**17, second[0])
    assert capsys.readouterr().err.startswith("a\nbbb")
    elsewhere = ask(b"c", CUDA_VISIBLE_DEVICES="1")
    assert elsewhere[0] != first[0]
    with pytest.raises(WorkerError, match=r"exit code 1\): its last words"):
        ask(b"end", CUDA_VISIBLE_DEVICES="1")
    assert ask(b"d", CUDA_VISIBLE_DEVICES="1")[0] != elsewhere[0]


def test_what_nobody_waits_for_any_more_is_ended(kept: list[Outpost], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> tuple[list[object], list[object], list[object]]:
        raise KeyboardInterrupt

    environment = make_environment()
    with monkeypatch.context() as patch:
        patch.setattr(outpost.select, "select", interrupt)  # type: ignore[attr-defined]
        with pytest.raises(KeyboardInterrupt):
            find_outpost(environment).ask(b"a")
    first = kept[0]
    assert first._process.poll() is not None
    assert find_outpost(environment).ask(b"b").endswith(b" b")
    assert kept[0] is not first


def test_a_process_that_is_killed_is_told_and_replaced(kept: list[Outpost]) -> None:
    environment = make_environment()
    first = find_outpost(environment)
    os.kill(first._process.pid, signal.SIGKILL)
    with pytest.raises(WorkerError, match=r"exit code -9"):
        first.ask(b"b")
    assert find_outpost(environment).ask(b"c").endswith(b" c")
    assert kept[0] is not first
