"""What an engine has a machine do: unpack what arrived, and scan in a process of its own."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import onnxaudit
from onnxaudit.cli.cluster.job import read_job
from onnxaudit.cli.cluster.parcel import unpack
from onnxaudit.cli.cluster.shelter import find_home, open_shelf, take_cores
from onnxaudit.errors import WorkerError

PACKAGES = "PYTHONPATH"
SECRETS = "RAY_"  # variables that lead into the cluster begin so
LAST = 500  # characters of what a process said before it ended without an answer


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
        return _scan(job, folders, cores)


def _scan(job: bytes, folders: list[Path], cores: tuple[int, ...]) -> bytes:
    words = [str(os.getpid()), ",".join(map(str, cores)), *map(str, folders)]
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-P", "-m", "onnxaudit.cli.cluster.station", *words],
        input=job,
        capture_output=True,
        env=_make_environment(),
        cwd=os.sep,  # what is imported from the working folder would be kept from the worker
        check=False,
    )
    sys.stderr.write(done.stderr.decode("utf-8", "replace"))
    if done.returncode != 0:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][-LAST:]
        raise WorkerError(f"a machine of the cluster came to no answer (exit code {done.returncode}): {last}")
    return done.stdout


def _make_environment() -> dict[str, str]:
    """Of this process, without what leads into the cluster; the package is found as it was found here."""
    own = str(Path(onnxaudit.__file__).parent.parent)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SECRETS)}
    others = map(os.path.abspath, filter(None, kept.get(PACKAGES, "").split(os.pathsep)))
    return {**kept, PACKAGES: os.pathsep.join((own, *others))}
