"""Where results go, and how much is told."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, get_args

import typer

from onnxaudit.cli.stdout import STDOUT
from onnxaudit.errors import UsageError

if TYPE_CHECKING:
    from onnxaudit.report.terminal import Detail

RESULTS = "Results"  # heading of these options in help
FormatName = Literal[
    "text", "json", "html", "sarif", "markdown", "junit"
]  # those of `report.formats`, which `--help` must not import
FILES = ("json", "html", "sarif", "markdown", "junit")  # formats that go into files
Format = Annotated[FormatName | None, typer.Option("--format", show_default="text", help="What stdout holds.")]
PlainFormat = Annotated[
    Literal["text", "json"] | None, typer.Option("--format", show_default="text", help="What stdout holds.")
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
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="The answer alone, no progress.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="All labels, rounds, settings and versions.")]
ProgressName = Literal["auto", "lines", "jsonl", "none"]
Progress = Annotated[
    ProgressName,
    typer.Option(help="Progress on stderr: what fits it, lines, JSON lines, or none."),
]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="Like --progress none.")]
Baseline = Annotated[
    Path | None,
    typer.Option(
        metavar="OLD.json",
        help="A report of an earlier scan: a model all of whose findings it has passes, which the report records.",
        rich_help_panel="Policy",
    ),
]
SaveTriggers = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Write each suspect's trigger there, as .npz and as pictures.", rich_help_panel=RESULTS
    ),
]
EmbedSamples = Annotated[
    bool,
    typer.Option(
        "--embed-samples",
        help="Keep a few clean images in the report, to show triggers on; leave it out where they are confidential.",
        rich_help_panel=RESULTS,
    ),
]


@dataclass(frozen=True)
class Outputs:
    """Where results go: stdout, and for each format a file."""

    PANEL: ClassVar[str] = RESULTS

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

    PANEL: ClassVar[str] = RESULTS

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
