"""The options of the commands, and the groups of them that commands share.

An option that is not given stays None and is not passed on: the defaults live with the configs alone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer

from onnxaudit.cli.stdout import STDOUT
from onnxaudit.cli.values import read_bytes, read_deviations, read_duration, read_numbers, read_range, read_size
from onnxaudit.errors import UsageError

if TYPE_CHECKING:
    from onnxaudit.detection import Effort as DetectionEffort
    from onnxaudit.pipeline import ScanConfig
    from onnxaudit.records import GivenPreprocessing
    from onnxaudit.report.terminal import Detail


def read_preprocessing(pixel_range: Any, mean: Any, std: Any, channel_order: str | None) -> "GivenPreprocessing | None":
    """What was said about preprocessing, or None where nothing was."""
    if pixel_range is None and mean is None and std is None and channel_order is None:
        return None
    from onnxaudit.records import ChannelOrder, GivenPreprocessing

    order = None if channel_order is None else ChannelOrder(channel_order)
    return GivenPreprocessing(range=pixel_range, mean=mean, std=std, channel_order=order)


def read_effort(effort: "DetectionEffort | None") -> "ScanConfig | None":
    """The settings of a profile, or None where none was named."""
    if effort is None:
        return None
    from onnxaudit.detection import choose_effort
    from onnxaudit.pipeline import ScanConfig

    return ScanConfig(detection=choose_effort(effort))


def keep_given(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


Model = Annotated[Path, typer.Argument(metavar="MODEL", help="The ONNX file.", show_default=False)]
Models = Annotated[list[Path], typer.Argument(metavar="MODEL", help="The ONNX files.", show_default=False)]
Data = Annotated[
    str,
    typer.Option(
        metavar="PATH",
        help="Clean images: a folder, with or without a sub-folder for each class, or an .npz archive "
        "(FILE.npz:x,y names its arrays).",
        show_default=False,
    ),
]
OptionalData = Annotated[
    str | None,
    typer.Option(
        metavar="PATH",
        help="Clean images: a folder, with or without a sub-folder for each class, or an .npz archive "
        "(FILE.npz:x,y names its arrays). Without any, synthetic images are used, and no model is called clean.",
    ),
]
FormatName = Literal[
    "text", "json", "html", "sarif", "markdown", "junit"
]  # those of `report.formats`, which `--help` must not import
Format = Annotated[FormatName | None, typer.Option("--format", help="What stdout holds; text where not given.")]
PlainFormat = Annotated[
    Literal["text", "json"] | None, typer.Option("--format", help="What stdout holds; text where not given.")
]
Json = Annotated[str | None, typer.Option("--json", metavar="FILE", help="Write the JSON report there; - is stdout.")]
Sarif = Annotated[
    str | None, typer.Option("--sarif", metavar="FILE", help="Write SARIF 2.1.0 for code scanning there.")
]
Html = Annotated[
    str | None, typer.Option("--html", metavar="FILE", help="Write the report for people there: one page, no scripts.")
]
Markdown = Annotated[
    str | None, typer.Option("--markdown", metavar="FILE", help="Write Markdown for a job's summary there.")
]
Junit = Annotated[str | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML for build servers there.")]
Run = Annotated[Path, typer.Argument(metavar="RUN.json", help="What `--json` wrote.", show_default=False)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="The answer alone, no progress.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="All labels, rounds, settings and versions.")]
ProgressName = Literal["auto", "lines", "jsonl", "none"]
Progress = Annotated[
    ProgressName,
    typer.Option(help="Progress on stderr: what fits it, lines, JSON lines, or none."),
]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="Like --progress none.")]
Rule = Annotated[str | None, typer.Argument(metavar="[ID]", help="A rule's identifier or name.", show_default=False)]
Seed = Annotated[int | None, typer.Option(min=0, metavar="N", help="Seed of all randomness.")]
Device = Annotated[Literal["auto", "cpu", "cuda"] | None, typer.Option(help="Where to compute.")]
TimeBudget = Annotated[
    Any,
    typer.Option(parser=read_duration, metavar="10m", help="Stop after this time; what is unfinished is inconclusive."),
]
Effort = Annotated[
    Literal["quick", "standard", "deep"] | None,
    typer.Option("--profile", help="How much effort: a quick look, a gate, or an inquiry with several seeds."),
]
OutputName = Annotated[
    str | None, typer.Option("--output", metavar="NAME", help="The classifying output, where a model has several.")
]
InputSize = Annotated[
    Any,
    typer.Option(
        parser=read_size, metavar="HxW", help="Input size of a model that takes any; the samples' where not given."
    ),
]
Range = Annotated[
    Any, typer.Option("--range", parser=read_range, metavar="A,B", help="Input values of black and white: 0,255.")
]
Mean = Annotated[
    Any, typer.Option(parser=read_numbers, metavar="A,B,C", help="Mean to subtract, one for all channels or for each.")
]
Std = Annotated[
    Any, typer.Option(parser=read_deviations, metavar="A,B,C", help="Deviation to divide by, one for all or for each.")
]
ChannelOrder = Annotated[
    Literal["RGB", "BGR"] | None,
    typer.Option(help="Order of colour channels that the model expects."),
]
SaveTriggers = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Write each suspect's trigger there, as .npz and as pictures.")
]
Layer = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The layer to look at, a convolution perhaps; found where not given."),
]
PrunedLayer = Annotated[
    str | None,
    typer.Option(
        "--layer",
        metavar="NAME",
        help="The layer to prune: the first fully connected one where not given, or a convolution; auto tries the "
        "convolutions before it too.",
    ),
]
Trigger = Annotated[Path, typer.Option(metavar="T.npz", help="The trigger: mask and pattern.", show_default=False)]
KnownTrigger = Annotated[
    Path | None, typer.Option(metavar="T.npz", help="A known trigger: measured before and after, not used otherwise.")
]
Fixed = Annotated[
    Path, typer.Option("--output", metavar="FIXED.onnx", help="Where the repaired model goes.", show_default=False)
]
Scan = Annotated[Path | None, typer.Option(metavar="REPORT.json", help="A scan's JSON report to start from.")]
Label = Annotated[int | None, typer.Option(min=0, metavar="N", help="Repair this label, whatever the scan says.")]
Method = Annotated[Literal["prune", "prune+tune", "full"] | None, typer.Option(help="How far a repair goes.")]
Criterion = Annotated[Literal["margin", "success"] | None, typer.Option(help="What judges a prune.")]
MinAgreement = Annotated[
    float | None, typer.Option(min=0, max=1, metavar="Q", help="Least agreement with the original on clean images.")
]
MaxSuccess = Annotated[float | None, typer.Option(min=0, max=1, metavar="S", help="Largest success of the trigger.")]
Evaluation = Annotated[
    str | None,
    typer.Option(metavar="PATH", help="Further clean images: accuracy and the known trigger are measured on them."),
]
Remove = Annotated[
    bool, typer.Option("--remove", help="Take pruned neurons out of the graph: a smaller file with the same answers.")
]
EmbedSamples = Annotated[
    bool,
    typer.Option(
        "--embed-samples",
        help="Keep a few clean images in the report, to show triggers on; leave it out where they are confidential.",
    ),
]
AllowIncomplete = Annotated[
    bool, typer.Option("--allow-incomplete", help="Write the model even where a limit was missed (exit code 1).")
]
PolicyFile = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", help="A policy in TOML; what is given here goes before it.")
]
FailOn = Annotated[
    Literal["backdoored", "suspicion"] | None,
    typer.Option(help="From which finding on a model fails (exit code 1)."),
]
Inconclusive = Annotated[
    Literal["block", "fail", "warn"] | None,
    typer.Option(help="What no verdict comes to: exit code 3, 1, or 0, which the report records."),
]
ExitZero = Annotated[
    bool, typer.Option("--exit-zero", help="Exit code 0 whatever is found, which the report records; errors stay 2.")
]
RequiredLooks = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="Evidence without which no model passes: trigger, compactness, shift, waves."),
]
MinCoverage = Annotated[
    float | None, typer.Option(min=0, max=1, metavar="Q", help="Least share of labels that a scan has to finish.")
]
MemoryLimit = Annotated[
    Any, typer.Option(parser=read_bytes, metavar="4GiB", help="Stop with an error where more memory would be needed.")
]
Domains = Annotated[
    str | None, typer.Option(metavar="A,B", help="Operator domains beside ONNX's own that a model may use.")
]
Attest = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write a statement about the model there, for `onnxaudit verify` (in-toto)."),
]
Bom = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write a bill of materials there: CycloneDX 1.6, JSON (ML-BOM).")
]
SignKey = Annotated[
    Path | None, typer.Option(metavar="KEY.pem", help="Ed25519 private key that signs the statement (DSSE).")
]
Attested = Annotated[
    Path, typer.Option("--attest", metavar="FILE", help="What `scan --attest` wrote.", show_default=False)
]
Key = Annotated[
    list[Path] | None, typer.Option(metavar="KEY.pem", help="A public key whose signature counts.", show_default=False)
]
AllowUnsigned = Annotated[bool, typer.Option("--allow-unsigned", help="Let a statement without a signature count.")]
MaxAge = Annotated[
    Any, typer.Option(parser=read_duration, metavar="30d", help="Longest time for which a statement holds.")
]


@dataclass(frozen=True)
class Outputs:
    """Where results go: stdout, and for each format a file."""

    format: Format = None
    json: Json = None
    html: Html = None
    sarif: Sarif = None
    markdown: Markdown = None
    junit: Junit = None
    quiet: Quiet = False
    verbose: Verbose = False

    @property
    def files(self) -> dict[str, Path]:
        """The files that were asked for, by format."""
        return {name: Path(file) for name, file in self._named().items() if file != STDOUT}

    @property
    def stdout_format(self) -> str:
        """What stdout holds.

        Raises:
            UsageError: it cannot hold two documents.
        """
        names = [name for name, file in self._named().items() if file == STDOUT]
        wanted = dict.fromkeys([*names, *([self.format] if self.format else [])])
        if len(wanted) > 1:
            raise UsageError(f"stdout holds one document, not {' and '.join(wanted)}; name a file for the others")
        return next(iter(wanted), "text")

    @property
    def detail(self) -> "Detail":
        """How much people want to read.

        Raises:
            UsageError: both less and more.
        """
        if self.quiet and self.verbose:
            raise UsageError("--quiet and --verbose contradict each other; leave one out")
        return "brief" if self.quiet else "full" if self.verbose else "usual"

    def _named(self) -> dict[str, str]:
        named = {name: getattr(self, name, None) for name in get_args(FormatName)}
        return {name: file for name, file in named.items() if file is not None}


@dataclass(frozen=True)
class PlainOutputs:
    """Where the results of a command without findings go."""

    format: PlainFormat = None
    json: Json = None
    quiet: Quiet = False
    verbose: Verbose = False

    def widen(self) -> Outputs:
        """The same among all formats."""
        return Outputs(format=self.format, json=self.json, quiet=self.quiet, verbose=self.verbose)


@dataclass(frozen=True)
class RunOutputs(Outputs):
    """Where results go, and how progress is told until then."""

    progress: Progress = "auto"
    no_progress: NoProgress = False

    @property
    def progress_name(self) -> ProgressName:
        """How progress is told."""
        return "none" if self.quiet or self.no_progress else self.progress


@dataclass(frozen=True)
class Computing:
    """How a model is run."""

    seed: Seed = None
    device: Device = None
    input_size: InputSize = None
    pixel_range: Range = None
    mean: Mean = None
    std: Std = None
    channel_order: ChannelOrder = None

    def keep_given(self) -> dict[str, Any]:
        """What was given, under the names that the pipeline uses."""
        return keep_given(
            seed=self.seed,
            device=self.device,
            input_size=self.input_size,
            preprocessing=read_preprocessing(self.pixel_range, self.mean, self.std, self.channel_order),
        )


@dataclass(frozen=True)
class Attesting:
    """Which statements about the model are written, and by whom they are signed."""

    attest: Attest = None
    sign_key: SignKey = None
    bom: Bom = None

    @property
    def files(self) -> list[Path]:
        """The statements that were asked for."""
        return [path for path in (self.attest, self.bom) if path is not None]


@dataclass(frozen=True)
class PolicyRequest:
    """What a command line says of the policy: a file, and options by key."""

    file: Path | None
    options: dict[str, Any]


@dataclass(frozen=True)
class Gating:
    """The policy's keys on the command line; those that name limits of a run are options of their commands."""

    policy: PolicyFile = None
    fail_on: FailOn = None
    inconclusive: Inconclusive = None
    exit_zero: ExitZero = False
    required_looks: RequiredLooks = None
    min_coverage: MinCoverage = None
    memory_limit: MemoryLimit = None
    domains: Domains = None

    def request(self, **limits: Any) -> PolicyRequest:
        """What was given, and the limits that were."""
        options = keep_given(
            fail_on=self.fail_on,
            inconclusive=self.inconclusive,
            exit_zero=self.exit_zero or None,
            required_looks=self.required_looks,
            min_coverage=self.min_coverage,
            memory_limit=self.memory_limit,
            domains=self.domains,
            **limits,
        )
        return PolicyRequest(self.policy, options)
