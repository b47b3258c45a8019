"""What is known of one model's scan from earlier runs, and what becomes known in this one.

All writing is done here, in the command's own process. The worker, which a stranger's file may have taken over, reads
the folder of its own model's units and no other, and says what it finished; so that all it can lie about is its model.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from onnxaudit.cache.entry import FORMAT
from onnxaudit.cache.folder import Cache, find_in
from onnxaudit.cache.key import HEX, digest_code, digest_tree, is_key, make_key, sign_tree
from onnxaudit.cli.output import list_data_paths
from onnxaudit.data.selection import MOST_SAMPLES
from onnxaudit.detectors.registry import OWN_PACKAGE
from onnxaudit.digests import digest_named
from onnxaudit.errors import DataError, ModelError
from onnxaudit.findings.interruptions import UNTIMELY
from onnxaudit.gate.policy import Policy
from onnxaudit.isolation.reach import has_accelerators, read_locations
from onnxaudit.records import ScanDocument, ScanFailure, ScanReport
from onnxaudit.report.json import from_json, to_json
from onnxaudit.versions import list_readers, list_versions

MOST_UNITS, MOST_BYTES = 512, 2**28  # that one worker may have kept
UNTIMELY_CODES = {one.code for one in UNTIMELY}
VISIBLE = "CUDA_VISIBLE_DEVICES"
AGAIN = "kept from an earlier scan"
UNDER_WAY = b"under way"


@dataclass(frozen=True)
class Shelf:
    """The units of one model, as its worker sees them.

    Attributes:
        folder: where they are; read only.
        tell: says that one is finished.
        place: of this scan among those of the same model at the same time, as `pipeline.units.SharedShelf` has it.
    """

    folder: Path
    tell: Callable[[bytes], None]
    place: int | None = None

    def find(self, key: str) -> bytes | None:
        """What was kept under a key."""
        return find_in(self.folder, key)

    def keep(self, key: str, content: bytes) -> None:
        """Have it kept."""
        self.tell(key.encode() + content)


@dataclass
class Recall:
    """One model's part of the cache; nothing is found or kept where there is none.

    Attributes:
        scope: folder of the model's units, or None.
        cache: where whole reports are, or None.
        key: of the whole report; "" where none can be kept.
        sha256: of the model.
        seconds: the time budget, or None.
        still_holds: whether the data are what they were when the key was made.
    """

    scope: Path | None = None
    cache: Cache | None = None
    key: str = ""
    sha256: str = ""
    seconds: float | None = None
    still_holds: Callable[[], bool] = field(default=lambda: True)
    _left: list[int] = field(default_factory=lambda: [MOST_UNITS, MOST_BYTES])

    def find(self, model: Path, data: str | None) -> ScanReport | ScanFailure | None:
        """What an earlier scan came to: a report with today's names of files, or a failure with those of then."""
        body = None if self.cache is None or not self.key else self.cache.find(self.key)
        try:
            document = None if body is None else from_json(body)
        except DataError:
            return None
        if not isinstance(document, ScanDocument) or len(document.reports) + len(document.failures) != 1:
            return None
        if document.failures:
            return document.failures[0]
        (report,) = document.reports
        if report.model.sha256 != self.sha256 or not self.is_lasting(report):
            return None
        samples = report.samples if data is None else replace(report.samples, source=data)
        told = "; ".join(one for one in (AGAIN, report.isolation) if one)
        return replace(report, model=replace(report.model, path=str(model)), samples=samples, isolation=told)

    def fill(self) -> None:
        """Have what other machines finished at hand, before a worker begins."""
        if self.scope is not None and self.cache is not None:
            self.cache.fill(self.scope)

    @contextlib.contextmanager
    def announce(self, key: str) -> Iterator[None]:
        """Let whoever sees the same cache know that this scan is under way, for as long as the block lasts."""
        if self.scope is None or self.cache is None:
            yield
            return
        self.cache.keep_unit(self.scope, key, UNDER_WAY)
        try:
            yield
        finally:
            self.cache.drop_unit(self.scope, key)

    def is_announced(self, key: str) -> bool:
        """Whether the scan that has that key is under way, where this cache is seen."""
        if self.scope is None or self.cache is None:
            return False
        return self.cache.find_unit(self.scope, key) == UNDER_WAY

    def keep(self, report: ScanReport) -> None:
        """Keep a whole report, if another scan would come to no other."""
        if self.cache is None or not self.key or report.model.sha256 != self.sha256:
            return
        if self.is_lasting(report) and self.still_holds():
            self.cache.keep(self.key, to_json(ScanDocument((report,))).encode())

    def keep_failure(self, failure: ScanFailure, model: Path) -> None:
        """Keep what is wrong with a file whatever time and memory there is, if it still is the file that was hashed."""
        if self.cache is None or not self.key or not self.still_holds():
            return
        with contextlib.suppress(ModelError, OSError):
            if digest_named(model, read_locations(model)).combined == self.sha256:
                self.cache.keep(self.key, to_json(ScanDocument((), (failure,))).encode())

    def is_lasting(self, report: ScanReport) -> bool:
        """Whether clock, want of memory and other packages had no part in a report, and no picture is in it."""
        return (
            report.embedded is None
            and not _wanted_memory(report)
            and (self.seconds is None or report.duration_seconds < self.seconds)
            and not any(caveat.code in UNTIMELY_CODES for caveat in report.caveats)
            and all(run.complete and run.detector.package == OWN_PACKAGE for run in report.detectors)
        )

    def take(self, content: bytes) -> None:
        """Keep a unit that the worker says is finished, as far as one worker may fill the cache."""
        key = content[:HEX].decode("ascii", "replace")
        self._left[0] -= 1
        self._left[1] -= len(content)
        if self.scope is None or self.cache is None:
            return
        if min(self._left) >= 0 and is_key(key):
            self.cache.keep_unit(self.scope, key, content[HEX:])


