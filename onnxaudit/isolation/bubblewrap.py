"""A whole command in namespaces of its own, by bubblewrap (`bwrap`): a second wall, with or without Landlock.

Inside there are the files that are named and no others, no network, and no process but the command's own.
https://github.com/containers/bubblewrap
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PROGRAM = "bwrap"
APART = ("--unshare-all", "--die-with-parent", "--cap-drop", "ALL")
TRIED = 20.0  # seconds that a trial may take
OWN = ("/proc", "/dev", "/")  # made afresh, or never given


@dataclass(frozen=True, kw_only=True)
class Enclosure:
    """What there is inside.

    Attributes:
        read: files and folders, absolute.
        write: folders in which everything is allowed.
        devices: files of devices.
        folder: the working folder; empty but for what is named in it.
        variables: of the environment, beside those that are there.
    """

    read: tuple[Path, ...]
    write: tuple[Path, ...] = ()
    devices: tuple[Path, ...] = ()
    folder: Path = Path("/tmp")  # noqa: S108 - one of its own
    variables: Mapping[str, str] = field(default_factory=dict)

    def list_arguments(self) -> list[str]:
        """Of bubblewrap; what comes later lies over what came before, so that files stay as they are."""
        folders, files = _list_bound(self.read)
        return [
            *APART,
            *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", str(_plain(self.folder))),  # noqa: S108
            *_bind("--ro-bind-try", folders),
            *_bind("--bind", map(_plain, self.write)),
            *_bind("--ro-bind-try", files),
            *_bind("--dev-bind-try", self.devices),
            *(word for name, value in self.variables.items() for word in ("--setenv", name, value)),
            *("--chdir", str(_plain(self.folder))),
        ]


def _list_bound(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Folders and files, under their own names and, where these are links, those that they lead to.

    What lies in a folder of the list is there with it: as a link, if it is one, over which nothing can be bound.
    """
    named = {name for path in paths for name in (_plain(path), path.resolve()) if not _is_own(name)}
    folders: set[Path] = set()
    for one in sorted((one for one in named if one.is_dir()), key=lambda one: len(one.parts)):
        if folders.isdisjoint(one.parents):
            folders.add(one)
    files = (one for one in named if not one.is_dir())
    return sorted(folders), sorted(one for one in files if folders.isdisjoint(one.parents) or one == one.resolve())


def _plain(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - links stay what they are, and are bound under their names


def _is_own(path: Path) -> bool:
    return str(path) in OWN or any(path.is_relative_to(own) for own in OWN[:2])


def _bind(how: str, paths: Iterable[Path]) -> list[str]:
    return [word for path in paths for word in (how, str(path), str(path))]


def find_program() -> str | None:
    """Where bubblewrap is; None where it is not installed."""
    return shutil.which(PROGRAM)


def try_program(program: str) -> str:
    """Why bubblewrap cannot make namespaces here; "" where it can."""
    command = [program, *APART, "--ro-bind", "/", "/", "true"]
    try:
        tried = subprocess.run(command, capture_output=True, check=False, timeout=TRIED)  # noqa: S603 - no shell
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if tried.returncode == 0 else tried.stderr.decode("utf-8", "replace").strip() or "it failed"


def run_enclosed(program: str, enclosure: Enclosure, command: Sequence[str], stdout: int) -> int | None:
    """The exit code of a command inside; None where bubblewrap ended before it did.

    Args:
        program: bubblewrap.
        enclosure: what there is inside.
        command: with its arguments.
        stdout: descriptor of the stream for its result.
    """
    reading, writing = os.pipe()
    words = [program, *enclosure.list_arguments(), "--json-status-fd", str(writing), "--", *command]
    with os.fdopen(reading, "rb") as status:
        try:
            inside = subprocess.Popen(words, stdout=stdout, pass_fds=(writing,))  # noqa: S603 - no shell
        finally:
            os.close(writing)
        try:
            inside.wait()
        finally:
            inside.kill()  # all that is inside dies with it
            inside.wait()
        return _read_code(status.read())


def _read_code(status: bytes) -> int | None:
    """Of the documents, one a line, that bubblewrap gives of its own: its own exit code may be its own failure's."""
    for line in status.decode("utf-8", "replace").splitlines():
        try:
            code = json.loads(line).get("exit-code")
        except (ValueError, AttributeError):
            continue
        if isinstance(code, int):
            return code
    return None
