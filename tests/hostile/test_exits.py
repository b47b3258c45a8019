"""Whatever becomes of streams, signals and outputs: no verdict's code, no traceback, no stale report, no leftovers."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.hostile.corpus import CASES
from tools.testbed.gray_networks import make_samples


@pytest.fixture(autouse=True)
def signals_reach_children() -> Iterator[None]:
    """Whoever runs the tests in the background may ignore signals, and its children with it."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGHUP, signal.SIGTERM)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and descriptors of POSIX")
COMMAND = f"{sys.executable} -m onnxaudit"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.onnx").write_bytes(CASES["plain"].content())
    images, labels = make_samples()
    np.savez(tmp_path / "d.npz", x=images, y=labels)
    return tmp_path


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120
    )


SCAN = f"{COMMAND} scan model.onnx --data d.npz --effort quick --time-budget 1s -q --no-progress"


@pytest.mark.parametrize("end", [">&-", "2>&-", "<&-", ">&- 2>&- <&-", ">/dev/full", ">/dev/full 2>/dev/full"])
def test_streams_that_are_closed_or_full_end_in_no_traceback_and_in_no_verdict(folder: Path, end: str) -> None:
    done = shell(f"{COMMAND} inspect model.onnx -q {end}", folder)
    assert done.returncode == (2 if "full" in end else 0)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("end", [">&-", ">/dev/full"])
def test_a_scan_without_stdout_still_writes_its_report(folder: Path, end: str) -> None:
    done = shell(f"{SCAN} --json r.json {end}", folder)
    assert done.returncode in (2, 3)
    assert "Traceback" not in done.stderr
    assert json.loads((folder / "r.json").read_text())


@pytest.mark.parametrize(
    "outputs",
    [
        "--json d.npz",
        "--sarif ./d.npz",
        "--html link.npz",
        "--json hard.npz",
        "--json model.onnx",
        "--html pictures/1/a.png",
    ],
)
def test_inputs_never_double_as_outputs(folder: Path, outputs: str) -> None:
    (folder / "link.npz").symlink_to("d.npz")
    os.link(folder / "d.npz", folder / "hard.npz")
    (folder / "pictures" / "1").mkdir(parents=True)
    (folder / "pictures" / "1" / "a.png").write_bytes(b"a picture")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    data = "pictures" if "pictures" in outputs else "d.npz"
    done = shell(f"{SCAN.replace('--data d.npz', f'--data {data}')} {outputs}", folder)
    assert done.returncode == 2
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def begin_scan(folder: Path) -> "subprocess.Popen[str]":
    """A scan that has begun and is far from its end."""
    (folder / "r.json").write_text('{"reports": "of an earlier run"}')
    command = [*SCAN.replace("--time-budget 1s", "--time-budget 100s").split(), "--json", "r.json", "--effort", "deep"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while "earlier" in (folder / "r.json").read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    return process


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [
        (signal.SIGTERM, 2, "SIGTERM"),
        (signal.SIGHUP, 2, "SIGHUP"),
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGKILL, -9, "begun"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
@pytest.mark.parametrize("after", [0.0, 1.0])
def test_a_signal_leaves_no_stale_report_and_no_draft(
    folder: Path, number: signal.Signals, code: int, word: str, after: float
) -> None:
    process = begin_scan(folder)
    time.sleep(after)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in told
    assert word in (folder / "r.json").read_text()
    assert not list(folder.glob(".onnxaudit-*"))


def test_a_second_interrupt_is_no_traceback(folder: Path) -> None:
    process = begin_scan(folder)
    time.sleep(1)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in told


def test_libraries_report_nothing_to_their_makers(folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    subprocess.run(SCAN.split(), cwd=folder, env={**os.environ, "HOME": str(home)}, capture_output=True, timeout=120)
    assert not [path for path in home.rglob("*") if path.is_file()]
