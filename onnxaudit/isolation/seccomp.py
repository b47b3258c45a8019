"""A filter of system calls: no sockets, and no hand on other processes or on the kernel (Linux, 64 bit).

Landlock knows TCP alone; this is for all else that leads out: UDP, other protocols, the sockets of services (an SSH
agent's, a container engine's), and `io_uring`, which opens sockets by itself. https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

import ctypes
import errno
import platform
import struct
import sys
from collections.abc import Iterator

from onnxaudit.isolation.landlock import forbid_new_privileges

PR_SET_SECCOMP, MODE_FILTER = 22, 2
ALLOW, FAIL = 0x7FFF0000, 0x00050000
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # where they lie in what the kernel shows of a call
OTHER_NUMBERING = 0x40000000  # x32's numbers, for the same calls
AF_UNIX = 1

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
SOCKET = {"x86_64": 41, "aarch64": 198}
FORBIDDEN = {  # ptrace, process_vm_readv and _writev, pidfd_getfd; io_uring_setup; add_key, request_key, keyctl;
    # bpf, perf_event_open, userfaultfd; mount, unshare, setns
    "x86_64": (101, 310, 311, 438, 425, 248, 249, 250, 321, 298, 323, 165, 272, 308),
    "aarch64": (117, 270, 271, 438, 425, 217, 218, 219, 280, 241, 282, 40, 97, 268),
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def is_known_machine() -> bool:
    """Whether the filter knows this system's calls."""
    return sys.platform.startswith("linux") and platform.machine() in ARCHITECTURES


def forbid_sockets(*, local: bool = False) -> bool:
    """Filter the calls of this process and its children, for good; whether this system can.

    Args:
        local: whether sockets of this machine's own services (`AF_UNIX`) stay possible: those of CUDA are such.
    """
    if not is_known_machine():
        return False
    code = b"".join(_assemble(platform.machine(), local=local))
    forbid_new_privileges()
    program = _Program(len(code) // 8, code)
    done = ctypes.CDLL(None).prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(program), 0, 0)
    return int(done) == 0


def _assemble(machine: str, *, local: bool) -> Iterator[bytes]:
    """The filter, instruction by instruction; jumps count the instructions that they pass over."""
    fail = _write(RETURN, FAIL | errno.EPERM)
    yield _write(LOAD, ARCHITECTURE)
    yield _write(JUMP_EQUAL, ARCHITECTURES[machine], yes=1)
    yield fail
    yield _write(LOAD, NUMBER)
    if machine == "x86_64":
        yield _write(JUMP_AT_LEAST, OTHER_NUMBERING, no=1)
        yield fail
    for number in FORBIDDEN[machine]:
        yield _write(JUMP_EQUAL, number, no=1)
        yield fail
    yield _write(JUMP_EQUAL, SOCKET[machine], yes=1)
    yield _write(RETURN, ALLOW)
    if local:
        yield _write(LOAD, FIRST_ARGUMENT)
        yield _write(JUMP_EQUAL, AF_UNIX, no=1)
        yield _write(RETURN, ALLOW)
    yield fail


def _write(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)
