"""The structural examination over folders of models: what it says of each, and how long it takes.

    python -m benchmarks.structure models --data FILE.npz
    python -m benchmarks.structure FOLDER --data PREFIX=FILE.npz --data PREFIX=FILE.npz

A model is examined on the samples of the longest prefix that its file name begins with; on synthetic ones where there
is none. Benign models have to show nothing.
"""

import argparse
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from onnxaudit.errors import InputError, RejectedError
from onnxaudit.pipeline.subject import open_subject
from onnxaudit.records import Event


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model: what was found, by rule and reason, and the seconds of the examination."""

    name: str
    found: str
    seconds: float


def examine_all(folders: list[Path], data: Mapping[str, Path]) -> Iterator[Row]:
    """One row a model."""
    for folder in folders:
        for path in sorted(folder.glob("**/*.onnx")) if folder.is_dir() else [folder]:
            prefixes = [prefix for prefix in data if path.name.startswith(prefix)]
            yield examine_one(path, data[max(prefixes, key=len)] if prefixes else None)


def examine_one(path: Path, data: Path | None) -> Row:
    """Open a model; the examination is the last step of that, and its own event the last."""
    last = [time.monotonic()]

    def listen(event: Event) -> None:
        del event
        last[0] = time.monotonic()

    try:
        subject = open_subject(path, data, seed=0, device="cpu", on_event=listen)
    except RejectedError as error:
        found = " ".join(one.rule for one in error.irregularities)
        return Row(name=path.name, found=found, seconds=time.monotonic() - last[0])
    except InputError as error:
        return Row(name=path.name, found=f"refused: {error}"[:100], seconds=0.0)
    codes = " ".join(reason.code for reason in subject.doubts)
    return Row(name=path.name, found=codes, seconds=time.monotonic() - last[0])


def main() -> None:
    """Print one line a model and a sum."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--data", action="append", default=[], help="FILE.npz, or PREFIX=FILE.npz")
    options = parser.parse_args()
    data = {prefix: Path(path) for prefix, _, path in (one.rpartition("=") for one in options.data)}
    rows = []
    for row in examine_all(options.folders, data):
        rows.append(row)
        print(f"{row.name:<48}{row.seconds:7.2f} s  {row.found}", flush=True)
    alarms = sum(bool(row.found) for row in rows)
    longest = max((row.seconds for row in rows), default=0.0)
    print(f"{len(rows)} models, {alarms} with something to say, {longest:.2f} s at most")


if __name__ == "__main__":
    main()
