"""`onnxaudit.toml`: which models `onnxaudit scan` scans where none is named, how, and where results go."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import typer

from onnxaudit.cli.options import keep_given
from onnxaudit.cli.options.computation import EffortName, read_preprocessing
from onnxaudit.cli.options.outputs import FILES
from onnxaudit.cli.values import read_bytes, read_deviations, read_numbers, read_range, read_size
from onnxaudit.errors import UsageError
from onnxaudit.gate.layers import PROJECT_TABLE, PYPROJECT, lies_with_subject, read_toml
from onnxaudit.gate.policy import check_names
from onnxaudit.records import Conversion, Origin
from onnxaudit.remote.address import is_remote

PROJECT = "onnxaudit.toml"
TRIGGERS = "save_triggers"
PIXELS = ("range", "mean", "std", "channel_order")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One model, or a copy of it in 8-bit integers, and the arguments of its scan.

    Attributes:
        model: its file; until it is fetched, its address.
        options: arguments of `scan`.
        quantize: whether its copies in 8-bit integers are scanned too.
        name: what it is called.
        origin: where it was fetched from; None where it was here.
        conversion: what it was made of; None where it is as it came.
        error: why it cannot be had; None where it can.
    """

    model: Path
    options: dict[str, Any]
    quantize: bool = False
    name: str = ""
    origin: Origin | None = None
    conversion: Conversion | None = None
    error: str | None = None

    def __post_init__(self) -> None:
        """A file is called by its path."""
        object.__setattr__(self, "name", self.name or str(self.model))


@dataclass(frozen=True, kw_only=True)
class Project:
    """What a project says of its scans.

    Attributes:
        file: that says so.
        jobs: one for each model.
        policy: the file of the policy, or None.
        baseline: an earlier report, or None.
        outputs: files by the name of their option.
    """

    file: Path
    jobs: tuple[Job, ...]
    policy: Path | None
    baseline: Path | None
    outputs: Mapping[str, str]


def read_project() -> Project:
    """The project of the working folder.

    Raises:
        UsageError: there is none, two are there, it says what nothing can be done with, or lies with a model or data.
    """
    file, table = _find_table()
    check_names(table, (*_READERS, "models", "policy", "baseline", "outputs"), str(file))
    usual = {key: _read(key, value, str(file)) for key, value in table.items() if key in _READERS}
    jobs = tuple(_list_jobs(table.get("models"), usual, str(file)))
    for job in jobs:
        if lies_with_subject(file, [job.model], job.options.get("data")):
            raise UsageError(
                f"{file} lies with {job.model} or its data; keep models and data in folders of their own, where their "
                "author cannot write what is scanned and how"
            )
    return Project(
        file=file,
        jobs=jobs,
        policy=_read_path(table, "policy", str(file)),
        baseline=_read_path(table, "baseline", str(file)),
        outputs=_read_outputs(table.get("outputs", {}), str(file)),
    )


def _find_table() -> tuple[Path, Mapping[str, Any]]:
    own, shared = Path(PROJECT), Path(PYPROJECT)
    within: Any = read_toml(shared) if shared.is_file() else {}
    for key in ("tool", "onnxaudit", PROJECT_TABLE):
        within = within.get(key) if isinstance(within, dict) else None
    if not own.is_file() and not isinstance(within, dict):
        raise UsageError(
            f"no model is named, and there is no {PROJECT} here that names some; give a MODEL, or run `onnxaudit init`"
        )
    if own.is_file() and within is not None:
        raise UsageError(f"{PROJECT} and {PYPROJECT} both say what is scanned here; keep one of them")
    return (own, read_toml(own)) if own.is_file() else (shared, within)


def _list_jobs(models: Any, usual: Mapping[str, Any], where: str) -> Iterator[Job]:
    if not isinstance(models, list) or not models:
        raise UsageError(f'{where}: models names no model; write models = ["models/*.onnx"], or [[models]] with a path')
    seen: set[Path] = set()
    for number, entry in enumerate(models, start=1):
        place = f"{where}: models, entry {number}"
        if isinstance(entry, str):
            entry = {"path": entry}
        if not isinstance(entry, dict) or "path" not in entry:
            raise UsageError(f"{place} has no path")
        check_names(entry, (*_READERS, "path"), place)
        own = {key: _read(key, value, place) for key, value in entry.items() if key != "path"}
        for model in _find_models(_read_text(entry["path"], place), place):
            if model in seen:
                raise UsageError(f"{place}: {model} is named before; name each model once")
            seen.add(model)
            values = {**usual, **own}
            copies = values.pop("quantize", None) is not None
            yield Job(model=model, options=_name_arguments(values), quantize=copies)


def _find_models(pattern: str, place: str) -> list[Path]:
    if is_remote(pattern) or not any(sign in pattern for sign in "*?["):
        return [Path(pattern)]
    root = Path(pattern).anchor
    try:
        found = sorted(Path(root).glob(pattern.removeprefix(root)))
    except (ValueError, NotImplementedError, OSError) as error:
        raise UsageError(f"{place}: {pattern!r} is no pattern of files: {error}") from error
    if not found:
        raise UsageError(f"{place}: no file is {pattern!r}, so that nothing would be scanned")
    return found


def _name_arguments(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values under the names that `scan` has for them."""
    pixels = read_preprocessing(*(values.get(key) for key in PIXELS))
    return keep_given(**{key: value for key, value in values.items() if key not in PIXELS}, preprocessing=pixels)


def _read_outputs(table: Any, where: str) -> dict[str, str]:
    if not isinstance(table, dict):
        raise UsageError(f"{where}: outputs is no table")
    check_names(table, (*FILES, TRIGGERS), f"{where}: outputs")
    return {key: _read_text(value, f"{where}: outputs") for key, value in table.items()}


def _read(key: str, value: Any, where: str) -> Any:
    try:
        return _READERS[key](value)
    except (ValueError, typer.BadParameter) as error:
        raise UsageError(f"{where}: {key}: {error}") from None


def _read_path(table: Mapping[str, Any], key: str, where: str) -> Path | None:
    return Path(_read_text(table[key], f"{where}: {key}")) if key in table else None


def _read_text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise UsageError(f"{where}: {value!r} is no text")
    return value


def _check(kind: type, words: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind or value == "":
            raise ValueError(f"{value!r} is {words}")
        return value

    return read


def _read_seed(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no whole number from 0 on")
    return value


def _one_of(*names: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in names:
            raise ValueError(f"{value!r} is not one of {', '.join(names)}")
        return str(value)

    return read


def _numbers(read: Callable[[str], tuple[float, ...]]) -> Callable[[Any], tuple[float, ...]]:
    """Of a list, one number, or the text that the option takes."""

    def read_all(value: Any) -> tuple[float, ...]:
        return read(",".join(map(str, value)) if isinstance(value, list) else str(value))

    return read_all


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "data": _check(str, "no text"),
    "output": _check(str, "no text"),
    "effort": _one_of(*get_args(EffortName)),
    "range": _numbers(read_range),
    "mean": _numbers(read_numbers),
    "std": _numbers(read_deviations),
    "channel_order": _one_of("RGB", "BGR"),
    "input_size": lambda value: read_size(str(value)),
    "device": _one_of("auto", "cpu", "cuda"),
    "memory": lambda value: read_bytes(str(value)),
    "seed": _read_seed,
    "quantize": _one_of("int8"),
    "embed_samples": _check(bool, "neither true nor false"),
}
