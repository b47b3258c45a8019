"""Kill a run at a moment of chance, and see what it leaves: for a test of a few kills and a benchmark of many."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DRAFTS = ".onnxaudit-*"
PARENT = re.compile(r"^PPid:\s*(\d+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Left:
    """What a killed run left.

    Attributes:
        code: the exit code of the command; -9 where it was killed itself.
        orphans: processes of its that went on.
        drafts: files and folders that it left half done.
        changed: inputs that are not what they were.
        documents: reports that stand where they were asked for.
    """

    code: int
    orphans: tuple[int, ...]
    drafts: tuple[str, ...]
    changed: tuple[str, ...]
    documents: Mapping[str, bytes]


def kill(
    arguments: Sequence[str], folder: Path, inputs: Sequence[Path], *, after: float, worker: bool, temporary: Path
) -> Left:
    """Start a command in `folder`, and kill it, or its worker, `after` seconds."""
    before = {path: digest(path) for path in inputs}
    command = [sys.executable, "-m", "onnxaudit", *arguments]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    process = subprocess.Popen(  # noqa: S603 - this interpreter, our module
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + after
    while worker and not list_descendants(process.pid) and process.poll() is None:
        time.sleep(0.01)
    while time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    started = list_descendants(process.pid)
    for victim in started[:1] if worker else [process.pid]:
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:  # it had come to its end
            continue
    code = process.wait(timeout=300)
    return Left(
        code=code,
        orphans=tuple(pid for pid in started if not wait_until_gone(pid)),
        drafts=tuple(sorted(path.name for place in (folder, temporary) for path in place.glob(DRAFTS))),
        changed=tuple(path.name for path in inputs if digest(path) != before[path]),
        documents={path.name: path.read_bytes() for path in folder.glob("*.json")},
    )


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def list_descendants(pid: int) -> list[int]:
    """Processes that `pid` started, and those that they did, its own children first."""
    parents: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            found = PARENT.search(status.read_text())
        except OSError:  # ended meanwhile
            continue
        if found is not None:
            parents.setdefault(int(found[1]), []).append(int(status.parent.name))
    found_pids, waiting = [], [pid]
    while waiting:
        children = parents.get(waiting.pop(0), [])
        found_pids += children
        waiting += children
    return found_pids


def wait_until_gone(pid: int, seconds: float = 20.0) -> bool:
    """Whether a process ends by itself within some seconds; one that nobody has reaped counts as ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False
