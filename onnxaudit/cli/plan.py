"""What a scan is to do: what the command line says, or where that names no model, what the project does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from onnxaudit.cli.models import choose_shard, digest_names, find_models, is_list
from onnxaudit.cli.options import PolicyRequest, RunOutputs, Spread
from onnxaudit.cli.project import TRIGGERS, Job, read_project
from onnxaudit.cli.stdout import STDOUT
from onnxaudit.errors import OutputError
from onnxaudit.records import QuantizationKind, name_copy

ALONE = Spread()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Models and the arguments of their scans, and what holds for all of them.

    Attributes:
        jobs: one for each model.
        outputs: where results go.
        triggers: a folder for trigger files, or None.
        request: of the policy.
        baseline: the report of an earlier run, whose findings let no model fail, or None.
        project: the file that the plan is from, or None.
        spread: how many models are scanned at the same time, and where.
        pages: a folder for a page of each model, or None.
        lists: text files that name models.
        whole: as of `RunInfo`.
    """

    jobs: tuple[Job, ...]
    outputs: RunOutputs
    triggers: Path | None
    request: PolicyRequest
    baseline: Path | None
    project: Path | None = None
    spread: Spread = ALONE
    pages: Path | None = None
    lists: tuple[Path, ...] = ()
    whole: str = ""

    @property
    def quantizes(self) -> bool:
        """Whether copies of any model in 8-bit integers are scanned too."""
        return any(job.quantize for job in self.jobs)

    @property
    def models(self) -> list[Path]:
        """Their files, each once where copies of it are scanned too."""
        return [job.model for job in self.jobs if "quantization" not in job.options]

    def with_copies(self) -> "Plan":
        """The plan with scans of both int8 copies behind that of each model, where they were asked for."""
        return replace(self, jobs=tuple(one for job in self.jobs for one in self._spread(job)))

    def _spread(self, job: Job) -> Iterator[Job]:
        yield job
        for kind in QuantizationKind if job.quantize else ():
            yield replace(job, options={**job.options, "quantization": kind}, name=name_copy(job.name, kind))

    @property
    def sources(self) -> list[str]:
        """The samples, each source once."""
        return list(dict.fromkeys(job.options["data"] for job in self.jobs if "data" in job.options))

    @property
    def files(self) -> list[Path]:
        """What is read beside models and samples."""
        return [path for path in (self.project, self.request.file, self.baseline, *self.lists) if path is not None]


def plan_scan(
    models: Sequence[Path],
    given: dict[str, Any],
    outputs: RunOutputs,
    *,
    triggers: Path | None,
    request: PolicyRequest,
    baseline: Path | None,
    spread: Spread = ALONE,
    pages: Path | None = None,
) -> Plan:
    """What is to be done; what was given on the command line goes before the project.

    Args:
        models: of the command line.
        given: arguments of `scan` from there, and `quantize` where copies are wanted.
        outputs: likewise.
        triggers: likewise.
        request: likewise.
        baseline: likewise.
        spread: how many at once, which part of them, and where.
        pages: a folder for a page of each model, or None.

    Raises:
        UsageError: no model is named, and there is no project; see `read_project`.
        OutputError: a folder for the project's results cannot be made.
    """
    given = dict(given)
    quantize = given.pop("quantize", None) is not None
    if models:
        found = find_models(models)
        return Plan(
            jobs=tuple(
                Job(model=model, options=given, quantize=quantize) for model in choose_shard(found, spread.shard)
            ),
            outputs=outputs,
            triggers=triggers,
            request=request,
            baseline=baseline,
            spread=spread,
            pages=pages,
            lists=tuple(word for word in models if is_list(word)),
            whole="" if spread.shard is None else digest_names(found),
        )
    project = read_project()
    files: dict[str, Any] = dict(project.outputs)
    folder = files.pop(TRIGGERS, None)
    taken = {one.name for one in fields(outputs) if getattr(outputs, one.name) is not None}
    files = {name: file for name, file in files.items() if name not in taken}
    for file in files.values():
        _make_folder(file)
    return Plan(
        jobs=tuple(
            replace(job, options={**job.options, **given}, quantize=job.quantize or quantize)
            for job in choose_shard(project.jobs, spread.shard)
        ),
        outputs=replace(outputs, **files),
        triggers=triggers or (None if folder is None else Path(folder)),
        request=replace(request, file=request.file or project.policy),
        baseline=baseline or project.baseline,
        project=project.file,
        spread=spread,
        pages=pages,
        whole="" if spread.shard is None else digest_names([job.model for job in project.jobs]),
    )


def _make_folder(file: str) -> None:
    try:
        if file != STDOUT:
            Path(file).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{Path(file).parent} cannot be created: {error.strerror or error}") from error
