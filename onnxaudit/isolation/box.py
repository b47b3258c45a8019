"""What a worker is left with, given away by itself at its begin."""

from dataclasses import dataclass
from pathlib import Path

from onnxaudit.isolation.landlock import Rules, restrict
from onnxaudit.isolation.limits import Limits, hold
from onnxaudit.isolation.seccomp import forbid_sockets


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

    def shut(self) -> None:
        """Keep this process and its children to that, for good, as far as this system can."""
        rules = Rules(read=self.read, run=self.run, write=self.write, devices=self.devices, sockets=self.services)
        hold(self.limits)
        restrict(rules)
        forbid_sockets(local=self.services)
