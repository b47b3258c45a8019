"""An engine that does jobs as a test says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from onnxaudit.cli.cluster.engine import LostError, Machine
from onnxaudit.cli.cluster.job import Answer, Job, read_job, write
from onnxaudit.records import ScanDocument, ScanFailure, ScanReport
from onnxaudit.report.json import to_json

GIB = 2**30


@dataclass
class FakeEngine:
    """Answers jobs at once, and notes what it was given.

    Attributes:
        answer: what comes of a job; raises `LostError` where nothing does.
        machines: that it says there are.
        puts: contents, in the order in which they came.
        jobs: likewise, each with what it takes.
        most: jobs that ran at one time.
        closed: whether it was left.
    """

    answer: Callable[[Job], bytes]
    machines: Sequence[Machine] = (
        Machine(cores=2, memory=8 * GIB),
        Machine(cores=4, memory=32 * GIB),
    )
    puts: list[bytes] = field(default_factory=list)
    jobs: list[tuple[Job, Machine]] = field(default_factory=list)
    most: int = 0
    closed: bool = False
    _running: set[int] = field(default_factory=set)

    def list_machines(self) -> Sequence[Machine]:
        return self.machines

    def put(self, content: bytes) -> int:
        self.puts.append(content)
        return len(self.puts) - 1

    def submit(self, job: bytes, parcels: Sequence[int], demand: Machine) -> int:
        read = read_job(job)
        assert len(parcels) == len(read.digests)
        self.jobs.append((read, demand))
        self._running.add(len(self.jobs) - 1)
        self.most = max(self.most, len(self._running))
        return len(self.jobs) - 1

    def await_any(self, running: Sequence[int], seconds: float) -> Sequence[int]:
        assert seconds > 0
        assert set(running) == self._running
        return running[:1]

    def take(self, ended: int) -> bytes:
        self._running.remove(ended)
        return self.answer(self.jobs[ended][0])

    def drop(self, running: int) -> None:
        self._running.remove(running)

    def close(self) -> None:
        assert not self._running
        self.closed = True


def tell(outcome: ScanReport | ScanFailure, *, short: bool = False, stray: bool = False) -> bytes:
    """An answer with one outcome."""
    document = ScanDocument((outcome,)) if isinstance(outcome, ScanReport) else ScanDocument((), (outcome,))
    return write(Answer(document=to_json(document), short=short, stray=stray, machine={}))


def lose(_: Job) -> bytes:
    raise LostError("the cluster lost it")
