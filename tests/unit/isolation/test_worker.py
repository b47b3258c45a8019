"""A worker tells its result, or how it ended; it is never waited for beyond its time."""

import faulthandler
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from onnxaudit.isolation import worker
from onnxaudit.isolation.limits import Limits, hold
from onnxaudit.isolation.worker import Ending, Tell, can_fork, run

pytestmark = pytest.mark.skipif(not can_fork(), reason="workers are made by forking")
SECONDS = 60.0


def nothing() -> str:
    """Shut nothing in."""
    return ""


def run_work(work: Callable[[Tell], bytes], seconds: float = SECONDS) -> Ending:
    return run(work, nothing, seconds)


def test_a_result_comes_back_whole() -> None:
    content = os.urandom(300_000)
    assert run_work(lambda _: content) == Ending(result=content)
    assert run(lambda _: content, lambda: "by a test", SECONDS).held == "by a test"


def test_what_was_told_before_a_crash_is_kept() -> None:
    def work(tell: Tell) -> bytes:
        tell(b"first")
        tell(b"second")
        faulthandler.disable()  # pytest's, which would tell at length
        os.abort()

    ending = run_work(work)
    assert (ending.result, ending.partial, ending.how) == (None, b"second", "crashed")
    assert ending.words == "crashed (SIGABRT)"


@pytest.mark.parametrize(
    ("number", "how", "words"),
    [
        (signal.SIGSEGV, "crashed", "SIGSEGV"),
        (signal.SIGKILL, "crashed", "memory runs out"),
        (signal.SIGXCPU, "limit", "processor time"),
        (signal.SIGXFSZ, "limit", "size of files"),
    ],
)
def test_a_signal_is_told_in_words(number: int, how: str, words: str) -> None:
    def work(_: Tell) -> bytes:
        signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else None
        os.kill(os.getpid(), number)
        return b""

    ending = run_work(work)
    assert ending.how == how
    assert words in ending.words


def test_a_result_followed_by_a_crash_is_none() -> None:
    def work(tell: Tell) -> bytes:
        tell(b"all there is")
        os._exit(7)

    ending = run_work(work)
    assert (ending.result, ending.how) == (None, "crashed")


def test_an_error_that_nobody_told_is_no_result() -> None:
    def work(_: Tell) -> bytes:
        raise RuntimeError

    assert run_work(work).words == "ended without a result (exit code 1)"


def test_memory_beyond_the_limit_is_told_as_such() -> None:
    def work(_: Tell) -> bytes:
        return bytes(2**31)

    def shut_in() -> str:
        return str(hold(Limits(memory=2**30)))

    ending = run(work, shut_in, SECONDS)
    assert (ending.how, ending.words) == ("limit", "needed more memory than its limit")


def test_time_that_is_up_ends_the_worker_and_its_children() -> None:
    def work(tell: Tell) -> bytes:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
        tell(str(child.pid).encode())
        time.sleep(1000)
        return b""

    ending = run_work(work, 2.0)
    assert (ending.how, ending.result) == ("time", None)
    assert ending.partial is not None
    assert gone(int(ending.partial))


def test_an_interrupt_of_the_supervisor_ends_the_worker(tmp_path: Path) -> None:
    def work(_: Tell) -> bytes:
        (tmp_path / "pid").write_text(str(os.getpid()))
        os.kill(os.getppid(), signal.SIGTERM)
        time.sleep(1000)
        return b""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_work(work)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_worker_has_no_standard_input_and_a_session_of_its_own() -> None:
    def work(_: Tell) -> bytes:
        return f"{os.read(0, 10)!r} {os.getsid(0) == os.getpid()}".encode()

    assert run_work(work).result == b"b'' True"


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone ends children with their parent")
def test_a_worker_dies_with_its_supervisor(tmp_path: Path) -> None:
    code = (
        "import os, time; from pathlib import Path; from onnxaudit.isolation.worker import run\n"
        "def work(tell):\n"
        f"    Path({str(tmp_path / 'draft')!r}).write_text(str(os.getpid()))\n"
        f"    os.rename({str(tmp_path / 'draft')!r}, {str(tmp_path / 'pid')!r})\n"
        "    time.sleep(1000)\n"
        "run(work, str, 100)\n"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code])
    wait_for((tmp_path / "pid").exists)
    supervisor.kill()
    supervisor.wait()
    wait_for(partial(gone, int((tmp_path / "pid").read_text())))


def gone(pid: int) -> bool:
    """Whether a process has ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(("said", "how"), [(b"all", None), (b"", "interrupted")])
def test_a_worker_that_a_signal_s_handler_ended_is_not_late(
    said: bytes, how: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LAST", 0.05)

    def work(tell: worker.Tell) -> bytes:
        del tell
        if not said:
            time.sleep(SECONDS)
        return said

    one = worker.Worker(work, lambda: "", 60.0)
    if said:
        while not one.listen(1.0):
            pass
    worker.end_all()
    while not one.listen(1.0):
        pass
    ending = one.conclude()
    one.close()
    assert (ending.how, ending.result) == (how, said or None)


def test_a_signal_while_a_worker_is_made_leaves_none_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    fork, made = os.fork, list[int]()

    def fork_under_fire() -> int:
        os.kill(os.getpid(), signal.SIGTERM)  # blocked: it waits
        made.append(fork())
        return made[0]

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fork", fork_under_fire)
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            worker.Worker(lambda _: b"", nothing, SECONDS)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert gone(made[0])


def test_a_worker_cannot_write_where_its_supervisor_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_withheld", set[int]())
    reading, writing = os.pipe()
    worker.withhold(writing)

    def try_to_write(_: object) -> bytes:
        try:
            os.write(writing, b"a lie")
        except OSError:
            return b"closed"
        return b"written"

    try:
        assert run_work(try_to_write).result == b"closed"
    finally:
        os.close(reading)
        os.close(writing)
