import ctypes
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from onnxaudit.memory import keep_freed, measure_free, measure_held

GIB = 2**30


def write(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(f"{content}\n")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    write(tmp_path, meminfo="MemTotal: 99 kB\nMemAvailable: 8388608 kB", groups="0::/a/b")
    return tmp_path


def measure(machine: Path) -> int | None:
    return measure_free(machine / "cgroup", machine / "groups", machine / "meminfo")


def test_a_machine_without_limits_has_what_it_says(machine: Path) -> None:
    assert measure(machine) == 8 * GIB


def test_the_tightest_group_above_the_process_counts(machine: Path) -> None:
    write(machine / "cgroup/a", memory__max=4 * GIB, memory__current=3 * GIB)
    write(machine / "cgroup/a/b", memory__max="max", memory__current=GIB)
    assert measure(machine) == GIB


def test_what_is_kept_of_files_can_be_had(machine: Path) -> None:
    stat = f"anon {GIB}\ninactive_file {2 * GIB}"
    write(machine / "cgroup", memory__max=4 * GIB, memory__current=4 * GIB, memory__stat=stat)
    assert measure(machine) == 2 * GIB


def test_groups_of_the_first_version_count_too(machine: Path) -> None:
    write(machine, groups="3:cpu,cpuacct:/x\n2:memory:/y")
    write(machine / "cgroup/memory/y", memory__limit_in_bytes=3 * GIB, memory__usage_in_bytes=GIB)
    assert measure(machine) == 2 * GIB


def test_a_system_that_says_nothing_is_not_guessed_at(tmp_path: Path) -> None:
    assert measure(tmp_path) is None


def test_what_this_process_holds_is_more_than_nothing_where_the_system_says_it() -> None:
    assert measure_held() == 0 or measure_held() > 2**20


def test_blocks_that_steps_take_and_free_again_are_not_given_back_to_the_system() -> None:
    """In a process of its own: the setting is for good."""
    program = """
import resource
from onnxaudit.memory import keep_freed

def count():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        blocks = [bytearray(2**20) for _ in range(8)]
        del blocks
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

keep_freed()
count()
print(count())
"""
    if not hasattr(ctypes.CDLL(None), "mallopt") or platform.libc_ver()[0] != "glibc":
        pytest.skip("this system's malloc has no such setting")
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert int(printed) < 50 * 8  # each block has 256 pages


def test_a_system_without_glibc_keeps_its_own_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    keep_freed()
