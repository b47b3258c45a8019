"""Models that lie elsewhere, brought here before anything of them is opened.

What talks to a network is a process of its own, which ends before the first worker begins: neither the command's
process nor a worker ever holds a connection, and without such an address there is none at all.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from onnxaudit.cli.conversion import convert_apart, take_order
from onnxaudit.cli.exits import Settings, describe_error, report_notice
from onnxaudit.cli.isolation import MOST_FILES
from onnxaudit.cli.options import Fetching, Locating
from onnxaudit.cli.project import Job
from onnxaudit.conversion.kinds import is_convertible
from onnxaudit.errors import FetchError, OnnxauditError, OutputError, UsageError
from onnxaudit.files import open_folder
from onnxaudit.isolation.limits import Limits, hold
from onnxaudit.isolation.worker import TICK, Tell, Worker
from onnxaudit.records import Origin
from onnxaudit.remote.address import Address, is_remote, read_address, read_digest
from onnxaudit.remote.fetch import MOST, Fetched, check_pin, fetch

LONGEST = 3600.0  # seconds for one model
KEPT_DIGITS = 16  # of the digest, in the name of a folder that stays
QUIET = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}


def refuse_remote(models: Sequence[Path], why: str) -> None:
    """Say why a model has to be here.

    Raises:
        UsageError: one is not.
    """
    for model in models:
        if is_remote(model):
            raise UsageError(f"{read_address(model).uri} lies elsewhere: {why}")


@contextmanager
def bring_models(
    jobs: Sequence[Job], fetching: Locating, settings: Settings, *, silent: bool = False
) -> Iterator[tuple[Job, ...]]:
    """The jobs with every model here, for as long as the block lasts, or in the folder that was given for good.

    One that cannot be had has word of that in its job, and stops no other. What is fetched is told unless `silent`.
    Other frameworks' models are converted where `fetching` says how.

    Raises:
        UsageError: one digest for several models, or an address of no known kind.
        OutputError: there is no room for what is fetched.
    """
    wanted = None if fetching.sha256 is None else read_digest(fetching.sha256)
    if wanted is not None and len(jobs) > 1:
        raise UsageError("--sha256 is that of one model; write #sha256=... behind each address")
    bring = _Bringer(fetching=fetching, settings=settings, tell=_say_nothing if silent else report_notice)
    with ExitStack() as stack:
        elsewhere = any(is_remote(job.model) or is_convertible(job.model) for job in jobs)
        folder = stack.enter_context(_open_place(fetching.fetch_into)) if elsewhere else Path()
        yield tuple(bring(job, wanted, folder / str(number)) for number, job in enumerate(jobs))


@contextmanager
def bring_model(model: Path, fetching: Locating, settings: Settings, *, silent: bool = False) -> Iterator[Job]:
    """The same for one model.

    Raises:
        OnnxauditError: it cannot be had.
    """
    with bring_models([Job(model=model, options={})], fetching, settings, silent=silent) as (job,):
        if job.error is not None:
            raise FetchError(job.error)
        yield job


@contextmanager
def _open_place(kept: Path | None) -> Iterator[Path]:
    """A private folder, gone after the block."""
    try:
        if kept is not None:
            kept.mkdir(parents=True, exist_ok=True)
        with open_folder(kept or Path(tempfile.gettempdir())) as folder:
            yield folder
    except OSError as error:
        where = kept or tempfile.gettempdir()
        raise OutputError(f"no folder can be made in {where} for what is fetched: {error.strerror or error}") from error


def _say_nothing(message: str) -> None:
    del message


@dataclass(frozen=True, kw_only=True)
class _Bringer:
    """Brings one model after the other, and says so."""

    fetching: Locating
    settings: Settings
    tell: Callable[[str], None]

    def __call__(self, job: Job, wanted: str | None, folder: Path) -> Job:
        """The job with its model here, in an ONNX file; with word of what stood against that."""
        name = job.name
        try:
            if is_remote(job.model):
                job = self._fetch(job, wanted, folder)
                name = job.name
            elif wanted is not None:
                check_pin(job.model, wanted)
            if isinstance(self.fetching, Fetching) and is_convertible(job.model):
                return self._convert(job, folder, self.fetching.python)
            return job
        except OnnxauditError as error:
            known = read_address(job.model).uri if is_remote(job.model) else name
            return replace(job, name=known, error=str(error))

    def _fetch(self, job: Job, wanted: str | None, folder: Path) -> Job:
        address = read_address(job.model)
        address = replace(address, sha256=address.sha256 if wanted is None else wanted)
        self.tell(f"fetching {address.uri}")
        place, most = folder / "fetched", self.fetching.fetch_limit or MOST
        place.mkdir(parents=True)
        fetched = (_fetch_apart if self.settings.apart else _fetch_here)(address, place, most)
        path = self._keep(fetched.path, place, fetched.origin.sha256)
        return replace(job, model=path, name=address.uri, origin=fetched.origin)

    def _convert(self, job: Job, folder: Path, python: Path | None) -> Job:
        self.tell(f"converting {job.name}")
        order = take_order(job.model, python=python, size=job.options.get("input_size"))
        place = folder / "converted"
        place.mkdir(parents=True)
        output = place / f"{job.model.stem}.onnx"
        document = convert_apart(order, output, self.settings)
        if self.fetching.fetch_into is None:
            self.tell("what is scanned is the ONNX file, which is gone after the run: --fetch-into DIR keeps it")
        path = self._keep(output, place, document.output_sha256)
        return replace(job, model=path, name=job.name, conversion=replace(document.conversion, source=job.name))

    def _keep(self, path: Path, folder: Path, sha256: str) -> Path:
        """Where a file stays: in a folder named by its content, which is there already where it was made before."""
        kept = self.fetching.fetch_into
        if kept is None:
            return path
        target = kept / f"{path.stem}-{sha256[:KEPT_DIGITS]}"
        found = target / path.relative_to(folder)
        try:
            if target.exists():
                check_pin(found, sha256)
            else:
                folder.rename(target)
        except OSError as error:
            raise OutputError(f"{target} cannot be written: {error.strerror or error}") from error
        self.tell(f"kept as {found}")
        return found


def _fetch_here(address: Address, folder: Path, most: int) -> Fetched:
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    return fetch(address, folder, most)


def _fetch_apart(address: Address, folder: Path, most: int) -> Fetched:
    """Fetch in a process that is gone afterwards, with its connections and its threads."""

    def work(tell: Tell) -> bytes:
        del tell
        return _answer(lambda: _fetch_here(address, folder, most))

    def shut_in() -> str:
        hold(Limits(memory=None, cpu=int(LONGEST), file_size=most + 2**20, files=MOST_FILES))
        return ""

    with closing(Worker(work, shut_in, LONGEST)) as worker:
        while not worker.listen(TICK):
            pass
        ending = worker.conclude()
    if ending.result is None:
        raise FetchError(f"{address.uri} cannot be fetched: what fetches it {ending.words}")
    plain = json.loads(ending.result)
    if "error" in plain:
        raise FetchError(plain["error"])
    return Fetched(path=Path(plain["path"]), origin=Origin(**plain["origin"]))


def _answer(work: Callable[[], Fetched]) -> bytes:
    try:
        fetched = work()
        plain = {"path": str(fetched.path), "origin": asdict(fetched.origin)}
    except Exception as error:
        plain = {"error": describe_error(error)}
    return json.dumps(plain).encode()
