"""Results of a benchmark as a file that a later run can be compared with.

Each benchmark takes `--json FILE`; those worth keeping lie in `benchmarks/results/`, and
`python -m benchmarks.compare OLD NEW` says what changed.
"""

import argparse
import json
import math
import os
import platform
import shlex
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from onnxaudit.files import write_atomically
from onnxaudit.version import __version__

ResultRow = dict[str, Any]
PROCESSORS = Path("/proc/cpuinfo")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a benchmark ran on.

    Attributes:
        processor: its model, as the system names it.
        cores: that the benchmark could use.
    """

    processor: str
    cores: int


@dataclass(frozen=True, kw_only=True)
class Result:
    """One run of one benchmark.

    Attributes:
        name: of the benchmark's module.
        command: that repeats it.
        version: of onnxaudit.
        machine: that it ran on.
        date: of its end, `YYYY-MM-DD`.
        rows: of its table; what tells one from another (`model`, `layer` ...) and what was measured.
    """

    name: str
    command: str
    version: str
    machine: Machine
    date: str
    rows: tuple[ResultRow, ...]


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """`--json FILE`, the same for every benchmark."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to keep the rows, for `benchmarks.compare`")


def keep(path: Path | None, name: str, rows: Iterable[Any]) -> None:
    """Write rows, dataclasses or dictionaries, to a file; nothing where there is no path."""
    if path is None:
        return
    result = Result(
        name=name,
        command=shlex.join(["python", "-m", f"benchmarks.{name}", *sys.argv[1:]]),
        version=__version__,
        machine=describe_machine(),
        date=datetime.now(UTC).date().isoformat(),
        rows=tuple(_clean(row) for row in rows),
    )
    text = json.dumps(asdict(result), indent=1, default=str, allow_nan=False)
    write_atomically(path, (text + "\n").encode())


def read(path: Path) -> Result:
    """What `keep` wrote.

    Raises:
        ValueError: the file holds something else.
    """
    content = json.loads(path.read_text(encoding="utf-8"))
    try:
        machine, rows = Machine(**content.pop("machine")), tuple(content.pop("rows"))
        return Result(**content, machine=machine, rows=rows)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not the result of a benchmark") from error


def describe_machine() -> Machine:
    """The processor's model, and the cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(processor=_read_processor() or platform.processor() or platform.machine(), cores=cores)


def _read_processor() -> str | None:
    """As Linux names it."""
    if not PROCESSORS.exists():
        return None
    lines = (line.partition(":") for line in PROCESSORS.read_text(encoding="utf-8").splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == "model name"), None)


def _clean(value: Any) -> Any:
    """Dataclasses as dictionaries, and null for what is no finite number."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        return {str(key): _clean(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
