"""How much memory there is: of the machine, within the limits of a container, and what this process holds."""

import contextlib
import ctypes
import os
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_STATUS = Path("/proc/self/statm")
_GROUPS = Path("/proc/self/cgroup")
_ROOT = Path("/sys/fs/cgroup")
_NAMES = {"": ("memory.max", "memory.current"), "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes")}

# Parameters of glibc's malloc, and the most that it comes to by itself where a program frees blocks that large.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_KEPT, _MOST_KEPT = 2**25, 2**26  # bytes


def keep_freed() -> None:
    """Have what this process frees kept for what it takes next, up to 64 MiB, where the system is one with glibc.

    Each step of an inversion takes and frees the same tensors. Given back to the system each time, their pages have to
    be found and zeroed anew: a sixth of the processor time of a scan of 28x28 images.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        set_parameter = ctypes.CDLL(None).mallopt
        set_parameter(_MMAP_THRESHOLD, _LARGEST_KEPT)
        set_parameter(_TRIM_THRESHOLD, _MOST_KEPT)


def measure_free(root: Path = _ROOT, groups: Path = _GROUPS, meminfo: Path = _MEMINFO) -> int | None:
    """Bytes that this process may still take: of the machine, and of each control group above it; None: not known.

    Args:
        root: where control groups are.
        groups: which of them hold this process.
        meminfo: what the machine has.
    """
    rooms = [room for room in (_read_machine(meminfo), *_read_groups(root, groups)) if room is not None]
    return min(rooms, default=None)


def measure_held() -> int:
    """Bytes that this process has in memory; 0 where the system does not say."""
    try:
        return int(_STATUS.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return 0


def _read_machine(meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    found = {line.split(":")[0]: line.split()[1] for line in lines if len(line.split()) > 1}
    return int(found["MemAvailable"]) * 1024 if found.get("MemAvailable", "").isdigit() else None


def _read_groups(root: Path, groups: Path) -> list[int]:
    """What is left in each group that has a limit; the second version of groups, and the first."""
    try:
        lines = [line.split(":", 2) for line in groups.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError):
        return []
    rooms = []
    for line in lines:
        kinds = line[1].split(",") if len(line) == 3 else []
        for kind in (kind for kind in _NAMES if kind in kinds):
            place = root / kind
            for folder in (place, *_list_above(place, line[2])):
                rooms += _read_room(folder, *_NAMES[kind])
    return rooms


def _list_above(root: Path, path: str) -> list[Path]:
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return [root.joinpath(*parts[: count + 1]) for count in range(len(parts))]


def _read_room(folder: Path, limit: str, used: str) -> list[int]:
    try:
        most, taken = (folder.joinpath(name).read_text("ascii").strip() for name in (limit, used))
    except (OSError, UnicodeDecodeError):
        return []
    if not most.isdigit() or not taken.isdigit():  # "max" is no limit
        return []
    return [max(0, int(most) - int(taken) + _read_given_back(folder))]


def _read_given_back(folder: Path) -> int:
    """Bytes of files that nobody used for long: they count as taken, and are given back where memory is short."""
    try:
        lines = folder.joinpath("memory.stat").read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return 0
    found = dict(line.split(" ", 1) for line in lines if " " in line)
    return int(found.get("total_inactive_file", found.get("inactive_file", "0")))
