"""A cluster of Ray's whose machines are processes of this one; for slow tests and benchmarks."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # 15 by default: beside other programs a scan would come to no end
    "RAY_raylet_start_wait_time_s": "60",  # longer is no use: what is not there by then has ended itself
    "RAY_agent_register_timeout_ms": "300000",
}

TRIES = 5


@contextmanager
def open_cluster() -> Iterator[Any]:
    """A cluster without cores; Ray reads these variables once, where it is imported."""
    os.environ.update(SETTINGS)
    cluster = import_module("ray.cluster_utils").Cluster()
    _start(cluster, num_cpus=0, include_dashboard=False)
    try:
        yield cluster
    finally:
        cluster.shutdown()


def add_machine(cluster: Any, cores: int = 1) -> Any:
    """A machine more, which `cluster.remove_node` takes away."""
    return _start(cluster, num_cpus=cores)


def _start(cluster: Any, **options: Any) -> Any:
    """A machine, tried again: Ray's own program ends itself where another of its programs takes 15 seconds to begin."""
    for left in reversed(range(TRIES)):
        try:
            return cluster.add_node(**options, **choose_ports())
        except Exception:  # Ray raises no narrower one
            if not left:
                raise
    return None


def choose_ports() -> dict[str, int]:
    """Ports for all that Ray starts on a machine: without them it gives up after 15 seconds on a busy one."""
    names = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port", "runtime_env_agent_port")
    return {name: _find_port() for name in names}


def _find_port() -> int:
    with socket.socket() as one:
        one.bind(("", 0))
        return int(one.getsockname()[1])
