"""What an engine has a machine do: unpack what arrived, and have it scanned in a process beside the engine's."""

import os
import tempfile
from pathlib import Path

import onnxaudit
from onnxaudit.cli.cluster.job import Order, read_job, write
from onnxaudit.cli.cluster.outpost import find_outpost
from onnxaudit.cli.cluster.parcel import unpack
from onnxaudit.cli.cluster.shelter import find_home, open_shelf, take_cores

PACKAGES = "PYTHONPATH"
SECRETS = "RAY_"  # variables that lead into the cluster begin so


def do(job: bytes, *parcels: memoryview) -> bytes:
    """The answer of a job.

    Args:
        job: as `job.write` has it.
        parcels: contents, in the order of the job's digests.

    Raises:
        WorkerError: there is none.
        OSError: nothing can be written here, or no process made.
    """
    read, root = read_job(job), Path(tempfile.gettempdir())
    with open_shelf(read.run, root) as shelf, take_cores(find_home(root), read.cores) as cores:
        folders = [unpack(memoryview(one), digest, shelf) for one, digest in zip(parcels, read.digests, strict=True)]
        order = Order(job=read, cores=cores, folders=tuple(map(str, folders)))
        return find_outpost(_make_environment()).ask(write(order))


def _make_environment() -> dict[str, str]:
    """Of this process, without what leads into the cluster; the package is found as it was found here."""
    own = str(Path(onnxaudit.__file__).parent.parent)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SECRETS)}
    others = map(os.path.abspath, filter(None, kept.get(PACKAGES, "").split(os.pathsep)))
    return {**kept, PACKAGES: os.pathsep.join((own, *others))}
