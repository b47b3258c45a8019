"""`onnxaudit init`: an `onnxaudit.toml` from what lies here, what `inspect` sees in it, and what a person answers."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from onnxaudit.cli.exits import CLEAN, Settings, report_notice
from onnxaudit.cli.inspection import inspect_apart
from onnxaudit.cli.options.computation import EffortName
from onnxaudit.cli.output import list_data_paths
from onnxaudit.cli.project import PROJECT
from onnxaudit.errors import UsageError
from onnxaudit.files import write_atomically
from onnxaudit.gate.layers import lies_with_subject, read_toml
from onnxaudit.records import Inspection
from onnxaudit.text import format_duration, show_plainly

POLICIES = ("ci/policy.toml", "policy.toml")  # where one is looked for
SAMPLES = ("clean-images", "clean_images", "clean", "samples", "images")  # names of folders with clean images
PASSED_OVER = ("node_modules", "site-packages", "__pycache__")
DEEPEST = 4  # folders within folders that are looked into
MOST = 100  # models that are taken up by themselves


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What the file is to say beside the models.

    Attributes:
        data: clean images, or None.
        effort: of the scans.
        policy: a file, or None.
    """

    data: str | None
    effort: EffortName
    policy: str | None


def run_init(models: Sequence[Path], data: str | None, effort: EffortName | None, yes: bool, settings: Settings) -> int:
    """Write the file; an existing one stays.

    Raises:
        UsageError: there is one, no model is found that can be scanned, or nobody can be asked.
    """
    file = Path(PROJECT)
    if file.exists():
        raise UsageError(f"{file} is there already; change it, or remove it first")
    if not yes and not sys.stdin.isatty():
        raise UsageError("init asks at a terminal, and there is none; give --yes to take what it finds")
    found = list(models) or list(_find_models())
    if not found:
        raise UsageError("no .onnx file is found below this folder; name the models")
    _check_places(file, found)
    kept = list(_keep_scannable(found, settings))
    if not kept:
        raise UsageError(f"none of {len(found)} models can be scanned, so that {file} would name none")
    answers = _take(data, effort) if yes else _ask(data, effort)
    content = write_project(kept, answers)
    write_atomically(file, content.encode(), _check_read)
    settings.stdout.write(f"{content}\n")
    seconds = format_duration(sum(one.seconds or 0 for one in kept))
    counted = "1 model" if len(kept) == 1 else f"{len(kept)} models"
    report_notice(f"{file} is written: `onnxaudit scan` scans {counted} as it says,")
    report_notice(f"at standard effort in about {seconds} of one core.")
    if answers.data is None:
        report_notice("Without clean images no model is called clean: name some as data.")
    return CLEAN


def _check_read(draft: Path) -> None:
    """Refuse a file that could not be read back."""
    read_toml(draft)


def _find_models() -> Iterator[Path]:
    count = 0
    for folder, inner, names in os.walk("."):
        depth = len(Path(folder).parts)
        inner[:] = sorted(one for one in inner if one[0] != "." and one not in PASSED_OVER) if depth < DEEPEST else []
        for name in sorted(names):
            if name.endswith(".onnx") and count < MOST:
                count += 1
                yield Path(folder, name)


def _check_places(file: Path, models: Sequence[Path]) -> None:
    for model in models:
        if lies_with_subject(file, [model], None):
            raise UsageError(
                f"{model} lies here, where {file} would be; put models into a folder of their own, "
                "so that their author cannot write how they are scanned"
            )


def _keep_scannable(models: Sequence[Path], settings: Settings) -> Iterator[Inspection]:
    for number, model in enumerate(models, start=1):
        report_notice(f"[{number}/{len(models)}] inspecting {model}")
        seen = inspect_apart(model, {}, settings)
        if seen.scannable:
            yield seen
        else:
            report_notice(f"left out: {model}: {' '.join(seen.obstacles)}")


def _list_samples() -> list[str]:
    """Folders by their usual names, and archives beside which nothing says that they are no samples."""
    folders = [name for name in SAMPLES if Path(name).is_dir()]
    archives = [str(path) for name in (".", *folders) for path in sorted(Path(name).glob("*.npz"))]
    return archives or folders


def _take(data: str | None, effort: EffortName | None) -> Answers:
    """What is there: samples only where there is no choice."""
    samples = _list_samples()
    if data is None and len(samples) == 1:
        data = samples[0]
    return Answers(data=data, effort=effort or "standard", policy=next(filter(os.path.isfile, POLICIES), None))


def _ask(data: str | None, effort: EffortName | None) -> Answers:
    """What a person says; Enter takes what is proposed."""
    usual = _take(data, effort)
    if data is None:
        data = typer.prompt("Clean images, a folder or .npz (none: -)", default=usual.data or "-", err=True)
        if data != "-" and not any(path.exists() for path in list_data_paths(data)):
            raise UsageError(f"there is no {data}")
    if effort is None:
        effort = typer.prompt("Effort: quick, standard or deep", default="standard", err=True)
        if effort not in ("quick", "standard", "deep"):
            raise UsageError(f"{effort!r} is no effort")
    policy = typer.prompt("Policy, a file in TOML (none: -)", default=usual.policy or "-", err=True)
    return Answers(data=None if data == "-" else data, effort=effort, policy=None if policy == "-" else policy)


def write_project(models: Sequence[Inspection], answers: Answers) -> str:
    """The file: what is not known stands there as a comment."""
    lines = ["# What `onnxaudit scan` scans where it names no model; more keys: docs/how-to/gate-in-ci.md"]
    lines.append(f"data = {_quote(answers.data)}" if answers.data else '# data = "clean-images"')
    lines.append(f"effort = {_quote(answers.effort)}")
    lines.append(f"policy = {_quote(answers.policy)}" if answers.policy else '# policy = "ci/policy.toml"')
    lines += ["", "[outputs]", *(f'{kind} = "audit/report.{kind}"' for kind in ("json", "html", "sarif"))]
    for one in models:
        assert one.model is not None
        spec = one.model.input
        lines += ["", f"[[models]]  # {spec.channels}x{spec.height}x{spec.width}, {one.model.output.classes} classes"]
        lines.append(f"path = {_quote(Path(one.path).as_posix())}")
        if len(one.outputs) > 1:
            lines.append(f"output = {_quote(one.model.output.name)}")
    return "\n".join(lines) + "\n"


def _quote(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{show_plainly(text)} cannot be named in TOML, which holds UTF-8 alone") from None
    return json.dumps(text, ensure_ascii=False)
