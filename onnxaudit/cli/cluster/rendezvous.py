"""Whether a helper's machine sees the cache of the scan that counts: a folder of the same name may be another one.

The scan that counts leaves a note there, under a key that only this run can know, for as long as it is under way; a
helper that does not find it has nothing to give.
"""

import contextlib
import time
from collections.abc import Iterator

from onnxaudit.cache.key import make_key
from onnxaudit.cli.cluster.job import Job
from onnxaudit.cli.recall import Recall

PATIENCE = 30.0  # seconds: both set out at the same time, and the helper may be there first
EVERY = 1.0  # seconds between two looks


class StrayError(Exception):
    """A helper does not see the cache of the scan that counts."""


@contextlib.contextmanager
def meet(seen: Recall, job: Job) -> Iterator[None]:
    """The block runs while the scan that counts can be found; that of a helper once it was.

    Args:
        seen: the model's part of the cache, as this machine sees it.
        job: what this machine does.

    Raises:
        StrayError: a helper found no such scan.
    """
    key = name_scan(job)
    if not job.place:
        with seen.announce(key):
            yield
        return
    until = time.monotonic() + PATIENCE
    while not seen.is_announced(key):
        if time.monotonic() >= until:
            raise StrayError
        time.sleep(EVERY)
    yield


def name_scan(job: Job) -> str:
    """The key of the note, the same for the scan that counts and its helpers, and one that nobody can foresee."""
    return make_key({"run": job.run, "model": job.model})
