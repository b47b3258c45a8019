"""Landlock: this process and its children open no file but those named, and no connection (Linux 5.13 and newer).

Needs no privileges, and holds for good. What a kernel does not know of yet is left out: each version of its interface
(ABI) adds rights. https://docs.kernel.org/userspace-api/landlock.html
"""

import contextlib
import ctypes
import os
import stat
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system calls, the same on every architecture
VERSION_FLAG, RULE_PATH_BENEATH = 1, 1
PR_SET_NO_NEW_PRIVS = 38

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV  # the others are rights in a folder
RIGHTS = {1: (1 << 13) - 1, 2: 1 << 13, 3: TRUNCATE, 5: IOCTL_DEV}  # of files, by the ABI that brought them
NETWORK_ABI, TCP = 4, 0b11  # bind and connect
SCOPE_ABI, SCOPE_SOCKETS, SCOPE_SIGNALS = 6, 0b01, 0b10

READ = READ_FILE | READ_DIR
RUN = READ | EXECUTE
DEVICE = READ_FILE | WRITE_FILE | TRUNCATE | IOCTL_DEV
EVERYTHING = (1 << 16) - 1


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What stays possible.

    Attributes:
        read: files, and folders with all below them.
        run: likewise, for programs and libraries.
        write: folders in which everything is allowed.
        devices: files of devices, read and written.
        sockets: whether sockets of other processes' abstract names may be connected to.
    """

    read: tuple[Path, ...] = ()
    run: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    devices: tuple[Path, ...] = ()
    sockets: bool = False

    def by_path(self) -> Iterable[tuple[Path, int]]:
        """Each path with its rights."""
        rights: Mapping[int, tuple[Path, ...]] = {
            READ: self.read,
            RUN: self.run,
            EVERYTHING: self.write,
            DEVICE: self.devices,
        }
        for allowed, paths in rights.items():
            yield from ((path, allowed) for path in paths)


def find_abi() -> int:
    """The version of Landlock in this kernel; 0 where there is none, or it is switched off."""
    if not sys.platform.startswith("linux"):
        return 0
    try:
        return max(0, int(_call(CREATE_RULESET, None, 0, VERSION_FLAG)))
    except OSError:
        return 0


def restrict(rules: Rules) -> int:
    """Restrict this process, which must have one thread alone; the version of Landlock that holds, 0 for none.

    Paths that do not exist are passed over.
    """
    abi = find_abi()
    if not abi:
        return 0
    handled = _list_rights(abi)
    network = TCP if abi >= NETWORK_ABI else 0
    scoped = (SCOPE_SIGNALS | (0 if rules.sockets else SCOPE_SOCKETS)) if abi >= SCOPE_ABI else 0
    wanted = _Ruleset(handled, network, scoped)
    size = 24 if abi >= SCOPE_ABI else 16 if abi >= NETWORK_ABI else 8
    ruleset = _call(CREATE_RULESET, ctypes.byref(wanted), size, 0)
    try:
        for path, allowed in rules.by_path():
            with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                _allow(ruleset, path, allowed & handled)
        forbid_new_privileges()
        _call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return abi


def forbid_new_privileges() -> None:
    """No program that this process starts gains rights by its owner; the kernel wants this first."""
    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _list_rights(abi: int) -> int:
    rights = 0
    for version, brought in RIGHTS.items():
        rights |= brought if version <= abi else 0
    return rights


def _allow(ruleset: int, path: Path, allowed: int) -> None:
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            allowed &= OF_FILES
        rule = _PathBeneath(allowed, handle)
        _call(ADD_RULE, ruleset, RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(handle)


def _call(number: int, *arguments: object) -> int:
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    found = library.syscall(number, *(ctypes.c_long(one) if isinstance(one, int) else one for one in arguments))
    if found < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(found)
