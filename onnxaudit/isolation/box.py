"""What a worker is left with, given away by itself at its begin."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from onnxaudit.isolation.landlock import NETWORK_ABI, Rules, restrict
from onnxaudit.isolation.limits import Limits, hold
from onnxaudit.isolation.seccomp import forbid_sockets

LIMITS = {"RLIMIT_DATA": "memory", "RLIMIT_CPU": "processor time", "RLIMIT_FSIZE": "file sizes"}


@dataclass(frozen=True, kw_only=True)
class Box:
    """What a worker may do.

    Attributes:
        limits: on what it takes.
        read: files and folders that it may read.
        run: likewise, programs and libraries among them.
        write: folders in which it may do everything.
        devices: files of devices.
        services: whether it may talk to services of this machine, as CUDA does; never to a network.
    """

    limits: Limits
    read: tuple[Path, ...] = ()
    run: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    devices: tuple[Path, ...] = ()
    services: bool = False

    def shut(self) -> str:
        """Keep this process and its children to that, for good, as far as this system can; what holds, in words."""
        rules = Rules(read=self.read, run=self.run, write=self.write, devices=self.devices, sockets=self.services)
        limits = hold(self.limits)
        return describe(restrict(rules), filtered=forbid_sockets(local=self.services), limits=limits)


def describe(landlock: int, *, filtered: bool, limits: Sequence[str]) -> str:
    """What holds, in words.

    Args:
        landlock: its version, 0 for none.
        filtered: whether sockets are kept away.
        limits: names of those that the system took.
    """
    held = [LIMITS[name] for name in limits if name in LIMITS]
    parts = [
        "worker process",
        f"limits of {', '.join(held)}" if held else "no limits",
        f"files by Landlock {landlock}" if landlock else "no limits on files that are opened",
        "no network" if filtered else "no TCP" if landlock >= NETWORK_ABI else "network not kept away",
    ]
    return "; ".join(parts)
