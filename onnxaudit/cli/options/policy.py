"""The policy's keys on the command line."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import typer

from onnxaudit.cli.options.given import choose_name, keep_given
from onnxaudit.cli.values import read_bytes, read_duration

PolicyFile = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", help="A policy in TOML; what is given here goes before it.")
]
FailOn = Annotated[
    Literal["backdoored", "suspicion"] | None,
    typer.Option(show_default="backdoored", help="From which finding on a model fails (exit code 1)."),
]
Inconclusive = Annotated[
    Literal["block", "fail", "warn"] | None,
    typer.Option(
        show_default="block",
        help="What an inconclusive verdict leads to: exit code 3, 1, or 0, which the report records.",
    ),
]
InconclusiveByReason = Annotated[
    str | None,
    typer.Option(
        metavar="CODE=warn,...", help="The same by the code of the reason; of several reasons the strictest counts."
    ),
]
ExitZero = Annotated[
    bool, typer.Option("--exit-zero", help="Exit code 0 whatever is found, which the report records; errors stay 2.")
]
Detectors = Annotated[
    str | None,
    typer.Option(
        metavar="A,B",
        show_default="standard",
        help="Detectors to run; `onnxaudit detectors` lists them, standard is all of its own.",
    ),
]
RequiredDetectors = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="Detectors without whose measurements no model passes."),
]
OldDetectors = Annotated[str | None, typer.Option("--required-looks", metavar="A,B", hidden=True)]
MinCoverage = Annotated[
    float | None,
    typer.Option(min=0, max=1, metavar="Q", show_default="0", help="Least share of classes that a scan has to finish."),
]
TimeBudget = Annotated[
    Any,
    typer.Option(parser=read_duration, metavar="10m", help="Stop after this time; what is unfinished is inconclusive."),
]
MemoryLimit = Annotated[
    Any, typer.Option(parser=read_bytes, metavar="4GiB", help="Stop with an error where more memory would be needed.")
]
Domains = Annotated[
    str | None, typer.Option(metavar="A,B", help="Operator domains beside ONNX's own that a model may use.")
]
MinAgreement = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, metavar="Q", show_default="0.97", help="Least agreement with the original on clean images."
    ),
]
MaxSuccess = Annotated[
    float | None,
    typer.Option(min=0, max=1, metavar="S", show_default="0.1", help="Largest attack success rate of the trigger."),
]
Repaired = Annotated[
    Literal["accept", "clean"] | None,
    typer.Option(
        show_default="accept",
        help="What lets a repaired model through: the limits of the repair, or a new scan that is clean too.",
    ),
]

MaxReactivation = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        metavar="R",
        help="By how much sooner a repaired model may learn the trigger again than with other classes.",
    ),
]


@dataclass(frozen=True)
class PolicyRequest:
    """What a command line says of the policy: a file, and options by key."""

    file: Path | None
    options: dict[str, Any]


@dataclass(frozen=True)
class Gating:
    """A policy file and, under the names of the policy's keys, what goes before it."""

    PANEL: ClassVar[str] = "Policy"

    policy: PolicyFile = None
    fail_on: FailOn = None
    inconclusive: Inconclusive = None
    inconclusive_by_reason: InconclusiveByReason = None
    exit_zero: ExitZero = False
    detectors: Detectors = None
    required_detectors: RequiredDetectors = None
    required_looks: OldDetectors = None
    min_coverage: MinCoverage = None
    time_budget: TimeBudget = None
    memory_limit: MemoryLimit = None
    domains: Domains = None

    def request(self) -> PolicyRequest:
        """What was given."""
        keys = [field.name for field in fields(self) if field.name not in ("policy", "required_looks")]
        given = {key: getattr(self, key) for key in keys}
        given["required_detectors"] = choose_name(
            "--required-detectors", self.required_detectors, "--required-looks", self.required_looks
        )
        return PolicyRequest(self.policy, keep_given(**given))


@dataclass(frozen=True)
class RepairGating(Gating):
    """The same with the limits of repairs."""

    min_agreement: MinAgreement = None
    max_success: MaxSuccess = None
    max_reactivation: MaxReactivation = None
    repaired: Repaired = None
