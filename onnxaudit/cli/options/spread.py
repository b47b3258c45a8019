"""How the models of a run are spread over processes and machines."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import typer

from onnxaudit.cli.values import read_shard
from onnxaudit.errors import UsageError

Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        min=1,
        metavar="N",
        show_default="1",
        help="Scan so many models at once, as far as the memory suffices.",
    ),
]
Shard = Annotated[
    Any,
    typer.Option(
        parser=read_shard,
        metavar="3/10",
        help="Scan the third of ten parts of the models alone; `onnxaudit merge` joins what comes of them.",
    ),
]
EngineName = Literal["local", "ray"]
Engine = Annotated[
    EngineName,
    typer.Option(help="What the scans run on: this machine, or a cluster of Ray's (`pip install ray`)."),
]
Address = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="Where Ray's cluster is; `auto`: that of this machine. By default that one, or one for this run.",
    ),
]
HtmlDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Write a page for each model there, and index.html, which lists them by risk.",
        rich_help_panel="Results",
    ),
]
Parts = Annotated[
    list[Path],
    typer.Argument(metavar="RUN.json", help="What `--json` wrote, of each part of a run.", show_default=False),
]


@dataclass(frozen=True)
class Spread:
    """How many models at once, which part of them, and where."""

    PANEL: ClassVar[str] = "Many models"

    jobs: Jobs = None
    shard: Shard = None
    engine: Engine = "local"
    address: Address = None

    def check(self, sandbox: str) -> None:
        """Refuse what cannot be done together.

        Raises:
            UsageError: options contradict each other.
        """
        if self.engine == "local" and self.address is not None:
            raise UsageError("--address is where Ray's cluster is; add --engine ray")
        if self.engine == "ray" and sandbox == "bwrap":
            raise UsageError("--sandbox bwrap leaves no way to a cluster; leave it out: its machines shut scans in too")