NOTHING = Recall()


class Recollection:
    """Opens each model's part of a cache; data that several share are hashed once.

    Attributes:
        shared: the cache, if other machines of a run may use it; else None.
    """

    def __init__(self, cache: Cache | None, policy: Policy) -> None:
        """Nothing was looked for yet."""
        self._cache, self._policy = cache, policy
        self.shared = cache if cache is not None and cache.shared else None
        self._data: dict[str, tuple[str | None, str | None]] = {}  # state and digest

    def open(self, model: Path, options: dict[str, Any]) -> Recall:
        """What is known of a model; nothing of one that cannot be read."""
        if self._cache is None:
            return NOTHING
        try:
            sha256 = digest_named(model, read_locations(model)).combined
            scope = self._cache.open_scope(make_key({"format": FORMAT, "model": sha256, "code": digest_code()}))
        except (ModelError, OSError):
            return NOTHING
        source = options.get("data")
        state, data = ("", "") if source is None else self._know(source)
        return Recall(
            scope=scope,
            cache=self._cache,
            key="" if data is None else self._name_report(sha256, data, options),
            sha256=sha256,
            seconds=self._policy.time_budget,
            still_holds=lambda: source is None or _describe_data(source, sign_tree) == state,
        )

    def trim(self) -> None:
        """Keep to the limit."""
        if self._cache is not None:
            self._cache.trim()

    def tell_how_to_go_on(self) -> str:
        """What becomes of an interrupted run."""
        if self._cache is None:
            return "there is no cache, so that the next run begins anew"
        return "the same command goes on where this one stopped"

    def _know(self, source: str) -> tuple[str | None, str | None]:
        """State and digest of samples, which are hashed again where they changed during the run."""
        state = _describe_data(source, sign_tree)
        known = self._data.get(source)
        if known is None or known[0] != state:
            known = self._data[source] = (state, None if state is None else _describe_data(source, digest_tree))
        return known

    def _name_report(self, sha256: str, data: str, options: dict[str, Any]) -> str:
        if options.get("embed_samples"):
            return ""
        policy = {"detectors": self._policy.detectors, "domains": self._policy.domains}
        given = {name: value for name, value in options.items() if name != "data"}
        made = {"format": FORMAT, "code": digest_code(), "versions": list_versions(), "readers": list_readers()}
        return make_key(
            {**made, **describe_machine(), "model": sha256, "data": data, "options": given, "policy": policy}
        )


def name_failure(failure: ScanFailure, name: str) -> ScanFailure:
    """The failure with the name that its file has now."""
    begin = f"{failure.path}: "
    named = f"{name}: {failure.error.removeprefix(begin)}" if failure.error.startswith(begin) else failure.error
    return ScanFailure(name, named)


def describe_machine() -> dict[str, str | bool | None]:
    """What of this machine may change results."""
    accelerators = has_accelerators()
    return {"accelerators": accelerators, "visible": os.environ.get(VISIBLE) if accelerators else None}


def _describe_data(source: str, tell: Callable[[Path], str]) -> str | None:
    """What `tell` says of samples, and the names of their arrays; None where they cannot be read."""
    try:
        paths = list_data_paths(source)
        contents = [(one.suffix, tell(one)) for one in paths]
        return make_key({"arrays": source.removeprefix(str(paths[0])), "contents": contents})
    except (OSError, IndexError):
        return None


def _wanted_memory(report: ScanReport) -> bool:
    """Whether fewer samples were held than a scan with more memory might hold."""
    plan = report.memory
    return plan is not None and plan.samples < MOST_SAMPLES and report.samples.count >= plan.samples
