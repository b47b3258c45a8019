"""Ray as the engine: it finds room for each job, moves what the jobs need, and does again what a lost machine did.

Ray is imported here alone, and only once it was asked for.
"""

import contextlib
import os
import re
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from onnxaudit.cli.cluster import node
from onnxaudit.cli.cluster.engine import LostError, Machine
from onnxaudit.errors import MissingPackageError, UsageError

CONNECTING = 10.0  # seconds
RETRIES = 3  # of a job whose machine or process was lost; a scan that fails is an answer and is not repeated
PATIENCE = 2.0  # seconds; an interrupted run is left after five
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",  # of jobs that were dropped
}


class RayEngine:
    """A cluster of Ray's.

    Args:
        address: `host:port`; None is the cluster that this machine belongs to, or one made of it alone for this run.

    Raises:
        MissingPackageError: Ray is not installed.
        UsageError: no cluster answers.
    """

    def __init__(self, address: str | None) -> None:
        """Join the cluster."""
        self._ray = _import_ray()
        _check_address(address)
        before = signal.getsignal(signal.SIGTERM)  # Ray puts a handler of its own in its place
        try:
            self._ray.init(
                address=address,
                include_dashboard=None if address else False,
                log_to_driver=False,
                configure_logging=False,
                logging_level="ERROR",
            )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            place = address or "this machine"
            raise UsageError(f"Ray cannot be used at {place}: {_take_line(error)}") from error
        finally:
            with contextlib.suppress(ValueError):  # not in the main thread, where it was not replaced either
                signal.signal(signal.SIGTERM, before)
        self._do = self._ray.remote(node.do)
        self._dropped = list[Any]()

    def list_machines(self) -> Sequence[Machine]:
        """Those that are alive and have a core."""
        found = [one["Resources"] for one in self._ray.nodes() if one["Alive"]]
        return [
            Machine(cores=one["CPU"], memory=int(one.get("memory", 0)), gpus=one.get("GPU", 0.0))
            for one in found
            if one.get("CPU", 0) >= 1
        ]

    def put(self, content: bytes) -> Any:
        """A reference to an array of bytes, which machines read where it lies."""
        return self._ray.put(np.frombuffer(content, np.uint8))

    def submit(self, job: bytes, parcels: Sequence[Any], demand: Machine) -> Any:
        """See `Engine`."""
        options = {"num_cpus": demand.cores, "memory": demand.memory or None, "num_gpus": demand.gpus}
        return self._do.options(max_retries=RETRIES, **options).remote(job, *parcels)

    def await_any(self, running: Sequence[Any], seconds: float) -> Sequence[Any]:
        """See `Engine`."""
        waiting = list(running)
        with _hear_signals():
            if self._ray.wait(waiting, timeout=seconds, fetch_local=False)[0]:
                ended: list[Any] = self._ray.wait(waiting, num_returns=len(waiting), timeout=0, fetch_local=False)[0]
                return ended
        return []

    def take(self, ended: Any) -> bytes:
        """See `Engine`."""
        try:
            with _hear_signals():
                answer: bytes = self._ray.get(ended)
        except self._ray.exceptions.RayTaskError as error:
            raise LostError(_take_line(error.cause or error)) from error
        except self._ray.exceptions.RayError as error:
            raise LostError(f"the cluster lost it {RETRIES + 1} times ({type(error).__name__})") from error
        return answer

    def drop(self, running: Any) -> None:
        """By an interrupt, not by killing its process: a job that ends removes the files that were sent for it."""
        with contextlib.suppress(Exception):
            self._ray.cancel(running)
            self._dropped.append(running)

    def close(self) -> None:
        """See `Engine`; what was dropped has some seconds to end by itself."""
        with contextlib.suppress(Exception):
            if self._dropped:
                self._ray.wait(self._dropped, num_returns=len(self._dropped), timeout=PATIENCE, fetch_local=False)
        self._ray.shutdown()


@contextlib.contextmanager
def _hear_signals() -> Iterator[None]:
    """What a signal's handler raises while Ray waits; Ray itself lets nothing but a KeyboardInterrupt through."""
    try:
        yield
    except SystemError as error:
        raise (error.__cause__ or error) from None


def _import_ray() -> Any:
    os.environ.update(QUIET)
    try:
        ray = import_module("ray")  # its types, where it is installed, take mypy minutes
    except ImportError as error:
        raise MissingPackageError(
            "--engine ray needs Ray, which is not installed here; `pip install ray` brings it"
        ) from error
    if sys.platform != "linux":
        raise UsageError("--engine ray works on Linux alone")
    return ray


def _check_address(address: str | None) -> None:
    """Ray itself tries for minutes, and tells its log meanwhile.

    Raises:
        UsageError: nobody listens at a `host:port`.
    """
    found = re.fullmatch(r"\[?([^/]+?)\]?:(\d{1,5})", address or "")
    if found is None:
        return
    try:
        socket.create_connection((found[1], int(found[2])), CONNECTING).close()
    except (OSError, OverflowError, UnicodeError) as error:
        raise UsageError(f"Ray cannot be used at {address}: {_take_line(error)}") from error


def _take_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
