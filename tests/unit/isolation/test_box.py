"""In a box nothing can be read but what was named, nothing written, and no connection made."""

import encodings.idna  # noqa: F401  # an address is coded by it, and in a box no module can be read
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from onnxaudit.isolation import reach
from onnxaudit.isolation.box import Box
from onnxaudit.isolation.landlock import NETWORK_ABI, SCOPE_ABI, find_abi
from onnxaudit.isolation.limits import Limits, hold
from onnxaudit.isolation.seccomp import ARCHITECTURES, forbid_sockets
from onnxaudit.isolation.worker import can_fork, run

pytestmark = pytest.mark.skipif(not can_fork(), reason="workers are made by forking")
needs_landlock = pytest.mark.skipif(find_abi() < 1, reason="this kernel has no Landlock, or it is switched off")


def attempt(tries: Callable[[], object], box: Box | None = None) -> str:
    """What comes of `tries` in a box: "done", or the name of the error."""

    def work(_: object) -> bytes:
        try:
            tries()
        except OSError as error:
            return type(error).__name__.encode()
        return b"done"

    ending = run(work, (box or Box(limits=Limits())).shut, 60.0)
    assert ending.result is not None, ending
    return ending.result.decode()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519").write_text("secret")
    (tmp_path / "model.onnx").write_bytes(b"model")
    return tmp_path


@needs_landlock
class TestFiles:
    def test_a_file_that_was_named_is_read(self, home: Path) -> None:
        box = Box(limits=Limits(), read=(home / "model.onnx",))
        assert attempt((home / "model.onnx").read_bytes, box) == "done"
        assert attempt((home / ".ssh" / "id_ed25519").read_text, box) == "PermissionError"
        assert attempt(lambda: list(home.iterdir()), box) == "PermissionError"

    def test_nothing_is_written_outside_the_folder_for_it(self, home: Path) -> None:
        (home / "own").mkdir()
        box = Box(limits=Limits(), read=(home / "model.onnx",), write=(home / "own",))
        assert attempt(lambda: (home / "own" / "draft").write_text("x"), box) == "done"
        assert attempt(lambda: (home / "new").write_text("x"), box) == "PermissionError"
        assert attempt(lambda: (home / "model.onnx").write_text("x"), box) == "PermissionError"
        assert attempt((home / "model.onnx").unlink, box) == "PermissionError"

    def test_a_link_opens_no_more_than_what_it_leads_to(self, home: Path) -> None:
        (home / "pictures").mkdir()
        (home / "pictures" / "key.png").symlink_to(home / ".ssh" / "id_ed25519")
        box = Box(limits=Limits(), read=(home / "pictures",))
        assert attempt((home / "pictures" / "key.png").read_text, box) == "PermissionError"

    def test_programs_start_and_stay_in_the_box(self, home: Path) -> None:
        box = Box(limits=Limits(), run=reach.list_programs("onnxaudit.detectors"), read=reach.list_tables())
        code = f"open({str(home / '.ssh' / 'id_ed25519')!r})"
        inner = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', %r], stderr=-3).returncode)"
        assert attempt(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True), box) == "done"

        def escape() -> None:
            if subprocess.run([sys.executable, "-c", inner % code], check=False).returncode:
                raise PermissionError

        assert attempt(escape, box) == "PermissionError"


@pytest.mark.skipif(find_abi() < NETWORK_ABI, reason=f"needs Landlock ABI {NETWORK_ABI} for connections")
def test_no_connection_is_possible() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        assert attempt(lambda: socket.create_connection(address, 5)) == "PermissionError"


@pytest.mark.skipif(os.uname().machine not in ARCHITECTURES, reason="the filter knows 64-bit Linux")
@pytest.mark.parametrize(
    ("kind", "protocol"),
    [(socket.AF_INET, socket.SOCK_DGRAM), (socket.AF_INET6, socket.SOCK_STREAM), (socket.AF_UNIX, socket.SOCK_STREAM)],
)
def test_no_socket_is_possible(kind: int, protocol: int) -> None:
    if sys.platform != "linux":
        pytest.skip("the filter knows Linux")
    assert attempt(lambda: socket.socket(kind, protocol).close()) == "PermissionError"


@pytest.mark.skipif(sys.platform != "linux", reason="the filter knows Linux")
def test_services_of_the_machine_stay_where_they_are_needed() -> None:
    box = Box(limits=Limits(), services=True)
    assert attempt(lambda: socket.socket(socket.AF_UNIX).close(), box) == "done"
    assert attempt(lambda: socket.socket(socket.AF_INET).close(), box) == "PermissionError"


@pytest.mark.skipif(find_abi() < SCOPE_ABI, reason=f"needs Landlock ABI {SCOPE_ABI} for signals")
def test_other_processes_get_no_signal() -> None:
    assert attempt(lambda: os.kill(os.getppid(), 0)) == "PermissionError"


def test_limits_are_held_and_never_raised() -> None:
    import resource

    def work(_: object) -> bytes:
        hold(Limits(files=50, cpu=100))
        hold(Limits(files=80))
        return f"{resource.getrlimit(resource.RLIMIT_NOFILE)} {resource.getrlimit(resource.RLIMIT_CPU)}".encode()

    assert run(work, str, 60.0).result == b"(50, 50) (100, 105)"


def test_a_filter_is_refused_or_taken_without_an_error() -> None:
    assert run(lambda _: str(forbid_sockets()).encode(), str, 60.0).result in (b"True", b"False")
