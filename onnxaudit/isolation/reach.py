"""Which files a worker needs: Python, the system's libraries, devices, and what an audit was given to read."""

import contextlib
import mmap
import os
import re
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata, util
from pathlib import Path, PurePosixPath

import onnxaudit
from onnxaudit.regular_files import open_regular

SYSTEM = (  # programs and libraries, and what the C library and Python look up
    *("/usr", "/bin", "/lib", "/lib32", "/lib64", "/opt", "/nix/store", "/gnu/store"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.preload", "/etc/alternatives"),
)
TABLES = (  # /proc of other processes stays closed: Landlock keeps what tracing them would show
    *("/etc/localtime", "/etc/locale.alias", "/etc/nsswitch.conf", "/etc/passwd", "/etc/group", "/etc/mime.types"),
    *("/etc/fonts", "/etc/nvidia", "/proc", "/sys/devices", "/sys/fs/cgroup", "/sys/bus", "/sys/class", "/sys/module"),
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")
ACCELERATORS = ("nvidia*", "dri", "dxg", "kfd")  # below /dev
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - OpenMP of Intel registers itself there, or ends the process
LIBRARY_FOLDERS = "LD_LIBRARY_PATH"
# An entry of external data: its key, and the length of its value.
LOCATION = re.compile(rb"\x0a\x08location\x12([\x01-\x7f]|[\x80-\xff][\x01-\x1f])")
MOST_LINKS = 20_000


def list_programs(group: str, library_folders: str = "") -> tuple[Path, ...]:
    """Python, its packages, and the system's libraries.

    Args:
        group: of entry points whose packages may lie anywhere.
        library_folders: what the variable `LD_LIBRARY_PATH` says.
    """
    own = Path(onnxaudit.__file__).parent
    roots = {Path(one) for one in (sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix, sys.executable)}
    folders = {Path(one) for one in (*_list_search_path(), *library_folders.split(os.pathsep)) if one}
    return tuple({own, *roots, *folders, *map(Path, SYSTEM), *_find_packages(group)})


def _list_search_path() -> list[str]:
    """Without the working folder, which `python -m` puts first: it may be anyone's, a home for example."""
    first, *others = sys.path or [""]
    return others if first in ("", str(Path.cwd())) else [first, *others]


def _find_packages(group: str) -> Iterator[Path]:
    for point in metadata.entry_points(group=group):
        with contextlib.suppress(Exception):  # whatever is wrong with it is told where it is loaded
            found = util.find_spec(point.module.partition(".")[0])
            if found is not None and found.origin is not None:
                yield Path(found.origin).parent


def list_tables() -> tuple[Path, ...]:
    """What libraries look up about this machine."""
    return tuple(map(Path, TABLES))


def list_devices(*, accelerators: bool) -> tuple[Path, ...]:
    """Devices that hold nothing, and where they are needed those that compute."""
    return (*map(Path, DEVICES), *(list_accelerators() if accelerators else ()))


def has_accelerators() -> bool:
    """Whether this machine has a device that computes."""
    return any(True for _ in list_accelerators())


def list_accelerators() -> Iterator[Path]:
    """Devices that compute."""
    for pattern in ACCELERATORS:
        yield from Path("/dev").glob(pattern)


def list_model_files(path: Path) -> tuple[Path, ...]:
    """A model's file, and those below its folder that it names as external data; no links, as they are refused."""
    return (path, *(path.parent / location for location in read_locations(path) if lies_below(path.parent, location)))


def read_locations(path: Path) -> tuple[str, ...]:
    """The names of external data in a model's file, read off its bytes: no library parses it for that."""
    with (
        contextlib.suppress(OSError, ValueError),
        open_regular(path) as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        return tuple({_read_text(data, match) for match in LOCATION.finditer(data)})
    return ()


def _read_text(data: mmap.mmap, match: "re.Match[bytes]") -> str:
    low, *high = match[1]
    length = (low & 0x7F) | (high[0] << 7 if high else 0)
    return data[match.end() : match.end() + length].decode("utf-8", "surrogateescape")


def lies_below(folder: Path, location: str) -> bool:
    """Whether a location names what is below a folder, no link on the way."""
    if "\0" in location or ".." in PurePosixPath(location).parts:
        return False
    within = PurePosixPath(location)
    return not within.is_absolute() and (folder / within).resolve() == folder.resolve() / within


def list_data_files(source: Path) -> tuple[Path, ...]:
    """A file or folder of samples, and what the links in it lead to."""
    if not source.is_dir():
        return (source,)
    return (source, *_follow_links(source))


def _follow_links(folder: Path) -> Iterable[Path]:
    """Targets of links in a folder of samples; none that holds the folder itself, such as a home."""
    home, seen, waiting = folder.resolve(), set[Path](), [folder]
    while waiting and len(seen) < MOST_LINKS:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_symlink():
                    target = Path(entry.path).resolve()
                    if target not in seen and not home.is_relative_to(target):
                        seen.add(target)
                elif entry.is_dir():
                    waiting.append(Path(entry.path))
    return seen
