"""What is said of a scan on another machine, and its answer: JSON, as everything that crosses a border here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from onnxaudit.cache.key import digest_code
from onnxaudit.errors import WorkerError
from onnxaudit.gate.policy import Policy
from onnxaudit.records import GivenPreprocessing
from onnxaudit.versions import list_readers, list_versions


@dataclass(frozen=True, kw_only=True)
class Job:
    """A scan that another machine is to do.

    Attributes:
        run: in hexadecimal digits; the jobs of one share files.
        model: what the user calls it.
        file: the name of its file.
        digests: of the parcels: the model's, and those of the sources of samples.
        sources: the options that name samples, in the order of their parcels.
        options: the other arguments of `scan`, but for those that have a field of their own.
        preprocessing: as for `scan`.
        input_size: likewise.
        detectors: as in the policy, like the next three.
        domains: likewise.
        time_budget: likewise.
        memory_limit: likewise.
        memory: bytes for the scan, unless the options say how many.
        cores: that it may use.
        cache: a folder that the machines share, the URL of a store, or None.
        cache_limit: bytes.
        apart: whether the files are opened in a process that is shut in.
        debug: whether errors come with tracebacks, in the logs of the machine.
        place: 0 for the scan whose answer counts, from 1 on for those that help it by way of the cache.
        made: versions of all that decides results.
    """

    run: str
    model: str
    file: str
    digests: tuple[str, ...]
    sources: Mapping[str, str]
    options: Mapping[str, Any]
    preprocessing: GivenPreprocessing | None
    input_size: tuple[int, int] | None
    detectors: tuple[str, ...]
    domains: tuple[str, ...] | None
    time_budget: float | None
    memory_limit: int | None
    memory: int | None
    cores: int
    cache: str | None
    cache_limit: int
    apart: bool
    debug: bool
    place: int = 0
    made: Mapping[str, str]

    def read_options(self) -> dict[str, Any]:
        """Arguments of `scan`, but for the sources."""
        typed = {"preprocessing": self.preprocessing, "input_size": self.input_size}
        return {**self.options, **{name: value for name, value in typed.items() if value is not None}}

    def read_policy(self) -> Policy:
        """As much of the policy as a scan heeds."""
        return Policy(
            detectors=self.detectors,
            domains=self.domains,
            time_budget=self.time_budget,
            memory_limit=self.memory_limit,
        )


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of a scan on another machine.

    Attributes:
        document: in JSON, with the files as the user names them.
        short: whether the memory was too little.
        settled: whether the file's bytes alone make the scan fail.
        machine: what of it may change results.
        notices: what the user is to hear of the machine's way to the cache.
        stray: whether it is a helper's that did nothing, because its machine does not see the cache of the scan that
            counts.
    """

    document: str
    short: bool = False
    settled: bool = False
    notices: tuple[str, ...] = ()
    stray: bool = False
    machine: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Order:
    """A job, and what the machine has for it.

    Attributes:
        job: what is to be done.
        cores: by their numbers; none: those that are there.
        folders: the unpacked parcels: of the model, and of each source of samples.
    """

    job: Job
    cores: tuple[int, ...]
    folders: tuple[str, ...]


_JOB, _ANSWER, _ORDER = TypeAdapter(Job), TypeAdapter(Answer), TypeAdapter(Order)
Message = TypeVar("Message")


def write(message: Job | Answer | Order) -> bytes:
    """The message in JSON."""
    adapters: dict[type, TypeAdapter[Any]] = {Job: _JOB, Answer: _ANSWER, Order: _ORDER}
    return adapters[type(message)].dump_json(message)


def read_job(content: bytes) -> Job:
    """The job that was written.

    Raises:
        WorkerError: it is none of this version.
    """
    return _read(_JOB, content)


def read_answer(content: bytes) -> Answer:
    """The answer that was written.

    Raises:
        WorkerError: it is none of this version.
    """
    return _read(_ANSWER, content)


def read_order(content: bytes) -> Order:
    """The order that was written.

    Raises:
        WorkerError: it is none of this version.
    """
    return _read(_ORDER, content)


def list_made() -> dict[str, str]:
    """Versions of all that decides results, onnxaudit's own source among them."""
    return {**list_versions(), **list_readers(), "source": digest_code()}


def check_made(wanted: Mapping[str, str]) -> None:
    """Make sure that this machine would find what the one that asks would.

    Raises:
        WorkerError: something has another version here.
    """
    here = list_made()
    for name in sorted({*wanted, *here}):
        if wanted.get(name) != here.get(name):
            told = "another source" if name == "source" else f"{name} {here.get(name)}, not {wanted.get(name)}"
            raise WorkerError(f"a machine of the cluster has {told}; install the same on all of them")


def _read(adapter: TypeAdapter[Message], content: bytes) -> Message:
    try:
        return adapter.validate_json(content)
    except ValidationError as error:
        raise WorkerError(f"what the cluster says cannot be read: {error.error_count()} faults") from error
