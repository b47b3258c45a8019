"""Hard limits of a process, as far as the system has them."""

import contextlib
import ctypes
import os
import signal
import sys
from dataclasses import dataclass

PR_SET_PDEATHSIG = 1
CPU_GRACE = 5  # seconds


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a process may take; None is no limit of ours.

    Attributes:
        memory: bytes of data. Not of addresses: CUDA and mapped files reserve many times what they use.
        cpu: seconds of processor time, over all threads.
        file_size: bytes in any one file that it writes.
        files: open at one time.
    """

    memory: int | None = None
    cpu: int | None = None
    file_size: int | None = None
    files: int | None = None


def hold(limits: Limits) -> tuple[str, ...]:
    """Hold this process and its children to limits, for good; the names of those that the system took.

    A limit that is stricter already stays.
    """
    if os.name != "posix":
        return ()
    import resource

    wanted = {
        "RLIMIT_DATA": limits.memory,
        "RLIMIT_CPU": limits.cpu,
        "RLIMIT_FSIZE": limits.file_size,
        "RLIMIT_NOFILE": limits.files,
        "RLIMIT_CORE": 0,
    }
    held = []
    for name, limit in wanted.items():
        if limit is not None and hasattr(resource, name):
            with contextlib.suppress(OSError, ValueError):
                _lower(getattr(resource, name), limit)
                held.append(name)
    return tuple(held)


def _lower(kind: int, limit: int) -> None:
    """Lower the soft limit to `limit`, and the hard one; that of processor time a little higher.

    The soft one then ends the process by a signal that names the cause.
    """
    import resource

    soft, hard = (sys.maxsize if one == resource.RLIM_INFINITY else one for one in resource.getrlimit(kind))
    lowered = min(limit, soft, hard)
    resource.setrlimit(kind, (lowered, min(hard, lowered + (CPU_GRACE if kind == resource.RLIMIT_CPU else 0))))


def measure_memory() -> int | None:
    """Bytes of memory that this machine has; None where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def die_with(parent: int) -> None:
    """Have this process killed as soon as its parent ends, however that ends; Linux alone can do so.

    Args:
        parent: its process id: it may be gone before this call.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
