"""Bubblewrap is given what is needed and no more, and its own failures are nobody's verdict."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from onnxaudit.isolation.bubblewrap import Enclosure, find_program, run_enclosed, try_program

PROGRAM = find_program()
works = pytest.mark.skipif(PROGRAM is None or bool(try_program(PROGRAM)), reason="needs bubblewrap, and namespaces")


def bound(how: str, arguments: Sequence[str]) -> list[str]:
    return [arguments[at + 1] for at, word in enumerate(arguments) if word == how]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("data", "out", "elsewhere"):
        (tmp_path / name).mkdir()
    for name in ("data/0.png", "out/m.onnx", "elsewhere/secret", "elsewhere/target"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "data/link.png").symlink_to(tmp_path / "elsewhere/target")
    return tmp_path


def enclose(folder: Path) -> Enclosure:
    read = (folder / "data", folder / "out/m.onnx", folder / "data/link.png", Path("/proc"), Path("/proc/1"), Path("/"))
    return Enclosure(read=read, write=(folder / "out",), folder=folder, variables={"A": "b"})


def test_files_are_read_over_the_folders_that_are_written(folder: Path) -> None:
    arguments = enclose(folder).list_arguments()
    written = arguments.index("--bind")
    assert arguments[written + 1] == str(folder / "out")
    read = bound("--ro-bind-try", arguments)
    assert read == [str(folder / name) for name in ("data", "elsewhere/target", "out/m.onnx")]
    assert arguments.index(str(folder / "data")) < written < arguments.index(str(folder / "out/m.onnx"))


def test_namespaces_are_new_and_rights_are_gone(folder: Path) -> None:
    arguments = enclose(folder).list_arguments()
    assert {"--unshare-all", "--die-with-parent"} <= set(arguments)
    assert arguments[arguments.index("--cap-drop") + 1] == "ALL"
    assert arguments[arguments.index("--setenv") :][1:3] == ["A", "b"]
    assert "--share-net" not in arguments


SYSTEM = tuple(map(Path, ("/usr", "/bin", "/lib", "/lib64", sys.prefix, sys.base_prefix)))
LOOK = """
import os, socket, sys
names = sorted(os.listdir())
open('out/new', 'w').write(' '.join(names))
for name in ('data/0.png', 'out/m.onnx'):
    try:
        open(name, 'w')
        sys.exit(9)
    except OSError:
        pass
sys.exit(3 if open('data/link.png').read() == 'x' and not os.path.exists('elsewhere/secret') else 8)
"""


@works
def test_inside_there_is_what_was_named(folder: Path) -> None:
    assert PROGRAM is not None
    enclosure = enclose(folder)
    inside = Enclosure(read=(*SYSTEM, *enclosure.read), write=enclosure.write, folder=folder)
    assert run_enclosed(PROGRAM, inside, [sys.executable, "-c", LOOK], 2) == 3
    assert (folder / "out/new").read_text() == "data elsewhere out"


@works
def test_a_failure_of_its_own_has_no_exit_code(folder: Path) -> None:
    assert PROGRAM is not None
    assert run_enclosed(PROGRAM, Enclosure(read=(), folder=folder), ["/nowhere"], 2) is None


def test_what_makes_no_namespaces_says_why(tmp_path: Path) -> None:
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'no permissions' >&2\nexit 1\n")
    program.chmod(0o755)
    assert try_program(str(program)) == "no permissions"
    assert "No such file" in try_program(str(tmp_path / "none"))
